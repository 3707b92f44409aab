"""Calls, records and states: made from the brief, with hostile words in them as text."""

import re

import pytest
from systems import library, made_brief, rate_limiter

from chapter_offline.chapter.artefacts import ARTEFACTS, calls, records, steps
from chapter_offline.chapter.diagrams import states
from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.chapter.render import Page
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief, Call, Record
from chapter_offline.knowledge.states import State
from chapter_offline.output.markdown import chapter_markdown

CALL = Call(
    name="hold_bay",
    takes=("bay: text", "wait: time = {{ n.patience }}"),
    gives=("held: yes or no",),
    fails=("HTTP 409, the bay is taken",),
    repeat="The same answer.",
)
RECORD = Record(
    name="bay",
    columns=(
        ("garage", "text", "where"),
        ("number", "count", "in the garage"),
        ("held", "time", "until"),
    ),
    key=("garage", "number"),
    indexes=("held: which ones lapse next",),
)
STATES = (
    State(name="free", goes=(("held", "a driver holds it", "hold_bay"),)),
    State(name="held", goes=(("free", "it lapses"), ("gone", "the garage closes"))),
    State(name="gone", goes=()),
)


def with_artefacts(**change: object) -> Brief:
    own = {"call": (CALL,), "record": (RECORD,), "state": STATES}
    return made_brief().model_copy(update=own | change)


def page(brief: Brief) -> Page:
    return Page(library(), brief, figures_for(library(), brief))


def planned(brief: Brief) -> Plan:
    return make_plan(library(), brief)


def test_a_call_says_what_it_takes_and_gives_and_how_it_fails() -> None:
    assert calls(page(with_artefacts())) == (
        "hold_bay(\n    bay: text\n    wait: time = 2 s\n) ->\n    held: yes or no\n"
        'state: from "free" to "held"\n'
        "fails: HTTP 409, the bay is taken\nagain: The same answer."
    )


def test_a_record_says_its_columns_key_partition_and_indexes() -> None:
    assert records(page(with_artefacts())) == (
        "bay\n"
        "    garage  text   where\n"
        "    number  count  in the garage\n"
        "    held    time   until\n"
        "    key: garage, number; partitioned by garage\n"
        "    index: held: which ones lapse next"
    )


def test_states_are_drawn_from_the_first_on() -> None:
    assert states(page(with_artefacts())).splitlines() == [
        "stateDiagram-v2",
        '    state "free" as s0',
        '    state "held" as s1',
        '    state "gone" as s2',
        "    [*] --> s0",
        "    s0 --> s1: a driver holds it",
        "    s1 --> s0: it lapses",
        "    s1 --> s2: the garage closes",
        "    s2 --> [*]",
    ]


def test_steps_say_who_makes_each() -> None:
    lines = [
        '"free"',
        '    → "held" by hold_bay',
        '"held"',
        '    → "free"',
        '    → "gone"',
        '"gone"',
    ]
    assert steps(page(with_artefacts())).splitlines() == lines


def test_they_stand_in_their_sections_and_cost_no_words() -> None:
    brief = with_artefacts()
    shown = {s.id: s for s in planned(brief).sections()}
    assert [bool(shown[key].artefact) for key in ARTEFACTS] == [True, True, True]
    assert shown["p08.ordering"].diagram.startswith("stateDiagram-v2")
    assert shown["p08.ordering"].idea
    text = chapter_markdown(Chapter(planned(brief), "quoted", "m", (5, 7), Pieces()))
    assert "```text\nhold_bay(" in text
    bare = {s.id: s for s in planned(with_artefacts(call=(), record=(), state=())).sections()}
    assert [bool(bare[key].artefact) for key in ARTEFACTS] == [False, False, False]
    assert bare["p08.ordering"].diagram == bare["p08.ordering"].idea == ""


def test_a_fence_ends_where_the_program_ends_it() -> None:
    hostile = Call(name="a```", takes=("b\\`` | c",), gives=("*d*",), fails=(), repeat="e")
    text = calls(page(with_artefacts(call=(hostile,))))
    assert "`" not in text


@pytest.mark.parametrize("kind", ["call", "record", "state"])
def test_a_broken_template_is_named_with_its_place(kind: str) -> None:
    broken = {
        "call": (CALL.model_copy(update={"repeat": "{{ moons }}"}),),
        "record": (RECORD.model_copy(update={"indexes": ("{{ moons }}",)}),),
        "state": (State(name="free", goes=(("free", "{{ moons }}"),)),),
    }
    with pytest.raises(BadInputError, match="moons"):
        planned(with_artefacts(**{kind: broken[kind]}))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"key": ("moon",)}, "'moon' is no column"),
        ({"partition": 3}, "more columns than the key has"),
    ],
)
def test_a_record_names_its_own_columns(table: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Record.model_validate(RECORD.model_dump() | table)


def test_a_state_goes_to_a_state() -> None:
    table = made_brief().model_dump(by_alias=True, exclude_unset=True)
    with pytest.raises(ValueError, match="'moon' is gone to and is no state"):
        Brief.model_validate(table | {"state": [{"name": "free", "goes": [("moon", "up")]}]})


def test_two_states_have_two_names() -> None:
    table = made_brief().model_dump(by_alias=True, exclude_unset=True)
    twice = [{"name": "free", "goes": []}, {"name": "free", "goes": []}]
    with pytest.raises(ValueError, match="two states have one name"):
        Brief.model_validate(table | {"state": twice})


@pytest.mark.parametrize("brief", [rate_limiter(), made_brief()], ids=lambda b: b.name)
def test_systems_have_all_three(brief: Brief) -> None:
    assert len(brief.call) >= 2
    assert len(brief.record) >= 2
    assert 3 <= len(brief.state) <= 8
    for text in (calls(page(brief)), records(page(brief))):
        assert max(map(len, text.splitlines())) <= 125
        assert not re.search(r"[{}]|\*\w|\\", text)
