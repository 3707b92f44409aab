"""Gets a pin's file from the Hugging Face Hub, at the pinned commit.

Asks with huggingface_hub (address, token, session, HF_ENDPOINT, HF_HUB_OFFLINE); the bytes are
received here, since its own download can't go on where an earlier one was cut, and waits as long
as a server tells it to.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

from chapter_offline.catalog.asking import cause, endpoint, quiet, status, within
from chapter_offline.catalog.disk import write_all, writing
from chapter_offline.catalog.pins import Pin, PinnedFile
from chapter_offline.catalog.progress import Progress
from chapter_offline.catalog.sources import SourceError, in_one_line
from chapter_offline.catalog.store import mismatch
from chapter_offline.catalog.stretches import (
    OneAtATime,
    Stretch,
    at_once,
    drop,
    join,
    kept_bytes,
    laid_out,
)
from chapter_offline.errors import ChapterOfflineError, NoModelError

_CONNECT_SECONDS = 5.0
_MAX_TRIES = 20  # in all, however much each of them brings
_MAX_FAILURES = 3  # one after another that bring next to nothing
_GAIN_BYTES = 1024 * 1024  # a try that brings this much is no failure
_FIRST_WAIT_SECONDS = 0.5  # doubled after each failure
_MAX_WAIT_SECONDS = 20.0  # a server may ask for hours
_RETRIED = {408, 429, 500, 502, 503, 504}


def fetch(pin: Pin, wanted: PinnedFile, part: Path, observer: Progress) -> None:
    """The Source `hub`: see `sources.Source`."""
    mirror = endpoint()
    # Here, not above: the import takes as long as a start of the program may.
    from huggingface_hub import hf_hub_url

    with quiet():
        url = hf_hub_url(pin.repo, wanted.file, revision=pin.commit, endpoint=mirror)
        _check_announced(pin, wanted, url)
        observer.start(wanted.bytes, f"{_title(pin, wanted)} from the Hub")
        _receive_all(pin, wanted, url, part, observer)
        observer.done()


def _check_announced(pin: Pin, wanted: PinnedFile, url: str) -> None:
    """Asks what lies at the address. Other bytes than the pinned ones are not worth fetching."""
    from huggingface_hub import constants, get_hf_file_metadata

    seconds = constants.HF_HUB_ETAG_TIMEOUT

    def ask() -> Any:
        return get_hf_file_metadata(url, timeout=seconds, library_name="chapter-offline")

    for failures in range(_MAX_FAILURES):
        try:
            found = within(seconds + _CONNECT_SECONDS, ask)
            break
        except Exception as error:
            # Whatever the libraries below raise (their errors change with their versions), it
            # means that the Hub can't serve us now; the next source may.
            if status(error) not in _RETRIED or failures == _MAX_FAILURES - 1:
                raise SourceError(_why(pin, wanted, error)) from error
            time.sleep(_wait_seconds(error, failures))
    etag = found.etag or ""
    # A small file's etag is no sha256, and a plain mirror may send another.
    if len(etag) == 64 and set(etag) <= set("0123456789abcdef") and etag != wanted.sha256:
        raise mismatch(pin, f"What {url} announces", etag, wanted)
    if found.size is not None and found.size != wanted.bytes:
        raise _wrong_size(pin, wanted, f"announces {found.size:,}")


def _receive_all(pin: Pin, wanted: PinnedFile, url: str, part: Path, observer: Progress) -> None:
    """Receives until the file is whole: a large one over several connections at once."""
    with writing(part):
        found = laid_out(part, wanted.bytes)
        observer.advance(sum(each.have for each in found))
    watch = OneAtATime(observer)

    def receive(stretch: Stretch, stop: Event) -> None:
        _receive_stretch(pin, wanted, url, stretch, watch, stop)

    try:
        try:
            at_once(found, receive)
        except _NoRangesError:
            kept = kept_bytes(part, wanted.bytes)
            with writing(part):
                drop(part)
            watch.advance(part.stat().st_size - kept)
            found = (Stretch(part, 0, wanted.bytes),)
            at_once(found, receive)
    except _CutError as error:
        have = kept_bytes(part, wanted.bytes)
        raise SourceError(
            f"{error}, at {have:,} of {wanted.bytes:,} bytes, which are kept to go on from"
        ) from error
    with writing(part):
        join(found)


def _receive_stretch(
    pin: Pin, wanted: PinnedFile, url: str, stretch: Stretch, observer: Progress, stop: Event
) -> None:
    """Receives until a stretch is whole, going on after each cut, a bounded number of times."""
    failures = 0
    for _ in range(_MAX_TRIES):
        have = stretch.have
        if not stretch.missing:
            return
        last: Exception = SourceError("the connection ended early")
        try:
            _receive(pin, wanted, url, stretch, observer, stop)
        except (ChapterOfflineError, _NoRangesError):
            raise
        except Exception as error:  # see _check_announced
            code = status(error)
            if code is not None and code not in _RETRIED:
                raise SourceError(_why(pin, wanted, error)) from error
            last = error
        gained = stretch.have - have
        failures = 0 if gained >= _GAIN_BYTES else failures + 1
        if failures == _MAX_FAILURES:
            break
        if stretch.missing and stop.wait(_wait_seconds(last, failures)):
            break
    if stretch.missing:
        raise _CutError(_why(pin, wanted, last))


def _receive(
    pin: Pin, wanted: PinnedFile, url: str, stretch: Stretch, observer: Progress, stop: Event
) -> None:
    """One request for what is still missing; appends what comes until it ends or is cut."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import (  # type: ignore[attr-defined, unused-ignore]
        build_hf_headers,
        hf_raise_for_status,
    )

    have, size = stretch.have, stretch.end - stretch.start
    first = stretch.start + have
    headers = build_hf_headers(library_name="chapter-offline")
    headers["Accept-Encoding"] = "identity"
    if size < wanted.bytes:
        headers["Range"] = f"bytes={first}-{stretch.end - 1}"
    elif have:
        headers["Range"] = f"bytes={first}-"
    seconds = constants.HF_HUB_DOWNLOAD_TIMEOUT
    timeout = (_CONNECT_SECONDS, seconds, seconds, seconds)  # connect, read, write, pool
    client = get_session()
    request = client.build_request("GET", url, headers=headers, timeout=timeout)

    def send() -> Any:
        return client.send(request, stream=True, follow_redirects=True)

    with closing(within(seconds + 3 * _CONNECT_SECONDS, send)) as response:
        hf_raise_for_status(response)
        if stop.is_set():
            return
        with writing(stretch.path), stretch.path.open("r+b", buffering=0) as file:
            if "Range" in headers and not _goes_on(response, first):
                if size < wanted.bytes:
                    raise _NoRangesError
                # The whole file comes once more, as from servers that know no ranges.
                file.truncate(0)
                observer.advance(-have)
                have = 0
            file.seek(have)
            for chunk in _network(response.iter_bytes()):
                if have + len(chunk) > size:
                    file.truncate(0)
                    observer.advance(-have)
                    raise _wrong_size(pin, wanted, "sends more")
                write_all(file, chunk)
                have += len(chunk)
                observer.advance(len(chunk))
                if stop.is_set():
                    return


class _CutError(SourceError):
    """The bytes stop coming, however often they are asked for."""


class _NoRangesError(Exception):
    """The server sends a file as a whole and in no other way."""


def _title(pin: Pin, wanted: PinnedFile) -> str:
    """How one piece of work is called: of a split model, which file."""
    if not pin.more:
        return pin.name
    return f"{pin.name} ({pin.files.index(wanted) + 1} of {len(pin.files)})"


def _wrong_size(pin: Pin, wanted: PinnedFile, what: str) -> NoModelError:
    return NoModelError(
        f"The Hub {what} bytes for {pin.repo}/{wanted.file}, and {wanted.bytes:,} are pinned: "
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


def _wait_seconds(error: Exception, failures: int) -> float:
    """How long to wait before the next try: what the server asks for, within reason."""
    response = getattr(error, "response", None)
    asked = str(getattr(response, "headers", {}).get("Retry-After", ""))
    wait = float(asked) if asked.isdecimal() else _FIRST_WAIT_SECONDS * 2.0**failures
    return min(wait, _MAX_WAIT_SECONDS)


def _why(pin: Pin, wanted: PinnedFile, error: Exception) -> str:
    """One line on why the Hub couldn't serve the file."""
    return cause(error, pin.repo, wanted.file, pin.commit)
