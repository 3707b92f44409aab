"""The user's own `models.toml`: models that they added, and which one is meant by `auto`.

It lies in the user's configuration folder and has the same tables as the program's; one of the
same name goes before it. Knows nothing of where models' files lie.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from chapter_offline.catalog.disk import writing
from chapter_offline.catalog.pins import Pin, read_toml
from chapter_offline.errors import BadInputError

_HEAD = """# Models of your own, written by `chapter-offline models add|import|requantize|use`; edit as you like.
# A table here goes before the program's of the same name.

"""
_FIELDS = (
    "file", "sha256", "bytes", "license", "parameters", "trained_window", "kv_bytes_per_token",
    "repo", "commit", "license_link", "base_model", "made_from", "architecture", "quantization",
    "active_parameters", "layers", "kv_layers", "kv_heads", "head_length", "sliding_window",
    "thinking", "turn_opening",
)  # fmt: skip


def own_file() -> Path:
    """Where the user's own pins lie, or would lie."""
    import platformdirs  # here: a start that asks for no model need not pay for it

    return Path(platformdirs.user_config_dir("chapter-offline", appauthor=False)) / "models.toml"


def own_pins(path: Path) -> tuple[Pin, ...]:
    """The user's own pins; none where there is no such file. Raises BadInputError."""
    from chapter_offline.catalog.pin_tables import pins_of

    return pins_of(path, _content(path), mine=True)


def in_use(path: Path | None = None) -> str:
    """The name of the model that `auto` means, or "" where the largest that fits is meant."""
    used = _content(path or own_file()).get("use", "")
    if not isinstance(used, str):
        raise BadInputError(f"{path or own_file()}: use must be the name of a model")
    return used


def put(pin: Pin) -> Path:
    """Writes a pin into the user's file, in place of one of that name; returns the file."""

    def change(content: dict[str, Any]) -> None:
        content.setdefault("models", {})[pin.name] = _table(pin)

    return _changed(change)


def as_toml(pins: Iterable[Pin]) -> bytes:
    """Pins as a file of their own."""
    import tomli_w

    return tomli_w.dumps({"models": {pin.name: _table(pin) for pin in pins}}).encode()


def drop(name: str) -> Path:
    """Takes a pin out of the user's file, and is no longer in use; returns the file."""

    def change(content: dict[str, Any]) -> None:
        content.get("models", {}).pop(name, None)
        if content.get("use") == name:
            del content["use"]

    return _changed(change)


def use(name: str) -> Path:
    """Makes `auto` mean that model; "" leaves it to what fits. Returns the file."""

    def change(content: dict[str, Any]) -> None:
        content.pop("use", None)
        if name:
            content["use"] = name

    return _changed(change)


def _content(path: Path) -> dict[str, Any]:
    return read_toml(path) if path.is_file() else {}


def _table(pin: Pin) -> dict[str, Any]:
    fields = {name: getattr(pin, name) for name in _FIELDS}
    table = {name: value for name, value in fields.items() if value and value != "never"}
    if pin.more:
        table["more"] = [
            {"file": each.file, "sha256": each.sha256, "bytes": each.bytes} for each in pin.more
        ]
    return table


def _changed(change: Callable[[dict[str, Any]], None]) -> Path:
    """Reads, changes and writes the file whole, so that a cut leaves the old one."""
    import tomli_w

    path = own_file()
    content = _content(path)
    change(content)
    content = {key: content[key] for key in sorted(content, key=lambda key: key != "use")}
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        fresh.write_text(_HEAD + tomli_w.dumps(content), encoding="utf-8")
        os.replace(fresh, path)
    return path
