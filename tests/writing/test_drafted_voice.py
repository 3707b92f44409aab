"""Voices `drafted` and `revised`: which claims are said again, and which words stand."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest
from systems import PROMPTS, rate_limiter_plan

from chapter_offline.chapter.document import Chapter, Pieces, Said, retold
from chapter_offline.chapter.origins import counted
from chapter_offline.engine.interface import Engine, Given, Scored, ScoreJob, Span, Written
from chapter_offline.engine.sentences import split_sentences
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.fidelity import Judge
from chapter_offline.writing.guards import same_figures, vendor_names
from chapter_offline.writing.voices.drafted import Drafted, Verdict
from chapter_offline.writing.voices.quoted import Task
from chapter_offline.writing.voices.rewrite import (
    Claim,
    Rewriting,
    candidate,
    claims_of,
)

PLAN = rate_limiter_plan()
PARTS = (9,)
JUDGE = Judge(model="00", name="a judge", of_claim=0.0, of_text=1.0, constant=0.0, bar=0.7)
"""Chances of a half at a likelihood of 0, more above: the tests give likelihoods as they like."""
CLAIM = Claim(9, "p09.storms", "budget", "Retries have a budget of 10%. It is spent once a minute.")


def wrote(key: str, *sentences: str) -> Written:
    spans = {f"text{number}": text for number, text in enumerate(sentences, 1)}
    return Written(key, spans, {name: (text,) for name, text in spans.items()}, {}, 10, 5, 0)


@pytest.fixture
def engine(engine_with: Callable[[int], Engine]) -> Engine:
    return engine_with(2048)


@pytest.fixture
def rewriting(engine: Engine) -> Rewriting:
    return Rewriting(engine, load_asking(PROMPTS), vendor_names(PROMPTS))


@pytest.fixture
def drafted(engine: Engine, rewriting: Rewriting) -> Drafted:
    return Drafted(rewriting, PLAN, load_asking(PROMPTS), Verdict(engine, JUDGE), effort=2)


def scoring(
    likely: Mapping[str, float],
) -> Callable[[Engine, Sequence[ScoreJob]], dict[str, Scored]]:
    """Scores by the text of a rewrite; the claims' own don't count for this judge."""

    def score(engine: Engine, jobs: Sequence[ScoreJob]) -> dict[str, Scored]:
        return {
            job.key: Scored(
                job.key, likely.get(job.text, -9.0) if job.key.startswith("text|") else -1.0, 5, 9
            )
            for job in jobs
        }

    return score


# ---------------------------------------------------------------- what is asked


def test_only_plain_prose_is_said_again() -> None:
    for section in PLAN.sections(PARTS):
        by_id = {each.id: each for each in section.statements}
        for claim in claims_of(section):
            statement = by_id[claim.statement]
            assert not statement.ask
            assert not statement.lead
            assert "*" not in statement.text
    assert any(list(claims_of(section)) for section in PLAN.sections(PARTS))


def test_a_draft_goes_sentence_by_sentence(rewriting: Rewriting) -> None:
    jobs = list(rewriting.drafts(CLAIM, 3))
    assert [job.key for job in jobs] == [f"p09.storms.budget.draft.{n}" for n in (1, 2, 3)]
    assert [type(step) for step in jobs[0].steps] == [Given, Span, Given, Span]
    assert "2. It is spent once a minute." in jobs[0].messages[-1].text


def test_a_second_draft_hears_the_criticism(rewriting: Rewriting) -> None:
    job = rewriting.again(CLAIM, "Retries are spent.", "The budget is missing.")
    assert "The budget is missing." in job.messages[-1].text
    assert rewriting.criticism(CLAIM, "Retries are spent.").thinking > 0


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("A tenth of 10% is kept.", False),
        ("Retries have a budget.", True),
        ("Of 20 retries 10% pass.", True),
    ],
)
def test_figures_are_kept_and_none_is_added(said: str, refused: bool) -> None:
    assert bool(same_figures("Retries have a budget of 10%.")(said, ())) == refused


@pytest.mark.parametrize(
    ("sentences", "judged"),
    [
        (("A budget of 10% holds what is tried again.", "Every minute it is spent anew."), True),
        (("A budget of 10% holds what is tried again.", ""), False),
        (split_sentences(CLAIM.text), False),
    ],
    ids=["its own words", "half of it", "the claim itself"],
)
def test_what_is_judged(sentences: tuple[str, ...], judged: bool) -> None:
    assert (candidate(CLAIM, wrote("key", *sentences)) is not None) == judged


# ------------------------------------------------------------- which words stand


def words(claim: Claim, how: str) -> tuple[str, ...]:
    """As many sentences as the claim has, in other words."""
    return tuple(
        f"{how} words say number {n} of it." for n, _ in enumerate(split_sentences(claim.text))
    )


def never(what: str, tasks: Iterable[Task]) -> dict[str, Written]:
    raise AssertionError(f"{what} was not asked for")


def test_the_best_candidate_above_the_bar_stands(drafted: Drafted) -> None:
    first, second, *others = drafted.claims(PARTS)
    good, better, bad = words(first, "Good"), words(first, "Better"), words(second, "Bad")
    written = {job.key: wrote(job.key) for job in (task.job for task in drafted.tasks(PARTS))}
    for claim, one, two in ((first, good, better), (second, bad, bad)):
        written |= {
            f"{claim.key}.draft.{n}": wrote(f"{claim.key}.draft.{n}", *s)
            for n, s in ((1, one), (2, two))
        }
    for claim in others:
        written |= {f"{claim.key}.draft.{n}": wrote(f"{claim.key}.draft.{n}", "") for n in (1, 2)}
    likely = {" ".join(good): 2.0, " ".join(better): 3.0, " ".join(bad): -1.0}
    said, more = drafted.said(PARTS, written, never, scoring(likely), revise=False)
    assert {key: each.text for key, each in said.items()} == {first.key: " ".join(better)}
    assert said[first.key].claim == first.text
    assert more == {}


@pytest.mark.parametrize(("second", "stands"), [(3.0, "Second"), (1.0, "First")])
def test_revised_takes_the_better_of_both_drafts(
    drafted: Drafted, second: float, stands: str
) -> None:
    claim, *others = drafted.claims(PARTS)
    written = {f"{each.key}.draft.{n}": wrote("", "") for each in others for n in (1, 2)}
    written |= {
        f"{claim.key}.draft.{n}": wrote(f"{claim.key}.draft.{n}", *words(claim, "First"))
        for n in (1, 2)
    }

    def write(what: str, tasks: Sequence[Task]) -> dict[str, Written]:
        found = {}
        for task in tasks:
            key = task.job.key
            if task.kind == "criticism":
                found[key] = Written(key, {"text": "A reason is missing."}, {}, {}, 1, 1, 0)
            else:
                assert "A reason is missing." in task.job.messages[-1].text
                found[key] = wrote(key, *words(claim, "Second"))
        return found

    likely = {" ".join(words(claim, "First")): 2.0, " ".join(words(claim, "Second")): second}
    said, more = drafted.said(PARTS, written, write, scoring(likely), revise=True)
    assert said[claim.key].text == " ".join(words(claim, stands))
    assert set(more) == {f"{claim.key}.criticism", f"{claim.key}.redraft"}


def test_a_claim_in_the_models_words_stands_in_its_place_and_is_counted() -> None:
    claim = next(c for section in PLAN.sections(PARTS) for c in claims_of(section))
    said = {claim.key: Said(claim.text, "A *storm* of <b>retries</b> ends.", 0.9)}
    chapter = Chapter(retold(PLAN, said), "drafted", "m", PARTS, Pieces(said=said, tried=3))
    page = chapter_markdown(chapter)
    assert r"A \*storm\* of &lt;b&gt;retries&lt;/b&gt; ends." in page
    assert claim.text not in page
    assert "Of 3 statements that the model was to say in its own words, 1 stand" in page
    assert counted(chapter)["model"] == 5
