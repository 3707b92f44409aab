"""From what a person asked for (`--model`) to a checked file on this disk. Never fetches.

`auto` takes the largest pinned model that is here and fits; a name takes that pin; anything that
looks like a path is a file of the user's own.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.catalog.fit import available_memory, footprint, total_memory
from chapter_offline.catalog.header import Header, read_header
from chapter_offline.catalog.pins import Pin, find_pin, load_pins
from chapter_offline.catalog.progress import Progress
from chapter_offline.catalog.store import file_sha256, is_here, verify
from chapter_offline.errors import BadInputError, DoesNotFitError, NoModelError, UsageError

AUTO = "auto"
_LONGEST_SPEC = 4096  # no system opens a longer path


@dataclass(frozen=True)
class ResolvedModel:
    """A model's file that was checked and may be loaded.

    name: the pin's name, or the file's own for a stranger. sha256: of the file, in hex.
    pin: None for a file that no pin names. header: what the file says of itself.
    """

    path: Path
    name: str
    sha256: str
    pin: Pin | None
    header: Header


def resolve_model(spec: str, window: int, observer: Progress | None = None) -> ResolvedModel:
    """The model that `spec` names: "auto", a pin's name, or the path of a GGUF file.

    window: tokens that will be asked for; it decides what fits. A pin's digest is checked (quickly
    if the file hasn't changed since the last time); of a stranger's file it is taken.

    Raises UsageError for an unknown name, NoModelError where the model isn't here or its bytes are
    not the pinned ones, BadInputError for a file that is missing, cut off, not GGUF or without a
    chat template, DoesNotFitError where window or memory is too small.
    """
    if spec == AUTO:
        return _of_pin(_largest_here(window), window, observer)
    if _is_path(spec):
        return _of_file(Path(os.path.expanduser(spec)), window, observer)
    pin = find_pin(spec)
    if not is_here(pin):
        raise NoModelError(
            f"{pin.name} isn't here; fetch it with: chapter-offline models pull {pin.name}"
        )
    return _of_pin(pin, window, observer)


def largest_to_pull(limit_bytes: int, window: int = 4096) -> tuple[Pin, ...]:
    """Pins of at most `limit_bytes` that fit this machine's free memory, the largest first."""
    return tuple(pin for pin in _by_size() if pin.bytes <= limit_bytes and _fits_now(pin, window))


def _largest_here(window: int) -> Pin:
    """The largest pin that is here and serves the window within the memory that is free."""
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
        if _fits_now(pin, window):
            return pin
    needed = footprint(serving[-1].bytes, serving[-1].kv_bytes_per_token, window).total
    raise DoesNotFitError(
        f"{serving[-1].name}, the smallest model here, needs {needed:,} bytes of memory at a "
        f"window of {window:,}, and {available_memory():,} are free. "
        "Close other programs or use a smaller --window"
    )


def _of_pin(pin: Pin, window: int, observer: Progress | None) -> ResolvedModel:
    path = verify(pin, observer)
    header = read_header(path)
    _check(path, header, window)
    return ResolvedModel(path, pin.name, pin.sha256, pin, header)


def _of_file(path: Path, window: int, observer: Progress | None) -> ResolvedModel:
    header = read_header(path)
    _check(path, header, window)
    digest = file_sha256(path, observer)
    pin = next((pin for pin in load_pins() if pin.sha256 == digest), None)
    return ResolvedModel(path, pin.name if pin else path.name, digest, pin, header)


def _check(path: Path, header: Header, window: int) -> None:
    """What a file must have to serve this window on this machine."""
    if header.chat_template is None:
        raise BadInputError(
            f"{path}: has no chat template, so it can't be asked anything; "
            "give an instruct model's file that carries tokenizer.chat_template"
        )
    if window > header.trained_window:
        raise DoesNotFitError(
            f"{path.name} was trained for a window of {header.trained_window:,} tokens, not "
            f"{window:,}; use --window {header.trained_window} or less"
        )
    # What is free now may be made free; what the machine hasn't can't.
    needed = footprint(header.file_bytes, header.kv_bytes_per_token, window).total
    total = total_memory()
    if needed > total:
        raise DoesNotFitError(
            f"{path.name} needs {needed:,} bytes of memory at a window of {window:,}, and this "
            f"machine gives {total:,}. Use a smaller model or --window"
        )


def _fits_now(pin: Pin, window: int) -> bool:
    return footprint(pin.bytes, pin.kv_bytes_per_token, window).total <= available_memory()


def _by_size() -> list[Pin]:
    """All pins, the largest file first."""
    return sorted(load_pins(), key=lambda pin: pin.bytes, reverse=True)


def _is_path(spec: str) -> bool:
    """Whether a person means a file: names of pins have no separators and no .gguf at the end."""
    if "\0" in spec or not spec.strip() or len(spec) > _LONGEST_SPEC:
        raise UsageError("--model needs auto, a model's name or the path of a GGUF file")
    if "/" in spec or "\\" in spec or spec.lower().endswith(".gguf"):
        return True
    # A pin's name goes before a file of that name in the folder that one happens to be in.
    return os.path.isfile(spec) and all(spec != pin.name for pin in load_pins())
