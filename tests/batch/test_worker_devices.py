"""Which worker computes on what, for machines that there needn't be."""

import pytest

from chapter_offline.batch.devices import Group, parse_devices, share_memory
from chapter_offline.engine.devices import Device
from chapter_offline.errors import DoesNotFitError, UsageError

GB = 10**9


def gpu(number: int, free: int = 24 * GB, backend: str = "CUDA") -> Device:
    return Device(f"{backend}{number}", "a GPU", "gpu", 24 * GB, free, False, number)


CPU = Device("CPU", "a processor", "cpu", 64 * GB, 32 * GB, False, 9)
HERE = (gpu(0), gpu(1), CPU)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cpu", ["cpu"]),
        ("cpu,cpu", ["cpu", "cpu"]),
        ("cuda:1", ["cuda:1"]),
        ("cuda:0,CUDA:1", ["cuda:0", "cuda:1"]),
        ("cuda:1+0", ["cuda:1+0"]),
        ("auto", ["cuda:0", "cuda:1"]),
    ],
)
def test_a_worker_gets_what_is_named(text: str, names: list[str]) -> None:
    assert [group.name for group in parse_devices(text, HERE, GB)] == names


def test_auto_takes_all_gpus_for_a_model_that_one_cannot_hold() -> None:
    (group,) = parse_devices("auto", HERE, 30 * GB)
    assert (group.name, len(group.gpus)) == ("cuda:0+1", 2)
    share_memory((group,), 30 * GB)


def test_auto_takes_the_cpu_where_there_is_no_gpu() -> None:
    assert parse_devices("auto", (CPU,), GB) == (Group(),)


WRONG = [
    ("cuda:2", "cuda:2: there is none such here; llama.cpp sees cuda:0, cuda:1"),
    ("cuda:0,cuda:0", "CUDA0 is named twice"),
    ("cuda:0+0", "CUDA0 is named twice"),
    ("cpu,cuda:0", "take GPUs or the CPU"),
    ("gpu", "take auto, cpu, or GPUs such as"),
    ("", "take auto, cpu, or GPUs such as"),
    ("cuda:0+", "take auto, cpu, or GPUs such as"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[text or "nothing" for text, _ in WRONG])
def test_what_is_not_here_or_makes_no_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_devices(text, HERE, GB)
    assert said in str(raised.value)


def test_a_worker_sees_its_own_gpus_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (group,) = parse_devices("cuda:1+0", HERE, GB)
    assert group.environment == {"CUDA_VISIBLE_DEVICES": "1,0"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")  # of eight, this process has two
    assert group.environment == {"CUDA_VISIBLE_DEVICES": "7,4"}
    assert Group().environment == {}


def test_memory_that_is_not_there_is_said_before_workers_start() -> None:
    with pytest.raises(DoesNotFitError, match=r"cuda:0: the model needs .* take more GPUs"):
        share_memory(parse_devices("cuda:0", HERE, GB), 30 * GB)
    with pytest.raises(DoesNotFitError, match=r"2 workers on the CPU need .* are free; take 1"):
        share_memory((Group(), Group()), 10**15)
    share_memory((Group(),), GB)
