"""On what a batch's workers compute: the CPU, a GPU each, or a group of GPUs; and whether memory suffices.

A worker sees its own GPUs alone, by the variable that its driver goes by: so what it writes, and its
journals, do not depend on which of several like GPUs it has.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chapter_offline.catalog.choose import ResolvedModel
from chapter_offline.catalog.fit import CHAPTER_BYTES, footprint, need_of
from chapter_offline.catalog.memory import available_memory
from chapter_offline.engine.devices import Device
from chapter_offline.engine.interface import Settings
from chapter_offline.errors import DoesNotFitError, UsageError

AUTO, CPU = "auto", "cpu"

_GROUP = re.compile(r"([a-z]+):(\d{1,3}(?:\+\d{1,3})*)")
_VISIBLE: Mapping[str, str] = {
    "cuda": "CUDA_VISIBLE_DEVICES",
    "rocm": "HIP_VISIBLE_DEVICES",
    "vulkan": "GGML_VK_VISIBLE_DEVICES",
}
"""By llama.cpp's name of a backend: which GPUs a process sees."""


@dataclass(frozen=True)
class Group:
    """What one worker computes on. name: "cpu", or as "cuda:0+1". gpus: none for the CPU."""

    name: str = CPU
    gpus: tuple[Device, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process see these GPUs alone, in this order."""
        if not self.gpus:
            return {}
        backend, _, numbers = self.name.partition(":")
        variable = _VISIBLE[backend]
        # Numbers are among those GPUs that this process sees itself.
        seen = [each for each in os.environ.get(variable, "").split(",") if each]
        own = [seen[int(n)] if seen else n for n in numbers.split("+")]
        return {variable: ",".join(own)}


def parse_devices(text: str, here: Sequence[Device], needs: int) -> tuple[Group, ...]:
    """ "cpu", "cpu,cpu", "cuda:0,cuda:1", "cuda:0+1" or "auto", a group a worker.

    here: the devices of this machine. needs: bytes that the largest model takes; by them auto takes a GPU a worker, or
    all for one. Raises UsageError for what isn't here, or is named twice.
    """
    gpus = {_name(device): device for device in here if device.kind == "gpu"}
    if text == AUTO:
        return _auto(gpus, needs)
    groups = [_group(each.strip().lower(), gpus) for each in text.split(",")]
    named = [gpu.name for group in groups for gpu in group.gpus]
    for name in named:
        if named.count(name) > 1:
            raise UsageError(f"--devices {text[:80]}: {name} is named twice")
    if named and not all(group.gpus for group in groups):
        raise UsageError(
            f"--devices {text[:80]}: take GPUs or the CPU; between them a chapter's bytes would be left to chance"
        )
    return tuple(groups)


def _name(device: Device) -> str:
    """ "cuda:0" for llama.cpp's "CUDA0"."""
    found = re.fullmatch(r"([A-Za-z]+)(\d+)", device.name)
    return f"{found[1].lower()}:{found[2]}" if found else device.name.lower()


def _auto(gpus: Mapping[str, Device], needs: int) -> tuple[Group, ...]:
    own = {
        name: gpu
        for name, gpu in gpus.items()
        if not gpu.integrated and name.partition(":")[0] in _VISIBLE
    }
    if not own:
        return (Group(),)
    if all(gpu.free >= needs for gpu in own.values()):
        return tuple(Group(name, (gpu,)) for name, gpu in own.items())
    backend = next(iter(own)).partition(":")[0]
    alike = {name: gpu for name, gpu in own.items() if name.partition(":")[0] == backend}
    numbers = "+".join(name.partition(":")[2] for name in alike)
    return (Group(f"{backend}:{numbers}", tuple(alike.values())),)


def _group(text: str, gpus: Mapping[str, Device]) -> Group:
    if text == CPU:
        return Group()
    match = _GROUP.fullmatch(text)
    if not match or match[1] not in _VISIBLE:
        raise UsageError(
            f"--devices {text[:40]!r}: take auto, cpu, or GPUs such as cuda:0,cuda:1 (a worker each) or cuda:0+1 (one for both)"
        )
    names = [f"{match[1]}:{number}" for number in match[2].split("+")]
    for name in names:
        if name not in gpus:
            known = ", ".join(gpus) or "no GPU"
            raise UsageError(
                f"--devices {name}: there is none such here; llama.cpp sees {known} (`models devices` shows more)"
            )
    return Group(text, tuple(gpus[name] for name in names))


def needed_bytes(models: Iterable[ResolvedModel], window: int) -> int:
    """What the largest of these models takes."""
    return max(
        footprint(
            need_of(model.header, model.name), Settings(window=window, cells=1), CHAPTER_BYTES
        ).total
        for model in models
    )


def share_memory(groups: Sequence[Group], needs: int) -> None:
    """Raises DoesNotFitError where a worker of each group can't have so many bytes, all at the same time.

    One worker on the CPU is let try: what is free may be made free.
    """
    on_cpu = sum(not group.gpus for group in groups)
    if on_cpu > 1 and on_cpu * needs > (free := available_memory()):
        raise DoesNotFitError(
            f"--devices: {on_cpu} workers on the CPU need {on_cpu * needs:,} bytes of memory, and {free:,} are free; "
            f"take {max(1, free // needs)}"
        )
    for group in groups:
        free = sum(gpu.free for gpu in group.gpus)
        if group.gpus and needs > free:
            raise DoesNotFitError(
                f"--devices {group.name}: the model needs {needs:,} bytes, and {free:,} are free there; "
                "take more GPUs for a worker, such as cuda:0+1"
            )
