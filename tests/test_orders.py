"""What may be asked for: a system's name and numbers of parts."""

import pytest

from chapter_offline.errors import UsageError
from chapter_offline.workflow import checked_name, parse_parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1", (1,)),
        ("1,4-6", (1, 4, 5, 6)),
        ("6,1,6", (1, 6)),
        (" 2 - 3 , 18 ", (2, 3, 18)),
        ("1-18", tuple(range(1, 19))),
    ],
)
def test_parts_are_numbers_and_ranges(text: str, parts: tuple[int, ...]) -> None:
    assert parse_parts(text) == parts


@pytest.mark.parametrize("text", "0 19 1-19 4-2 1,4-2 one 1,,2 1- -3 1.5 1;2 ² ١".split())
def test_parts_that_are_not_there_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--parts "):
        parse_parts(text)


@pytest.mark.parametrize("text", ["1-99999999999", "9" * 5000, ""], ids=["many", "long", "none"])
def test_parts_beyond_all_bounds_are_refused_at_once(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_parts(text)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", ["", "   ", "...", "{{ }}", "-", "🙂"])
def test_a_name_without_a_letter_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="the system needs a name"):
        checked_name(name)


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "a\u202eb", "a\u200bb", "a\tb"])
def test_a_name_with_what_cannot_be_seen_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="control characters"):
        checked_name(name)


@pytest.mark.parametrize(
    ("name", "checked"),
    [("  Lift  control\n", "Lift control"), ("x" * 200, "x" * 200), ("e\u0301", "é"), ("駅", "駅")],
)
def test_a_name_is_taken_as_one_plain_line(name: str, checked: str) -> None:
    assert checked_name(name) == checked


def test_a_name_is_no_longer_than_200_characters() -> None:
    with pytest.raises(UsageError, match="201 characters; at most 200"):
        checked_name("x" * 201)
