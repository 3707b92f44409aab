"""Gets a pin's file from the Hugging Face Hub, at the pinned commit.

Asks with huggingface_hub (address, token, session, HF_ENDPOINT, HF_HUB_OFFLINE); the bytes are
received here, since its own download can't go on where an earlier one was cut, and waits as long
as a server tells it to.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from chapter_offline.catalog.disk import write_all, writing
from chapter_offline.catalog.pins import Pin
from chapter_offline.catalog.progress import Progress
from chapter_offline.catalog.sources import SourceError, in_one_line
from chapter_offline.catalog.store import mismatch
from chapter_offline.errors import ChapterOfflineError, NoModelError

_CONNECT_SECONDS = 5.0
_MAX_TRIES = 20  # in all, however much each of them brings
_MAX_FAILURES = 3  # one after another that bring next to nothing
_GAIN_BYTES = 1024 * 1024  # a try that brings this much is no failure
_FIRST_WAIT_SECONDS = 0.5  # doubled after each failure
_MAX_WAIT_SECONDS = 20.0  # a server may ask for hours
_RETRIED = {408, 429, 500, 502, 503, 504}

_T = TypeVar("_T")


def fetch(pin: Pin, part: Path, observer: Progress) -> None:
    """The Source `hub`: see `sources.Source`."""
    if _is_set("HF_HUB_OFFLINE") or _is_set("TRANSFORMERS_OFFLINE"):
        raise SourceError("HF_HUB_OFFLINE is set")
    # Here, not above: the import takes as long as a start of the program may.
    from huggingface_hub import hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    with _quiet():
        url = hf_hub_url(pin.repo, pin.file, revision=pin.commit, endpoint=endpoint)
        _check_announced(pin, url)
        observer.start(pin.bytes, f"{pin.name} from the Hub")
        _receive_all(pin, url, part, observer)
        observer.done()


def _check_announced(pin: Pin, url: str) -> None:
    """Asks what lies at the address. Other bytes than the pinned ones are not worth fetching."""
    from huggingface_hub import constants, get_hf_file_metadata

    seconds = constants.HF_HUB_ETAG_TIMEOUT

    def ask() -> Any:
        return get_hf_file_metadata(url, timeout=seconds, library_name="chapter-offline")

    for failures in range(_MAX_FAILURES):
        try:
            found = _within(seconds + _CONNECT_SECONDS, ask)
            break
        except Exception as error:
            # Whatever the libraries below raise (their errors change with their versions), it
            # means that the Hub can't serve us now; the next source may.
            if _status(error) not in _RETRIED or failures == _MAX_FAILURES - 1:
                raise SourceError(_cause(pin, error)) from error
            time.sleep(_wait_seconds(error, failures))
    etag = found.etag or ""
    # A small file's etag is no sha256, and a plain mirror may send another.
    if len(etag) == 64 and set(etag) <= set("0123456789abcdef") and etag != pin.sha256:
        raise mismatch(pin, f"What {url} announces", etag)
    if found.size is not None and found.size != pin.bytes:
        raise _wrong_size(pin, f"announces {found.size:,}")


def _receive_all(pin: Pin, url: str, part: Path, observer: Progress) -> None:
    """Receives until the file is whole, going on after each cut, a bounded number of times."""
    failures = 0
    with writing(part):
        part.touch()
        if part.stat().st_size > pin.bytes:
            os.truncate(part, 0)
        observer.advance(part.stat().st_size)
    for _ in range(_MAX_TRIES):
        have = part.stat().st_size
        if have == pin.bytes:
            return
        last: Exception = SourceError("the connection ended early")
        try:
            _receive(pin, url, part, observer)
        except ChapterOfflineError:
            raise
        except Exception as error:  # see _check_announced
            status = _status(error)
            if status is not None and status not in _RETRIED:
                raise SourceError(_cause(pin, error)) from error
            last = error
        gained = part.stat().st_size - have
        failures = 0 if gained >= _GAIN_BYTES else failures + 1
        if failures == _MAX_FAILURES:
            break
        if part.stat().st_size < pin.bytes:
            time.sleep(_wait_seconds(last, failures))
    if part.stat().st_size != pin.bytes:
        raise SourceError(
            f"{_cause(pin, last)}, at {part.stat().st_size:,} of {pin.bytes:,} bytes, "
            "which are kept to go on from"
        )


def _receive(pin: Pin, url: str, part: Path, observer: Progress) -> None:
    """One request for what is still missing; appends what comes until it ends or is cut."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import (  # type: ignore[attr-defined, unused-ignore]
        build_hf_headers,
        hf_raise_for_status,
    )

    have = part.stat().st_size
    headers = build_hf_headers(library_name="chapter-offline")
    headers["Accept-Encoding"] = "identity"
    if have:
        headers["Range"] = f"bytes={have}-"
    seconds = constants.HF_HUB_DOWNLOAD_TIMEOUT
    timeout = (_CONNECT_SECONDS, seconds, seconds, seconds)  # connect, read, write, pool
    client = get_session()
    request = client.build_request("GET", url, headers=headers, timeout=timeout)

    def send() -> Any:
        return client.send(request, stream=True, follow_redirects=True)

    with closing(_within(seconds + 3 * _CONNECT_SECONDS, send)) as response:
        hf_raise_for_status(response)
        with writing(part), part.open("r+b", buffering=0) as file:
            if have and not _goes_on(response, have):
                # The whole file comes once more, as from servers that know no ranges.
                file.truncate(0)
                observer.advance(-have)
                have = 0
            file.seek(have)
            for chunk in _network(response.iter_bytes()):
                if have + len(chunk) > pin.bytes:
                    file.truncate(0)
                    raise _wrong_size(pin, "sends more")
                write_all(file, chunk)
                have += len(chunk)
                observer.advance(len(chunk))


def _wrong_size(pin: Pin, what: str) -> NoModelError:
    return NoModelError(
        f"The Hub {what} bytes for {pin.repo}/{pin.file}, and {pin.bytes:,} are pinned: "
        "not the pinned file.\nNothing was put in place; is HF_ENDPOINT a mirror gone wrong?"
    )


def _goes_on(response: Any, have: int) -> bool:
    """Whether an answer begins where our part ends."""
    told = str(response.headers.get("Content-Range", ""))
    return told.startswith(f"bytes {have}-")


def _network(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of an answer; an OSError of the network is no error of the disk."""
    try:
        yield from chunks
    except OSError as error:
        raise SourceError(in_one_line(str(error)) or type(error).__name__) from error


def _within(seconds: float, work: Callable[[], _T]) -> _T:
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


def _status(error: Exception) -> int | None:
    """The HTTP status that an error carries, if any."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _wait_seconds(error: Exception, failures: int) -> float:
    """How long to wait before the next try: what the server asks for, within reason."""
    response = getattr(error, "response", None)
    asked = str(getattr(response, "headers", {}).get("Retry-After", ""))
    wait = float(asked) if asked.isdecimal() else _FIRST_WAIT_SECONDS * 2.0**failures
    return min(wait, _MAX_WAIT_SECONDS)


def _cause(pin: Pin, error: Exception) -> str:
    """One line on why the Hub couldn't serve the file."""
    status = _status(error)
    if status in (401, 403):
        return f"it answers {status}: {pin.repo} needs a token with access; set HF_TOKEN"
    if status == 404:
        return f"it answers 404: no {pin.file} in {pin.repo} at commit {pin.commit[:12]}"
    if status is not None:
        return f"it answers {status}"
    if "Timeout" in type(error).__name__:
        return in_one_line(str(error)) or "no answer in time"
    text = in_one_line(str(error)) or type(error).__name__
    return text.split("] ", 1)[-1] if text.startswith("[Errno") else text


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}


@contextmanager
def _quiet() -> Iterator[None]:
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
