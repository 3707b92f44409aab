"""What a made brief favours, from the model's answers to its file and into every chapter that is made of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from systems import OTHER_SYSTEM, even_fit, few_choices

from chapter_offline import desk
from chapter_offline.chapter.plan import make_plan
from chapter_offline.knowledge.briefs import load_brief
from chapter_offline.knowledge.library import load_library
from chapter_offline.reproducing import reproduce
from chapter_offline.resources import prompts_dir
from chapter_offline.rewriting import ask_what_if
from chapter_offline.workflow import Order, new_brief, write
from chapter_offline.writing.manifest import Fit, Origin
from chapter_offline.writing.progress import Silent
from chapter_offline.writing.transcript import TRANSCRIPT, read_transcript

pytestmark = pytest.mark.whole


class Stages(Silent):
    """An observer that keeps the names of stages."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def stage(self, what: str, total: int) -> None:
        self.heard.append(what)


@pytest.fixture
def order(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Of a system outside the library, by the tiny model, compared with one other to spare time."""
    monkeypatch.setattr(desk, "load_choices", lambda _: few_choices())
    origin = Origin(kind="model", fit=Fit.of(even_fit()))
    return Order(
        OTHER_SYSTEM,
        str(tiny_model),
        window=2048,
        parts=(15,),
        threads=1,
        out=tmp_path / "out",
        origin=origin,
    )


def asked_of_favours(folder: Path) -> int:
    scored = read_transcript((folder / TRANSCRIPT).read_bytes(), TRANSCRIPT).scored
    return sum(job.key.startswith("favour") for job, _ in scored)


def test_a_new_brief_says_what_it_favours(order: Order, tmp_path: Path) -> None:
    heard = Stages()
    text = new_brief(order, heard)
    assert heard.heard[-1] == "ordering claims of equal weight"
    (tmp_path / "new.toml").write_bytes(text)
    assert len(load_brief(tmp_path / "new.toml").favoured) > 10
    assert new_brief(order, Silent()) == text


def test_a_chapter_is_made_again_with_what_its_brief_favours(order: Order, tmp_path: Path) -> None:
    made = write(order, Silent())
    brief = load_brief(made.folder / "brief.toml")
    assert asked_of_favours(made.folder) == 2 * len(brief.favoured) > 20
    assert reproduce(made.folder, str(order.model), 1, Silent()).different == ()
    assert ask_what_if(made.folder, ["users=2x"]).brief.favoured == brief.favoured


def test_a_brief_of_ones_own_is_taken_as_it_is(order: Order, tmp_path: Path) -> None:
    (tmp_path / "new.toml").write_bytes(new_brief(order, Silent()))
    heard = Stages()
    own = replace(order, brief=tmp_path / "new.toml", origin=None)
    made = write(own, heard)
    kept, brief = load_brief(made.folder / "brief.toml"), load_brief(tmp_path / "new.toml")
    assert kept.favoured == brief.favoured
    assert "ordering claims of equal weight" not in heard.heard
    assert asked_of_favours(made.folder) == 0
    library = load_library(prompts_dir())
    bare = make_plan(library, brief.model_copy(update={"favoured": ()}))
    assert made.authored.chapter.plan.omitted != bare.omitted
