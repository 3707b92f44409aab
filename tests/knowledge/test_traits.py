"""Traits: what each brings, which go together, and that none is only a word."""

from pathlib import Path

import pytest
from systems import PROMPTS, library, made_brief

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.claims import Claim, SectionText
from chapter_offline.knowledge.files import shaped
from chapter_offline.knowledge.traits import Trait, Traits, load_traits, with_trait_claims
from chapter_offline.review.samples import sample_briefs

FEWEST = 15
ALL = sorted(library().traits.known)


PLAIN = {"about": "a thing is so", "asks": "a thing is so", "shown": {"yes": ["a"], "no": ["b"]}}


def trait(**more: object) -> Trait:
    return Trait.model_validate(PLAIN | more)


def test_there_are_at_least_28() -> None:
    assert len(ALL) >= 28


@pytest.mark.parametrize("name", ALL)
def test_each_has_consequences(name: str) -> None:
    claims = [c for section in library().claims.sections.values() for c in section.claims]
    assert sum(name in claim.needs for claim in claims) >= FEWEST


@pytest.mark.parametrize("name", ALL)
def test_each_says_how_it_fails_and_how_it_is_abused(name: str) -> None:
    places = {
        key.partition(".")[0]
        for key, section in library().claims.sections.items()
        if any(name in claim.needs for claim in section.claims)
    }
    assert places >= {"p08", "p09", "p13"}


@pytest.mark.parametrize("name", ALL)
def test_each_is_tried_in_a_system(name: str) -> None:
    assert [n for n, brief in sample_briefs(library()).items() if name in brief.traits]


@pytest.mark.parametrize("name", ALL)
def test_none_brings_what_excludes_it(name: str) -> None:
    traits = library().traits
    assert traits.clash(traits.closed([name])) is None


def test_what_one_brings_along_comes_with_it_once() -> None:
    traits = Traits(
        {
            "a": trait(implies=["b"], roles=["queue"]),
            "b": trait(implies=["a"], roles=["cache"]),
            "c": trait(),
        }
    )
    assert traits.closed(["c", "a"]) == ("c", "a", "b")
    assert traits.roles(["a", "b"]) == {"queue", "cache"}


def test_a_clash_is_found_from_either_side() -> None:
    traits = Traits({"a": trait(excludes=["b"]), "b": trait(), "c": trait()})
    assert traits.clash(["b", "a"]) == ("a", "b")
    assert traits.clash(["a", "c"]) is None


def test_claims_stand_behind_what_opens_a_section() -> None:
    general = SectionText.model_validate(
        {
            "claims": [
                {"id": "opens", "text": "One."},
                {"id": "goes_on", "text": "Two.", "join": True},
                {"id": "other", "text": "Three."},
            ]
        }
    )
    own = Claim(id="own", text="Own.")
    made = with_trait_claims(general, [own])
    assert [claim.id for claim in made.claims] == ["opens", "goes_on", "own", "other"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"implies": ["c"]}, "traits/a.toml: 'c' is no trait"),
        ({"implies": ["b"], "excludes": ["b"]}, "exclude each other"),
    ],
)
def test_files_that_contradict_themselves_are_refused(
    tmp_path: Path, more: dict[str, list[str]], says: str
) -> None:
    folder = tmp_path / "traits"
    folder.mkdir()
    head = "".join(f'{k} = "{PLAIN[k]}"\n' for k in ("about", "asks"))
    head += 'shown = { yes = ["a"], no = ["b"] }\n'
    (folder / "b.toml").write_text(head)
    (folder / "a.toml").write_text(head + "".join(f"{k} = {v!r}\n" for k, v in more.items()))
    with pytest.raises(BadInputError, match=says):
        load_traits(tmp_path)


def test_a_component_without_its_state_is_refused() -> None:
    half = {"role": "store", "name": "row store"}
    with pytest.raises(BadInputError, match=r"^traits/x\.toml: .*component"):
        shaped(Trait, PLAIN | {"component": [half]}, "traits/x.toml")


def test_the_files_here_are_the_traits() -> None:
    assert sorted(path.stem for path in (PROMPTS / "traits").glob("*.toml")) == ALL


def test_a_made_system_that_moves_money_keeps_entries_of_it() -> None:
    records = {record.name for record in made_brief(traits=["money"]).record}
    assert "entry in the books" in records
    nearly = made_brief(traits=["money", "approximate_ok"]).record
    assert "entry in the books" not in {record.name for record in nearly}
