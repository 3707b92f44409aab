"""Makes a pin of one's own from what the Hub says of a file: commit, size, sha256, and its header.

Only the header is fetched, in pieces; the file itself comes with `pull`.
"""

import io
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chapter_offline.catalog.asking import cause, endpoint, quiet, within
from chapter_offline.catalog.bringing import facts_of, own_name
from chapter_offline.catalog.cursor import HEADER_LIMIT_BYTES, Cursor
from chapter_offline.catalog.header import joined, read_header_of
from chapter_offline.catalog.pin_tables import COMMIT, REPO, is_file_path
from chapter_offline.catalog.pins import Pin, PinnedFile
from chapter_offline.catalog.sources import SourceError, in_one_line
from chapter_offline.errors import BadInputError, NoModelError, UsageError

_SECONDS = 20.0
_PIECE_BYTES = 2 * 1024 * 1024
_ADDRESS = re.compile(r"hub:([^/@]+/[^/@]+)/([^@]+?)(?:@([^@]+))?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_SPLIT = re.compile(r"(.+)-00001-of-([0-9]{5})\.gguf")


@dataclass(frozen=True)
class _Address:
    repo: str
    file: str
    revision: str


def pin_from_hub(address: str, name: str) -> Pin:
    """The pin of hub:OWNER/NAME/FILE.gguf[@COMMIT], as the Hub states it now; nothing is written.

    A branch's name, or none, is made a commit. name: "" makes one from the file's. Raises
    UsageError for an address that can't be, NoModelError where the Hub can't be asked or has no
    such file, BadInputError where its header can't be used.
    """
    found = _ADDRESS.fullmatch(address)
    wanted = _Address(found[1], found[2], found[3] or "main") if found else None
    if (
        wanted is None
        or not REPO.fullmatch(wanted.repo)
        or not is_file_path(wanted.file)
        or not _REVISION.fullmatch(wanted.revision)
    ):
        raise UsageError(
            f"{address[:100]!r}: write hub:OWNER/NAME/FILE.gguf, or with @COMMIT at its end"
        )
    named = own_name(name, Path(wanted.file).stem)
    try:
        with quiet():
            return _pin(wanted, named)
    except (UsageError, NoModelError, BadInputError):
        raise
    except SourceError as error:
        raise NoModelError(f"{address}: the Hub can't be asked: {error}") from error
    except Exception as error:  # whatever the libraries below raise: the Hub can't serve us now
        why = cause(error, wanted.repo, wanted.file, wanted.revision)
        raise NoModelError(f"{address}: the Hub can't be asked: {why}") from error


def _pin(wanted: _Address, name: str) -> Pin:
    # Here, not above: the import takes as long as a start of the program may.
    from huggingface_hub import HfApi, hf_hub_url

    api = HfApi(endpoint=endpoint(), library_name="chapter-offline")
    info = within(
        _SECONDS, lambda: api.model_info(wanted.repo, revision=wanted.revision, timeout=_SECONDS)
    )
    commit = info.sha or ""
    if not COMMIT.fullmatch(commit):
        raise SourceError(f"it names no commit for {wanted.revision}")
    files = _files(api, wanted, commit)
    cursors = []
    for part in files:
        url = hf_hub_url(wanted.repo, part.file, revision=commit, endpoint=endpoint())
        remote = io.BufferedReader(_Remote(url, part.bytes, wanted, commit))
        cursors.append(Cursor(Path(part.file), remote, part.bytes))
    header = joined(read_header_of(Path(wanted.file), cursors[0]), cursors[1:])
    if header.chat_template is None:
        raise BadInputError(f"{wanted.file}: has no chat template, so it can't be asked anything")
    card: Any = info.card_data or {}
    link = str(card.get("license_link") or "")
    return Pin(
        name=name,
        file=files[0].file,
        sha256=files[0].sha256,
        bytes=files[0].bytes,
        more=tuple(files[1:]),
        repo=wanted.repo,
        commit=commit,
        license=in_one_line(str(card.get("license_name") or card.get("license") or ""), 60)
        or "unknown",
        license_link=link if re.fullmatch(r"https://[!-~]+", link) else "",
        mine=True,
        **facts_of(header),  # type: ignore[arg-type]
    )


def _files(api: Any, wanted: _Address, commit: str) -> list[PinnedFile]:
    """Size and sha256 of the file, and of all its like where the model is split."""
    names = [wanted.file]
    if split := _SPLIT.fullmatch(wanted.file):
        count = int(split[2])
        if not 1 <= count <= 256:
            raise UsageError(f"{wanted.file}: a model in {count} files is not taken")
        names = [f"{split[1]}-{n:05}-of-{count:05}.gguf" for n in range(1, count + 1)]
    told = within(_SECONDS, lambda: api.get_paths_info(wanted.repo, names, revision=commit))
    known = {each.path: each for each in told}
    files = []
    for name in names:
        digest = getattr(getattr(known.get(name), "lfs", None), "sha256", "")
        if name not in known:
            raise NoModelError(f"{wanted.repo} has no {name} at commit {commit[:12]}")
        if not re.fullmatch(r"[0-9a-f]{64}", digest or ""):
            raise NoModelError(f"{wanted.repo}: the Hub states no sha256 for {name}")
        files.append(PinnedFile(name, digest, known[name].size))
    return files


class _Remote(io.RawIOBase):
    """A file on the Hub, read in pieces as far as it is asked for. Raises SourceError."""

    def __init__(self, url: str, size: int, wanted: _Address, commit: str) -> None:
        self._url = url
        self._wanted = wanted
        self._commit = commit
        self._size = size
        self._at = 0
        self._piece = (0, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        start, data = self._piece
        if not start <= self._at < start + len(data):
            if self._at >= min(self._size, HEADER_LIMIT_BYTES):
                return 0
            self._piece = start, data = self._at, self._get(self._at)
        part = data[self._at - start :][: len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _get(self, start: int) -> bytes:
        from huggingface_hub import get_session
        from huggingface_hub.utils import (  # type: ignore[attr-defined, unused-ignore]
            build_hf_headers,
            hf_raise_for_status,
        )

        end = min(start + _PIECE_BYTES, self._size) - 1
        headers = build_hf_headers(library_name="chapter-offline")
        headers |= {"Range": f"bytes={start}-{end}", "Accept-Encoding": "identity"}
        client = get_session()
        request = client.build_request("GET", self._url, headers=headers, timeout=_SECONDS)

        def fetch() -> bytes:
            with closing(client.send(request, stream=True, follow_redirects=True)) as answer:
                hf_raise_for_status(answer)
                if answer.status_code != 206:
                    raise SourceError("it doesn't serve pieces of files")
                data = b""
                for chunk in answer.iter_bytes():
                    data += chunk
                    if len(data) > end - start + 1:
                        raise SourceError("it sends more than it was asked for")
                return data

        try:
            data = within(2 * _SECONDS, fetch)
        except SourceError:
            raise
        except Exception as error:
            # An OSError among them would be taken for one of a file that lies here.
            why = cause(error, self._wanted.repo, self._wanted.file, self._commit)
            raise SourceError(why) from error
        if not data:
            raise SourceError("it sends nothing")
        return data
