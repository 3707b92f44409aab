"""The paper of an exam, as `prompts/exam.toml` has it, and what an exam finds."""

from pathlib import Path

from chapter_offline.chapter.voice import Voice
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.writing.demands import Instruction, Object
from chapter_offline.writing.fidelity import Judge


class Opening(Shape):
    """A section's heading and one of its statements."""

    heading: str
    statement: str


class Items(Shape):
    """How many items of a kind a whole exam has."""

    rewriting: int
    questions: int
    choices: int


class Paper(Shape):
    """The questions of an exam. voices: the least share of each task, by voice."""

    items: Items
    voices: dict[Voice, dict[str, float]]
    instruction: tuple[Instruction, ...]
    object: tuple[Object, ...]
    opening: tuple[Opening, ...]


class Passed(Shape):
    """Of so many items, how many were done well."""

    passed: int
    of: int

    @property
    def share(self) -> float:
        return self.passed / self.of if self.of else 0.0


class Result(Shape):
    """What an exam found. model: sha256. judge: name of the model whose fit judged, "" for none.

    auc, interval: of the model's own judging of labelled rewrites, systems apart; interval: 90%.
    voice: earned. reasons: why not the next one. shortened: the share of the items that were asked.
    """

    model: str
    name: str
    judge: str
    auc: float
    interval: tuple[float, float]
    tasks: dict[str, Passed]
    voice: Voice
    reasons: tuple[str, ...]
    own: Judge | None = None
    shortened: float = 1.0

    def lines(self) -> list[str]:
        """What a person should know, line by line."""
        low, high = self.interval
        found = [f"{name}: {each.passed} of {each.of}" for name, each in self.tasks.items()]
        asked = (
            "" if self.shortened == 1 else f" ({self.shortened:.0%} of the exam, for its slowness)"
        )
        return [
            f"{self.name} may write in voice {self.voice}{asked}",
            f"judging rewrites: area under the curve {self.auc:.2f} ({low:.2f} to {high:.2f}); judge of its own rewrites: {self.judge or 'nobody'}",
            "done well: " + ", ".join(found),
            *(f"not {reason}" for reason in self.reasons),
        ]


def load_paper(prompts: Path) -> Paper:
    """Raises BadInputError."""
    path = prompts / "exam.toml"
    return shaped(Paper, read_toml(path), str(path), path)
