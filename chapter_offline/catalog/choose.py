"""From what a person asked for (`--model`) to a checked file on this disk. Never fetches.

`auto` takes the model that the user has chosen to use, else the largest pinned one that is here and
fits; a name takes that pin; anything that looks like a path is a file of the user's own.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline.catalog.fit import (
    CHAPTER_BYTES,
    Gpu,
    Need,
    gpu_layers,
    need_of,
    need_of_pin,
    within,
)
from chapter_offline.catalog.header import Header, read_header, split_paths
from chapter_offline.catalog.memory import available_memory
from chapter_offline.catalog.own_pins import in_use
from chapter_offline.catalog.pins import Pin, digest_of, find_pin, load_pins
from chapter_offline.catalog.progress import Progress
from chapter_offline.catalog.store import file_sha256, is_here, missing, model_path, verify
from chapter_offline.catalog.strangers import try_out
from chapter_offline.engine.interface import Settings
from chapter_offline.errors import BadInputError, DoesNotFitError, NoModelError, UsageError

AUTO = "auto"
_GPU_MARGIN = 1.05
_LONGEST_SPEC = 4096  # no system opens a longer path


@dataclass(frozen=True)
class ResolvedModel:
    """A model's file that was checked and may be loaded.

    name: the pin's name, or the file's own for a stranger. sha256: of the file, in hex; of a split
    model, see `pins.digest_of`. pin: None for a file that no pin names. header: what the file says
    of itself.
    """

    path: Path
    name: str
    sha256: str
    pin: Pin | None
    header: Header


def resolve_model(
    spec: str, window: int, observer: Progress | None = None, memory: int = 0
) -> ResolvedModel:
    """The model that `spec` names: "auto", a pin's name, or the path of a GGUF file.

    window: tokens that will be asked for; memory: bytes that it may take, 0 for what is free. They
    decide what fits. A pin's digest is checked (quickly if the file hasn't changed since the last
    time); of a stranger's file it is taken, and the file is first loaded in a process of its own.

    Raises UsageError for an unknown name, NoModelError where the model isn't here or its bytes are
    not the pinned ones, BadInputError for a file that is missing, cut off, not GGUF, without a chat
    template or that llama.cpp can't stand, DoesNotFitError where window or memory is too small.
    """
    limit = memory or available_memory()
    if spec == AUTO:
        return _of_pin(_in_use() or _largest_here(window, limit), window, limit, observer)
    if _is_path(spec):
        return _of_file(Path(os.path.expanduser(spec)), window, limit, observer)
    pin = find_pin(spec)
    if not is_here(pin):
        raise missing(pin)
    return _of_pin(pin, window, limit, observer)


def fitted(model: ResolvedModel, settings: Settings, memory: int = 0) -> Settings:
    """The settings, with a KV cache that fits beside a chapter within `memory` bytes (0: what is free).

    Raises DoesNotFitError.
    """
    wanted = need_of(model.header, model.name)
    if settings.gpu_layers:
        _check_gpus(wanted, settings)
        return settings
    return within(wanted, settings, memory or available_memory(), CHAPTER_BYTES)


def _check_gpus(wanted: Need, settings: Settings) -> None:
    """Refuses more layers than the GPUs hold. Where there is none, the engine says so itself."""
    from chapter_offline.engine.devices import devices

    gpus = [
        # The estimate may be a little high; what just so fits is not refused.
        Gpu(each.name, int(each.free * _GPU_MARGIN))
        for each in devices()
        if each.kind == "gpu" and (not settings.devices or each.name in settings.devices)
    ]
    every = len(wanted.layers) + 1
    asked = every if settings.gpu_layers < 0 else min(settings.gpu_layers, every)
    held = gpu_layers(wanted, settings, gpus)
    if gpus and sum(held) < asked:
        each_gpu = ", ".join(f"{n} on {gpu.name}" for n, gpu in zip(held, gpus, strict=True))
        raise DoesNotFitError(
            f"{wanted.name}: of {asked} layers {sum(held)} fit ({each_gpu}); "
            f"use --gpu-layers {sum(held)}, a smaller --window or a smaller model"
        )


def largest_to_pull(limit_bytes: int, window: int = 4096) -> tuple[Pin, ...]:
    """Pins of at most `limit_bytes` that fit this machine's free memory, the largest first."""
    free = available_memory()
    return tuple(
        pin
        for pin in _by_size()
        if pin.repo and pin.total_bytes <= limit_bytes and fits(pin, window, free)
    )


def need(pin: Pin) -> Need:
    """What a pin takes: by its file's header, where that is here."""
    if is_here(pin):
        return need_of(read_header(model_path(pin)), pin.name)
    return need_of_pin(pin)


def fits(pin: Pin, window: int, limit: int) -> bool:
    """Whether a pin serves a window within `limit` bytes."""
    try:
        within(need(pin), Settings(window=window), limit, CHAPTER_BYTES)
    except DoesNotFitError:
        return False
    return True


def _in_use() -> Pin | None:
    """The model that the user has chosen to use; None where they left it open."""
    name = in_use()
    if not name:
        return None
    pin = find_pin(name)
    if not is_here(pin):
        raise missing(pin)
    return pin


def _largest_here(window: int, limit: int) -> Pin:
    """The largest pin that is here and serves the window within so many bytes."""
    here = [pin for pin in _by_size() if is_here(pin)]
    if not here:
        names = [pin.name for pin in largest_to_pull(1_500_000_000, window)]
        name = names[0] if names else _by_size()[-1].name
        raise NoModelError(f"no model is here; fetch one with: chapter-offline models pull {name}")
    serving = [pin for pin in here if window <= pin.trained_window]
    if not serving:
        longest = max(pin.trained_window for pin in here)
        raise DoesNotFitError(
            f"no model that is here was trained for a window of {window:,} tokens; "
            f"use --window {longest} or less"
        )
    for pin in serving:
        if fits(pin, window, limit):
            return pin
    within(need(serving[-1]), Settings(window=window), limit, CHAPTER_BYTES)
    raise AssertionError("what doesn't fit was not refused")


def _of_pin(pin: Pin, window: int, limit: int, observer: Progress | None) -> ResolvedModel:
    path = verify(pin, observer)
    header = read_header(path)
    found = ResolvedModel(path, pin.name, pin.digest, pin, header)
    _check(found, window, limit)
    if pin.mine:
        try_out(path, pin.digest, header)
    return found


def _of_file(path: Path, window: int, limit: int, observer: Progress | None) -> ResolvedModel:
    header = read_header(path)
    paths = split_paths(path, header.splits) if header.splits > 1 else (path,)
    digest = digest_of([file_sha256(each, observer) for each in paths])
    pin = next((pin for pin in load_pins() if pin.digest == digest), None)
    found = ResolvedModel(path, pin.name if pin else path.name, digest, pin, header)
    _check(found, window, limit)
    if pin is None or pin.mine:
        try_out(path, digest, header)
    return found


def _check(model: ResolvedModel, window: int, limit: int) -> None:
    """What a file must have to serve this window in so much memory."""
    if model.header.chat_template is None:
        raise BadInputError(
            f"{model.path}: has no chat template, so it can't be asked anything; "
            "give an instruct model's file that carries tokenizer.chat_template"
        )

    def others() -> list[str]:
        return [
            pin.name
            for pin in _by_size()
            if pin.name != model.name and is_here(pin) and fits(pin, window, limit)
        ]

    named = replace(need_of(model.header, model.name), name=model.path.name)
    within(named, Settings(window=window), limit, CHAPTER_BYTES, others)


def _by_size() -> list[Pin]:
    """All pins, the largest first."""
    return sorted(load_pins(), key=lambda pin: pin.total_bytes, reverse=True)


def _is_path(spec: str) -> bool:
    """Whether a person means a file: names of pins have no separators and no .gguf at the end."""
    if "\0" in spec or not spec.strip() or len(spec) > _LONGEST_SPEC:
        raise UsageError("--model needs auto, a model's name or the path of a GGUF file")
    if "/" in spec or "\\" in spec or spec.lower().endswith(".gguf"):
        return True
    # A pin's name goes before a file of that name in the folder that one happens to be in.
    return os.path.isfile(spec) and all(spec != pin.name for pin in load_pins())
