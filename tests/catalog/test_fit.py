"""What a model will take, against what it takes; and what is said where it doesn't fit."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from families import FAMILY_KINDS, write_family
from tiny_gguf import write_tiny_gguf

from chapter_offline.catalog.fit import (
    Gpu,
    Need,
    footprint,
    gpu_layers,
    largest_window,
    need_of,
    need_of_pin,
    within,
)
from chapter_offline.catalog.header import read_header
from chapter_offline.catalog.pins import load_pins
from chapter_offline.engine.interface import Settings
from chapter_offline.errors import DoesNotFitError

GB = 10**9
SEVEN = Need(
    "seven",
    (130_000_000,) * 32,
    500_000_000,
    0,
    32_768,
    32_768,
    0,
    32_000,
    4096,
    14_336,
    32_768,
    False,
)
NARROW = replace(SEVEN, keys=4096, values=4096)  # whose cache is cheap, so that it is made larger

_PEAK = """
import json, sys
from pathlib import Path
from chapter_offline.engine.interface import Message, Settings, Span, WriteJob
from chapter_offline.engine.llama import open_engine
path, window, slots, cells = sys.argv[1], *map(int, sys.argv[2:])
settings = Settings(window=window, slots=slots, cells=cells, threads=1)
with open_engine(Path(path), settings) as engine:
    span = Span("said", end="tokens", max_tokens=4)
    talk = (Message("user", "word " * 100),)
    for _ in engine.write([WriteJob(str(n), talk, (span,)) for n in range(min(slots, 4))]):
        pass
(line,) = (l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM"))
print(int(line.split()[1]) * 1024)
"""


def peak(model: Path, settings: Settings) -> int:
    """Peak resident bytes of a process that runs the model so."""
    arguments = (str(model), str(settings.window), str(settings.slots), str(settings.cells))
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *arguments], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads peaks from /proc")
@pytest.mark.model
@pytest.mark.parametrize(
    ("window", "slots", "cells"), [(2048, 4, 0), (2048, 24, 1), (4096, 60, 20_000), (8192, 24, 0)]
)
def test_the_footprint_is_within_a_tenth_of_the_measured_peak(
    real_model: Path, window: int, slots: int, cells: int
) -> None:
    settings = Settings(window=window, slots=slots, cells=cells)
    told = footprint(need_of(read_header(real_model), "m"), settings).total
    assert told == pytest.approx(peak(real_model, settings), rel=0.1)


def test_the_window_is_paid_for_in_kv_cache() -> None:
    small, large = (footprint(SEVEN, Settings(window=w, cells=1)) for w in (2048, 4096))
    assert large.kv_cache - small.kv_cache == 2048 * 2 * 65_536


def test_a_quantized_cache_takes_less() -> None:
    plain, packed = (footprint(SEVEN, Settings(kv_type=kind, cells=1)) for kind in ("f16", "q8_0"))
    assert packed.kv_cache == pytest.approx(plain.kv_cache * 34 / 64, rel=0.01)


def test_slots_are_paid_for_in_logits_alone() -> None:
    few, many = (footprint(SEVEN, Settings(slots=slots)) for slots in (4, 64))
    assert few.kv_cache == many.kv_cache
    assert many.compute > few.compute


def test_the_cache_shrinks_to_what_is_free_and_no_further() -> None:
    usual = footprint(NARROW, Settings()).total
    least = footprint(NARROW, Settings(cells=1)).total
    assert within(NARROW, Settings(), usual) == Settings()
    shrunk = within(NARROW, Settings(), (usual + least) // 2)
    assert shrunk.cells > 1
    assert least < footprint(NARROW, shrunk).total <= (usual + least) // 2
    with pytest.raises(DoesNotFitError):
        within(NARROW, Settings(), least - 1)


def test_what_does_not_fit_is_refused_with_the_largest_window_that_would() -> None:
    limit = footprint(SEVEN, Settings(window=8192, cells=1)).total
    with pytest.raises(DoesNotFitError, match="use --window 8192 or less"):
        within(SEVEN, Settings(window=16_384), limit)
    assert largest_window(SEVEN, Settings(), limit) == 8192
    assert largest_window(SEVEN, Settings(), GB) == 0
    assert largest_window(SEVEN, Settings(), 100 * GB) == SEVEN.trained_window


def test_beside_a_chapter_there_is_less_room() -> None:
    limit = footprint(SEVEN, Settings(window=8192, cells=1)).total
    assert largest_window(SEVEN, Settings(), limit, beside=200_000_000) < 8192


def test_all_layers_lie_on_a_gpu_that_holds_them() -> None:
    assert gpu_layers(SEVEN, Settings(), [Gpu("CUDA0", 24 * GB)]) == (33,)


def test_a_small_gpu_holds_some_layers() -> None:
    (some,) = gpu_layers(SEVEN, Settings(), [Gpu("CUDA0", 5 * GB)])
    assert 1 < some < 33
    assert gpu_layers(SEVEN, Settings(), [Gpu("CUDA0", GB // 2)]) == (0,)


def test_two_gpus_share_the_layers_the_last_has_the_end() -> None:
    first, last = gpu_layers(SEVEN, Settings(), [Gpu("CUDA0", 5 * GB), Gpu("CUDA1", 5 * GB)])
    assert first > 0
    assert last > 0
    assert first + last <= 33


@pytest.mark.parametrize("architecture", FAMILY_KINDS)
def test_every_kind_of_memory_is_read_from_the_header(architecture: str, tmp_path: Path) -> None:
    model = write_family(tmp_path / "tiny.gguf", FAMILY_KINDS[architecture])
    header = read_header(model)
    attending = 1 if architecture.startswith("qwen35") else header.layers
    assert sum(header.kv_heads) == attending
    assert (header.state_bytes > 0) == architecture.startswith("qwen35")
    assert need_of(header, "tiny").alone == (
        architecture in ("qwen35", "qwen35moe", "qwen3moe", "gpt-oss")
    )


def test_windows_that_slide_keep_all_their_cells() -> None:
    gemma = next(pin for pin in load_pins() if pin.name == "gemma-3-4b")
    assert need_of_pin(gemma).keys == gemma.layers * gemma.kv_heads * gemma.head_length


def test_a_file_that_is_here_is_known_by_its_header_alone(tmp_path: Path) -> None:
    header = read_header(write_tiny_gguf(tmp_path / "tiny.gguf"))
    need = need_of(header, "tiny")
    assert (need.vocabulary, need.embedding, need.feed_forward) == (header.vocabulary, 64, 128)
    assert need.vocabulary > 300
    assert need.weights + 100 < header.file_bytes
