"""Terms of the field: a gloss for the first use, a definition for the list at the end."""

from pathlib import Path

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, read_toml, shaped


class Term(Shape):
    """gloss: at most ten words. definition: one or two sentences."""

    gloss: str
    definition: str

    @property
    def entry(self) -> str:
        """What the list of terms says: the gloss, which defines, before the definition, which goes on from it."""
        return f"{self.gloss[:1].upper()}{self.gloss[1:]}. {self.definition}"


def load_terms(prompts: Path) -> dict[str, Term]:
    """All terms by name. Raises BadInputError, also for a term that stands in two files."""
    terms: dict[str, Term] = {}
    for path in sorted((prompts / "terms").glob("*.toml")):
        for name, entry in read_toml(path).items():
            if name in terms:
                raise BadInputError(f"terms/{path.name}: {name!r} stands in another file as well")
            terms[name] = shaped(Term, entry, f"terms/{path.name}: {name}")
    return terms
