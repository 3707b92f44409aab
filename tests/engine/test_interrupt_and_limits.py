"""Ctrl-C, loads and frees, a full cache, and ends that a model may come to."""

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from kinds import KINDS, Calls, Fed, tokens, write_kind
from tiny_gguf import write_tiny_gguf

from chapter_offline.engine import context as context_module
from chapter_offline.engine.context import CacheFullError, Context, Row
from chapter_offline.engine.interface import ChoiceJob, Message, Settings, Span, WriteJob
from chapter_offline.engine.library import interrupt_flag
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.loaded import LlamaEngine
from chapter_offline.engine.task import Step
from chapter_offline.engine.wave import ROWS, SPARE_CELLS, Wave, sequences_for

SETTINGS = Settings(window=512, threads=1, slots=4)


def context_of(engine: LlamaEngine) -> Context:
    assert engine._loaded is not None
    return engine._loaded.context


def choices(engine: LlamaEngine, count: int = 6) -> list[tuple[float, ...]]:
    jobs = [
        ChoiceJob(f"{n}", (Message("user", "which " * (n + 1)),), ("a lease", "so"))
        for n in range(count)
    ]
    return [chosen.log_probs for chosen in engine.choose(jobs)]


class Press:
    """Presses Ctrl-C when llama.cpp asks for the n-th time whether to go on."""

    def __init__(self, at: int) -> None:
        self.asked = 0
        self._at = at

    @contextmanager
    def flag(self) -> Iterator[Callable[[], bool]]:
        with interrupt_flag() as pressed:

            def ask() -> bool:
                self.asked += 1
                if self.asked == self._at:
                    signal.raise_signal(signal.SIGINT)
                return pressed()

            yield ask


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_ends_a_call_in_its_middle_and_the_engine_goes_on(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_engine(write_kind(tmp_path, kind), SETTINGS) as engine:
        before = choices(engine)
        press = Press(at=10**9)
        monkeypatch.setattr(context_module, "interrupt_flag", press.flag)
        calls = Calls(context_of(engine))
        list(engine._loop.run([Fed(Step(0, tokens(100, 1), hold=100))]))
        a_call = press.asked // len(calls.take())
        press = Press(at=a_call + a_call // 2)  # in the middle of the second call
        monkeypatch.setattr(context_module, "interrupt_flag", press.flag)
        with pytest.raises(KeyboardInterrupt):
            choices(engine)
        assert len(calls.take()) == 2
        assert press.asked < 2 * a_call - 2  # the rest of the graph was not run
        monkeypatch.undo()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert choices(engine) == before


def test_loads_and_frees_do_not_grow_the_process(tiny_model: Path) -> None:
    process = psutil.Process()

    def load(times: int) -> int:
        for _ in range(times):
            with open_engine(tiny_model, SETTINGS) as engine:
                choices(engine, 1)
        gc.collect()
        return int(process.memory_info().rss)

    settled = load(40)  # what waits for the collector has its most by then
    # One engine's cache and buffers are some 5 MB: one that stayed in ten would show.
    assert load(50) - settled < 10e6


def test_a_failed_load_frees_what_it_had(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "bare.gguf", template=None)
    process = psutil.Process()

    def load(times: int) -> int:
        for _ in range(times):
            with pytest.raises(Exception, match="chat template"):
                open_engine(path, SETTINGS)
        gc.collect()
        return int(process.memory_info().rss)

    settled = load(5)
    assert load(20) - settled < 5e6


@contextmanager
def small_context(engine: LlamaEngine, cells: int) -> Iterator[Context]:
    loaded = engine._loaded
    assert loaded is not None
    context = Context(
        loaded.library,
        loaded.model,
        cells=cells,
        sequences=sequences_for(SETTINGS.slots),
        rows=ROWS,
        threads=1,
        placed=loaded.placement.context,
    )
    try:
        yield context
    finally:
        context.close()


def test_rows_without_room_are_refused_and_change_nothing(tiny_model: Path) -> None:
    def rows(start: int) -> list[Row]:
        return [Row(65, start + i, 0, True) for i in range(8)]

    with open_engine(tiny_model, SETTINGS) as engine, small_context(engine, 256) as context:
        for start in range(0, context.cells - 8, 8):
            context.decode(rows(start))
        last = context.decode(rows(context.cells - 8)).copy()
        with pytest.raises(CacheFullError):
            context.decode(rows(context.cells))
        context.cut(0, context.cells - 8)
        assert (context.decode(rows(context.cells - 8)) == last).all()


def test_a_cache_that_fills_up_is_emptied_and_the_texts_stay_the_same(tiny_model: Path) -> None:
    def refuse(sentence: str, accepted: object) -> str | None:
        return "odd" if len(sentence) % 3 else None

    span = Span("text", max_tokens=80, tries=8, guards=(refuse,))
    jobs = [WriteJob(f"{n}", (Message("user", f"{n} why " * 20),), (span,)) for n in range(10)]
    with open_engine(tiny_model, SETTINGS) as engine:
        roomy = [result.sentences for result in engine.write(jobs)]
        assert any(sentences["text"] for sentences in roomy)
        with small_context(engine, SETTINGS.window + SPARE_CELLS) as context:
            calls = Calls(context)
            engine._loop = Wave(context, SETTINGS.slots)
            assert [result.sentences for result in engine.write(jobs)] == roomy
            assert calls.count() > 2 * context.cells  # so it must have been emptied


def test_the_log_tells_an_error_from_a_warning(tiny_model: Path, tmp_path: Path) -> None:
    log = tmp_path / "llama.log"
    with open_engine(tiny_model, Settings(window=512, threads=1, log_file=str(log))) as engine:
        assert engine._loaded is not None
        # A cache larger than the trained window is a warning, and no cause of any failure.
        assert "possible training context overflow" in log.read_text()
        assert engine._loaded.library.log.first_error() == ""
