"""No figure that the sizing contradicts: refused of a model of any size."""

from collections.abc import Iterable, Sequence

from chapter_offline.writing.guards.stated import amounts, stated
from chapter_offline.writing.guards.subject import Guard, stems

_SHARE = 0.6
"""Of what a sentence says before its amount, a figure's label is at least so much: else something else is meant."""


def contradicting(figures: Iterable[tuple[str, str]]) -> Guard:
    """A guard that knows these figures: (label, value as printed).

    A label may begin with whom it is of: "Ride store: timeout of one try".
    """
    known = [
        (stems(part), found[0])
        for label, value in figures
        if len(found := amounts(value)) == 1
        for part in (label, label.partition(": ")[2])
        if stems(part)
    ]

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        for said in stated(sentence):
            about = [
                (label, amount)
                for label, amount in known
                if label <= said.about and len(label) >= _SHARE * len(said.about)
            ]
            # Of what is labelled "rides" and "rides a day", the longer label is meant.
            longest = max((len(label) for label, _ in about), default=0)
            meant = [
                amount
                for label, amount in about
                if len(label) == longest and amount.kind == said.amount.kind
            ]
            if meant and not any(amount.agrees(said.amount) for amount in meant):
                return "contradicts a figure"
        return None

    return guard
