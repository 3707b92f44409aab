"""Terms of the field: short glosses that a chapter really uses."""

import re

import pytest
from systems import PROMPTS, library

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.lint import template_faults
from chapter_offline.knowledge.terms import load_terms

TERMS = library().terms
_USE = re.compile(r"""\b[tT]\(\s*(?:"([^"]+)"|'([^']+)')""")


def used_terms() -> set[str]:
    texts = [path.read_text() for path in PROMPTS.rglob("*.toml") if path.parent.name != "terms"]
    return {"".join(quoted) for text in texts for quoted in _USE.findall(text)}


def test_every_use_is_of_a_term_that_is_there() -> None:
    used = used_terms()
    assert len(used) > 150
    assert used <= set(TERMS)


@pytest.mark.parametrize("name", TERMS)
def test_a_gloss_has_at_most_ten_words(name: str) -> None:
    gloss = TERMS[name].gloss
    assert 1 <= len(gloss.split()) <= 10
    assert not gloss.endswith(".")


@pytest.mark.parametrize("name", TERMS)
def test_a_definition_is_whole_sentences(name: str) -> None:
    definition = TERMS[name].definition
    assert definition[0].isupper() or not definition[0].isalpha()
    assert definition.endswith(".")
    assert len(definition.split()) > len(TERMS[name].gloss.split())
    assert template_faults(definition) == []


def test_a_term_in_two_files_is_refused(tmp_path) -> None:
    folder = tmp_path / "terms"
    folder.mkdir()
    for name in ("a.toml", "b.toml"):
        (folder / name).write_text('[lease]\ngloss = "a right that ends"\ndefinition = "It ends."')
    with pytest.raises(BadInputError, match=r"terms/b\.toml: 'lease' stands in another file"):
        load_terms(tmp_path)
