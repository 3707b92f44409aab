"""The spec covers the user's own brief for a chapter, bullet by bullet."""

from collections import Counter
from typing import get_args

import pytest
from systems import PROMPTS

from chapter_offline.knowledge.spec import Form, load_spec

# The brief's own words, in its order, each with the id of the requirement that covers it. The four
# marked so stand in a sentence of their own there, and not in a list.
SENTENCE = "(a sentence of its own) "
BRIEF: dict[str, list[tuple[str, str]]] = {
    "Foundations": [
        ("What this system is", "p01.what_it_is"),
        ("Why it exists", "p01.why_it_exists"),
        ("What real-world problem it solves", "p01.problem"),
        ("What happens if it does NOT exist", "p01.without_it"),
        ("Very simple examples", "p01.examples"),
        ("Concrete user actions", "p01.user_actions"),
        ("One intuitive mental model", "p01.mental_model"),
    ],
    "Functional Requirements": [
        ("Core use cases", "p02.use_cases"),
        ("Read paths", "p02.read_paths"),
        ("Write paths", "p02.write_paths"),
        ("Control / admin paths", "p02.admin_paths"),
        ("Edge cases", "p02.edge_cases"),
        ("What is intentionally OUT of scope", "p02.out_of_scope"),
        (SENTENCE + "Explain WHY scope is limited", "p02.scope_why"),
    ],
    "Non-Functional Requirements": [
        ("Latency expectations (P50 / P95 intuition)", "p03.latency"),
        ("Availability expectations", "p03.availability"),
        ("Consistency needs", "p03.consistency"),
        ("Durability", "p03.durability"),
        ("Correctness vs user experience trade-offs", "p03.trade_offs"),
        ("Security implications (conceptual)", "p03.security"),
        (SENTENCE + "Explain how different requirements conflict", "p03.conflicts"),
    ],
    "Scale and Load Modeling": [
        ("Users", "p04.users"),
        ("QPS (avg vs peak)", "p04.qps"),
        ("Read/write ratio", "p04.read_write"),
        ("Growth assumptions", "p04.growth"),
        ("Burst behavior", "p04.bursts"),
        ("What breaks first at scale", "p04.breaks_first"),
        ("Which assumptions are most dangerous", "p04.assumptions"),
    ],
    "High-Level Architecture": [
        ("Core components", "p05.components"),
        ("Responsibilities of each", "p05.responsibilities"),
        ("Stateless vs stateful decisions", "p05.state"),
        ("Data flow (read & write)", "p05.data_flow"),
        ("One clean conceptual architecture diagram (text or Mermaid)", "p05.diagram"),
    ],
    "Deep Component Design": [
        ("Internal data structures", "p06.data_structures"),
        ("Algorithms used", "p06.algorithms"),
        ("State management", "p06.state"),
        ("Failure behavior", "p06.failure"),
        ("Why simpler alternatives fail", "p06.alternatives"),
    ],
    "Data Model and Storage Decisions": [
        ("What data is stored", "p07.stored"),
        ("How it is keyed", "p07.keyed"),
        ("How it is partitioned", "p07.partitioned"),
        ("Retention policies", "p07.retention"),
        ("Schema evolution", "p07.schema"),
        ("Why other data models were rejected", "p07.rejected"),
    ],
    "Consistency, Concurrency and Ordering": [
        ("Strong vs eventual consistency", "p08.models"),
        ("Race conditions", "p08.races"),
        ("Idempotency", "p08.idempotency"),
        ("Ordering guarantees", "p08.ordering"),
        ("Clock assumptions", "p08.clocks"),
        ("What bugs appear if mishandled", "p08.bugs"),
    ],
    "Failure Modes and Degradation": [
        ("Partial failures", "p09.partial"),
        ("Slow dependencies", "p09.slow_dependencies"),
        ("Retry storms", "p09.retry_storms"),
        ("Data corruption", "p09.corruption"),
        ("Control-plane failures", "p09.control_plane"),
        ("Blast radius", "p09.blast_radius"),
        ("User-visible symptoms", "p09.symptoms"),
        ("How system degrades gracefully", "p09.degradation"),
        ("Failure timeline walkthrough", "p09.timeline"),
    ],
    "Performance Optimization and Hot Paths": [
        ("Critical paths", "p10.critical_paths"),
        ("Caching strategies", "p10.caching"),
        ("Precomputation vs runtime work", "p10.precomputation"),
        ("Backpressure", "p10.backpressure"),
        ("Load shedding", "p10.load_shedding"),
        ("Why some optimizations are intentionally NOT done", "p10.not_done"),
    ],
    "Cost and Efficiency": [
        ("Major cost drivers", "p11.drivers"),
        ("How cost scales with traffic", "p11.scaling"),
        ("Trade-offs between cost and reliability", "p11.reliability"),
        ("What over-engineering looks like", "p11.over_engineering"),
        ("Cost-aware redesign", "p11.redesign"),
    ],
    "Multi-Region and Global Considerations": [
        ("Data locality", "p12.locality"),
        ("Replication strategies", "p12.replication"),
        ("Traffic routing", "p12.routing"),
        ("Failure across regions", "p12.region_failure"),
        (SENTENCE + "Explain when multi-region is NOT worth it", "p12.not_worth_it"),
    ],
    "Security and Abuse Considerations": [
        ("Abuse vectors", "p13.vectors"),
        ("Rate abuse", "p13.rate_abuse"),
        ("Data exposure", "p13.exposure"),
        ("Privilege boundaries", "p13.privileges"),
        ("Why perfect security is impossible", "p13.imperfect"),
    ],
    "Evolution Over Time": [
        ("V1 naive design", "p14.v1"),
        ("What breaks first", "p14.breaks_first"),
        ("V2 improvements", "p14.v2"),
        ("Long-term stable architecture", "p14.stable"),
        ("How incidents drive redesign", "p14.incidents"),
    ],
    "Alternatives and Explicit Rejections": [
        ("2-3 alternative designs", "p15.alternatives"),
        ("Why they seem attractive", "p15.attraction"),
        ("Why a Staff Engineer rejects them", "p15.rejection"),
    ],
    "Interview Calibration": [
        ("How interviewers probe this system", "p16.probes"),
        ("Common L5 mistakes", "p16.mistakes"),
        ("Staff-level answers", "p16.staff_answers"),
        ("Example phrases a Staff Engineer uses", "p16.phrases"),
    ],
    "Diagrams": [
        ("Architecture", "p17.architecture"),
        ("Data flow", "p17.data_flow"),
        ("Failure propagation", "p17.failure"),
        ("Evolution", "p17.evolution"),
        (SENTENCE + "Diagrams must teach ONE idea each", "p17.one_idea"),
    ],
    "Brainstorming, Exercises and Redesigns": [
        ("“What if X changes?” questions", "p18.what_if"),
        ("Redesign under new constraints", "p18.redesign"),
        ("Failure injection exercises", "p18.injection"),
        ("Trade-off debates", "p18.debates"),
    ],
}
SPEC = load_spec(PROMPTS)


def test_the_brief_has_97_bullets_and_four_sentences() -> None:
    wordings = [wording for part in BRIEF.values() for wording, _ in part]
    sentences = [wording for wording in wordings if wording.startswith(SENTENCE)]
    assert (len(wordings) - len(sentences), len(sentences)) == (97, 4)


def test_the_parts_are_the_briefs_in_its_order() -> None:
    assert [part.title for part in SPEC.part] == list(BRIEF)
    assert [part.number for part in SPEC.part] == list(range(1, 19))


@pytest.mark.parametrize("part", SPEC.part, ids=lambda part: part.key)
def test_a_part_covers_the_briefs_bullets_in_their_order(part) -> None:
    ids = [f"{part.key}.{requirement.id}" for requirement in part.requirement]
    assert ids == [name for _, name in BRIEF[part.title]]


def test_no_two_requirements_have_one_id() -> None:
    ids = [f"{part.key}.{requirement.id}" for part in SPEC.part for requirement in part.requirement]
    assert len(ids) == 101
    assert not [name for name, count in Counter(ids).items() if count > 1]


def test_no_two_sections_of_a_part_have_one_heading() -> None:
    for part in SPEC.part:
        headings = [requirement.heading for requirement in part.requirement]
        assert len(set(headings)) == len(headings), part.title


def test_forms_fit_what_is_asked() -> None:
    forms = {
        f"{part.key}.{requirement.id}": requirement.form
        for part in SPEC.part
        for requirement in part.requirement
    }
    assert set(forms.values()) == set(get_args(Form))
    assert {name for name, form in forms.items() if form == "facet"} == {
        name for _, name in BRIEF["Deep Component Design"]
    }
    assert [name for name, form in forms.items() if form == "diagram"] == [
        "p05.diagram",
        *(name for _, name in BRIEF["Diagrams"][:4]),
    ]
    assert [name for name, form in forms.items() if form == "timeline"] == ["p09.timeline"]
    assert [name for name, form in forms.items() if form == "dialogue"] == ["p16.staff_answers"]


def test_tone_and_what_to_avoid_are_the_briefs() -> None:
    assert len(SPEC.tone) == 4
    assert len(SPEC.avoid) == 3


def test_a_section_is_found_by_its_id() -> None:
    assert SPEC.heading("p08.clocks") == ("Clock assumptions", 8)
    with pytest.raises(KeyError):
        SPEC.heading("p08.watches")
