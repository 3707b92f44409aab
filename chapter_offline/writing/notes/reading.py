"""Reads Markdown documents for statements that can be quoted: paragraphs and items, cut between sentences if long.

Headings, code, tables, questions and what only leads over to something else are none. Of links the text
stays; HTML's tags go, and a block that begins with one is passed over.
"""

import hashlib
import json
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chapter_offline.chapter.escape import clean
from chapter_offline.chapter.notes import Note, Notes, Unquoted
from chapter_offline.engine.sentences import split_sentences
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import shaped
from chapter_offline.writing.journal import JOURNAL

if TYPE_CHECKING:
    from markdown_it.token import Token

NOTES = "notes.json"
FEWEST_WORDS, MOST_WORDS = 6, 80
_LONGEST_PARAGRAPH = 2_000
_MOST_CHARACTERS = 1_000
_MOST_OF_A_PARAGRAPH = 20_000
MOST_BYTES = 2_000_000
"""Of one document; a design document of fifty pages has some 150,000."""
MOST_STATEMENTS = 2_000

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOX = ("[ ] ", "[x] ", "[X] ")
_HTML = "HTML is not quoted; write it as plain Markdown"
_NO_END = f"a paragraph of more than {_LONGEST_PARAGRAPH:,} words; cut it into shorter ones"
_LONG = f"a sentence of more than {MOST_WORDS} words or {_MOST_CHARACTERS:,} characters; cut it into shorter ones"


def read_notes(path: Path) -> Notes:
    """The statements of a document, or of all `*.md` in a folder and those below it, in order of name.

    Hidden files, and chapters of this program, are passed over. Raises BadInputError, with file and line, for what is not there,
    can't be read as UTF-8 text, is too large, or has no statement at all.
    """
    files: dict[str, str] = {}
    found: list[Note] = []
    skipped: list[Unquoted] = []
    for each, name in _documents(path):
        data = _bytes(each)
        if name in files:
            raise BadInputError(
                f"{each}: another file has the same name on a page, {name!r}; rename one"
            )
        files[name] = hashlib.sha256(data).hexdigest()
        for one in statements(_text(data, each), name):
            if isinstance(one, Note):
                found.append(one)
            else:
                skipped.append(one)
        if len(found) > MOST_STATEMENTS:
            raise BadInputError(
                f"{path}: more than {MOST_STATEMENTS:,} statements, counted to the end of {each}; name fewer files"
            )
    if not found:
        first = f"\n{skipped[0].place}: {skipped[0].why}" if skipped else ""
        raise BadInputError(
            f"{path}: no statement to quote in it: write paragraphs or list items of {FEWEST_WORDS} to {MOST_WORDS} words{first}"
        )
    return Notes(files=files, statements=tuple(_once(found)), skipped=tuple(skipped))


def kept_notes(folder: Path, sha256: str = "") -> Notes:
    """What a chapter's folder keeps of the notes. sha256: what it must be, if known. Raises BadInputError."""
    path = folder / NOTES
    try:
        read = path.read_bytes()
    except OSError as error:
        raise BadInputError(
            f"{path}: can't be read: {error.strerror}; give the notes again with `write … --notes`"
        ) from None
    if sha256 and hashlib.sha256(read).hexdigest() != sha256:
        raise BadInputError(
            f"{path}: it was changed since it was written; give the notes again with `write … --notes`"
        )
    return notes_of(read, str(path))


def notes_json(notes: Notes) -> bytes:
    """What `notes.json` holds: stable JSON for people."""
    text = json.dumps(notes.model_dump(mode="json"), indent=2, ensure_ascii=False)
    return (text + "\n").encode()


def notes_of(data: bytes, where: str) -> Notes:
    """What `notes.json` holds. Raises BadInputError."""
    try:
        read = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{where}: can't be read: {error}") from None
    return shaped(Notes, read, f"{where}: it is not as this program has written it")


def _documents(path: Path) -> list[tuple[Path, str]]:
    """The files to read, each with its name on a page."""
    try:
        if not path.is_dir():
            return [(path, clean(path.name))]
        root = path.resolve()
        found = [
            (path / each, clean(each.as_posix()))
            for each in sorted(below.relative_to(path) for below in path.rglob("*"))
            if each.suffix.lower() == ".md"
            and not any(part.startswith(".") for part in each.parts)
            and (path / each).is_file()
            and (path / each).resolve().is_relative_to(root)  # no link that leads elsewhere
            and not (path / each).with_name(JOURNAL).exists()  # a chapter of ours
        ]
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: can't be read: {_reason(error)}") from None
    if not found:
        raise BadInputError(
            f"{path}: no Markdown file (*.md) in this folder; name a file or another folder"
        )
    return found


def _bytes(path: Path) -> bytes:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise BadInputError(f"{path}: can't be read: it is no regular file")
        if about.st_size > MOST_BYTES:
            raise BadInputError(
                f"{path}: {about.st_size:,} bytes; at most {MOST_BYTES:,} are taken: give the part that matters"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: can't be read: {_reason(error)}") from None


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)


def _text(data: bytes, path: Path) -> str:
    if not data.startswith(_UTF16) and b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise BadInputError(f"{path}:{line}: not text; give Markdown, saved as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInputError(
            f"{path}:{line}: not UTF-8 text (byte {error.start:,}); save the file as UTF-8"
        ) from None


def _once(found: Iterable[Note]) -> Iterator[Note]:
    """The first of statements that say the same in the same words."""
    seen: set[str] = set()
    for note in found:
        if note.text.lower() not in seen:
            seen.add(note.text.lower())
            yield note


# ---------------------------------------------------------------------- one document


def statements(text: str, name: str) -> Iterator[Note | Unquoted]:
    """The statements of a document, and what is skipped with a reason, in order. name: as pages have it."""
    from markdown_it import MarkdownIt

    heading, cells = False, 0
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in {"heading_open", "heading_close"}:
            heading = token.nesting > 0
        elif token.type in {"table_open", "table_close"}:
            cells += token.nesting
        elif token.type == "html_block" and not _is_comment(token.content):
            yield Unquoted(file=name, line=_line(token), why=_HTML)
        elif token.type == "inline" and not heading and not cells:
            said = _said(token)
            if len(said) > _MOST_OF_A_PARAGRAPH or len(said.split()) > _LONGEST_PARAGRAPH:
                yield Unquoted(file=name, line=_line(token), why=_NO_END)
                continue
            for one in _pieces(said, _line(token)):
                if one.words > MOST_WORDS or len(one.text) > _MOST_CHARACTERS:
                    yield Unquoted(file=name, line=one.line, why=_LONG)
                elif one.words >= FEWEST_WORDS and not one.text.endswith(("?", ":")):
                    yield Note(file=name, line=one.line, text=one.text)


def _line(token: "Token") -> int:
    return token.map[0] + 1 if token.map else 1


def _is_comment(html: str) -> bool:
    return html.strip().startswith("<!--") and html.strip().endswith("-->")


@dataclass(frozen=True)
class _Piece:
    line: int
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


def _pieces(text: str, line: int) -> Iterator[_Piece]:
    """A paragraph as it is; a long one as runs of whole sentences, as long as they may be."""
    if len(text.split()) <= MOST_WORDS:
        yield _Piece(line, clean(text))
        return
    run: list[str] = []
    begins = at = 0
    for sentence in split_sentences(text):
        place = text.index(sentence, at)
        if run and len(" ".join([*run, sentence]).split()) > MOST_WORDS:
            yield _Piece(line + text.count("\n", 0, begins), clean(" ".join(run)))
            run = []
        begins = begins if run else place
        run.append(sentence)
        at = place + len(sentence)
    if run:
        yield _Piece(line + text.count("\n", 0, begins), clean(" ".join(run)))


def _said(token: "Token") -> str:
    """An inline token's text, with its line breaks."""
    text = "".join(_texts(token.children or []))
    return text[len(_BOX[0]) :] if text.startswith(_BOX) else text


def _texts(tokens: Sequence["Token"]) -> Iterator[str]:
    for token in tokens:
        if token.type in {"softbreak", "hardbreak"}:
            yield "\n"
        elif token.type in {"text", "code_inline", "text_special"}:
            yield token.content
