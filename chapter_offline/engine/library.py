"""llama.cpp as a library: its import, its log, its parameters, its digests.

Everything here concerns the process as a whole. Nothing here knows of models or jobs.
"""

import ctypes
import functools
import hashlib
import importlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

_LEVEL_ERROR = 4  # ggml's own numbers; the bindings' logger has others
_LEVEL_CONTINUED = 5
_KEPT_LINES = 20


class LogSink:
    """Where llama.cpp's log goes: into files that engines open, and never to the terminal.

    llama.cpp has one log for a process, so there is one sink, and several engines may listen.
    """

    def __init__(self) -> None:
        self._files: list[TextIO] = []
        self._errors: deque[str] = deque(maxlen=_KEPT_LINES)
        self._level = 0

    def write(self, level: int, text: str) -> None:
        """Takes one event from llama.cpp; a level "continued" has that of the event before it."""
        if level != _LEVEL_CONTINUED:
            self._level = level
        if self._level >= _LEVEL_ERROR and text.strip():
            self._errors.append(text.strip())
        for file in self._files:
            file.write(text)

    def note(self, text: str) -> None:
        """A line of our own among llama.cpp's."""
        for file in self._files:
            file.write(f"chapter-offline: {text}\n")

    def last_error(self) -> str:
        """The last error that llama.cpp logged since `forget`, on one line; "" if none."""
        return " ".join(self._errors[-1].split()) if self._errors else ""

    def first_error(self) -> str:
        """The first error since `forget`, on one line: the cause, where the last is a summary."""
        return " ".join(self._errors[0].split()) if self._errors else ""

    def forget(self) -> None:
        self._errors.clear()

    def open(self, path: str) -> TextIO:
        """Appends to a log file from now on, until `close`."""
        file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        self._files.append(file)
        return file

    def close(self, file: TextIO) -> None:
        self._files.remove(file)
        file.close()


class Library:
    """The imported bindings (`api`), and the log that they write to."""

    def __init__(self, api: Any, log: LogSink) -> None:
        self.api = api
        self.log = log

        @api.llama_log_callback  # type: ignore[untyped-decorator]
        def receive(level: int, text: bytes, _data: object) -> None:
            log.write(level, text.decode("utf-8", "replace"))

        # llama.cpp keeps the bare pointer, so the callback lives as long as this object.
        self._receive = receive
        api.llama_log_set(receive, ctypes.c_void_p(0))
        api.llama_backend_init()

    def parameters(self, struct: Any, **fields: object) -> Any:
        """Sets fields of a ctypes struct; a name that it does not have is a TypeError.

        ctypes itself takes any name in silence, and the setting is then lost.
        """
        known = {name for name, *_ in struct._fields_}
        unknown = sorted(set(fields) - known)
        if unknown:
            raise TypeError(f"{type(struct).__name__} has no field {', '.join(unknown)}")
        for name, value in fields.items():
            setattr(struct, name, value)
        return struct

    def digests(self) -> Mapping[str, str]:
        """File name and sha256 of every shared library beside the bindings, by name."""
        return dict(_digests(Path(self.api.__file__).resolve().parent / "lib"))


@functools.cache
def load_library() -> Library:
    """Imports llama-cpp-python; once a process, because its log callback must outlive every use."""
    # ggml_abort would start a debugger on the terminal to print its backtrace.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    return Library(importlib.import_module("llama_cpp"), LogSink())


@functools.cache
def _digests(folder: Path) -> tuple[tuple[str, str], ...]:
    found = []
    for path in sorted(folder.iterdir()):
        # The versioned names are links to, or copies of, the same bytes.
        if path.suffix in {".so", ".dylib", ".dll"} and path.is_file():
            with path.open("rb") as file:
                found.append((path.name, hashlib.file_digest(file, "sha256").hexdigest()))
    return tuple(found)


@contextmanager
def interrupt_flag() -> Iterator[Callable[[], bool]]:
    """Ctrl-C sets a flag while llama.cpp runs, and raises KeyboardInterrupt at the end.

    Yields a function that tells whether Ctrl-C was pressed. An exception raised inside a ctypes
    callback is printed and swallowed, so a callback can only read a flag. Outside the main
    thread, or where the caller has a handler of its own, nothing is changed.
    """
    pressed = threading.Event()
    mine = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )

    def note(_number: int, _frame: FrameType | None) -> None:
        pressed.set()

    if mine:
        signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        if mine:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed.is_set():
        raise KeyboardInterrupt
