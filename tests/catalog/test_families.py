"""Every architecture and chat template of the catalogue, on a tiny random file: loads, answers, thinks."""

import re
from pathlib import Path
from typing import Literal

import pytest
from families import Family, family_of, write_family
from systems import PROMPTS, rate_limiter_plan

from chapter_offline.catalog.fit import need_of, need_of_pin
from chapter_offline.catalog.header import read_header
from chapter_offline.catalog.pins import Pin, load_pins
from chapter_offline.engine.interface import ChoiceJob, Message, Settings, Span, WriteJob
from chapter_offline.engine.llama import open_engine
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.author import Author
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.progress import Silent

FAMILIES = sorted({family_of(pin) for pin in load_pins()}, key=repr)
TALK = (
    Message("system", "Answer in one sentence."),
    Message("user", "What does a queue do?"),
    Message("assistant", "It holds what is waiting."),
    Message("user", "And a cache?"),
)


@pytest.fixture(params=FAMILIES, ids=lambda each: f"{each.architecture} as {each.template}")
def family(request: pytest.FixtureRequest) -> Family:
    found = request.param
    assert isinstance(found, Family)
    return found


@pytest.fixture
def model(family: Family, tmp_path: Path) -> Path:
    return write_family(tmp_path / "tiny.gguf", family)


def test_it_writes_chooses_and_thinks_where_it_can(family: Family, model: Path) -> None:
    settings = Settings(window=1024, threads=1, turn_opening=family.turn_opening)
    span = Span("said", max_sentences=2, max_tokens=24)
    with open_engine(model, settings) as engine:
        written, thought = engine.write(
            [
                WriteJob("plain", TALK, (span,)),
                WriteJob("thinking", TALK, (span,), thinking=12),
            ]
        )
        (chosen,) = engine.choose([ChoiceJob("choice", TALK[:2], ("Yes", "No"))])
    assert written.thinking_tokens == 0
    assert written.output_tokens + written.rejected_tokens > 0
    thinks = any(p.thinking != "never" for p in load_pins() if family_of(p) == family)
    assert (thought.thinking_tokens > 0) == thinks
    assert all(value < 0 for value in chosen.log_probs)


def test_fit_knows_from_the_pin_how_it_will_be_run(family: Family, model: Path) -> None:
    def kind(pin: Pin) -> tuple[bool, bool]:
        return need_of_pin(pin).alone, pin.sliding_window > 0

    header = read_header(model)
    kinds = {kind(pin) for pin in load_pins() if family_of(pin) == family}
    assert kinds == {(need_of(header, "tiny").alone, header.sliding_window > 0)}


@pytest.mark.process
@pytest.mark.parametrize("voice", ["quoted", "free"])
def test_a_part_of_a_chapter_is_written_in_each_voice(
    family: Family, model: Path, voice: Literal["quoted", "free"]
) -> None:
    plan = rate_limiter_plan("quick")
    settings = Settings(window=2048, threads=1, turn_opening=family.turn_opening)
    with open_engine(model, settings) as engine:
        author = Author(engine, plan, voice, load_asking(PROMPTS), vendor_names(PROMPTS), "tiny")
        assert author.load((15,)).longest <= 2048
        authored = author.write((15,), Silent())
    page = chapter_markdown(authored.chapter)
    assert all(f"### {section.heading}" in page for section in plan.sections((15,)))
    assert authored.jobs
    assert not re.search(r"<\|[a-z_]+\|>|\[/?INST\]|</?think>|<(start|end)_of_turn>", page)
