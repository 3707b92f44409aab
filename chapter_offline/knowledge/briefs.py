"""Briefs: what is known of one system, from the library or from a user's own file."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from chapter_offline.knowledge.claims import Claim, Example
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.knowledge.names import FigureEntry
from chapter_offline.knowledge.rules import Constraint
from chapter_offline.knowledge.states import Sentence, State, Word, wrong_states

MOST_CALLS = 12
MOST_RECORDS = 9


class Forms(Shape):
    """A noun whose plural is irregular."""

    one: Word
    many: Word


class Component(Shape):
    """Something that plays a role. `domain`: the failure domain that it belongs to.

    does, keeps, mustnt: whole sentences: its task, its state, what it must not do.
    """

    role: Word
    name: Word
    does: Sentence
    keeps: Sentence
    mustnt: Sentence
    stateful: bool
    domain: str = ""


class External(Shape):
    """A service of others. role: "dependency"."""

    role: Word
    name: Word
    does: Sentence


class Flow(Shape):
    """A request's way. steps: (from, to, what), by role or "client", "person", "operator"."""

    name: Word
    kind: Literal["read", "write", "admin"]
    steps: tuple[tuple[Word, Word, Sentence], ...] = Field(min_length=1, max_length=16)
    done: Sentence


class Alternative(Shape):
    """A design that was rejected; all but the name are whole sentences."""

    name: Word
    what: Sentence
    attraction: Sentence
    rejection: Sentence
    right_when: Sentence


class Phase(Shape):
    """A stage of the evolution. label: what broke, in at most six words."""

    id: Literal["v1", "v2", "stable"]
    name: Word
    what: Sentence
    breaks: Sentence
    label: Word
    components: tuple[Word, ...]


class Failure(Shape):
    """How one failure spreads. cuts: (role, defence) where the chain is cut."""

    cause: Sentence
    steps: tuple[tuple[Word, Word, Sentence], ...]
    cuts: tuple[tuple[Word, Sentence], ...]

    @model_validator(mode="after")
    def _size(self) -> "Failure":
        boxes = 1 + len({end for step in self.steps for end in step[:2]}) + len(self.cuts)
        if boxes > 9:
            raise ValueError(f"its diagram would have {boxes} boxes; nine can be taken in at once")
        return self


class Call(Shape):
    """A call of the system's interface. takes, gives: "name: type", with a note after a dash.

    fails: outcomes that are no success. repeat: what the same call does a second time. The last two
    are templates: noun phrases and a whole sentence.
    """

    name: Word
    takes: tuple[Sentence, ...] = Field(min_length=1, max_length=8)
    gives: tuple[Sentence, ...] = Field(min_length=1, max_length=8)
    fails: tuple[Sentence, ...] = Field(max_length=6)
    repeat: Sentence


class Record(Shape):
    """A kind of row of the stored data. columns: (name, type, what it is for).

    key: columns that name a row; the first ones, up to `partition` of them, choose its partition.
    indexes: other orders, "columns: for which question". Notes are templates.
    """

    name: Word
    columns: tuple[tuple[Word, Word, Sentence], ...] = Field(min_length=2, max_length=12)
    key: tuple[Word, ...] = Field(min_length=1)
    partition: int = Field(default=1, ge=1)
    indexes: tuple[Sentence, ...] = ()

    @model_validator(mode="after")
    def _columns(self) -> "Record":
        names = {column[0] for column in self.columns}
        if missing := set(self.key) - names:
            raise ValueError(f"key: {min(missing)!r} is no column")
        if self.partition > len(self.key):
            raise ValueError("partition: more columns than the key has")
        return self


class Override(Shape):
    """Another value for an assumption of `names.toml`, in the same unit, with its reason."""

    value: float = Field(ge=0, allow_inf_nan=False)
    why: str = ""


class Relabel(Shape):
    """What a figure of `names.toml` is called here, and in whose rows of the table it stands."""

    label: Sentence
    actor: Word


class BriefClaim(Claim):
    """A claim, or a new frame, for the section `at`."""

    at: Word


class BriefExample(Example):
    """A worked example for the section `at`, in place of the library's."""

    at: Word


class Frame(Shape):
    """A text in place of the library's: a section's frame ("p08.clocks") or rule ("p08.clocks.rule"), a part's
    answer ("p14.answer") or rule ("p14.rule").
    """

    at: Word
    text: Sentence


class Brief(Shape):
    """All that is known of one system. `made`: by which model and how, if by a model.

    simulations: inputs that differ from those of `simulations.toml`, by simulation. cast: lines in
    place of those of `names.toml`. own_load: traits that change no general figure here,
    since this brief counts what they add by itself.
    """

    name: str
    aliases: tuple[str, ...] = ()
    summary: Sentence
    traits: tuple[str, ...] = ()
    decisions: dict[str, bool]
    nouns: dict[str, Word | Forms]
    component: tuple[Component, ...] = Field(min_length=3, max_length=12)
    external: tuple[External, ...] = ()
    flow: tuple[Flow, ...] = Field(min_length=1)
    alternative: tuple[Alternative, ...] = ()
    phase: tuple[Phase, ...] = Field(min_length=3, max_length=3)
    failure: Failure
    call: tuple[Call, ...] = Field(default=(), max_length=MOST_CALLS)
    record: tuple[Record, ...] = Field(default=(), max_length=MOST_RECORDS)
    state: tuple[State, ...] = Field(default=(), max_length=8)
    figures: dict[str, Override] = Field(default_factory=dict)
    extra_figures: dict[str, FigureEntry] = Field(default_factory=dict)
    relabel: dict[str, Relabel] = Field(default_factory=dict)
    frames: tuple[Frame, ...] = ()
    example: tuple[BriefExample, ...] = ()
    claims: tuple[BriefClaim, ...] = ()
    replaces: tuple[str, ...] = ()
    own_load: tuple[Word, ...] = ()
    constraint: tuple[Constraint, ...] = ()
    simulations: dict[str, dict[str, str]] = Field(default_factory=dict)
    cast: dict[Word, Sentence] = Field(default_factory=dict)
    made: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _roles(self) -> "Brief":
        roles = [component.role for component in self.component]
        if missing := {"gateway", "worker", "store"} - set(roles):
            raise ValueError(f"no component plays the role {', '.join(sorted(missing))}")
        if twice := {role for role in roles if roles.count(role) > 1}:
            raise ValueError(f"two components play the role {', '.join(sorted(twice))}")
        if sorted(phase.id for phase in self.phase) != ["stable", "v1", "v2"]:
            raise ValueError("the phases are v1, v2 and stable, each once")
        causes = {*(c.name for c in self.call), *(f.name for f in self.flow)}
        causes |= self.roles | set(self.nouns)
        if wrong := wrong_states(self.state, causes):
            raise ValueError(wrong)
        return self

    @property
    def roles(self) -> frozenset[str]:
        """Roles that something plays, inside or outside."""
        return frozenset(c.role for c in self.component) | {e.role for e in self.external}

    def lacks(self, needs: Iterable[str]) -> str:
        """The first of these conditions (as of a claim) that does not hold, or ""."""
        true = self.roles | set(self.traits) | {name for name, yes in self.decisions.items() if yes}
        for need in needs:
            if (need.removeprefix("!") in true) == need.startswith("!"):
                return need
        return ""

    @property
    def own_texts(self) -> dict[str, str]:
        """Its frames and answers, by the place where they stand."""
        return {frame.at: frame.text for frame in self.frames}


def load_brief(path: Path) -> Brief:
    """A brief from a TOML file. Raises BadInputError."""
    return shaped(Brief, read_toml(path), path.name, path)


def brief_toml(brief: Brief, remarks: str = "") -> bytes:
    """A brief as a TOML file that reads back the same. remarks: lines for its head, as comments."""
    import tomli_w

    table = brief.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    head = "".join(f"# {line}\n" for line in remarks.splitlines())
    return (head + ("\n" if head else "") + tomli_w.dumps(table)).encode()


def same_system(a: str, b: str) -> bool:
    """Whether two names mean the same system, up to case, hyphens, article and "design a …"."""
    return _plain(a) == _plain(b)


def kindred(a: str, b: str) -> bool:
    """Whether two names have the same words, up to endings and words such as "service" or "distributed"."""
    stems = _stems(a)
    return bool(stems) and stems == _stems(b)


_SAYS_NOTHING = frozenset(
    "a an and app application distributed for global in large of online platform scale scalable service system the with".split()
)


def _stems(name: str) -> frozenset[str]:
    words = [word for word in _plain(name).split() if word not in _SAYS_NOTHING]
    return frozenset(_ENDING.sub("", word) if len(word) > 3 else word for word in words)


_ENDING = re.compile(r"(?:ings?|ers?|ors?|ments?|es|s|e)$")


def _plain(name: str) -> str:
    words = name.lower().replace("-", " ").split()
    while words and words[0] in {"a", "an", "the", "design"}:
        words = words[1:]
    return " ".join(words)
