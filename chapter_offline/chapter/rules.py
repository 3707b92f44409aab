"""How a system stands by the rules: which constraints its figures break, which way each decision goes."""

from collections.abc import Iterator
from dataclasses import dataclass

from chapter_offline.chapter.render import Page
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.rules import Constraint, Decision
from chapter_offline.sizing import expressions
from chapter_offline.sizing.expressions import ExpressionError


@dataclass(frozen=True)
class Violation:
    """A constraint that does not hold. left, right: its sides, worked out. figures: all it names.

    wrong: what the left one is to the right one, "not below" or "more than".
    """

    id: str
    left: str
    right: str
    why: str
    figures: tuple[str, ...]
    wrong: str = "not below"

    @property
    def text(self) -> str:
        """What is wrong, in one line."""
        return f"{self.left} is {self.wrong} {self.right} ({self.id}). {self.why}"


@dataclass(frozen=True)
class Standing:
    """Where a system stands at a decision.

    today, limit: the figure and its threshold as printed. passed: whether it is beyond the limit.
    chosen: what is done on this side. room: limit over figure; 2.0 means that it may double.
    """

    id: str
    about: str
    figure: str
    today: str
    limit: str
    passed: bool
    chosen: str
    why: str
    room: float


def violations(page: Page) -> Iterator[Violation]:
    """The constraints of library and brief that do not hold. Raises BadInputError for a malformed one."""
    for rule in (*page.library.rules.constraint, *page.brief.constraint):
        where = f"constraint {rule.id}"
        if page.holds(rule.needs) or not _known(page, rule, where):
            continue
        if rule.when and not page.figures.compare(rule.when, f"{where}: when"):
            continue
        if not page.figures.compare(rule.holds, f"{where}: holds"):
            left, right = expressions.sides(rule.holds)
            yield Violation(
                rule.id,
                page.figures.worked(left),
                _limit(page, left, right),
                page.must(rule.why, where),
                expressions.names(rule.holds),
                "more than" if expressions.may_be_equal(rule.holds) else "not below",
            )


def _limit(page: Page, left: str, right: str) -> str:
    """The other side, worked out; a plain number beside a share is a share, too."""
    share = left in page.figures and page.figures[left].definition.unit == "%"
    try:
        return f"{100 * float(right):g}%" if share else page.figures.worked(right)
    except ValueError:
        return page.figures.worked(right)


def _known(page: Page, rule: Constraint, where: str) -> bool:
    """Whether the figures of a constraint are there, which is an error of its file if not."""
    try:
        expressions.sides(rule.holds)
        names = expressions.names(rule.holds) + (expressions.names(rule.when) if rule.when else ())
    except ExpressionError as error:
        raise BadInputError(f"{where}: {error}") from None
    for name in names:
        if name not in page.figures:
            raise BadInputError(f"{where}: figure {name!r} is not defined")
    return True


def standings(page: Page) -> Iterator[Standing]:
    """Where the system stands at each decision that it has to make, the one that turns first on top."""
    found = [_standing(page, rule) for rule in page.library.rules.decision if _applies(page, rule)]
    yield from sorted(found, key=lambda standing: standing.room)


def _applies(page: Page, rule: Decision) -> bool:
    return not page.holds(rule.needs) and all(
        page.figures[name].usable for name in expressions.names(rule.condition)
    )


def _standing(page: Page, rule: Decision) -> Standing:
    where = f"decision {rule.id}"
    figure = page.figures[rule.figure]
    limit = page.figures[rule.limit]
    passed = page.figures.compare(rule.condition, f"{where}: passed")
    page.used.setdefault(rule.figure)
    page.used.setdefault(rule.limit)
    return Standing(
        id=rule.id,
        about=page.must(rule.about, where),
        figure=page.must(figure.definition.label, where),
        today=figure.text,
        limit=limit.text,
        passed=passed,
        chosen=page.must(rule.above if passed else rule.below, where),
        why=page.must(rule.why, where),
        room=float((limit.quantity / figure.quantity).to("").magnitude),
    )
