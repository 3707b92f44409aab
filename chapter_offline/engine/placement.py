"""Where a model and its cache are put, from the settings; what this machine lacks is refused.

A setting that can't be had is an error, never a quiet second best: what runs where decides the
bits, and how long a chapter takes.
"""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chapter_offline.engine.devices import Device, build, devices
from chapter_offline.engine.interface import Settings
from chapter_offline.engine.library import load_library
from chapter_offline.errors import UsageError

MOST_SLOTS = 64

_SPLITS = {"none": 0, "layer": 1, "row": 2}  # llama_split_mode
_KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}  # ggml_type
_BLOCK = 32  # values that a quantized KV type stores together
_BYTES_A_VALUE = {"f16": 2.0, "q8_0": 34 / _BLOCK, "q4_0": 18 / _BLOCK}


@dataclass(frozen=True)
class Placement:
    """Fields of llama.cpp's parameters for the model and for a context.

    gpus: names and descriptions of the GPUs in use. held: what the fields point to.
    """

    gpus: tuple[tuple[str, str], ...]
    model: Mapping[str, object]
    context: Mapping[str, object]
    held: tuple[object, ...]


def place(settings: Settings) -> Placement:
    """The settings' devices, split, attention and KV type as llama.cpp takes them.

    What doesn't exist here, or doesn't go together: UsageError.
    """
    _check_words(settings)
    gpus = _gpus(settings)
    handles = (ctypes.c_void_p * (len(gpus) + 1))(*(gpu.handle for gpu in gpus), None)
    shares = (ctypes.c_float * int(load_library().api.llama_max_devices()))(*settings.tensor_split)
    model: dict[str, object] = {
        "n_gpu_layers": settings.gpu_layers,
        # A list, empty for the CPU: without one, a build for GPUs would take them for long prompts.
        "devices": ctypes.cast(handles, ctypes.c_void_p),
        "split_mode": _SPLITS[settings.split_mode],
    }
    if settings.tensor_split:
        model["tensor_split"] = ctypes.cast(shares, ctypes.POINTER(ctypes.c_float))
    context: dict[str, object] = {
        # Never AUTO: which kernel runs decides the bits.
        "flash_attn_type": int(settings.flash_attention),
        "type_k": _KV_TYPES[settings.kv_type],
        "type_v": _KV_TYPES[settings.kv_type],
        "offload_kqv": bool(gpus),
        "op_offload": bool(gpus),
    }
    names = tuple((gpu.name, gpu.description) for gpu in gpus)
    return Placement(names, model, context, (handles, shares))


def cell_bytes(settings: Settings, keys: int, values: int) -> float:
    """Bytes of one token in the KV cache. keys, values: how many numbers it keeps of each."""
    return (keys + values) * _BYTES_A_VALUE[settings.kv_type]


def check_heads(settings: Settings, name: str, *widths: int) -> None:
    """A quantized KV type stores blocks of 32 values, which a head's width must be made of."""
    for width in widths:
        if settings.kv_type != "f16" and width % _BLOCK:
            raise UsageError(
                f"kv_type {settings.kv_type}: {name} has attention heads of {width} values, not a "
                f"multiple of {_BLOCK}.\nTake kv_type f16."
            )


def _check_words(settings: Settings) -> None:
    for name, value, known in (
        ("split_mode", settings.split_mode, _SPLITS),
        ("kv_type", settings.kv_type, _KV_TYPES),
    ):
        if value not in known:
            raise UsageError(f"{name} {value}: there is no such one. Take {_or(list(known))}.")
    if not 0 <= settings.slots <= MOST_SLOTS:
        raise UsageError(
            f"slots {settings.slots}: a wave has 1 to {MOST_SLOTS}; 0 lets the engine choose."
        )
    if settings.kv_type != "f16" and not settings.flash_attention:
        raise UsageError(
            f"kv_type {settings.kv_type}: a quantized KV cache needs flash attention.\n"
            "Take kv_type f16, or switch flash attention on."
        )


def _gpus(settings: Settings) -> tuple[Device, ...]:
    """The GPUs that the settings ask for, in their order; none for a model on the CPU."""
    asked = settings.devices
    if settings.gpu_layers == 0:
        if asked or settings.tensor_split:
            raise UsageError(
                "devices and tensor_split are for layers on a GPU, and gpu_layers is 0.\n"
                "Give gpu_layers as well; -1 means all."
            )
        return ()
    here = {device.name: device for device in devices() if device.kind == "gpu"}
    if not here:
        built = build()
        why = (
            "llama.cpp finds no GPU on this machine"
            if built.gpu
            else f"the llama.cpp installed here was built without GPU support ({_or(list(built.features))} only)"
        )
        raise UsageError(
            f"gpu_layers {settings.gpu_layers}: {why}.\n"
            "Take gpu_layers 0, or install llama-cpp-python built for your GPU."
        )
    missing = [name for name in asked if name not in here]
    if missing:
        raise UsageError(
            f"devices {missing[0]}: there is no such GPU here. Take {_or(list(here))}."
        )
    if len(set(asked)) != len(asked):
        raise UsageError(f"devices {', '.join(asked)}: a GPU is named twice.")
    found = tuple(here[name] for name in asked) or _usual(tuple(here.values()))
    if settings.split_mode == "none":
        if len(asked) > 1:
            raise UsageError("split_mode none takes one GPU; devices names more than one.")
        found = found[:1]
    _check_split(settings.tensor_split, found)
    return found


def _usual(gpus: tuple[Device, ...]) -> tuple[Device, ...]:
    """All GPUs with memory of their own; only where there is none, one that has the machine's."""
    return tuple(gpu for gpu in gpus if not gpu.integrated) or gpus[:1]


def _check_split(shares: Sequence[float], gpus: Sequence[Device]) -> None:
    if shares and (len(shares) != len(gpus) or min(shares) < 0 or not sum(shares) > 0):
        raise UsageError(
            f"tensor_split {', '.join(f'{share:g}' for share in shares)}: give one share for each "
            f"of {', '.join(gpu.name for gpu in gpus)}, none below 0."
        )


def _or(names: Sequence[Any]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
