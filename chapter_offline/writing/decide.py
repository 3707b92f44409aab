"""The model decides: a brief of a system that the library doesn't have, by closed choices.

Small models say Yes too readily and prefer some words to others, whatever the question. So what
an answer gets for other systems, on average, is taken off what it gets for this one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from chapter_offline.engine.interface import ChoiceJob, Engine, Message
from chapter_offline.knowledge.generic import Answers, Choices
from chapter_offline.knowledge.traits import Traits
from chapter_offline.writing.budget import Need, check_fits
from chapter_offline.writing.calibrating import answers, trait_jobs
from chapter_offline.writing.leaning import Calibration
from chapter_offline.writing.stated import NUMBER_WORDS, stated_count

_NAMING = "You answer with one word or a few words, nothing else."
_JUDGING = "You are a system design expert. Answer Yes or No."
_YES_NO = ("Yes", "No")
HABIT = {"noun": 0.5, "figure": 1.0}
"""How much of an option's usual log-probability is taken off."""
ROLE_BAR = 0.0
MOST_TRAITS = 8
UNSURE = 0.5
"""A trait that was not taken is unsure if its probability is at least this share of the bar."""
_WINDOW_FOR_MORE = 1024  # the writing that follows the choices needs more than they do
_IDLE = frozenset(
    """
    a an and app application at backend by distributed engine for from global in large low
    manager management of on online platform real-time realtime realtime scale scheduler server
    service site system the time to tracker tracking with availability generator processor
    processing pipeline handler network appointment appointments reservation reservations rental
    rentals
    """.split()
)


@dataclass(frozen=True)
class Decided:
    """The answers, and how clear each was: log-probability above the runner-up, or above No.

    chances: how likely the system has each trait. unsure: traits that were left out and might hold.
    """

    answers: Answers
    margins: Mapping[str, float]
    chances: Mapping[str, float]
    unsure: tuple[str, ...]


def _spoken(option: str) -> str:
    """As a model begins an answer: with a capital."""
    return option[:1].upper() + option[1:]


def _unspoken(option: str) -> str:
    return option if option in _YES_NO else option[:1].lower() + option[1:]


def own_words(system: str) -> tuple[str, ...]:
    """Nouns of the system's own name that may be what it looks after, in the singular.

    Words that name a kind of program rather than a thing are left out.
    """
    words = [word.lower() for word in re.findall(r"[A-Za-z][a-z-]{2,}", system)]
    things = [
        w
        for w in words
        if w not in _IDLE | NUMBER_WORDS and not w.endswith(("ing", "ed", "ly", "ss"))
    ]
    return tuple(dict.fromkeys(w.removesuffix("s") for w in things))


def jobs(system: str, choices: Choices) -> Iterator[ChoiceJob]:
    """All choices for one system. Keys are "system|kind|name"."""
    for kind, questions in (("noun", choices.nouns), ("figure", choices.magnitudes)):
        for name, question in questions.items():
            options = question.options
            if name == "item":
                options = tuple(dict.fromkeys([*own_words(system), *options]))
            messages = [Message("system", _NAMING)]
            for example, answer in question.examples:
                asked = question.question.format(system=example)
                messages += [Message("user", asked), Message("assistant", answer)]
            messages.append(Message("user", question.question.format(system=system)))
            yield ChoiceJob(
                f"{system}|{kind}|{name}", tuple(messages), tuple(map(_spoken, options))
            )
    for name, what in choices.roles.properties.items():
        text = choices.roles.question.format(system=system, property=what)
        conversation = (Message("system", _JUDGING), Message("user", text))
        yield ChoiceJob(f"{system}|role|{name}", conversation, _YES_NO)


def decide(
    engine: Engine,
    system: str,
    choices: Choices,
    model: str,
    traits: Traits,
    calibration: Callable[[], Calibration],
) -> Decided:
    """Asks about the system and about the systems of calibration, and compares.

    model: its name. calibration: of its answers about traits, asked for once all questions fit.
    Raises DoesNotFitError before the first question where one does not fit the window.
    """
    asked = (*choices.calibration, system)
    sheets = [list(jobs(name, choices)) for name in asked]
    # One question after the other over all systems, so that its examples are read once.
    by_question = [sheet[at] for at in range(len(sheets[0])) for sheet in sheets]
    about = [
        job
        for name, trait in traits.known.items()
        for job in trait_jobs([system], name, trait, choices.traits)
    ]
    check_fits(engine, _needs(engine, [*by_question, *about]), least=_WINDOW_FOR_MORE)
    scores = {
        job.key: dict(zip(map(_unspoken, job.options), chosen.log_probs, strict=True))
        for job, chosen in zip(by_question, engine.choose(by_question), strict=True)
    }
    counted = stated_count(system, choices.counted)
    fixed = {counted.role: counted.noun} if counted else {}
    picked, margins = _pick(system, choices, scores, fixed)
    leanings = _lean(system, choices, scores)
    margins |= {f"{kind} {name}": margin for (kind, name), margin in leanings.items()}
    fit = calibration()
    said = answers(engine, [system], traits.known, choices.traits)[system]
    chances = fit.probabilities(system, said, traits.known)
    taken = chosen_traits(chances, fit.bar, traits)
    made = Answers(
        system=system,
        nouns={name: picked["noun", name] for name in choices.nouns},
        roles=frozenset(
            n for (k, n), margin in leanings.items() if k == "role" and margin > ROLE_BAR
        ),
        traits=taken,
        figures={
            name: question.values[question.options.index(picked["figure", name])]
            for name, question in choices.magnitudes.items()
        },
        stated={"users": counted.number} if counted else {},
        made={"by": model, "how": "closed choices, each less its mean over other systems"},
    )
    held = set(traits.closed(taken))
    unsure = [
        name
        for name, chance in sorted(chances.items(), key=lambda pair: -pair[1])
        if chance >= UNSURE * fit.bar and name not in held and not traits.clash([*held, name])
    ]
    return Decided(made, margins, chances, tuple(unsure))


def chosen_traits(chances: Mapping[str, float], bar: float, traits: Traits) -> tuple[str, ...]:
    """The traits that are likely enough, the surest first, and none that excludes a surer one."""
    taken: list[str] = []
    for name, chance in sorted(chances.items(), key=lambda pair: (-pair[1], pair[0])):
        if chance < bar or len(taken) == MOST_TRAITS:
            break
        if not traits.clash(traits.closed([*taken, name])):
            taken.append(name)
    return tuple(taken)


def remarks_on(decided: Decided) -> str:
    """What a person should look at first in a made brief: how sure the model was of each trait."""
    chances = decided.chances

    def listed(names: Iterable[str]) -> str:
        return ", ".join(f"{name} {chances[name]:.0%}" for name in names) or "none"

    return "\n".join(
        (
            "Made by a model from closed choices. Correct what is wrong and write again with --brief.",
            f"Traits taken, with how likely each is: {listed(decided.answers.traits)}",
            f"Unsure, and left out: {listed(decided.unsure)}",
        )
    )


def _needs(engine: Engine, asked: Sequence[ChoiceJob]) -> Iterator[Need]:
    for job in asked:
        options = max(map(engine.count_text, job.options))
        yield Need(job.key.replace("|", ": "), engine.count(job.messages) + options)


def _pick(
    system: str,
    choices: Choices,
    scores: Mapping[str, Mapping[str, float]],
    fixed: Mapping[str, str],
) -> tuple[dict[tuple[str, str], str], dict[str, float]]:
    """The best option of every question, and by how much. No two nouns are the same word.

    fixed: nouns that are known already.
    """
    picked = {("noun", name): noun for name, noun in fixed.items()}
    margins: dict[str, float] = {}
    for kind, questions in (("noun", choices.nouns), ("figure", choices.magnitudes)):
        for name, question in questions.items():
            if (kind, name) in picked:
                continue
            usual = {
                option: mean(
                    scores[f"{other}|{kind}|{name}"][option] for other in choices.calibration
                )
                for option in question.options
            }
            middle = mean(usual.values())
            own = scores[f"{system}|{kind}|{name}"]
            taken = {word for (what, _), word in picked.items() if what == kind}
            rank = {
                o: s - HABIT[kind] * usual.get(o, middle) for o, s in own.items() if o not in taken
            }
            best, second = sorted(rank, key=lambda option: -rank[option])[:2]
            picked[kind, name] = best
            margins[f"{kind} {name}"] = rank[best] - rank[second]
    return picked, margins


def _lean(
    system: str, choices: Choices, scores: Mapping[str, Mapping[str, float]]
) -> dict[tuple[str, str], float]:
    """How much more a system has each property than others do, and than it has other properties."""

    def yes(of: str, kind: str, name: str) -> float:
        options = scores[f"{of}|{kind}|{name}"]
        return options["Yes"] - options["No"]

    names = [("role", n) for n in choices.roles.properties]
    lean = {
        (kind, name): yes(system, kind, name)
        - mean(yes(other, kind, name) for other in choices.calibration)
        for kind, name in names
    }
    offset = mean(lean.values())
    return {key: value - offset for key, value in lean.items()}
