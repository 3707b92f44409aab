"""Writes a GGUF file anew with its weights in another type, by llama.cpp itself.

Nothing here knows of pins or chapters.
"""

import os
from pathlib import Path

from chapter_offline.engine.library import load_library
from chapter_offline.errors import BadInputError, UsageError

TYPES = {  # llama_ftype
    "f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q2_k": 10, "q3_k_m": 12,
    "q4_k_s": 14, "q4_k_m": 15, "q5_k_s": 16, "q5_k_m": 17, "q6_k": 18, "iq4_nl": 25, "bf16": 32,
}  # fmt: skip


def requantize(source: Path, target: Path, kind: str, threads: int = 0) -> None:
    """Writes `source`'s weights in type `kind` to `target`; takes as long as reading all of it.

    Weights that were quantized already lose a little more. Raises UsageError for an unknown type,
    BadInputError where llama.cpp refuses; then nothing is left at `target`.
    """
    if kind not in TYPES:
        raise UsageError(f"{kind[:40]}: no type of weights; take one of {', '.join(TYPES)}")
    library = load_library()
    api = library.api
    library.log.forget()
    parameters = library.parameters(
        api.llama_model_quantize_default_params(),
        nthread=threads,
        ftype=TYPES[kind],
        allow_requantize=True,
    )
    try:
        status = api.llama_model_quantize(os.fsencode(source), os.fsencode(target), parameters)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    if status:
        target.unlink(missing_ok=True)
        raise BadInputError(
            f"{source}: llama.cpp can't requantize it to {kind}: "
            f"{library.log.last_error() or 'no reason given'}"
        )
