"""Tables that stand in a section beside its claims, made from the brief's figures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chapter_offline.chapter.length import count
from chapter_offline.chapter.render import Page
from chapter_offline.chapter.rules import Standing, standings, violations
from chapter_offline.knowledge.variations import Variation
from chapter_offline.sizing.units import printed, quantity

SIMULATED_NOTE, VARIED_NOTE = "*Simulated:*", "*Reckoned again:*"
"""How the note of a table begins whose figures stand in no appendix."""
Series = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Table:
    """head: the columns' names. rows: cells, as many each. All are Markdown on one line.

    note: where its figures come from, if they are not the chapter's own: a run, or other
    assumptions. They stand in no appendix then.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def words(self) -> int:
        """Words on the page, bars included."""
        bars = len(self.head) + 1
        cells = sum(count(*row) + bars for row in (self.head, *self.rows))
        return cells + len(self.head) + bars + count(self.note)


def table_of(page: Page, section: str) -> Table | None:
    """The table of a section, or None where it has none or there is nothing to put into it."""
    return TABLES[section](page) if section in TABLES else None


def cast(page: Page) -> Table:
    """Who takes part, with the figures that the others reckon with."""
    present = page.brief.roles | {"person", "client", "operator"}
    rows = tuple(
        (f"**{page.noun(who).Cap}**", page.must(text, f"cast: {who}"))
        for who, text in (page.library.names.cast | page.brief.cast).items()
        if who in present
    )
    return Table(("Who takes part", "With which figures"), rows)


def growth(page: Page) -> Table:
    """What three years of growth ask for."""
    rows = tuple(
        (page.must(page.figures.definition(names[0]).label, names[0]), *_figures(page, names))
        for names in _GROWTH
    )
    return Table(("", "Today", "In a year", "In three years"), rows)


def _figures(page: Page, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        page.used.setdefault(name)
        yield page.figures[name].text


_GROWTH = (
    ("peak_rps", "next_year_rps", "rps_3"),
    ("peak_writes", "writes_next", "writes_3"),
    ("out", "out_next", "out_3"),
    ("stored_day", "day_next", "day_3"),
    ("stored_all", "all_next", "all_3"),
    ("machines_load", "machines_next", "machines_3"),
    ("partitions", "partitions_next", "partitions_3"),
    ("other_machines", "other_next", "other_3"),
    ("cost", "cost_next", "cost_3"),
)
"""The same figure today, in a year and in three years."""


def decisions(page: Page) -> Table:
    """Where the system stands at each decision, and how far the figure is from turning it."""
    rows = tuple(
        (
            f"**{at.about}**",
            f"{at.figure}: {at.today}",
            at.limit,
            _room(at),
            f"{at.chosen} {at.why}",
        )
        for at in standings(page)
    )
    return Table(("Decision", "Today", "Turns at", "Distance", "So, and why there"), rows)


def _room(at: Standing) -> str:
    factor = 1 / at.room if at.passed else at.room
    text = printed(quantity(factor, ""), "", scale=True).text
    return f"passed {text} times over" if at.passed else f"room for {text} times as much"


def shedding(page: Page) -> Table | None:
    """What becomes of a burst beyond capacity, with a limit on waiting and without."""
    if not page.figures.simulates("shed", "unshed"):
        return None
    return Table(
        ("Of a burst's requests", "All may wait", "Who would wait too long is refused"),
        (
            ("answered in time", _cell(page, "unshed_answered"), _cell(page, "shed_answered")),
            ("refused at once", "none", _cell(page, "shed_refused")),
            ("answered too late, for nobody", _cell(page, "unshed_late"), "none"),
            ("longest wait of one in time", _cell(page, "unshed_wait"), _cell(page, "shed_wait")),
            (
                "waits are short again after",
                _cell(page, "unshed_recovery"),
                _cell(page, "shed_recovery"),
            ),
        ),
        f"{SIMULATED_NOTE} one run each. What is refused is refused on arrival, by the average work ahead of it.",
    )


def storm(page: Page) -> Table | None:
    """What a store meets when it comes back, by who retries."""
    if not page.figures.simulates("storm", "calm"):
        return None
    run = page.figures.outcome("storm")
    acts, away, storm = page.noun("act").pl, page.figures["away"], page.figures["storm"]
    page.used.setdefault("away")
    note = (
        f"{SIMULATED_NOTE} one run each of {_length(run.calls_series)}, in which the"
        f" {page.noun('store')} answers nothing for {away.text}. Calls have no cap, and nobody asks"
        " again beyond these tries."
    )
    if run.peak > storm.magnitude:
        note += f" More than {storm.text} calls for one come by chance."
    return Table(
        (
            f"When the {page.noun('store')} comes back",
            "Every layer retries",
            "One layer, within its budget",
        ),
        (
            ("calls at the worst moment, over first attempts on average", *_both(page, "peak")),
            (f"{acts} of the whole run that succeed by these tries", *_both(page, "ok")),
            ("all succeed again after", *_both(page, "recovery")),
        ),
        note,
    )


def _length(run: Series) -> str:
    """How long a run is."""
    return printed(quantity(run[-1][0] + run[0][0], "s"), "s", scale=True).text


def slowness(page: Page) -> Table | None:
    """What a slow store does to its callers, moment by moment, as one run has it."""
    if not page.figures.simulates("slow"):
        return None
    run, store = page.figures.outcome("slow"), page.noun("store")
    away = page.figures["away"]
    lasts = float(away.quantity.to("s").magnitude)
    begins = lasts / 2  # as simulations.toml has it
    ends = begins + lasts
    stretches = (
        ("before", 0.0, begins),
        ("in the first second", begins, min(begins + 1, ends)),
        ("from then on", begins + 1, ends),
        ("in the second after", ends, ends + 1),
        ("later", ends + 1, 3 * lasts),
    )
    rows = tuple(
        (
            f"**{what}**",
            _mean(run.calls, start, end, ""),
            _mean(run.answers, start, end, "/s"),
            _mean(run.losses, start, end, "/s"),
        )
        for what, start, end in stretches
        if start < end
    )
    names = ("away", "slow", "timeout")
    slow, timeout = (page.figures[name].text for name in names[1:])
    for name in names:
        page.used.setdefault(name)
    full = "decided without a call" if page.brief.decisions["fail_open"] else "turned away"
    note = (
        f"{SIMULATED_NOTE} one run in which the {store} is slow for {away.text}, each line a mean. A"
        f" slow call takes {slow}, half more or less, and is cut after {timeout}. Whoever"
        f" finds no call free is {full} at once, and nobody asks again."
    )
    head = (f"The {store} is slow", "calls in progress", "answered", f"{full}, or cut")
    return Table(head, rows, note)


def _mean(series: Series, start: float, end: float, unit: str) -> str:
    """The mean over a time, to two digits; "none" where it is nothing."""
    values = [value for moment, value in series if start <= moment < end]
    mean = sum(values) / len(values) if values else 0.0
    if mean < 0.005:
        return "none"
    return printed(quantity(mean, unit), unit, scale=True, significant=2).text


def variations(page: Page) -> Table | None:
    """What a change of one assumption does: the figures that it moves, and the decisions that it turns.

    A change that turns none has no row and is named in the note.
    """
    known = {at.id: at for at in standings(page)}
    found = [
        _variation(page, each, known)
        for each in page.library.variations
        if not page.holds(each.needs)
    ]
    rows = tuple((f"**{lead}**", moved, turned) for lead, moved, turned in found if turned)
    calm = [f'"{lead}"' for lead, _, turned in found if not turned]
    note = (
        f"{VARIED_NOTE} all figures, with one assumption changed, rounded to three digits on the way."
        f" With more or fewer {page.noun('person').pl}, machines of the other components follow."
    )
    if calm:
        note += f" No decision of Part 14 turns with {' or '.join(calm)}."
    head = ("What if", "Then", "Which decision turns")
    return Table(head, rows, note) if rows else None


def _variation(
    page: Page, varied: Variation, known: Mapping[str, Standing]
) -> tuple[str, str, str]:
    if varied.id not in page.varied:
        values = {name: page.figures[name].magnitude * by for name, by in varied.times.items()}
        values |= {name: page.figures[figure].magnitude for name, figure in varied.to.items()}
        figures = page.figures.with_values(values)
        page.varied[varied.id] = Page(page.library, page.brief, figures)
    other = page.varied[varied.id]
    moved = []
    for name in varied.shows:
        was, now = page.figures[name], other.figures[name]
        if was.usable and now.usable and was.text != now.text:
            label = page.must(was.definition.label, f"figure {name}: label")
            moved.append(f"{label}: {was.text} → {now.text}")
            page.used.setdefault(name)
    turned = [
        f"**{at.about}**: {at.chosen}"
        for at in standings(other)
        if at.id in known and at.passed != known[at.id].passed
    ]
    turned += [
        f"**Not possible as it is**: {each.why} It would be {each.left}, {each.wrong} {each.right}."
        for each in violations(other)
    ]
    lead = page.must(varied.lead, f"variation {varied.id}")
    return lead, "; ".join(moved) or "nothing here", " ".join(turned)


def _both(page: Page, what: str) -> tuple[str, str]:
    return _cell(page, f"storm_{what}"), _cell(page, f"calm_{what}")


def _cell(page: Page, name: str) -> str:
    """A simulated figure; what is none, at once or never is said in words."""
    figure = page.figures[name]
    if figure.usable:
        page.used.setdefault(name)
        return figure.text
    if figure.magnitude == 0:
        return "at once" if figure.definition.unit == "s" else "none"
    return "not within the run"


TABLES: dict[str, Callable[[Page], Table | None]] = {
    "p04.users": cast,
    "p04.growth": growth,
    "p09.retry_storms": storm,
    "p09.timeline": slowness,
    "p10.load_shedding": shedding,
    "p14.stable": decisions,
    "p18.what_if": variations,
}
"""By section."""
