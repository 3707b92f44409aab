"""The model decides: a brief of a system that the library doesn't have, by closed choices.

Small models say Yes too readily and prefer some words to others, whatever the question. So each
answer's log-probability is taken relative to its mean over other systems.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chapter_offline.engine.interface import ChoiceJob, Chosen, Engine, Message
from chapter_offline.knowledge.generic import Answers, Choices, Question

_SYSTEM = "You answer with one word or a few words, nothing else."
_YES_NO = ("Yes", "No")
ROLE_BAR = 0.0
TRAIT_BAR = 0.35
MOST_TRAITS = 4
_IDLE = frozenset(
    """a an and app application at backend by distributed engine for from global in large low manager management of on online
    platform real-time realtime realtime scale scheduler server service site system the time to tracker tracking with availability
    generator processor processing pipeline handler network""".split()
)


@dataclass(frozen=True)
class Decided:
    """The answers, and how clear each was: log-probability above the runner-up, or above No."""

    answers: Answers
    margins: Mapping[str, float]


def _ask(key: str, question: str, options: tuple[str, ...]) -> ChoiceJob:
    return ChoiceJob(key, (Message("system", _SYSTEM), Message("user", question)), options)


def _spoken(option: str) -> str:
    """As a model begins an answer: with a capital."""
    return option[:1].upper() + option[1:]


def _unspoken(option: str) -> str:
    return option if option in _YES_NO else option[:1].lower() + option[1:]


def candidates(system: str, listed: tuple[str, ...]) -> tuple[str, ...]:
    """What the item may be called: nouns of the system's own name first, then the list.

    Words of the name that name a kind of program rather than a thing are left out.
    """
    words = [w for w in re.findall(r"[A-Za-z][a-z-]{2,}", system) if w.lower() not in _IDLE]
    own = [w.lower() for w in words if not w.lower().endswith(("ing", "ed"))]
    return tuple(dict.fromkeys([*own, *listed]))


def jobs(system: str, choices: Choices) -> Iterator[ChoiceJob]:
    """All choices for one system. Keys are "system|kind|name"."""
    for kind, questions in (("noun", choices.nouns), ("figure", choices.magnitudes)):
        for name, question in questions.items():
            options = question.options
            if name == "item":
                options = candidates(system, options)
            text = question.question.format(system=system)
            yield _ask(f"{system}|{kind}|{name}", text, tuple(map(_spoken, options)))
    for kind, asked in (("role", choices.roles), ("trait", choices.traits)):
        for name, what in asked.properties.items():
            text = asked.question.format(system=system, property=what)
            yield _ask(f"{system}|{kind}|{name}", text, _YES_NO)


def decide(engine: Engine, system: str, choices: Choices, model: str) -> Decided:
    """Asks about the system and about the systems of calibration, and compares."""
    asked = [*choices.calibration, system]
    all_jobs = [job for name in asked for job in jobs(name, choices)]
    per_system = len(all_jobs) // len(asked)
    results = list(engine.choose(all_jobs))
    rows = [results[i : i + per_system] for i in range(0, len(results), per_system)]
    sheets = [all_jobs[i : i + per_system] for i in range(0, len(all_jobs), per_system)]
    nouns: dict[str, str] = {}
    figures: dict[str, float] = {}
    roles: set[str] = set()
    traits: dict[str, float] = {}
    margins: dict[str, float] = {}
    for at, (job, chosen) in enumerate(zip(sheets[-1], rows[-1], strict=True)):
        kind, name = job.key.split("|")[-2:]
        scores = dict(zip(map(_unspoken, job.options), chosen.log_probs, strict=True))
        means = _means(at, sheets[:-1], rows[:-1])
        if kind in {"role", "trait"}:
            margin = scores["Yes"] - scores["No"] - (means["Yes"] - means["No"])
            margins[f"{kind} {name}"] = margin
            if kind == "role" and margin > ROLE_BAR:
                roles.add(name)
            elif kind == "trait" and margin > TRAIT_BAR:
                traits[name] = margin
            continue
        lowest = min(means.values())
        ranked = sorted(scores, key=lambda o: scores[o] - means.get(o, lowest), reverse=True)
        if name == "item":
            ranked = [w for w in ranked if w in candidates(system, ())] or ranked
        margins[f"{kind} {name}"] = (
            (scores[ranked[0]] - scores[ranked[1]]) if len(ranked) > 1 else 0.0
        )
        if kind == "noun":
            nouns[name] = ranked[0]
        else:
            figures[name] = _value(choices.magnitudes[name], ranked[0])
    strongest = sorted(traits, key=lambda t: -traits[t])[:MOST_TRAITS]
    answers = Answers(
        system=system,
        nouns=nouns,
        roles=frozenset(roles),
        traits=frozenset(strongest),
        figures=figures,
        made={"by": model, "how": "closed choices, each less its mean over other systems"},
    )
    return Decided(answers, margins)


def _means(at: int, sheets: list[list[ChoiceJob]], rows: list[list[Chosen]]) -> dict[str, float]:
    """Mean log-probability of each option of question `at` over the systems of calibration."""
    seen: dict[str, list[float]] = {}
    for sheet, row in zip(sheets, rows, strict=True):
        for option, score in zip(sheet[at].options, row[at].log_probs, strict=True):
            seen.setdefault(_unspoken(option), []).append(score)
    return {option: sum(scores) / len(scores) for option, scores in seen.items()}


def _value(question: Question, option: str) -> float:
    return question.values[question.options.index(option)]
