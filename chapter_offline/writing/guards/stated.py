"""Figures as sentences state them: "the timeout of one try is 400 ms" as a label and an amount."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chapter_offline.writing.guards.subject import stems

_TIMES = {
    "µs": 1e-6, "microsecond": 1e-6, "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0,
    "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "day": 86400.0, "week": 7 * 86400.0,
    "month": 30 * 86400.0, "year": 365 * 86400.0,
}  # fmt: skip
_BYTES = {"byte": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15, "kib": 1e3, "mib": 1e6, "gib": 1e9, "tib": 1e12}  # fmt: skip
_WORDS = {"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "b": 1e9, "trillion": 1e12, "": 1.0}  # fmt: skip
_RATE = r"/s\b|/sec\b|/second\b|\b ?(?:[QR]PS|TPS|qps|rps)\b| (?:\w+ ){0,2}(?:per|a|each) second\b"
_AMOUNT = re.compile(
    r"(?<![\w.,/:])(?P<money>\$)?(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?: ?(?P<word>thousand|million|billion|trillion|[KMBk](?![\w/])))?"
    rf"(?:(?P<share> ?%| percent\b)|(?P<rate>{_RATE})|[ -]?(?P<unit>(?:µs|ms|msec|microseconds?|milliseconds?|s|secs?|seconds?|min|minutes?|h|hrs?|hours?|days?|weeks?|months?|years?"
    r"|bytes?|[kKMGTP]i?B)\b)(?P<per>/(?:day|s)\b| (?:per|a|each) (?:day|second|month|year)\b)?)?(?![\w%])"
)
_STATES = re.compile(
    r"(?P<label>[^.?!;:,()|\d=×÷+]{3,90}?)(?P<verb>\s+(?:is|are|of|lasts|equals|amounts? to|comes? to|stands? at|is set to|is limited to)\s+|\s*:\s*)"
    r"(?:about |around |roughly |approximately |some |exactly |only |just |an? average of |~ ?|≈ ?)?$",
    re.I,
)
_OPERATOR = re.compile(r"\s*[×÷+−*/=≈^]")
"""What follows an amount that is only a step of a derivation."""
_BEFORE = 140
"""Characters before an amount in which its label may stand."""
_OTHERWISE = re.compile(
    r"\b(?:if|when|unless|until|would|could|may|might|than|every|each|between|from|up|most|least|first|then|after|before|another|next|not?|old|new|instead|place|case|spite|front|because|is|are|was|were|has|have|such|these|those|this)\b",
    re.I,
)
"""A label with one of these is about a case, a bound or a change, and not about what is."""


@dataclass(frozen=True)
class Amount:
    """A number in base units. kind: what it measures: "time", "bytes", "share", "rate", "money", "count" …"""

    value: float
    kind: str
    text: str

    def agrees(self, other: "Amount") -> bool:
        """The same but for rounding, or of another kind."""
        large = max(abs(self.value), abs(other.value))
        return self.kind != other.kind or abs(self.value - other.value) <= 0.03 * large


@dataclass(frozen=True)
class Stated:
    """label: its words as they stand. about: their stems."""

    label: str
    about: frozenset[str]
    amount: Amount


def amount_of(found: re.Match[str]) -> Amount:
    """What a match of an amount comes to."""
    value = float(found["number"].replace(",", "")) * _WORDS[(found["word"] or "").lower()]
    unit = (found["unit"] or "").lower()
    bare = unit if unit in _TIMES or unit in _BYTES else unit.removesuffix("s")
    per = " per " + found["per"].strip().removeprefix("/").split()[-1] if found["per"] else ""
    if found["money"]:
        return Amount(value, "money" + per, found[0].strip())
    if found["share"]:
        return Amount(value / 100, "share", found[0].strip())
    if found["rate"]:
        return Amount(value, "rate", found[0].strip())
    if bare in _TIMES:
        return Amount(value * _TIMES[bare], "time" + per, found[0].strip())
    if bare in _BYTES:
        return Amount(value * _BYTES[bare], "bytes" + per, found[0].strip())
    return Amount(value, "count", found[0].strip())


def amounts(text: str) -> list[Amount]:
    """All amounts of a text, in order."""
    return [amount_of(found) for found in _AMOUNT.finditer(text)]


def stated(sentence: str) -> Iterator[Stated]:
    """What a sentence states of a figure: "LABEL is AMOUNT", "LABEL of AMOUNT", "LABEL: AMOUNT"."""
    for found in _AMOUNT.finditer(sentence):
        said = _STATES.search(sentence[max(0, found.start() - _BEFORE) : found.start()])
        if (
            said is None
            or _OTHERWISE.search(said["label"])
            or _OPERATOR.match(sentence, found.end())
        ):
            continue
        about = stems(said["label"])
        if about:
            yield Stated(said["label"].strip(), about, amount_of(found))
