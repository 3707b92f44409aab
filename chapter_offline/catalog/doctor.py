"""What this machine can do, what is wrong, and what to do about it."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chapter_offline.catalog.bringing import free_bytes
from chapter_offline.catalog.choose import need
from chapter_offline.catalog.fit import Gpu, gpu_layers
from chapter_offline.catalog.machine import Machine, Problem, look
from chapter_offline.catalog.pins import Pin, load_pins
from chapter_offline.catalog.speed import Speed, measure
from chapter_offline.catalog.store import hub_root, is_here, own_root, verify
from chapter_offline.catalog.survey import Surveyed, survey
from chapter_offline.engine.interface import Settings
from chapter_offline.errors import ChapterOfflineError

PATIENCE_SECONDS = 3600.0
"""A model whose chapter takes longer is not recommended."""
_LITTLE_DISK = 2_000_000_000


@dataclass(frozen=True)
class Fitting:
    """A model that fits. seconds: of a standard chapter, 0 where nothing was measured.

    layers: how many each GPU could hold, by its name; () without a GPU.
    """

    model: Surveyed
    seconds: float
    layers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Diagnosis:
    """All that the doctor found. recommended: a model's name, or "". stores: folders by use."""

    machine: Machine
    stores: Mapping[str, str]
    disk_free: int
    speed: Speed | None
    fitting: tuple[Fitting, ...]
    recommended: str
    problems: tuple[Problem, ...]

    def facts(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "machine": {k: v for k, v in asdict(self.machine).items() if k != "problems"},
            "stores": dict(self.stores),
            "disk_free_bytes": self.disk_free,
            "measured": asdict(self.speed) if self.speed else None,
            "fits": [
                each.model.facts()
                | {"chapter_seconds": round(each.seconds) or None, "gpu_layers": dict(each.layers)}
                for each in self.fitting
            ],
            "recommended": self.recommended or None,
            "problems": [asdict(each) for each in self.problems],
        }


def examine(memory: int = 0, *, measuring: bool = True) -> Diagnosis:
    """Examines this machine. memory: bytes to fit in, 0 for what is free.

    measuring: lets the smallest model that is here write for a few seconds.
    """
    machine, pins = look(), load_pins()
    surveyed = survey(pins, memory)
    problems = list(machine.problems)
    speed = None
    if measuring:
        speed, failed = _measured(pins)
        problems += failed
    gpus = [Gpu(name, free) for name, _, free, _ in machine.devices if name != "CPU"]
    fitting = tuple(
        Fitting(
            each,
            speed.chapter_seconds(each.pin) if speed else 0.0,
            _layers(each.pin, gpus if machine.gpu else []),
        )
        for each in surveyed.models
        if each.window
    )
    disk = free_bytes(hub_root())
    problems += _of_stores(pins, surveyed.models, disk)
    return Diagnosis(
        machine=machine,
        stores={"from the Hub": str(hub_root()), "your own": str(own_root())},
        disk_free=disk,
        speed=speed,
        fitting=fitting,
        recommended=_recommended(fitting, speed),
        problems=tuple(problems),
    )


def _measured(pins: tuple[Pin, ...]) -> tuple[Speed | None, list[Problem]]:
    here = sorted((pin for pin in pins if is_here(pin)), key=lambda pin: pin.total_bytes)
    problems: list[Problem] = []
    for pin in here:
        try:
            return measure(verify(pin), pin), problems
        except ChapterOfflineError as error:
            problems.append(Problem(" ".join(str(error).split()), _again(pin)))
    return None, problems


def _layers(pin: Pin, gpus: list[Gpu]) -> tuple[tuple[str, int], ...]:
    held = gpu_layers(need(pin), Settings(gpu_layers=-1), gpus)
    return tuple((gpu.name, count) for gpu, count in zip(gpus, held, strict=True))


def _of_stores(pins: tuple[Pin, ...], models: tuple[Surveyed, ...], disk: int) -> list[Problem]:
    problems = [Problem(each.problem, _again(each.pin)) for each in models if each.problem]
    if not any(is_here(pin) for pin in pins):
        small = next(pin for pin in pins if pin.repo)
        problems.append(
            Problem("no model is here", f"chapter-offline models pull {small.name} (or another)")
        )
    if disk < _LITTLE_DISK:
        problems.append(
            Problem(
                f"{disk / 1e9:.1f} GB are free for models",
                "free some, or set HF_HUB_CACHE to a folder on a larger disk",
            )
        )
    folder = Path(hub_root())
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        problems.append(
            Problem(
                f"{folder} can't be written, so no model can be fetched",
                "set HF_HUB_CACHE to a folder of yours",
            )
        )
    return problems


def _again(pin: Pin) -> str:
    return (
        f"chapter-offline models pull {pin.name}"
        if pin.repo
        else f"chapter-offline models remove {pin.name}"
    )


def _recommended(fitting: tuple[Fitting, ...], speed: Speed | None) -> str:
    """The largest model whose chapter a person would wait for; without a measurement, a modest one."""
    usable = [
        each
        for each in fitting
        if each.model.window >= 4096 or each.model.window == each.model.pin.trained_window
    ]
    if speed:
        usable = [each for each in usable if each.seconds <= PATIENCE_SECONDS] or usable[:1]
    else:
        usable = [each for each in usable if each.model.pin.work <= 2_000_000_000] or usable[:1]
    return usable[-1].model.pin.name if usable else ""
