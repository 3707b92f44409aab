"""How the Hub is asked anything: within a time that holds, quietly, and with its errors in words.

Knows nothing of where files lie.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from chapter_offline.catalog.sources import SourceError, in_one_line

_T = TypeVar("_T")


def endpoint() -> str | None:
    """The address of a mirror in place of the Hub, if one is set. Raises SourceError if offline."""
    if _is_set("HF_HUB_OFFLINE") or _is_set("TRANSFORMERS_OFFLINE"):
        raise SourceError("HF_HUB_OFFLINE is set")
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """The result of `work`, or TimeoutError.

    In a thread of its own: a look-up of a name, or a host with many addresses that don't answer,
    takes far longer than any time-out that a socket knows, and holds up Ctrl-C.
    """
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer in {seconds:.0f} seconds")
    return results[0]


def status(error: Exception) -> int | None:
    """The HTTP status that an error carries, if any."""
    code = getattr(getattr(error, "response", None), "status_code", None)
    return code if isinstance(code, int) else None


def cause(error: Exception, repo: str, file: str, commit: str) -> str:
    """One line on why the Hub couldn't serve the file."""
    code = status(error)
    if code in (401, 403):
        return f"it answers {code}: {repo} needs a token with access; ask for it at {page(repo)} and set HF_TOKEN"
    if code == 404:
        return f"it answers 404: no {file} in {repo} at commit {commit[:12]}"
    if code is not None:
        return f"it answers {code}"
    if "Timeout" in type(error).__name__:
        return in_one_line(str(error)) or "no answer in time"
    text = in_one_line(str(error)) or type(error).__name__
    return text.split("] ", 1)[-1] if text.startswith("[Errno") else text


def page(repo: str) -> str:
    """The page of a repo, where a person accepts its terms."""
    return f"{os.environ.get('HF_ENDPOINT', '').rstrip('/') or 'https://huggingface.co'}/{repo}"


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps huggingface_hub to what it is asked for.

    It writes warnings to the terminal, where our own progress stands, and asks the Hub for a list
    to recognise by which program it is run; a pull tells no one who is pulling.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import logging as hub_logging

    before = hub_logging.get_verbosity(), constants.HF_HUB_DISABLE_TELEMETRY
    hub_logging.set_verbosity(logging.ERROR)
    constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        yield
    finally:
        hub_logging.set_verbosity(before[0])
        constants.HF_HUB_DISABLE_TELEMETRY = before[1]
