"""Prompts kept on disk: a later process reads them back, and nothing of its results changes."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kinds import KINDS, Calls, write_kind

from chapter_offline.engine.interface import ChoiceJob, Message, Settings, Span, WriteJob
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.prefixes import SHORTEST, Prefixes

SHARED = "the limiter holds its count in a store and each node reads it before the call " * 3
OTHER = SHARED[:150] + "so that one late clock never lets more requests through " * 3
SETTINGS = Settings(window=768, threads=1, slots=4)

Results = tuple[list[tuple[float, ...]], list[tuple[str, ...]]]


def run(path: Path, settings: Settings, shared: str = SHARED) -> tuple[Results, int]:
    """What jobs with a common beginning give, in all bits, and how many rows were decoded."""
    with open_engine(path, settings) as engine:
        assert engine._loaded is not None
        calls = Calls(engine._loaded.context)
        system = Message("system", shared)
        choices = [
            ChoiceJob(f"c{n}", (system, Message("user", "why " * (n + 1))), ("a lease", "so"))
            for n in range(4)
        ]
        span = Span("text", max_sentences=1, max_tokens=24)
        written = [
            WriteJob(f"w{n}", (system, Message("user", "how " * (n + 1))), (span,))
            for n in range(4)
        ]
        scores = [chosen.log_probs for chosen in engine.choose(choices)]
        texts = [result.sentences["text"] for result in engine.write(written)]
        assert any(texts)
        return (scores, texts), calls.count()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.prefix"))


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_cold_warm_and_damaged_caches_give_the_same_bits(
    tmp_path: Path, kind: str, fixed: bool
) -> None:
    path, folder = write_kind(tmp_path, kind), tmp_path / "cache"
    bare = replace(SETTINGS, fixed_waves=fixed)
    kept = replace(bare, cache_dir=folder)
    without, rows = run(path, bare)
    cold, cold_rows = run(path, kept)
    assert (cold, cold_rows) == (without, rows)
    stored = {file: file.read_bytes() for file in files(folder)}
    warm, warm_rows = run(path, kept)
    assert warm == without
    if kind == "sliding windows" and fixed:
        assert not stored  # where cells lie would show in the bits
        return
    assert stored
    assert warm_rows <= rows - SHORTEST
    for file, data in stored.items():
        file.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    damaged, damaged_rows = run(path, kept)
    assert (damaged, damaged_rows) == (without, rows)
    assert {file: file.read_bytes() for file in stored} == stored


@pytest.mark.parametrize("kind", ["plain attention", "sliding windows", "recurrent"])
def test_a_prompt_that_shares_only_a_part_gives_the_same_bits(tmp_path: Path, kind: str) -> None:
    path, folder = write_kind(tmp_path, kind), tmp_path / "cache"
    run(path, replace(SETTINGS, cache_dir=folder))
    assert run(path, replace(SETTINGS, cache_dir=folder), OTHER)[0] == run(path, SETTINGS, OTHER)[0]


@pytest.mark.parametrize(
    "other",
    [{"kv_type": "q8_0"}, {"fixed_waves": True}, {"model_sha256": "ab" * 32}],
    ids=["kv type", "waves", "model"],
)
def test_what_other_settings_stored_is_not_read(tmp_path: Path, other: dict[str, object]) -> None:
    path, folder = write_kind(tmp_path, "plain attention"), tmp_path / "cache"
    changed = replace(SETTINGS, **other)  # type: ignore[arg-type]
    run(path, replace(SETTINGS, cache_dir=folder))
    assert run(path, replace(changed, cache_dir=folder)) == run(path, changed)


def test_another_window_reads_what_is_stored(tmp_path: Path) -> None:
    path, folder = write_kind(tmp_path, "plain attention"), tmp_path / "cache"
    _, rows = run(path, replace(SETTINGS, cache_dir=folder))
    other = replace(SETTINGS, cache_dir=folder, window=700)
    assert run(path, other)[1] <= rows - SHORTEST


def test_a_folder_that_can_not_be_made_is_noted_in_the_log(tmp_path: Path) -> None:
    path, log = write_kind(tmp_path, "plain attention"), tmp_path / "llama.log"
    settings = replace(SETTINGS, cache_dir=path / "within a file", log_file=str(log))
    assert run(path, settings) == run(path, SETTINGS)
    assert "chapter-offline: reading the cache of prompts" in log.read_text()


def prefixes(folder: Path, limit: int = 10**6, context: Sequence[str] = ("model",)) -> Prefixes:
    return Prefixes(folder, context, limit, lambda line: None)


def some_tokens(count: int, first: int = 0) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.arange(first, first + count, dtype=np.int32)


def test_the_longest_common_beginning_is_found(tmp_path: Path) -> None:
    store = prefixes(tmp_path)
    store.save(some_tokens(100), b"short")
    store.save(some_tokens(300), b"long")
    found = prefixes(tmp_path).find(some_tokens(200), whole=False)
    assert found is not None
    assert (len(found[0].tokens), found[1]) == (300, 200)
    found = store.find(some_tokens(200), whole=True)
    assert found is not None
    assert (len(found[0].tokens), found[1]) == (100, 100)
    assert store.load(found[0]) == b"short"
    assert store.find(some_tokens(200, first=1), whole=False) is None


def test_the_oldest_go_when_the_folder_is_full_and_what_was_read_is_not_old(
    tmp_path: Path,
) -> None:
    store = prefixes(tmp_path, limit=4000)
    for n in range(3):
        store.save(some_tokens(100, first=n), bytes(700))  # 1,213 bytes each
    for age, path in enumerate(files(tmp_path)):
        os.utime(path, (1000 - age, 1000 - age))
    first = store.find(some_tokens(100), whole=True)
    assert first is not None
    store.load(first[0])
    store.save(some_tokens(100, first=9), bytes(700))
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 4000
    assert store.has(some_tokens(100))
    assert store.has(some_tokens(100, first=9))
    assert len(files(tmp_path)) == 3


def test_what_is_larger_than_the_whole_folder_is_not_kept(tmp_path: Path) -> None:
    store = prefixes(tmp_path, limit=4000)
    store.save(some_tokens(100), bytes(700))
    store.save(some_tokens(200), bytes(9000))
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_a_file_cut_short_is_passed_over(tmp_path: Path, keep: int) -> None:
    prefixes(tmp_path).save(some_tokens(100), bytes(700))
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    assert prefixes(tmp_path).find(some_tokens(100), whole=False) is None


def test_a_file_of_another_context_under_this_name_is_passed_over(tmp_path: Path) -> None:
    prefixes(tmp_path).save(some_tokens(100), bytes(700))
    (mine,) = files(tmp_path)
    other = tmp_path / "other"
    prefixes(other, context=("another",)).save(some_tokens(100), bytes(700))
    (foreign,) = files(other)
    mine.write_bytes(foreign.read_bytes())
    assert prefixes(tmp_path).find(some_tokens(100), whole=False) is None


@pytest.mark.model
def test_the_real_model_reads_back_what_it_stored_to_the_bit(
    real_model: Path, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, cache_dir=tmp_path / "cache")
    shared = SHARED * 3  # some 150 tokens: whole words, where the tiny model has bytes
    without, rows = run(real_model, SETTINGS, shared)
    assert run(real_model, settings, shared) == (without, rows)
    warm, warm_rows = run(real_model, settings, shared)
    assert warm == without
    assert warm_rows <= rows - SHORTEST
