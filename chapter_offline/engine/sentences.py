"""Where a sentence ends, told from the text before and after.

A small model's text comes token by token; the question is always whether what stands there is a
whole sentence, given what follows. Knows nothing of tokens.
"""

import re

_CLOSERS = "\"'”’»)]}*_`"
_ABBREVIATIONS = re.compile(
    r"e\.g|i\.e|eg|ie|vs|cf|approx|ca|figs?|eqs?|sec|ch|nos?|vol|pp|eds?|al|resp|incl|excl|viz"
    r"|dr|mrs?|ms|prof|st|jr|sr|inc|ltd|co|corp|dept|est|avg|min|max|a\.k\.a|w\.r\.t"
)
# These end a sentence as often as not; only a number after them says that they do not.
_EITHER = re.compile(r"etc|a\.m|p\.m|u\.s|no|min|max|co|inc|ltd|corp|al|ed|sec|est|ms|avg")
_LABEL = re.compile(r"(?:^|\n)\s*(?:[-*+>]\s+)?(?:\*\*)?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})[.)]$")
_LONGEST_LAST = 40
"""Characters that are looked at for the last word: more than any abbreviation has."""
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘/—–-]+$")


def is_finished(text: str, following: str = "") -> bool:
    """Whether `text` ends with a whole sentence.

    following: the text after it, which begins with white space; "" where the text is at its end.
    An abbreviation ("e.g.", "vs."), a list's number ("1."), an open code span and a full stop
    before a small letter are no ends.
    """
    bare = text.rstrip()
    core = bare.rstrip(_CLOSERS)
    if not core or core[-1] not in ".!?…" or bare.count("`") % 2:
        return False
    if core[-1] in "!?":
        return True
    next_character = following.lstrip()[:1]
    if next_character.islower() and "\n" not in following:
        return False
    if core[-1] == "…" or core.endswith(".."):
        return True
    if _LABEL.search(core):
        return False
    word = _LAST_WORD.search(core[-_LONGEST_LAST - 1 : -1])
    if word is None:
        return False
    last = word[0].lower()
    if _EITHER.fullmatch(last):
        return not next_character.isdigit()
    return _ABBREVIATIONS.fullmatch(last) is None


def split_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a finished text, in order, stripped; what is left at its end is one too."""
    found = []
    start = 0
    for gap in re.finditer(r"\s+", text):
        if is_finished(text[start : gap.start()], text[gap.start() : gap.end() + 1]):
            found.append(text[start : gap.start()].strip())
            start = gap.end()
    rest = text[start:].strip()
    return (*found, rest) if rest else tuple(found)
