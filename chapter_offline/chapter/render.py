"""Turns templates of claims into text for one system.

A `Page` remembers, in the chapter's order, which terms were glossed and which derivations were
shown, so that each stands where it is first needed. Templates run in Jinja's sandbox: a brief may
come from a stranger.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chapter_offline.chapter.escape import markdown
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief, Forms
from chapter_offline.knowledge.library import Library
from chapter_offline.knowledge.nouns import Noun, article, counted
from chapter_offline.knowledge.states import COLUMN
from chapter_offline.sizing.figure import Figure
from chapter_offline.sizing.figures import Figures


class LeftOut(Exception):
    """A claim can't be said of this system; the message says why."""


class _Kept(jinja2.FileSystemBytecodeCache):
    """Compiled templates, kept in the user's own temporary folder; where that can't be, they aren't."""

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    try:
        kept = _Kept()
    except (OSError, RuntimeError):
        kept = None
    made = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, bytecode_cache=kept)
    made.filters["cap"] = lambda text: str(text)[:1].upper() + str(text)[1:]
    return made


@lru_cache(maxsize=8192)
def _compiled(template: str) -> jinja2.Template:
    """A template, by its text; once compiled it serves all chapters and, from disk, later runs.

    The loader that looks on disk isn't the environment's: a stranger's template includes nothing.
    """
    environment = _environment()
    return jinja2.FunctionLoader(str).load(environment, template, environment.make_globals(None))


def nouns_of(brief: Brief) -> dict[str, Noun]:
    """All nouns and roles of a brief as they are, not escaped."""
    nouns: dict[str, Noun] = {}
    for name, word in brief.nouns.items():
        nouns[name] = Noun(word.one, word.many) if isinstance(word, Forms) else Noun(word)
    nouns |= {component.role: Noun(component.name) for component in brief.component}
    nouns |= {external.role: Noun(external.name) for external in brief.external}
    nouns.setdefault("system", Noun(counted(_lower_first(brief.name))))
    return nouns


def _listed(names: list[str]) -> str:
    """ "held, begun or ended"."""
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _lower_first(name: str) -> str:
    """ "Distributed rate limiter" inside a sentence; acronyms and names keep their capitals."""
    first, _, rest = name.partition(" ")
    if first[1:] == first[1:].lower() and not any(c.isdigit() for c in first):
        first = first.lower()
    return first + (" " + rest if rest else "")


class FigureView:
    """A figure as a template sees it: printing it counts as using it."""

    def __init__(self, figure: Figure, page: "Page") -> None:
        self._figure, self._page = figure, page

    def _use(self) -> Figure:
        if not self._figure.usable:
            raise LeftOut(f"{self._figure.name} is {self._figure.text} here")
        self._page.used.setdefault(self._figure.name)
        return self._figure

    def __str__(self) -> str:
        return self._use().text

    def of(self, noun: str) -> str:
        """ "62,400 requests/s", "9 machines", "1 machine"; `noun` is given in the plural."""
        figure = self._use()
        printed = figure.printed
        if printed.number == "1" and not printed.suffix:
            return f"1 {_singular(noun)}"
        word, slash, per = printed.suffix.partition("/")
        return f"{printed.prefix}{printed.number}{word.rstrip()} {noun}{slash}{per}"

    @property
    def word(self) -> str:
        return self._use().word

    @property
    def value(self) -> float:
        """For a template's own tests: the number in the figure's unit."""
        return self._figure.magnitude


def _singular(noun: str) -> str:
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


class _FigureViews:
    def __init__(self, page: "Page") -> None:
        self._page = page

    def __getattr__(self, name: str) -> FigureView:
        if name.startswith("_") or name not in self._page.figures:
            raise BadInputError(f"figure {name!r} is not defined in names.toml or the brief")
        return FigureView(self._page.figures[name], self._page)


@dataclass
class Page:
    """What a chapter has said so far, and the names by which templates speak of its system.

    varied: pages of the system with another assumption, by the variation; made once for a plan.
    """

    library: Library
    brief: Brief
    figures: Figures
    used: dict[str, None] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    glossed: dict[str, None] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    varied: dict[str, "Page"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        brief, names = self.brief, self.library.names
        escaped = {k: Noun(markdown(v), markdown(v.pl)) for k, v in nouns_of(brief).items()}
        self._names: dict[str, Any] = dict(escaped)
        self._names.update({trait: trait in brief.traits for trait in names.traits})
        self._names.update(brief.decisions)
        self._names.update(
            n=_FigureViews(self),
            eq=self._equation,
            t=self._term,
            T=self._term_capital,
            see=self._see,
            has=lambda role: role in brief.roles,
            states=_Lazy(self._states),
        )
        for phase in brief.phase:
            self._names[phase.id] = {
                "name": Noun(markdown(phase.name)),
                "what": self._nested(phase.what, f"phase {phase.id}: what"),
                "breaks": self._nested(phase.breaks, f"phase {phase.id}: breaks"),
                "label": markdown(phase.label),
            }

    def _states(self) -> str:
        """The values of the column for states."""
        names = [s.name for s in self.brief.state if s.kept == COLUMN]
        return _listed([self.render(markdown(name), f"state {name!r}") for name in names])

    def noun(self, role: str) -> Noun:
        """The (escaped) noun of a role. Raises KeyError."""
        found = self._names[role]
        assert isinstance(found, Noun)
        return found

    def actor(self, role: str) -> Noun:
        """In whose rows a figure stands: the role's noun, or the whole service's where nobody plays it."""
        return self.noun(role if role in self._names else "service")

    def holds(self, needs: Iterable[str]) -> str:
        """The first condition that fails, or ""."""
        return self.brief.lacks(needs)

    def render(self, template: str, where: str, extra: Mapping[str, Any] | None = None) -> str:
        """A template's text on one line.

        Raises LeftOut where a figure makes no sense here, and BadInputError where the template is
        broken or uses an unknown name. What it glossed and showed is undone in both cases.
        """
        if "{" not in template:  # more than half of all texts are plain
            return _tidy(template)
        before = dict(self.used), set(self.shown), dict(self.glossed), set(self.told)
        try:
            text = _compiled(template).render(self._names, **(extra or {}))
        except (LeftOut, BadInputError):
            self.used, self.shown, self.glossed, self.told = before
            raise
        except Exception as error:  # a stranger's template may raise anything; it never passes on
            self.used, self.shown, self.glossed, self.told = before
            raise BadInputError(f"{where}: the template fails: {error}") from None
        return _tidy(text)

    def must(self, template: str, where: str) -> str:
        """A text that a chapter can't do without. Raises BadInputError where it can't be said."""
        try:
            return self.render(template, where)
        except LeftOut as reason:
            raise BadInputError(f"{where}: {reason}") from None

    def sayable(self, template: str, where: str) -> bool:
        """Whether a text can be said of this system. Nothing counts as said. Raises BadInputError."""
        before = dict(self.used), set(self.shown), dict(self.glossed), set(self.told)
        try:
            self.render(template, where)
        except LeftOut:
            return False
        finally:
            self.used, self.shown, self.glossed, self.told = before
        return True

    def begun(self, before: str, text: str) -> str:
        """A text behind a connective: its first letter small, unless a sentence ended or it is a name's."""
        if not before:
            return text
        at = 1 if text.startswith("*") else 0
        first = text[at:].partition(" ")[0].strip("*,.;:")
        name = any(term.split()[0] == first for term in self.library.terms)
        if before[-1] in ".?!:" or name or first[1:] != first[1:].lower() or first == "I":
            return f"{before} {text}"
        return f"{before} {text[:at]}{text[at : at + 1].lower()}{text[at + 1 :]}"

    def _nested(self, sentence: str, where: str) -> "_Lazy":
        return _Lazy(lambda: self.render(sentence, f"brief: {where}"))

    def _once(self, sentence: str, where: str) -> "_Lazy":
        """A nested sentence that a chapter says only where it is first needed."""

        def say() -> str:
            if where in self.told:
                return ""
            self.told.add(where)
            return self.render(sentence, f"brief: {where}")

        return _Lazy(say)

    def each(self, kind: str) -> list[dict[str, Any]]:
        """What a claim with `for` is repeated over: variables for each turn."""
        brief = self.brief
        if kind == "component":
            return [
                {
                    "c": {"name": Noun(markdown(c.name)), "role": c.role, "stateful": c.stateful}
                    | {
                        k: self._nested(getattr(c, k), f"component {c.role}: {k}")
                        for k in ("does", "keeps", "mustnt")
                    }
                }
                for c in brief.component
            ]
        if kind.endswith("flow"):
            wanted = kind.removeprefix("main_").removesuffix("flow").rstrip("_")
            flows = [f for f in brief.flow if not wanted or f.kind == wanted]
            return [
                {
                    "f": {
                        "name": Noun(markdown(f.name)),
                        "kind": f.kind,
                        "asks": self._nested(
                            f"The {{{{ {f.steps[0][0]} }}}} {f.steps[0][2]}.",
                            f"flow {f.name!r}: steps",
                        ),
                        "steps": self._steps(f.steps, f"flow {f.name!r}: steps"),
                        "done": self._once(f.done, f"flow {f.name!r}: done"),
                    }
                }
                for f in (flows[:1] if kind.startswith("main_") else flows)
            ]
        if kind == "alternative":
            return [
                {
                    "a": {"name": Noun(markdown(a.name))}
                    | {
                        k: self._nested(getattr(a, k), f"alternative {a.name!r}: {k}")
                        for k in ("what", "attraction", "rejection", "right_when")
                    }
                }
                for a in brief.alternative
            ]
        return [
            {
                "p": {
                    "name": Noun(markdown(p.name)),
                    "id": p.id,
                    "label": markdown(p.label),
                    "what": self._nested(p.what, f"phase {p.id}: what"),
                    "breaks": self._nested(p.breaks, f"phase {p.id}: breaks"),
                }
            }
            for p in brief.phase
        ]

    def _steps(self, steps: Iterable[tuple[str, str, str]], where: str) -> "_Lazy":
        def say() -> str:
            said = []
            for source, target, what in steps:
                label = self.render(what, f"brief: {where}")
                said.append(f"{self.noun(source)} → {self.noun(target)}: {label}")
            return "; ".join(said)

        return _Lazy(say)

    def _equation(self, name: str) -> str:
        if name not in self.figures:
            raise BadInputError(f"figure {name!r} is not defined in names.toml or the brief")
        figure = self.figures[name]
        view = FigureView(figure, self)
        text = str(view)
        if name in self.shown:
            return text
        self.shown.add(name)
        for part in self.figures.used_by(name):
            self.used.setdefault(part)
        return self.figures.equation(name)

    def _term(self, name: str, art: str = "") -> str:
        if name not in self.library.terms:
            raise BadInputError(f"term {name!r} is in no file of terms/")
        lead = (article(name) if art else "") + (" " if art else "")
        if name in self.glossed:
            return lead + name
        self.glossed[name] = None
        return f"{lead}*{name}* ({self.library.terms[name].gloss})"

    def _term_capital(self, name: str, art: str = "") -> str:
        text = self._term(name, art)
        at = 1 if text.startswith("*") else 0
        return text[:at] + text[at : at + 1].upper() + text[at + 1 :]

    def _see(self, section: str) -> str:
        try:
            heading, part = self.library.spec.heading(section)
        except KeyError:
            raise BadInputError(f"see({section!r}): there is no such section") from None
        return f"*{heading}* (Part {part})"


class _Lazy:
    """A nested template, rendered where it is printed, so that glosses come in reading order."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __str__(self) -> str:
        return str(self._make())

    def __html__(self) -> str:
        return str(self)


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    return re.sub(r" ([,.;:!?)])(?=[\s*\"”’')]|$)", r"\1", text).replace("( ", "(")
