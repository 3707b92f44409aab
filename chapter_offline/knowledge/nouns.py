"""Nouns with their forms, so that a template never guesses an article or a plural."""

import re


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def plural(noun: str) -> str:
    """The regular English plural of a noun or noun phrase: its last word's."""
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    return noun + "s"


def article(noun: str) -> str:
    """ "a" or "an", by the sound that the noun seems to begin with."""
    first = noun.split()[0] if noun.split() else noun
    if re.fullmatch(r"[A-Z]{2,}s?", first):  # an acronym is spelled out: an API, an SQL, a URL
        return "an" if first[0] in "AEFHILMNORSX" else "a"
    if re.match(r"(?i)(uni[^nm]|us[ae]|eu|one\b|once|ur[il])", first):
        return "a"
    if re.match(r"(?i)(hour|honest|heir)", first):
        return "an"
    return "an" if first[:1].lower() in "aeiou" else "a"


_BORDER = re.compile(r"\s(?=(?:for|of|in|on|with|at|by|between|from|to|across|under)\s)|,")
_UNCOUNTED = re.compile(r"(?i)(\w{2,}ing|\w+[^sui\W]s)$")


def counted(name: str) -> str:
    """A system's name as something that there is one of: "live scores" and "seat booking" are services.

    What follows a preposition stays behind: "email marketing service for shops".
    """
    border = _BORDER.search(name)
    head, rest = (name[: border.start()], name[border.start() :]) if border else (name, "")
    return f"{head} service{rest}" if _UNCOUNTED.search(head) else name


class Noun(str):
    """A singular noun. `.pl` plural, `.a` with its article, `.poss` possessive; capitals: `.Cap`, `.Pl`, `.A`."""

    _plural: str

    def __new__(cls, one: str, many: str | None = None) -> "Noun":
        made = super().__new__(cls, one)
        made._plural = many or plural(one)
        return made

    @property
    def pl(self) -> str:
        return self._plural

    @property
    def a(self) -> str:
        return f"{article(self)} {self}"

    @property
    def poss(self) -> str:
        return self + ("'" if self.endswith("s") else "'s")

    @property
    def Cap(self) -> str:
        return _capital(self)

    @property
    def Pl(self) -> str:
        return _capital(self.pl)

    @property
    def A(self) -> str:
        return _capital(self.a)
