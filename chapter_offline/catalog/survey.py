"""All models against one machine: what fits, at which window, what is here."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chapter_offline.catalog.choose import need
from chapter_offline.catalog.fit import (
    CHAPTER_BYTES,
    Need,
    footprint,
    largest_window,
)
from chapter_offline.catalog.memory import available_memory
from chapter_offline.catalog.own_pins import in_use
from chapter_offline.catalog.pins import Pin
from chapter_offline.catalog.store import is_here, model_path
from chapter_offline.engine.interface import Settings
from chapter_offline.engine.layout import CPU_SLOTS
from chapter_offline.errors import ChapterOfflineError

USUAL_WINDOW = 4096


@dataclass(frozen=True)
class Surveyed:
    """One model on this machine.

    window: the largest that fits, 0 where none does. needs: bytes at the usual window, or at the
    largest that it was trained for. slots: jobs decoded together. path: where it lies, "" if not
    here. exam: what it has been examined in. problem: why its file can't be used.
    """

    pin: Pin
    here: bool
    path: str
    window: int
    needs: int
    slots: int
    exam: str = ""
    problem: str = ""

    @property
    def note(self) -> str:
        """What the list says at its end."""
        if self.problem:
            return "damaged"
        return ("overrides" if self.pin.overrides else "yours") if self.pin.mine else ""

    def facts(self) -> dict[str, Any]:
        """All of it, for JSON."""
        pin = {
            key: value
            for key, value in asdict(self.pin).items()
            if value not in ("", 0, (), False) and key != "wheels"
        }
        return pin | {
            "total_bytes": self.pin.total_bytes,
            "here": self.here,
            "path": self.path,
            "fits": self.window > 0,
            "largest_window": self.window,
            "needs_bytes": self.needs,
            "slots": self.slots,
            "exam": self.exam or None,
            "yours": self.pin.mine,
            "overrides": self.pin.overrides,
            "problem": self.problem or None,
        }

    def lines(self) -> list[tuple[str, str]]:
        """All of it, a line each, for a person."""
        pin = self.pin
        fits = f"up to a window of {self.window:,} tokens, {self.slots} jobs together"
        lines = [
            ("model", pin.name + (f" ({self.note})" if self.note else "")),
            ("licence", f"{pin.license}  {pin.license_link}".strip()),
            ("repo", pin.repo),
            ("commit", pin.commit),
            *(("file", f"{each.file}  {each.bytes:,} bytes  {each.sha256}") for each in pin.files),
            ("made from", pin.base_model or pin.made_from),
            ("weights", _weights(pin)),
            ("memory kept", _kind(pin)),
            ("trained window", f"{pin.trained_window:,} tokens"),
            ("thinking", pin.thinking),
            ("needs", f"{self.needs / 1e9:.2f} GB at a window of {self._usual:,}"),
            ("fits here", fits if self.window else "no"),
            ("examined in", self.exam),
            ("here", self.path or "no"),
            ("problem", self.problem),
        ]
        return [(label, value) for label, value in lines if value]

    @property
    def _usual(self) -> int:
        return min(USUAL_WINDOW, self.pin.trained_window)


@dataclass(frozen=True)
class Survey:
    """models: in their order. memory: bytes to fit in. auto: the name that `auto` takes, or ""."""

    models: tuple[Surveyed, ...]
    memory: int
    auto: str


def survey(pins: Iterable[Pin], memory: int = 0, exams: Mapping[str, str] | None = None) -> Survey:
    """What of these fits in so many bytes; 0 for what is free. Reads the headers of what is here.

    exams: what a model has been examined in, by its digest.
    """
    limit = memory or available_memory()
    models = tuple(
        _one(pin, limit, (exams or {}).get(pin.digest, ""))
        for pin in sorted(pins, key=lambda pin: pin.total_bytes)
    )
    return Survey(models, limit, _auto(models))


def _one(pin: Pin, limit: int, exam: str) -> Surveyed:
    here, problem = is_here(pin), ""
    try:
        wanted = need(pin)
    except ChapterOfflineError as error:
        problem = str(error)
        return Surveyed(pin, here, str(model_path(pin)), 0, 0, 0, exam, problem)
    settings = Settings(window=min(USUAL_WINDOW, pin.trained_window))
    window = largest_window(wanted, settings, limit, CHAPTER_BYTES)
    return Surveyed(
        pin,
        here,
        str(model_path(pin)) if here else "",
        window,
        least_bytes(wanted, settings.window),
        1 if wanted.alone else CPU_SLOTS,
        exam,
    )


def least_bytes(wanted: Need, window: int) -> int:
    """Bytes that a chapter takes at least with a model at a window."""
    return footprint(wanted, Settings(window=window, cells=1), CHAPTER_BYTES).total


def _auto(models: tuple[Surveyed, ...]) -> str:
    used = in_use()
    if used:
        return used
    usable = [
        each for each in models if each.here and each.window >= min(USUAL_WINDOW, each._usual)
    ]
    return usable[-1].pin.name if usable else ""


def _weights(pin: Pin) -> str:
    active = f", {pin.active_parameters:,} of them for a token" if pin.active_parameters else ""
    return " ".join(
        filter(None, (f"{pin.parameters:,}{active}", pin.architecture, pin.quantization))
    )


def _kind(pin: Pin) -> str:
    if pin.sliding_window:
        return f"sliding windows of {pin.sliding_window:,} tokens in {pin.layers - pin.kv_layers} of {pin.layers} layers"
    if 0 < pin.kv_layers < pin.layers:
        return f"hybrid: keys and values in {pin.kv_layers} of {pin.layers} layers, a state in the others"
    return f"keys and values, {pin.kv_bytes_per_token:,} bytes a token"
