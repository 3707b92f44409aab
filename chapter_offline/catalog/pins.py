"""Which models exist: the pins of `models.toml`, with the user's own before them.

A pin is a promise about bytes: its sha256 decides, wherever the file came from. Knows nothing of
where files lie or how they are fetched.
"""

import difflib
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import tomli

from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.resources import models_file

Thinking = Literal["never", "optional", "always"]


@dataclass(frozen=True)
class WheelPart:
    """One wheel that carries a piece of a model's file.

    requirement: name and version as pip takes them. member: the path inside the wheel.
    """

    requirement: str
    member: str


@dataclass(frozen=True)
class PinnedFile:
    """One file of a model. file: its path inside the repo. sha256, bytes: what it must be."""

    file: str
    sha256: str
    bytes: int

    @property
    def local_file(self) -> str:
        """The file's own name, without the folders that the repo keeps it in."""
        return PurePosixPath(self.file).name


@dataclass(frozen=True)
class Pin:
    """One model that the program knows by name.

    repo, commit, file: where the Hub has it; a model that was brought from elsewhere has neither
        repo nor commit. sha256, bytes: what that file must be. more: the further files of a model
        that is split, in order.
    wheels: wheels whose members, joined in this order, are the same bytes; may be empty.
    license, license_link: the model's own. base_model: the repo that it was made from.
    made_from: sha256 of the file that this one was requantized from.
    architecture, quantization: by llama.cpp's names.
    parameters: weights of the network, a count; active_parameters: those that a token passes
        through, where not all.
    trained_window: tokens of its trained context.
    layers: a count; kv_layers: those whose cache grows with the context. kv_heads, head_length:
        heads of keys and values, numbers in each. kv_bytes_per_token: bytes of KV cache that one
        token takes in `kv_layers`, at 16 bits a number. sliding_window: tokens, 0 for none.
    thinking: whether the model thinks before it answers. turn_opening: what stands behind its chat
        template where an answer is to come at once.
    mine: whether the user's own file says this; overrides: and the program's says otherwise.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    license: str
    parameters: int
    trained_window: int
    kv_bytes_per_token: int
    repo: str = ""
    commit: str = ""
    more: tuple[PinnedFile, ...] = ()
    wheels: tuple[WheelPart, ...] = ()
    license_link: str = ""
    base_model: str = ""
    made_from: str = ""
    architecture: str = ""
    quantization: str = ""
    active_parameters: int = 0
    layers: int = 0
    kv_layers: int = 0
    kv_heads: int = 0
    head_length: int = 0
    sliding_window: int = 0
    thinking: Thinking = "never"
    turn_opening: str = ""
    mine: bool = False
    overrides: bool = False

    @property
    def files(self) -> tuple[PinnedFile, ...]:
        """All files; llama.cpp is given the first, and finds the others beside it."""
        return (PinnedFile(self.file, self.sha256, self.bytes), *self.more)

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(each.bytes for each in self.files)

    @property
    def local_file(self) -> str:
        """The first file's own name, without the folders that the repo keeps it in."""
        return self.files[0].local_file

    @property
    def digest(self) -> str:
        """One sha256 that names the model's bytes: see `digest_of`."""
        return digest_of([each.sha256 for each in self.files])

    @property
    def work(self) -> int:
        """Weights that a token passes through; what it takes to read or write one grows with it."""
        return self.active_parameters or self.parameters


def digest_of(digests: list[str]) -> str:
    """The sha256 of a model: its file's own, or of its files' digests, a line each."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(f"{each}\n" for each in digests).encode()).hexdigest()


def load_pins(file: Path | None = None, own: Path | None = None) -> tuple[Pin, ...]:
    """All pins: the program's in the order of `models.toml`, then what the user has added.

    A table of the user's takes the place of the program's of that name. file, own: other files
    than these two. Raises BadInputError, naming file, model and field, for what can't be accepted.
    """
    from chapter_offline.catalog.own_pins import own_file, own_pins

    program = program_pins(file or models_file())
    mine = {pin.name: pin for pin in own_pins(own or own_file())}
    known = {pin.name for pin in program}
    marked = {name: replace(pin, overrides=name in known) for name, pin in mine.items()}
    kept = tuple(marked.get(pin.name, pin) for pin in program)
    return kept + tuple(pin for name, pin in marked.items() if name not in known)


def program_pins(path: Path) -> tuple[Pin, ...]:
    """The pins of the program's own file, which has one at least."""
    from chapter_offline.catalog.pin_tables import pins_of

    pins = pins_of(path, read_toml(path))
    if not pins:
        raise BadInputError(f'{path}: no models; each needs a table [models."NAME"]')
    return pins


def read_toml(path: Path) -> dict[str, Any]:
    """A file of pins as TOML."""
    try:
        return tomli.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError) as error:
        raise BadInputError(f"{path}: can't be read as TOML: {error}") from error


def find_pin(name: str, pins: tuple[Pin, ...] | None = None) -> Pin:
    """The pin of that name. Raises UsageError with the nearest names for any other."""
    known = {pin.name: pin for pin in (load_pins() if pins is None else pins)}
    if name in known:
        return known[name]
    shown = repr(name if len(name) <= 60 else name[:57] + "...")
    asked = name[:100].lower()
    near = [each for each in known if asked and asked in each]
    near = near or difflib.get_close_matches(asked, known, n=3, cutoff=0.4)
    hint = f"nearest: {', '.join(near[:3])}" if near else "chapter-offline models list shows all"
    raise UsageError(
        f"no model is named {shown}; {hint}. "
        "A file of your own is given by its path: --model ./NAME.gguf"
    )
