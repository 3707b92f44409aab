"""Two chapters' plans side by side: which decisions differ, and by which number."""

from dataclasses import dataclass

from chapter_offline.chapter.plan import Plan
from chapter_offline.chapter.rules import Standing


@dataclass(frozen=True)
class Comparison:
    """differ, alike: decisions that both have to make, (of the one, of the other). only: of one alone.

    traits: those of one system alone, each with whether it is the first's.
    """

    differ: tuple[tuple[Standing, Standing], ...]
    alike: tuple[tuple[Standing, Standing], ...]
    only: tuple[tuple[Standing, bool], ...]
    traits: tuple[tuple[str, bool], ...]


def compare(one: Plan, other: Plan) -> Comparison:
    """What two systems decide otherwise."""
    here, there = ({at.id: at for at in plan.standings} for plan in (one, other))
    for about in {at.about for at in here.values()} & {at.about for at in there.values()}:
        _paired(here, there, about)
    both = [(here[name], there[name]) for name in here if name in there]
    return Comparison(
        differ=tuple(pair for pair in both if pair[0].passed != pair[1].passed),
        alike=tuple(pair for pair in both if pair[0].passed == pair[1].passed),
        only=(
            *((at, True) for name, at in here.items() if name not in there),
            *((at, False) for name, at in there.items() if name not in here),
        ),
        traits=(
            *((name, True) for name in one.brief.traits if name not in other.brief.traits),
            *((name, False) for name in other.brief.traits if name not in one.brief.traits),
        ),
    )


def _paired(here: dict[str, Standing], there: dict[str, Standing], about: str) -> None:
    """Puts what two systems decide by different rules under one name: the same question is at stake."""
    ours, theirs = (
        [name for name, at in side.items() if at.about == about and name not in other]
        for side, other in ((here, there), (there, here))
    )
    for name, other in zip(ours, theirs, strict=False):
        there[name] = there.pop(other)
