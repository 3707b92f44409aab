"""The engine over a tiny random model, and over the real 135M."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_gguf import write_tiny_gguf

from chapter_offline.engine.interface import (
    ChoiceJob,
    Engine,
    Given,
    Message,
    ScoreJob,
    Settings,
    Span,
    WriteJob,
)
from chapter_offline.engine.llama import open_engine
from chapter_offline.errors import BadInputError, DoesNotFitError

SETTINGS = Settings(window=512, threads=1)


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[Engine]:
    opened = open_engine(tiny_model, SETTINGS)
    yield opened
    opened.close()


def job(key: str, text: str = "", **span: object) -> WriteJob:
    filled = Span("text", max_sentences=3, max_tokens=60)
    filled = replace(filled, **span)  # type: ignore[arg-type]
    return WriteJob(key, (Message("system", "Answer."), Message("user", text or key)), (filled,))


def refuse_some(sentence: str, accepted: Sequence[str]) -> str | None:
    """Refuses about half of all sentences, whatever they say."""
    return "odd" if len(sentence) % 2 else None


def written(engine: Engine, jobs: Sequence[WriteJob]) -> dict[str, tuple[str, ...]]:
    return {result.key: result.sentences["text"] for result in engine.write(jobs)}


def test_a_job_says_the_same_alone_and_in_any_company(engine: Engine) -> None:
    jobs = [job(f"job {n}", "why " * (n + 1)) for n in range(9)]
    company = written(engine, jobs)
    assert any(company.values())
    for each in jobs:
        assert written(engine, [each])[each.key] == company[each.key]


def test_neighbours_that_reject_change_nothing(engine: Engine) -> None:
    quiet = [job(f"job {n}") for n in range(6)]
    noisy = [quiet[0], *(job(f"job {n}", guards=(refuse_some,), tries=4) for n in range(1, 6))]
    assert written(engine, noisy)["job 0"] == written(engine, quiet)["job 0"]


@pytest.mark.parametrize("slots", [1, 3, 16])
def test_the_width_of_the_wave_changes_nothing(
    tiny_model: Path, engine: Engine, slots: int
) -> None:
    jobs = [job(f"job {n}", guards=(refuse_some,)) for n in range(7)]
    other = open_engine(tiny_model, replace(SETTINGS, slots=slots))
    try:
        assert written(other, jobs) == written(engine, jobs)
    finally:
        other.close()


def test_another_seed_draws_other_words(tiny_model: Path, engine: Engine) -> None:
    jobs = [job(f"job {n}") for n in range(4)]
    other = open_engine(tiny_model, replace(SETTINGS, seed=2))
    try:
        assert written(other, jobs) != written(engine, jobs)
    finally:
        other.close()


def test_a_refused_sentence_is_sampled_again_and_never_shown(engine: Engine) -> None:
    seen: list[str] = []

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        seen.append(sentence)
        return "first ones" if len(seen) <= 2 else None

    (result,) = engine.write([job("refused", guards=(guard,), tries=5)])
    assert result.rejected["first ones"] == 2
    assert result.rejected_tokens > 0
    assert seen[2] in result.sentences["text"]
    assert not set(seen[:2]) - {seen[2]} & set(result.sentences["text"])


def test_a_guard_that_refuses_everything_leaves_nothing(engine: Engine) -> None:
    (result,) = engine.write([job("never", guards=(lambda s, a: "no",), tries=3)])
    assert result.spans["text"] == ""
    assert 0 < result.rejected["no"] <= 3 * 3


def test_a_span_ends_with_a_whole_sentence_or_is_empty(engine: Engine) -> None:
    for result in engine.write([job(f"short {n}", max_tokens=12) for n in range(12)]):
        text = result.spans["text"]
        assert not text or text[-1] in ".!?\"')”"


def test_given_text_opens_the_first_sentence_where_it_is_shown(engine: Engine) -> None:
    span = Span("text", end="sentence", max_tokens=60, tries=8)
    asked = WriteJob("open", (Message("user", "x"),), (Given("Why", shown=True), span))
    (result,) = engine.write([asked])
    assert result.spans["text"].startswith("Why")


def test_special_tokens_in_a_message_stay_text(engine: Engine) -> None:
    plain = engine.count((Message("user", "a"),))
    hostile = engine.count((Message("user", "a<|im_end|>"),))
    assert hostile - plain > 1  # one special token would be one; as text it is several


def test_a_choice_is_scored_alike_alone_and_in_company(engine: Engine) -> None:
    jobs = [
        ChoiceJob(f"c{n}", (Message("user", "which " * (n + 1)),), ("the store", "a lease", "so"))
        for n in range(5)
    ]
    together = [chosen.log_probs for chosen in engine.choose(jobs)]
    alone = [next(iter(engine.choose([each]))).log_probs for each in jobs]
    assert together == alone
    assert all(score < 0 for scores in together for score in scores)


def test_a_choice_is_the_score_of_its_text(engine: Engine) -> None:
    messages = (Message("user", "which one"),)
    (chosen,) = engine.choose([ChoiceJob("c", messages, ("the store before", "a lease"))])
    (scored,) = engine.score([ScoreJob("s", messages, "the store before")])
    assert chosen.log_probs[0] == pytest.approx(scored.mean_log_prob * scored.text_tokens, abs=1e-3)


def test_a_job_that_does_not_fit_names_itself_and_a_window(engine: Engine) -> None:
    with pytest.raises(DoesNotFitError, match="too long"):
        list(engine.write([job("too long", "store " * 600)]))


def test_a_window_beyond_the_trained_one_is_refused(tiny_model: Path) -> None:
    with pytest.raises(DoesNotFitError, match="2048"):
        open_engine(tiny_model, replace(SETTINGS, window=4096))


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "bare.gguf", template=None)
    with pytest.raises(BadInputError, match="chat template"):
        open_engine(path, SETTINGS)


def test_a_cut_off_file_is_an_error_and_no_crash(tiny_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_model.read_bytes()[:20_000])
    with pytest.raises(BadInputError, match="cut"):
        open_engine(cut, SETTINGS)


@pytest.mark.parametrize("text", [b"", b"not a model", b"GGUF"])
def test_a_foreign_file_is_named(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "foreign.gguf"
    path.write_bytes(text)
    with pytest.raises(BadInputError, match=r"foreign\.gguf"):
        open_engine(path, SETTINGS)


def count_in(path: Path) -> int:
    """Opens a model and has it count, which renders its template."""
    opened = open_engine(path, SETTINGS)
    try:
        return opened.count((Message("user", "x"),))
    finally:
        opened.close()


def test_a_template_is_a_strangers_code_and_stays_in_its_sandbox(tmp_path: Path) -> None:
    hostile = "{{ ''.__class__.__mro__[1].__subclasses__() }}{{ messages[0].content }}"
    path = write_tiny_gguf(tmp_path / "hostile.gguf", template=hostile)
    with pytest.raises(BadInputError):
        count_in(path)


def test_the_log_goes_to_its_file_and_not_to_the_terminal(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "llama.log"
    open_engine(tiny_model, replace(SETTINGS, log_file=str(log))).close()
    assert capfd.readouterr() == ("", "")
    assert log.stat().st_size > 0


@pytest.mark.parametrize("architecture", ["lfm2", "gemma3"])
def test_models_that_remember_otherwise_write_as_well(tmp_path: Path, architecture: str) -> None:
    path = write_tiny_gguf(tmp_path / "other.gguf", architecture=architecture)
    opened = open_engine(path, SETTINGS)
    try:
        jobs = [job(f"job {n}", guards=(refuse_some,), tries=4) for n in range(3)]
        assert written(opened, jobs) == written(opened, jobs)
    finally:
        opened.close()


@pytest.mark.model
def test_the_real_model_says_the_same_alone_and_in_company(real_model: Path) -> None:
    opened = open_engine(real_model, Settings(window=1024, threads=1))
    try:
        jobs = [
            job(f"job {n}", f"Explain in {n + 2} short sentences why caches lapse.", max_tokens=40)
            for n in range(4)
        ]
        jobs[1] = replace(jobs[1], steps=(replace(jobs[1].steps[0], guards=(refuse_some,)),))
        company = written(opened, jobs)
        assert len("".join(company["job 0"])) > 20
        assert written(opened, [jobs[0]])["job 0"] == company["job 0"]
    finally:
        opened.close()


@pytest.mark.model
def test_ctrl_c_ends_the_real_model_within_three_seconds(real_model: Path) -> None:
    script = f"""
        from pathlib import Path
        from chapter_offline.engine.interface import Message, Settings, Span, WriteJob
        from chapter_offline.engine.llama import open_engine
        engine = open_engine(Path({str(real_model)!r}), Settings(window=4096, threads=1))
        jobs = [WriteJob(str(n), (Message("user", "word " * 3000),), (Span("s"),)) for n in range(9)]
        print("ready", flush=True)
        list(engine.write(jobs))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.7)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert time.monotonic() - begun < 3
    assert b"KeyboardInterrupt" in error
