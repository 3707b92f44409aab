"""One table of states stands behind calls, stored rows, diagram and load, in every system."""

import re
from functools import lru_cache

import pytest
from systems import library, made_brief

from chapter_offline.chapter.artefacts import calls, records, steps
from chapter_offline.chapter.diagrams import states
from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.moves import moves_of
from chapter_offline.chapter.render import Page
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.states import COLUMN, NOWHERE, State
from chapter_offline.review.samples import sample_briefs

BRIEFS = sample_briefs(library())
STATEFUL = ("exclusive_allocation", "irreversible_action", "workflow")


@lru_cache(maxsize=1)
def page_of(name: str) -> Page:
    return page(BRIEFS[name])


def page(brief: Brief) -> Page:
    return Page(library(), brief, figures_for(library(), brief))


def faults(brief: Brief) -> list[str]:
    """Where the parts of a brief contradict its table of states, without any figures."""
    columns = {name for record in brief.record for column in record.columns for name in column[:1]}
    columns |= {name for each in columns for name in each.split(", ")}
    owners = brief.roles | set(brief.nouns) | {NOWHERE}
    found = [
        f"{state.name}: {state.kept!r} is no column and nobody"
        for state in brief.state
        if state.kept not in columns | owners
    ]
    found += [
        f"{state.name} → {move.end}: nobody does it"
        for state in brief.state
        for move in state.moves
        if not move.by
    ]
    reached = {move.end for state in brief.state for move in state.moves}
    found += [
        f"{s.name}: never reached"
        for s in brief.state[1:]
        if s.name not in reached and not s.begins
    ]
    if brief.state[0].kept == COLUMN and not brief.state[0].begins:
        found.append(f"{brief.state[0].name}: nobody begins it")
    return found


def missing_values(shown: Page) -> list[str]:
    """States that should be values of the column for states, and aren't named in any such column."""
    notes = re.findall(rf"^ +(?:\w+, )*{COLUMN}\b.*$", records(shown), re.MULTILINE)
    kept = [state.name for state in shown.brief.state if state.kept == COLUMN]
    return [name for name in kept if not any(re.search(rf"\b{name}\b", note) for note in notes)]


@pytest.mark.parametrize("name", BRIEFS)
def test_every_state_is_kept_somewhere_and_every_step_has_a_cause(name: str) -> None:
    assert faults(BRIEFS[name]) == []


@pytest.mark.parametrize("name", BRIEFS)
def test_every_state_of_the_diagram_is_a_value_of_the_stored_column(name: str) -> None:
    assert missing_values(page_of(name)) == []


@pytest.mark.parametrize("name", BRIEFS)
def test_diagram_calls_and_steps_show_the_same_moves(name: str) -> None:
    shown = page_of(name)
    drawn = states(shown)
    names = dict(re.findall(r'state "(.+)" as (s\d+)', drawn))
    arrows = {(a, b) for a, b in re.findall(r"(s\d+) --> (s\d+):", drawn)}
    brief = shown.brief
    moved = {
        (names[before], names[after])
        for cause in {c for s in brief.state for m in s.moves for c in m.by}
        for after, befores in moves_of(brief, cause).items()
        for before in befores
        if before in names
    }
    assert moved == arrows
    told = sum(len(moves_of(brief, call.name)) for call in brief.call)
    assert calls(shown).count("\nstate: ") == told
    assert steps(shown).count("→") == len(arrows)


@pytest.mark.parametrize("trait", library().traits.known)
@pytest.mark.parametrize("beside", [(), ("append_only",), ("third_parties",), ("elected_leader",)])
def test_it_holds_for_any_mix_of_traits(trait: str, beside: tuple[str, ...]) -> None:
    traits = library().traits
    if not traits.clash(traits.closed([trait, *beside])):
        assert faults(made_brief(traits=[trait, *beside])) == []


@pytest.mark.parametrize("traits", [STATEFUL, tuple(reversed(STATEFUL))])
def test_where_two_traits_have_states_one_table_is_taken(traits: tuple[str, ...]) -> None:
    brief = made_brief(traits=traits)
    assert brief.state[0].name == "held"
    assert faults(brief) == []


def test_what_contradicts_the_table_is_found() -> None:
    brief = made_brief(traits=["exclusive_allocation"])
    held, *others = brief.state
    idle = held.model_copy(update={"goes": tuple(goes[:2] for goes in held.goes)})
    assert faults(brief.model_copy(update={"state": (idle, *others)}))
    lost = held.model_copy(update={"kept": "moon"})
    assert faults(brief.model_copy(update={"state": (lost, *others)}))
    alone = State(name="nowhere to be seen", goes=())
    assert faults(brief.model_copy(update={"state": (*brief.state, alone)}))
    bare = tuple(
        record for record in brief.record if not any(c[0] == COLUMN for c in record.columns)
    )
    assert missing_values(page(brief.model_copy(update={"record": bare})))


def test_a_cause_is_a_call_or_a_flow_or_somebody() -> None:
    table = made_brief().model_dump(by_alias=True, exclude_unset=True)
    strange = [{"name": "free", "goes": [("free", "up", "the moon")]}]
    with pytest.raises(ValueError, match="'the moon' makes a step"):
        Brief.model_validate(table | {"state": strange})


@pytest.mark.parametrize(
    "traits", [("exclusive_allocation",), ("exclusive_allocation", "third_parties")]
)
def test_what_follows_an_act_is_in_the_load_and_items_are_counted_once(
    traits: tuple[str, ...],
) -> None:
    brief = made_brief(traits=traits)
    n = {name: figure.magnitude for name, figure in figures_for(library(), brief).items()}

    def near(value: float) -> object:
        return pytest.approx(value, rel=0.01)

    assert n["avg_rps"] == near(n["acts_rps"] + n["reads_rps"] + n["excl_asks_rps"])
    notes = n["third_notes"] if "third_parties" in traits else 0
    assert n["stored_acts"] == near(n["peak_acts"] + n["excl_changes_peak"] + notes)
    assert n["peak_writes"] == near(n["stored_acts"] * n["writes_per_act"])
    ends = n["excl_lapses"] + n["excl_cancelled"] + n["excl_came"] + n["excl_idle"]
    assert ends == near(n["acts_day"])
    assert n["read_rows"] == n["excl_need"]


def test_a_brief_that_counts_its_own_load_keeps_the_general_figures() -> None:
    brief = made_brief(traits=["exclusive_allocation"])
    own = brief.model_copy(update={"own_load": ("exclusive_allocation",)})
    counted = library().figures(own)
    assert counted["avg_rps"].is_ == library().names.figures["avg_rps"].is_
    assert library().figures(brief)["avg_rps"].is_ != counted["avg_rps"].is_


def test_every_state_in_which_a_row_begins_has_an_arrow_from_the_start() -> None:
    shown = page_of("payment_system")
    begun = [n for n, state in enumerate(shown.brief.state) if state.begins]
    assert len(begun) == 2
    assert re.findall(r"\[\*\] --> s(\d)", states(shown)) == [str(n) for n in begun]
