"""Claims in the model's own words: what is asked, and which answers may be judged.

A claim is said again several times over; guards look at each sentence, likelihoods at the whole. What
none of the candidates says truly stands as it was written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import SectionPlan, Statement
from chapter_offline.engine.interface import (
    Engine,
    Given,
    Message,
    Sampler,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.engine.sentences import split_sentences
from chapter_offline.writing import guards
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.budget import fit
from chapter_offline.writing.fidelity import Rewrite

TEXT = "text"
_FEWEST, _MOST = 12, 75
"""Words of a claim that is worth saying again."""
_TOKENS_A_WORD, _LEAST_TOKENS = 2.5, 12
_TEMPERATURE = 0.6
_COPIED = 0.85
"""A text that has so many of its word trigrams from the claim is the claim, not another way to say it."""
_CRITICISM_TOKENS = 60


@dataclass(frozen=True)
class Claim:
    """A claim to be said again. part, section, statement: where it stands."""

    part: int
    section: str
    statement: str
    text: str

    @property
    def key(self) -> str:
        return f"{self.section}.{self.statement}"


def claims_of(section: SectionPlan) -> Iterator[Claim]:
    """What the model may say again: whole sentences without a lead, a term to gloss, or a question before them."""
    for statement in section.statements:
        if _plain_prose(statement):
            yield Claim(section.part, section.id, statement.id, plain(statement.text))


def _plain_prose(statement: Statement) -> bool:
    return (
        not statement.ask
        and not statement.lead
        and "*" not in statement.text
        and _FEWEST <= len(statement.text.split()) <= _MOST
    )


class Rewriting:
    """The jobs that say claims again."""

    def __init__(self, engine: Engine, asking: Asking, names: Sequence[str]) -> None:
        self._engine, self._asking = engine, asking
        self._vendors = guards.vendors(names)

    def drafts(self, claim: Claim, tries: int) -> Iterator[WriteJob]:
        """So many candidates, each with draws of its own."""
        for number in range(1, tries + 1):
            yield self._saying("rewrite", claim, {}, f"{claim.key}.draft.{number}")

    def criticism(self, claim: Claim, draft: str) -> WriteJob:
        """What the same model finds wrong with a draft; it may think before."""
        values = {"statement": claim.text, "text": draft}
        fitted = self._fitted("criticise", values, _CRITICISM_TOKENS)
        span = Span(TEXT, max_sentences=2, max_tokens=_CRITICISM_TOKENS, guards=guards.ALWAYS)
        return WriteJob(f"{claim.key}.criticism", fitted, (span,), thinking=4 * _CRITICISM_TOKENS)

    def again(self, claim: Claim, draft: str, criticism: str) -> WriteJob:
        """A second draft, with the criticism of the first at hand."""
        values = {"text": draft, "criticism": criticism}
        return self._saying("redraft", claim, values, f"{claim.key}.redraft")

    def _saying(self, kind: str, claim: Claim, more: Mapping[str, str], key: str) -> WriteJob:
        """Sentence by sentence: the model sees all of them, and fills in each under its number."""
        sentences = split_sentences(claim.text)
        numbered = [f"{number}. {each}" for number, each in enumerate(sentences, 1)]
        steps: list[Given | Span] = []
        for number, sentence in enumerate(sentences, 1):
            steps.append(Given(f"{number}. " if number == 1 else f"\n{number}. "))
            steps.append(self._sentence(f"{TEXT}{number}", sentence))
        tokens = sum(step.max_tokens for step in steps if isinstance(step, Span))
        values = {"statement": "\n".join(numbered), **more}
        return WriteJob(key, self._fitted(kind, values, tokens), tuple(steps))

    def _sentence(self, name: str, sentence: str) -> Span:
        return Span(
            name,
            end="sentence",
            max_tokens=_LEAST_TOKENS + int(len(sentence.split()) * _TOKENS_A_WORD),
            sampler=Sampler(temperature=_TEMPERATURE),
            guards=(
                *guards.ALWAYS,
                *guards.of_claim(sentence),
                self._vendors,
                guards.same_figures(sentence),
            ),
        )

    def _fitted(self, kind: str, values: Mapping[str, str], tokens: int) -> tuple[Message, ...]:
        examples = len(self._asking.kinds[kind].examples)
        ways = [lambda n=n: self._asking.messages(kind, values, n) for n in range(examples, -1, -1)]
        return fit(self._engine, ways, tokens).messages


def candidate(claim: Claim, written: Written) -> Rewrite | None:
    """What came of a job, if it is to be judged: every sentence said, and not all in the claim's own words."""
    if not all(written.spans.values()):
        return None
    text = " ".join(written.spans.values())
    own = guards.grams(text)
    if len(own & guards.grams(claim.text)) >= _COPIED * len(own):
        return None
    return Rewrite(written.key, claim.text, text)
