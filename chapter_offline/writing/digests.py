"""What determines a job's result, as digests: of the machine and the settings, and of the job.

Equal digests mean equal results, so what was written once need not be written again. What a
digest is made of is kept by name, so that it can be said which of it has changed. Guards are code:
they count by their names, by what they were made with, and by the source that they stand in.
"""

import functools
import hashlib
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from chapter_offline.engine.devices import build, processor
from chapter_offline.engine.interface import (
    ChoiceJob,
    Engine,
    Given,
    Guard,
    ScoreJob,
    Span,
    WriteJob,
)

Job = WriteJob | ChoiceJob | ScoreJob
Parts = Mapping[str, str]
"""Digests of all that determines a result, by what they are of."""


def digest_of(*values: object) -> str:
    """sha256 over plain values, dataclasses and guards, in hex. Raises TypeError for any other."""
    text = json.dumps([_plain(value) for value in values], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def surroundings(engine: Engine) -> dict[str, str]:
    """Of what a result depends on beside its job: model, libraries, processor, settings."""
    facts, settings = engine.facts, engine.settings
    if not settings.model_sha256:
        raise ValueError("without the model's sha256 nothing can be known again")
    placed = (settings.gpu_layers, settings.devices, settings.tensor_split, settings.split_mode)
    kernels = (settings.flash_attention, settings.kv_type, settings.window)
    wave = () if facts.pure else (facts.slots,)
    return {
        "model": settings.model_sha256,
        "llama.cpp": digest_of(facts.libraries, build().text),
        "processor": digest_of(processor()),
        "settings": digest_of(placed, kernels, wave, settings.turn_opening),
    }


def parts_of(engine: Engine, job: Job) -> dict[str, str]:
    """Of what a job's result depends on beside the surroundings."""
    thinking = job.thinking if isinstance(job, WriteJob) else 0
    prompt = digest_of(engine.prompt(job.messages, thinking > 0))
    if isinstance(job, ChoiceJob):
        return {"prompt": prompt, "options": digest_of(job.options)}
    if isinstance(job, ScoreJob):
        return {"prompt": prompt, "text": digest_of(job.opening, job.text)}
    guards = [step.guards for step in job.steps if isinstance(step, Span)]
    return {
        "prompt": prompt,
        "limits and sampler": digest_of(thinking, [_step(step) for step in job.steps]),
        "guards": digest_of(guards),
        "seed": digest_of(engine.settings.seed, job.key),
    }


def _step(step: Given | Span) -> list[object]:
    """A step without its guards."""
    return [(each.name, getattr(step, each.name)) for each in fields(step) if each.name != "guards"]


def guard_key(guard: Guard) -> str:
    """A guard's name, what it was made with, and a digest of the source it stands in.

    Raises TypeError where it was made with something whose value can't be told.
    """
    if isinstance(guard, functools.partial):
        return json.dumps([guard_key(guard.func), _plain([guard.args, guard.keywords])])
    if inspect.ismethod(guard):
        return json.dumps([guard_key(guard.__func__), _plain(guard.__self__)])
    if not inspect.isfunction(guard):
        return json.dumps([_source(type(guard)), _plain_fields(guard)])
    made_with = [cell.cell_contents for cell in guard.__closure__ or ()]
    made_with += [guard.__defaults__, guard.__kwdefaults__]
    return json.dumps([guard.__qualname__, _source(guard), _plain(made_with)])


def _plain(value: object) -> Any:
    """A value as JSON has it, the same in every process."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Path):
        raise TypeError("a path says nothing of what lies there")
    if isinstance(value, Mapping):
        return {"map": sorted([_plain(key), _plain(each)] for key, each in value.items())}
    if isinstance(value, AbstractSet):
        return {"set": sorted(map(_plain, value), key=repr)}
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    if isinstance(value, re.Pattern):
        return {"pattern": value.pattern, "flags": value.flags}
    if is_dataclass(value):
        return _plain_fields(value)
    if inspect.isfunction(value):
        return {"function": guard_key(value)}
    raise TypeError(f"no digest can be taken of a {type(value).__qualname__}")


def _plain_fields(value: object) -> Any:
    if not is_dataclass(value):
        raise TypeError(f"a {type(value).__qualname__} is neither a function nor a dataclass")
    own = [[each.name, _plain(getattr(value, each.name))] for each in fields(value)]
    return {type(value).__qualname__: own}


def _source(code: Any) -> str:
    """A digest of the folder of sources in which a function or class stands, and its module."""
    path = Path(inspect.getfile(code)).resolve()
    return f"{code.__module__} {_folder(path.parent)}"


@functools.cache
def _folder(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
