"""A process that is told to end (SIGTERM, a closed terminal) stops as if Ctrl-C had been pressed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ALIKE = ("SIGTERM", "SIGHUP", "SIGBREAK")


@contextmanager
def stopping() -> Iterator[None]:
    """In the main thread: within the block these signals are Ctrl-C, wherever it comes."""

    def as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    before = {}
    for name in _ALIKE:
        if (number := getattr(signal, name, None)) is not None:
            before[number] = signal.signal(number, as_ctrl_c)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
