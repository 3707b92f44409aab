"""Devices, splits, KV types and widths: what is there is told, and what isn't is refused."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tiny_gguf import write_tiny_gguf

from chapter_offline.engine import placement
from chapter_offline.engine.devices import Device, build, devices
from chapter_offline.engine.interface import Message, Settings, Span, WriteJob
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.placement import place
from chapter_offline.errors import UsageError

SETTINGS = Settings(window=512, threads=1)


def jobs(count: int) -> list[WriteJob]:
    span = Span("text", max_sentences=2, max_tokens=30)
    return [
        WriteJob(f"{n}", (Message("user", "why " * (1 + n % 5)),), (span,)) for n in range(count)
    ]


def written(path: Path, settings: Settings, some: Sequence[WriteJob]) -> list[str]:
    with open_engine(path, settings) as engine:
        return [result.spans["text"] for result in engine.write(some)]


def test_the_cpu_is_among_the_devices_with_the_machines_memory() -> None:
    (cpu,) = [device for device in devices() if device.kind == "cpu"]
    assert cpu.name == "CPU"
    assert cpu.description
    assert 0 < cpu.free <= cpu.total
    assert cpu.total <= 1.1 * psutil.virtual_memory().total


def test_the_build_names_its_backends_and_their_features() -> None:
    built = build()
    assert "CPU" in built.features
    assert all(re.fullmatch(r"\w+", name) for name in built.features["CPU"])
    assert built.gpu or not any(device.kind == "gpu" for device in devices())


def gpu(name: str, integrated: bool = False) -> Device:
    return Device(name, f"a {name}", "gpu", 8 * 10**9, 7 * 10**9, integrated, handle=1)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    here = (*devices(), gpu("CUDA0"), gpu("CUDA1"), gpu("Vulkan0", integrated=True))
    monkeypatch.setattr(placement, "devices", lambda: here)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"devices": ("CUDA0",)}, "gpu_layers is 0"),
        ({"tensor_split": (1.0,)}, "gpu_layers is 0"),
        ({"gpu_layers": -1, "devices": ("CUDA7",)}, "devices CUDA7: .*CUDA0, CUDA1"),
        ({"gpu_layers": -1, "devices": ("CPU",)}, "devices CPU: there is no such GPU"),
        ({"gpu_layers": -1, "devices": ("CUDA0", "CUDA0")}, "named twice"),
        ({"gpu_layers": -1, "tensor_split": (1.0,)}, "one share for each of CUDA0, CUDA1"),
        ({"gpu_layers": -1, "tensor_split": (1.0, -1.0)}, "tensor_split 1, -1"),
        ({"gpu_layers": -1, "tensor_split": (0.0, 0.0)}, "tensor_split 0, 0"),
        ({"gpu_layers": -1, "split_mode": "none", "devices": ("CUDA0", "CUDA1")}, "more than one"),
        ({"split_mode": "column"}, "split_mode column: .* none, layer or row"),
        ({"kv_type": "q5_1"}, "kv_type q5_1: .* f16, q8_0 or q4_0"),
        ({"kv_type": "q8_0", "flash_attention": False}, "needs flash attention"),
        ({"slots": 65}, "slots 65: a wave has 1 to 64"),
        ({"slots": -1}, "slots -1"),
    ],
)
@pytest.mark.usefixtures("two_gpus")
def test_what_does_not_go_together_is_refused_in_a_line_or_two(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        place(replace(SETTINGS, **settings))  # type: ignore[arg-type]
    assert str(refused.value).count("\n") <= 1


@pytest.mark.usefixtures("two_gpus")
def test_all_gpus_with_memory_of_their_own_are_taken_or_those_named() -> None:
    def names(**settings: object) -> list[str]:
        placed = place(replace(SETTINGS, gpu_layers=-1, **settings))  # type: ignore[arg-type]
        return [name for name, _ in placed.gpus]

    assert names() == ["CUDA0", "CUDA1"]
    assert names(devices=("CUDA1", "CUDA0"), tensor_split=(3.0, 1.0)) == ["CUDA1", "CUDA0"]
    assert names(split_mode="none") == ["CUDA0"]
    assert names(devices=("Vulkan0",)) == ["Vulkan0"]


@pytest.mark.skipif(any(d.kind == "gpu" for d in devices()), reason="there is a GPU here")
def test_layers_on_a_gpu_that_is_not_there_are_refused(tiny_model: Path) -> None:
    with pytest.raises(UsageError, match=r"gpu_layers -1: .*GPU"):
        open_engine(tiny_model, replace(SETTINGS, gpu_layers=-1))


@pytest.mark.parametrize("kv_type", ["q8_0", "q4_0"])
def test_a_quantized_kv_cache_is_smaller_and_as_pure(tiny_model: Path, kv_type: str) -> None:
    settings = replace(SETTINGS, kv_type=kv_type)  # type: ignore[arg-type]
    company = written(tiny_model, settings, jobs(6))
    assert any(company)
    assert written(tiny_model, settings, jobs(1)) == company[:1]
    assert placement.cell_bytes(settings, 64, 64) < placement.cell_bytes(SETTINGS, 64, 64)


def test_heads_that_blocks_do_not_fill_are_refused(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "narrow.gguf", heads=4)
    assert any(written(path, SETTINGS, jobs(3)))
    with pytest.raises(UsageError, match=r"kv_type q8_0: narrow\.gguf has .* 16 values"):
        open_engine(path, replace(SETTINGS, kv_type="q8_0"))


def test_the_widest_wave_says_the_same(tiny_model: Path) -> None:
    some = jobs(130)
    narrow = written(tiny_model, replace(SETTINGS, slots=8), some)
    assert any(narrow)
    assert written(tiny_model, replace(SETTINGS, slots=64), some) == narrow
