"""What llama.cpp can compute on here, and what it was built with.

The bindings declare none of ggml's own functions, so those that are needed are declared by hand.
Nothing here loads a model.
"""

import ctypes
import functools
import importlib
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chapter_offline.engine.library import load_library

Kind = Literal["cpu", "gpu", "accelerator"]

_INTEGRATED = 2
_KINDS: dict[int, Kind] = {0: "cpu", 1: "gpu", _INTEGRATED: "gpu", 3: "accelerator"}
"""By ggml_backend_dev_type."""


@dataclass(frozen=True)
class Device:
    """One device. name: as settings name it ("CPU", "CUDA0"). total, free: bytes of its memory.

    integrated: a GPU that shares the machine's memory. handle: llama.cpp's own pointer to it.
    """

    name: str
    description: str
    kind: Kind
    total: int
    free: int
    integrated: bool
    handle: int


@dataclass(frozen=True)
class Build:
    """What llama.cpp was built with.

    gpu: whether layers can be put on a GPU. features: by backend, such as
        {"CPU": {"AVX512": "1"}, "CUDA": {"ARCHS": "900"}}; text: the same, as llama.cpp prints it.
    """

    gpu: bool
    features: Mapping[str, Mapping[str, str]]
    text: str


def devices() -> tuple[Device, ...]:
    """The devices that llama.cpp sees, in its own order."""
    ggml, base = _libraries(load_library().api)
    return tuple(
        _device(base, ggml.ggml_backend_dev_get(i)) for i in range(ggml.ggml_backend_dev_count())
    )


def build() -> Build:
    """What the llama.cpp in use was built with."""
    api = load_library().api
    text = api.llama_print_system_info().decode("utf-8", "replace").strip(" |")
    return Build(bool(api.llama_supports_gpu_offload()), _features(text), text)


def _device(base: Any, handle: int) -> Device:
    kind = base.ggml_backend_dev_type(handle)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    base.ggml_backend_dev_memory(handle, ctypes.byref(free), ctypes.byref(total))
    return Device(
        name=base.ggml_backend_dev_name(handle).decode("utf-8", "replace"),
        description=base.ggml_backend_dev_description(handle).decode("utf-8", "replace").strip(),
        kind=_KINDS.get(kind, "accelerator"),
        total=total.value,
        free=free.value,
        integrated=kind == _INTEGRATED,
        handle=handle,
    )


def _libraries(api: Any) -> tuple[Any, Any]:
    """ggml's registry and its base library, with the functions of devices declared."""
    load = importlib.import_module("llama_cpp._ctypes_extensions").load_shared_library
    folder = Path(api.__file__).resolve().parent / "lib"
    ggml, base = load("ggml", folder), load("ggml-base", folder)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for library, name, result, arguments in (
        (ggml, "dev_count", size, ()),
        (ggml, "dev_get", pointer, (size,)),
        (base, "dev_name", ctypes.c_char_p, (pointer,)),
        (base, "dev_description", ctypes.c_char_p, (pointer,)),
        (base, "dev_type", ctypes.c_int, (pointer,)),
        (base, "dev_memory", None, (pointer, ctypes.POINTER(size), ctypes.POINTER(size))),
    ):
        function = getattr(library, f"ggml_backend_{name}")
        function.restype, function.argtypes = result, arguments
    return ggml, base


def _features(text: str) -> dict[str, dict[str, str]]:
    """Reads "CPU : AVX = 1 | FMA = 1 | CUDA : ARCHS = 900"."""
    features: dict[str, dict[str, str]] = {}
    backend: dict[str, str] = {}
    for piece in text.split(" | "):
        name, found, rest = piece.partition(" : ")
        if found:
            backend = features.setdefault(name.strip(), {})
        feature, _, value = (rest if found else piece).partition(" = ")
        backend[feature.strip()] = value.strip()
    return features


@functools.cache
def processor() -> str:
    """The name of this machine's processor, as its maker says it; its architecture at least."""
    name = platform.processor()
    if sys.platform == "linux":
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", text, re.M)
        name = found[1] if found else name
    elif sys.platform == "darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=False,
        )
        name = asked.stdout.strip() or name
    return " ".join(f"{platform.machine()} {name}".split())
