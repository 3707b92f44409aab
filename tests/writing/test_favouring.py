"""Among claims that weigh the same, a system favours those that its name makes likelier."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import pytest
from systems import OTHER_SYSTEM, PROMPTS, library, made_brief

from chapter_offline.chapter.equals import Equal, equals
from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.engine.around import Around
from chapter_offline.engine.interface import Engine, Scored, ScoreJob
from chapter_offline.errors import DoesNotFitError
from chapter_offline.knowledge.briefs import Brief, brief_toml
from chapter_offline.knowledge.library import check_brief
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.favouring import MOST_ASKED, in_order, jobs, with_favours
from chapter_offline.writing.progress import Silent

pytestmark = pytest.mark.whole

EngineAt = Callable[[int], Engine]
ASKING = load_asking(PROMPTS)
FEW = (Equal("p01.a.one", "One two."), Equal("p01.a.two", "Three."), Equal("p02.b.three", "Four."))


@lru_cache(maxsize=2)
def made(system: str = OTHER_SYSTEM) -> Brief:
    """A made brief of few traits: many claims weigh the same."""
    return made_brief(system, traits=("read_heavy",))


@lru_cache(maxsize=1)
def among() -> tuple[Equal, ...]:
    return tuple(equals(library(), made(), MOST_ASKED))


def said(plan: Plan) -> set[str]:
    return {f"{section.id}.{each.id}" for section in plan.sections() for each in section.statements}


def weight(name: str) -> float:
    section, _, own = name.rpartition(".")
    claims = library().claims.sections[section].claims
    return next(claim.weight for claim in claims if claim.id == own)


class Knowing(Around):
    """An engine by which a text is as likely as it is long where the system's name begins with S, and
    as unlikely where it doesn't; of no system, all texts are the same."""

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]:
        for job in jobs:
            asked, size = job.messages[-1].text, float(len(job.text))
            likely = 0.0 if "a system." in asked else size if "this system: S" in asked else -size
            yield Scored(job.key, likely, 1, 1)


def test_each_claim_is_asked_of_the_system_and_then_of_any() -> None:
    asked = list(jobs(ASKING, "Lift control", FEW))
    assert [job.key for job in asked] == [
        *(f"favour|{each.name}" for each in FEW),
        *(f"favour of any|{each.name}" for each in FEW),
    ]
    assert [job.text for job in asked] == [each.text for each in FEW] * 2
    for job in asked:
        assert ("Lift control" in job.messages[-1].text) == job.key.startswith("favour|")
    assert len({job.messages for job in asked}) == 2


def test_what_the_name_raises_most_comes_first() -> None:
    own = dict(zip((each.name for each in FEW), (-2.0, -1.5, -3.0), strict=True))
    of_any = dict(zip(own, (-2.5, -1.0, -3.0), strict=True))  # raised by 0.5, -0.5 and 0
    scores = {f"favour|{n}": s for n, s in own.items()}
    scores |= {f"favour of any|{n}": s for n, s in of_any.items()}
    assert in_order(FEW, scores) == ("p01.a.one", "p02.b.three", "p01.a.two")


def test_only_claims_on_the_line_are_asked_about() -> None:
    names = [each.name for each in among()]
    assert 20 < len(names) <= MOST_ASKED
    assert len(set(names)) == len(names)
    spoken = said(make_plan(library(), made()))
    assert set(names) & spoken
    assert set(names) - spoken
    assert all("{{" not in each.text and "*" not in each.text for each in among())


def test_a_claim_is_asked_about_without_the_systems_own_words() -> None:
    texts = " ".join(each.text for each in among()).lower()
    own = {*made().nouns.values()} & {"bay", "driver", "reservation", "garage"}
    assert len(own) == 4
    assert not own & set(re.findall("[a-z]+", texts))
    assert "worker" in texts


def test_those_of_one_weight_in_a_section_are_asked_about_together() -> None:
    few = {each.name for each in equals(library(), made(), 12)}
    every = [each.name for each in among()]
    assert 0 < len(few) <= 12
    for name in few:
        mates = [n for n in every if n.rpartition(".")[0] == name.rpartition(".")[0]]
        assert {n for n in mates if weight(n) == weight(name)} <= few


def test_a_chapter_says_what_is_favoured_and_leaves_out_another() -> None:
    plain = said(make_plan(library(), made()))
    left = [each.name for each in among() if each.name not in plain]
    favoured = left[-3:]
    plan = make_plan(library(), made().model_copy(update={"favoured": tuple(favoured)}))
    now = said(plan)
    assert set(favoured) <= now
    assert plain - now
    assert plan.words == pytest.approx(plan.aim, rel=0.01)


def test_two_systems_with_the_same_traits_differ(engine_with: EngineAt) -> None:
    engine = Knowing(engine_with(2048))
    ships, parks = (
        with_favours(engine, ASKING, library(), made_brief(name, traits=("read_heavy",)), Silent())
        for name in ("Ship berth finder", OTHER_SYSTEM)
    )
    assert set(ships.favoured) == set(parks.favoured) == {each.name for each in among()}
    one, other = (said(make_plan(library(), brief)) for brief in (ships, parks))
    assert len(one ^ other) >= 4
    asked_nobody = (made(brief.name) for brief in (ships, parks))
    one, other = (said(make_plan(library(), brief)) for brief in asked_nobody)
    assert one == other


def test_a_model_gives_the_same_order_again_and_a_brief_keeps_it(engine_with: EngineAt) -> None:
    engine = engine_with(2048)
    first, second = (with_favours(engine, ASKING, library(), made(), Silent()) for _ in range(2))
    assert first.favoured == second.favoured
    assert set(first.favoured) == {each.name for each in among()}
    text = brief_toml(first).decode()
    assert Brief.model_validate(tomllib.loads(text)) == first
    comment, line = text[: text.index("favoured = [")].splitlines()[-1], "favoured = ["
    assert comment.startswith("# ")
    assert text.count(line) == 1
    check_brief(library(), first, "made")


def test_a_brief_without_favours_has_no_word_of_them() -> None:
    assert b"favoured" not in brief_toml(made())


def test_a_window_that_is_too_small_is_named_before_anything_is_asked(
    engine_with: EngineAt,
) -> None:
    with pytest.raises(
        DoesNotFitError, match=r"favour p\d\d\.\S+: [\d,]+ tokens .*\n.*--window 512"
    ):
        with_favours(engine_with(64), ASKING, library(), made(), Silent())
    assert with_favours(engine_with(512), ASKING, library(), made(), Silent()).favoured
