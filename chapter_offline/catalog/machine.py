"""What this machine has: cores, memory, GPUs, and what its llama.cpp was built to use of them.

Looks at files and programs of the system; knows nothing of models.
"""

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.catalog.memory import available_memory, total_memory

_RELEASE = "llama-cpp-python"
_CPU_FEATURES = {"avx2": "AVX2", "avx512f": "AVX512", "fma": "FMA", "f16c": "F16C"}
"""Of Linux's /proc/cpuinfo: what llama.cpp calls them, where they make it faster."""


@dataclass(frozen=True)
class Accelerator:
    """A kind of GPU that the system shows. option: how llama.cpp is built for it. backend: its name."""

    what: str
    option: str
    backend: str


@dataclass(frozen=True)
class Problem:
    """What is wrong, and the command or step that mends it. Each in one line."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Machine:
    """threads: that this process may use; cores: physical ones. memory, free: bytes.

    devices: what llama.cpp computes on: name, description, bytes free and in all. built_with: by
    backend. seen: GPUs that the system shows, whether or not llama.cpp can use them.
    """

    system: str
    processor: str
    cores: int
    threads: int
    memory: int
    free: int
    devices: tuple[tuple[str, str, int, int], ...]
    built_with: Mapping[str, Mapping[str, str]]
    gpu: bool
    seen: tuple[Accelerator, ...]
    problems: tuple[Problem, ...]


def look(root: Path = Path("/")) -> Machine:
    """Looks at this machine. root: where the system's files lie. Imports llama.cpp."""
    import psutil

    from chapter_offline.engine.devices import build, devices

    built = build()
    found = devices()
    seen = accelerators(root)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Machine(
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        processor=_processor(root),
        cores=psutil.cpu_count(logical=False) or 1,
        threads=usable or 1,
        memory=total_memory(),
        free=available_memory(),
        devices=tuple((each.name, each.description, each.free, each.total) for each in found),
        built_with=built.features,
        gpu=any(each.kind == "gpu" for each in found),
        seen=seen,
        problems=tuple(_problems(built.features, built.gpu, found, seen, root)),
    )


def accelerators(root: Path = Path("/")) -> tuple[Accelerator, ...]:
    """The kinds of GPU that the system shows, the one to prefer first."""
    found = []
    if (root / "proc/driver/nvidia/version").exists() or (root / "dev/nvidiactl").exists():
        found.append(Accelerator("an NVIDIA GPU", "-DGGML_CUDA=ON", "CUDA"))
    if (root / "dev/kfd").exists():
        found.append(Accelerator("an AMD GPU", "-DGGML_HIP=ON", "ROCm"))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found.append(Accelerator("an Apple GPU", "-DGGML_METAL=ON", "MTL"))
    if not found and any((root / "dev/dri").glob("renderD*")):
        found.append(Accelerator("a GPU for Vulkan", "-DGGML_VULKAN=ON", "Vulkan"))
    return tuple(found)


def build_command(option: str) -> str:
    """The command that builds llama.cpp anew with an option, into this very Python."""
    from importlib.metadata import version

    return (
        f'CMAKE_ARGS="{option}" {sys.executable} -m pip install --force-reinstall --no-cache-dir '
        f"--no-deps --no-binary {_RELEASE} {_RELEASE}=={version(_RELEASE)}"
    )


def _problems(
    features: Mapping[str, Mapping[str, str]],
    gpu_build: bool,
    devices: tuple[object, ...],
    seen: tuple[Accelerator, ...],
    root: Path,
) -> list[Problem]:
    problems = []
    if seen and not gpu_build:
        problems.append(
            Problem(
                f"the system shows {seen[0].what}, and llama.cpp was built without it",
                build_command(seen[0].option),
            )
        )
    elif gpu_build and not any(getattr(each, "kind", "") == "gpu" for each in devices):
        problems.append(
            Problem(
                "llama.cpp was built for a GPU and finds none",
                "install the GPU's driver (with NVIDIA's, `nvidia-smi` lists it), or leave it: the CPU works",
            )
        )
    has = _flags(root)
    built = features.get("CPU", {})
    unused = [name for flag, name in _CPU_FEATURES.items() if flag in has and name not in built]
    if built and unused:
        problems.append(
            Problem(
                f"this processor has {', '.join(unused)}, and llama.cpp was built without",
                build_command("-DGGML_NATIVE=ON"),
            )
        )
    if not shutil.which("c++") and problems:
        problems.append(
            Problem(
                "there is no C++ compiler to build llama.cpp with",
                "install one (Debian, Ubuntu: apt install g++; macOS: xcode-select --install)",
            )
        )
    return problems


def _flags(root: Path) -> set[str]:
    return set(_cpuinfo(root).get("flags", "").split())


def _processor(root: Path) -> str:
    return _cpuinfo(root).get("model name", "") or platform.processor() or platform.machine()


def _cpuinfo(root: Path) -> dict[str, str]:
    """What Linux says of the first processor; nothing elsewhere."""
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}
