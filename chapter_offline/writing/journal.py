"""The journal: what is written so far, a row a finished section, in SQLite.

A row's name is the digest of all that determines it; what it was made of is kept beside it, and a
checksum over all of it, so that a damaged row is refused and never used. Every row is on the disk
(write-ahead log, full sync) before the run goes on. Knows nothing of chapters or of models.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.errors import BadInputError, ChapterOfflineError, DoesNotFitError, UsageError

JOURNAL = "journal.sqlite"

_APPLICATION = 0x63686F66
"""In the file's header: a journal of ours."""
_STEPS = (
    # 1
    """
    CREATE TABLE result (
        digest TEXT PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, parts TEXT NOT NULL,
        result TEXT NOT NULL, checksum TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX result_key ON result (kind, key);
    CREATE TABLE kept (
        name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)
"""What makes a journal of each version out of the one before it; the first out of nothing."""

VERSION = len(_STEPS)
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}


@dataclass(frozen=True)
class Entry:
    """A row. digest: its name. kind: "write", "choose" or "score". key: the job's.

    parts: digests of what determined it, by name. result: JSON.
    """

    digest: str
    kind: str
    key: str
    parts: Mapping[str, str]
    result: str


class Journal:
    """An open journal. A `with` block closes it.

    Every method raises BadInputError where the file is damaged, DoesNotFitError where the disk is
    full, and UsageError where it can't be written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Opens the journal at `path`, or makes one; only reads it where `read_only`.

        One of an older version is brought up to this one. Raises BadInputError, which names the
        file, for one that is damaged, of a later version, or no journal.
        """
        self._path = path
        with self._telling():
            self._file = self._opened(read_only)
        try:
            with self._telling():
                self._check()
                if not read_only:
                    self._bring_up()
        except BaseException:
            self._file.close()
            raise

    def find(self, digests: Iterable[str]) -> dict[str, str]:
        """The results that are there, by digest."""
        found = {}
        with self._telling():
            for digest in digests:
                row = self._file.execute(
                    "SELECT digest, kind, key, parts, result, checksum FROM result WHERE digest = ?",
                    (digest,),
                ).fetchone()
                if row is not None:
                    found[digest] = self._sound(row)[4]
        return found

    def record(self, entries: Iterable[Entry]) -> None:
        """Puts rows on the disk, all of them or none."""
        rows = []
        for entry in entries:
            parts = json.dumps(entry.parts, sort_keys=True)
            row = (entry.digest, entry.kind, entry.key, parts, entry.result)
            rows.append((*row, _checksum(row)))
        with self._telling(), self._file:
            self._file.executemany("INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?, ?, ?)", rows)

    def made_of(self, kind: str, key: str) -> list[dict[str, str]]:
        """What each result under this key was determined by."""
        with self._telling():
            rows = self._file.execute(
                "SELECT digest, kind, key, parts, result, checksum FROM result"
                " WHERE kind = ? AND key = ?",
                (kind, key),
            ).fetchall()
            return [json.loads(self._sound(row)[3]) for row in rows]

    def count(self) -> int:
        """How many results there are."""
        with self._telling():
            return int(self._file.execute("SELECT count(*) FROM result").fetchone()[0])

    def keep(self, name: str, value: str) -> None:
        """Keeps a text under a name, in place of what was there."""
        row = (name, value)
        with self._telling(), self._file:
            self._file.execute(
                "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (*row, _checksum(row))
            )

    def kept(self, name: str) -> str | None:
        """What is kept under a name."""
        with self._telling():
            row = self._file.execute(
                "SELECT name, value, checksum FROM kept WHERE name = ?", (name,)
            ).fetchone()
            return None if row is None else self._sound(row)[1]

    def close(self) -> None:
        with self._telling():
            self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self, read_only: bool) -> sqlite3.Connection:
        """Its file. A reader may write beside it, so that SQLite's own files go when it closes;
        on a medium that can't be written, it is read as it stands.
        """
        how = "mode=rwc" if not read_only else "mode=rw"
        if read_only and not os.access(self._path.parent, os.W_OK):
            how = "mode=ro&immutable=1"
        file = sqlite3.connect(f"{self._path.resolve().as_uri()}?{how}", uri=True, timeout=5)
        file.execute("PRAGMA busy_timeout = 5000")
        if read_only:
            file.execute("PRAGMA query_only = ON")
        if not read_only:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = FULL")
        return file

    def _check(self) -> None:
        """Raises BadInputError where the file is no journal that can be read as it is."""
        application = self._number("PRAGMA application_id")
        version = self._number("PRAGMA user_version")
        empty = not self._number("SELECT count(*) FROM sqlite_master")
        if application != _APPLICATION and not (application == 0 == version and empty):
            raise BadInputError(
                f"{self._path}: this is no journal of chapter-offline; move it away"
            )
        if version > VERSION:
            raise BadInputError(
                f"{self._path}: a journal of version {version}, and this program knows {VERSION} at most; "
                "write with the program that made it, or take --fresh"
            )
        for (found,) in self._file.execute("PRAGMA integrity_check(1)"):
            if found != "ok":
                raise self._damaged(str(found))
        if not empty:
            self._file.execute("SELECT count(*) FROM result, kept").fetchone()

    def _bring_up(self) -> None:
        for number, step in enumerate(_STEPS, start=1):
            if number > self._number("PRAGMA user_version"):
                self._file.executescript(
                    f"BEGIN IMMEDIATE; {step} PRAGMA application_id = {_APPLICATION};"
                    f" PRAGMA user_version = {number}; COMMIT;"
                )

    def _number(self, query: str) -> int:
        return int(self._file.execute(query).fetchone()[0])

    def _sound(self, row: tuple[str, ...]) -> tuple[str, ...]:
        """A row whose last column is the checksum of the others."""
        if _checksum(row[:-1]) != row[-1]:
            raise self._damaged(f"the row of {row[0]} is not what was written")
        return row

    def _damaged(self, why: str) -> BadInputError:
        return BadInputError(
            f"{self._path}: the journal is damaged ({' '.join(why.split())[:120]}).\n"
            "Nothing of it is used; --fresh starts anew and keeps it aside"
        )

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Turns SQLite's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _error(self, error: sqlite3.Error) -> ChapterOfflineError:
        code = getattr(error, "sqlite_errorcode", 0)
        if code in _NO_ROOM:
            return DoesNotFitError(
                f"{self._path}: no space is left on this disk; free some and run again"
            )
        primary = code & 0xFF
        if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or not code:
            return self._damaged(str(error))
        if primary == sqlite3.SQLITE_ERROR:  # a table or column that is not there
            return self._damaged(str(error))
        return UsageError(f"{self._path}: can't be used: {error}; name another folder with --out")


def _checksum(row: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()
