"""What an item of the exam demands of its answer, told by program."""

import json

from chapter_offline.engine.interface import Span, WriteJob
from chapter_offline.knowledge.files import Shape
from chapter_offline.writing.asking import Asking

TEXT = "text"
_OBJECT_TOKENS = 80


class Instruction(Shape):
    """An instruction that an answer keeps or doesn't. What is 0 or empty is not demanded."""

    ask: str
    most_words: int = 0
    least_words: int = 0
    sentences: int = 0
    begins: str = ""
    ends: str = ""
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def kept(self, text: str, sentences: tuple[str, ...]) -> bool:
        """Whether an answer does all that is asked."""
        words = [word.strip(".,;:!?\"'()").lower() for word in text.split()]
        return bool(words) and all(
            (
                not self.most_words or len(words) <= self.most_words,
                len(words) >= self.least_words,
                not self.sentences or len(sentences) == self.sentences,
                text.startswith(self.begins),
                text.endswith(self.ends),
                all(any(word.startswith(w) for word in words) for w in self.includes),
                not set(words) & set(self.excludes),
            )
        )


class Object(Shape):
    """An object to be filled under a schema. among: every field holds one of these."""

    ask: str
    fields: tuple[str, ...]
    among: tuple[str, ...]

    def filled(self, text: str) -> bool:
        """Whether the object is whole and each field says something of the question."""
        try:
            values = json.loads(text)
        except ValueError:
            return False
        return all(
            any(word in str(values.get(name, "")).lower() for word in self.among)
            for name in self.fields
        )


def object_job(key: str, asking: Asking, item: Object) -> WriteJob:
    """A job whose text is held to the item's schema."""
    schema = {
        "type": "object",
        "properties": {name: {"type": "string", "maxLength": 60} for name in item.fields},
        "required": list(item.fields),
        "additionalProperties": False,
    }
    span = Span(TEXT, end="grammar", max_tokens=_OBJECT_TOKENS, grammar=schema)
    return WriteJob(key, asking.messages("instruction", {"ask": item.ask}), (span,))
