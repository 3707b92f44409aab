"""Systems to plan chapters of: the library's own, and made ones. Read once for all tests."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import product

from chapter_offline.chapter.plan import Depth, Plan, make_plan
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.generic import Answers, Choices, brief_from, load_choices
from chapter_offline.knowledge.library import Library, load_library
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.leaning import Calibration, known_from

PROMPTS = prompts_dir()
DEFAULT_SYSTEM = "Distributed rate limiter"
OTHER_SYSTEM = "Parking garage availability service"
NOUNS = {
    "act": "reservation",
    "item": "bay",
    "person": "driver",
    "client": "phone app",
    "group": "garage",
    "dependency": "payment provider",
}


@lru_cache(maxsize=1)
def library() -> Library:
    return load_library(PROMPTS)


@lru_cache(maxsize=1)
def choices() -> Choices:
    return load_choices(PROMPTS)


def even_fit() -> Calibration:
    """A fit by which a trait is taken whose answer is above the system's own mean."""
    known = known_from([], library().traits.known)
    count = len(known.traits)
    return Calibration(known, (0.0,) * count, (1.0,) * count, (1, 2, 0, 0, 0), 0.5)


def few_choices() -> Choices:
    """The same questions, compared with one other system only, to spare time."""
    return choices().model_copy(update={"calibration": choices().calibration[:1]})


def rate_limiter() -> Brief:
    """The library's complete brief, which is the default system."""
    brief = library().brief_for(DEFAULT_SYSTEM)
    assert brief is not None
    return brief


@lru_cache(maxsize=8)
def rate_limiter_plan(depth: Depth = "standard") -> Plan:
    return make_plan(library(), rate_limiter(), depth)


@lru_cache(maxsize=1)
def whole_rate_limiter_plan() -> Plan:
    return whole_plan(rate_limiter())


def whole_plan(brief: Brief) -> Plan:
    """A plan of the longest chapter: all claims that hold."""
    most = make_plan(library(), brief).bounds.most
    return make_plan(library(), brief, words=most)


def made_brief(
    system: str = OTHER_SYSTEM,
    *,
    roles: Iterable[str] = (),
    traits: Iterable[str] = (),
    figures: dict[str, float] | None = None,
    nouns: dict[str, str] | None = None,
) -> Brief:
    """A brief of a system outside the library, as if a model had chosen these."""
    answers = Answers(
        system,
        NOUNS | (nouns or {}),
        frozenset(roles),
        tuple(traits),
        figures or {},
        {"by": "a test"},
    )
    return brief_from(PROMPTS, library().traits, answers)


def all_traits() -> tuple[str, ...]:
    """As many traits as may stand beside each other, by name."""
    traits, held = library().traits, list[str]()
    for name in traits.known:
        if not traits.clash(traits.closed([*held, name])):
            held.append(name)
    return tuple(held)


def all_roles() -> frozenset[str]:
    """The roles that a made brief may have beyond those that every system has."""
    return frozenset(choices().roles.properties)


def all_magnitudes() -> list[dict[str, float]]:
    """Every combination of orders of magnitude that a model may choose."""
    questions = choices().magnitudes
    return [
        dict(zip(questions, values, strict=True))
        for values in product(*(question.values for question in questions.values()))
    ]
