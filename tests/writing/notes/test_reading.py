"""What of a person's documents is a statement, and what is refused, with its place."""

import time
from pathlib import Path

import pytest

from chapter_offline.chapter.notes import Note, Unquoted
from chapter_offline.errors import BadInputError
from chapter_offline.writing.notes.reading import (
    MOST_BYTES,
    MOST_STATEMENTS,
    NOTES,
    kept_notes,
    notes_json,
    read_notes,
    statements,
)

SAID = "The queue grew until every check timed out."


def found(text: str) -> list[tuple[int, str]]:
    """Line and text of each statement."""
    return [(s.line, s.text) for s in statements(text, "n.md") if isinstance(s, Note)]


def skipped(text: str) -> list[tuple[int, str]]:
    return [(s.line, s.why) for s in statements(text, "n.md") if isinstance(s, Unquoted)]


def test_paragraphs_and_items_are_statements_with_the_line_they_begin_on() -> None:
    text = f"# A heading of more than six whole words\n\n{SAID}\n\n- item:\n- [x] {SAID} Again.\n\n> {SAID} So.\n"
    assert found(text) == [(3, SAID), (6, f"{SAID} Again."), (8, f"{SAID} So.")]


@pytest.mark.parametrize(
    "text",
    [
        "```\nThe queue grew until every check timed out.\n```",
        "    The queue grew until every check timed out.",
        "| The queue grew until every check | timed out |\n| --- | --- |\n| the queue grew until every | check |",
        "The queue grew until every check timed out\n===",
        "---\ntitle: The queue grew until every check\nby: us\n---",
        "The queue simply grew then.",
        "Why did the queue grow until every check timed out?",
        "The queue grew until these things had happened:",
        "<!-- The queue grew until every check timed out. -->",
        "[label]: https://example.org 'The queue grew until every check timed out'",
    ],
)
def test_what_is_no_statement_is_passed_over(text: str) -> None:
    assert (found(text), skipped(text)) == ([], [])


def test_of_links_images_and_emphasis_the_words_stay_and_of_html_nothing() -> None:
    text = (
        "See **the** [`run` book](https://example.org/x) <https://example.org/y> ![p](q.png)\n"
        "before <b onclick=alert(1)>you</b> act\\*, &lt;always&gt;.\n"
    )
    assert found(text) == [(1, "See the run book https://example.org/y before you act*, <always>.")]


def test_a_block_of_html_is_left_out_and_named() -> None:
    text = f"{SAID}\n\n<div>\n<script>alert(1)</script> and some more words than six\n</div>\n"
    assert found(text) == [(1, SAID)]
    assert skipped(text) == [(3, "HTML is not quoted; write it as plain Markdown")]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    text = "\n".join(
        f"The queue number {n} grew until every check of it timed out." for n in range(12)
    )
    pieces = found(text)
    assert [line for line, _ in pieces] == [1, 7]
    assert all(len(said.split()) <= 80 and said.endswith("out.") for _, said in pieces)
    assert " ".join(said for _, said in pieces) == " ".join(text.split())


def test_a_sentence_that_is_too_long_is_left_out_and_named() -> None:
    assert found("word " * 81) == []
    assert skipped("\nword " * 81)[0][0] == 2


def test_a_paragraph_without_end_is_left_out_and_named() -> None:
    text = f"{SAID}\n\n" + "word " * 300_000
    assert found(text) == [(1, SAID)]
    assert skipped(text) == [(3, "a paragraph of more than 2,000 words; cut it into shorter ones")]


def test_control_and_bidirectional_characters_do_not_pass() -> None:
    assert found("A bell \x07 and \u202e a turn\u00a0of words here.") == [
        (1, "A bell and a turn of words here.")
    ]


# ---------------------------------------------------------------------- files


def test_a_folder_is_read_in_order_of_name_without_hidden_files_and_chapters(
    tmp_path: Path,
) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made/journal.sqlite").touch()
    for name in (
        "made/chapter.md",
        "b.md",
        "a/c.MD",
        "a/.hidden.md",
        ".git/d.md",
        "e.txt",
        "empty.md",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("" if name == "empty.md" else f"In {name}: {SAID}")
    notes = read_notes(tmp_path)
    assert [(s.file, s.line) for s in notes.statements] == [("a/c.MD", 1), ("b.md", 1)]
    assert list(notes.files) == ["a/c.MD", "b.md", "empty.md"]


def test_what_is_said_twice_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "n.md").write_text(f"{SAID}\n\n{SAID.upper()}\n")
    assert [s.line for s in read_notes(tmp_path).statements] == [1]


def test_windows_files_with_a_mark_are_utf8_as_well(tmp_path: Path) -> None:
    (tmp_path / "n.md").write_bytes(f"\ufeff# Über uns\r\n\r\n{SAID}\r\n".encode())
    assert [(s.line, s.text) for s in read_notes(tmp_path / "n.md").statements] == [(3, SAID)]


REFUSED = {
    "empty": (b"", "n.md: no statement to quote in it: write paragraphs or list items of 6 to 80"),
    "headings": (b"# One\n\n## Two\n", "n.md: no statement to quote in it"),
    "html": (b"<p>\nWe had a great many failures.\n</p>", "\nn.md:1: HTML is not quoted; write it as"),
    "latin": ("\n\nDie Größe der Warteschlange wächst.".encode("latin-1"), "n.md:3: not UTF-8 text (byte 8); save the file as UTF-8"),
    "utf-16": (SAID.encode("utf-16"), "n.md:1: not UTF-8 text (byte 0); save the file as UTF-8"),
    "binary": (b"%PDF-1.7\n\x00\x01", "n.md:2: not text; give Markdown, saved as UTF-8"),
    "large": (b"a " * MOST_BYTES, f"n.md: {2 * MOST_BYTES:,} bytes; at most {MOST_BYTES:,} are taken"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    data, message = REFUSED[name]
    (tmp_path / "n.md").write_bytes(data)
    with pytest.raises(BadInputError) as refused:
        read_notes(tmp_path / "n.md")
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 2


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no\.md: can't be read: No such file"):
        read_notes(tmp_path / "no.md")
    with pytest.raises(BadInputError, match=r"no Markdown file \(\*\.md\) in this folder"):
        read_notes(tmp_path)


def test_too_many_statements_are_refused(tmp_path: Path) -> None:
    lines = (f"- Number {n} of the things that we saw." for n in range(MOST_STATEMENTS + 1))
    (tmp_path / "n.md").write_text("\n".join(lines))
    with pytest.raises(BadInputError, match=r"more than 2,000 statements"):
        read_notes(tmp_path)


def test_what_was_read_is_kept_without_its_place_and_read_back(tmp_path: Path) -> None:
    (tmp_path / "n.md").write_text(SAID)
    notes = read_notes(tmp_path / "n.md")
    data = notes_json(notes)
    assert str(tmp_path).encode() not in data
    (tmp_path / NOTES).write_bytes(data)
    assert kept_notes(tmp_path) == notes
    (tmp_path / NOTES).write_text('{"files": {}}')
    with pytest.raises(
        BadInputError, match=r"notes\.json: it is not as this program has written it"
    ):
        kept_notes(tmp_path)
    (tmp_path / NOTES).unlink()
    with pytest.raises(BadInputError, match=r"give the notes again with `write … --notes`"):
        kept_notes(tmp_path)


def test_one_long_word_is_soon_read_and_left_out() -> None:
    text = f"See {'A' * 300_000} and then. " * 2 + "The queue grew until every check timed out."
    begun = time.monotonic()
    found = list(statements(text, "n.md"))
    assert time.monotonic() - begun < 5
    assert [type(each) for each in found] == [Unquoted]
    wide = "See https://example.org/" + "a" * 2_000 + " for what the queue did on that day."
    (one,) = statements(wide, "n.md")
    assert isinstance(one, Unquoted)
    assert "1,000 characters" in one.why


def test_what_is_no_regular_file_and_what_a_link_leads_to_elsewhere_are_not_read(
    tmp_path: Path,
) -> None:
    with pytest.raises(BadInputError, match="it is no regular file"):
        read_notes(Path("/dev/zero"))
    with pytest.raises(BadInputError, match="can't be read: File name too long"):
        read_notes(tmp_path / ("n" * 300))
    with pytest.raises(BadInputError, match="can't be read: embedded null byte"):
        read_notes(tmp_path / "n\0.md")
    (tmp_path / "else.md").write_text("The queue grew until every check timed out.")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link.md").symlink_to(tmp_path / "else.md")
    with pytest.raises(BadInputError, match="no Markdown file"):
        read_notes(tmp_path / "here")
