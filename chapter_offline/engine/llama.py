"""Opens a GGUF file with llama.cpp.

Checks the file and the settings, loads the model, and hands both to the loop that decodes.
"""

import ctypes
import os
from pathlib import Path
from typing import Any, TextIO

import psutil

from chapter_offline.engine.alone import SEQUENCES, Alone
from chapter_offline.engine.context import Context
from chapter_offline.engine.interface import ModelFacts, Settings
from chapter_offline.engine.library import Library, interrupt_flag, load_library
from chapter_offline.engine.loaded import LlamaEngine, Loaded
from chapter_offline.engine.template import ChatTemplate
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.engine.wave import ROWS, SPARE_CELLS, Wave, sequences_for
from chapter_offline.errors import BadInputError, DoesNotFitError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SMALLEST = 24  # bytes: magic, version, two counts
_CPU_SLOTS, _GPU_SLOTS = 16, 48
# More cells mean fewer restarts, but every call looks at all that are taken.
_MOST_CELLS = 8192
_CACHE_BYTES = 256 * 1024**2


def open_engine(path: Path, settings: Settings) -> LlamaEngine:
    """Loads a model file. The caller closes the engine.

    A missing, truncated or foreign file, or one without a chat template: BadInputError. A window
    that the model was not trained for, or memory that is not there: DoesNotFitError.
    """
    _check_file(path)
    library = load_library()
    log = library.log.open(settings.log_file) if settings.log_file else None
    model = None
    try:
        model = _load(library, path, settings)
        return _engine(library, model, path, settings, log)
    except BaseException:
        if model is not None:
            library.api.llama_model_free(model)
        if log is not None:
            library.log.close(log)
        raise


def _check_file(path: Path) -> None:
    """Refuses what is plainly no model before llama.cpp sees it."""
    try:
        with path.open("rb") as file:
            head = file.read(_SMALLEST)
    except OSError as error:
        raise BadInputError(
            f"{path}: can't be read: {error.strerror}.\nGive the path of a GGUF file."
        ) from None
    if head[:4] != _MAGIC:
        raise BadInputError(
            f"{path}: not a GGUF file: it does not begin with the letters GGUF.\n"
            "Give the path of a GGUF file, or fetch the model again."
        )
    version = int.from_bytes(head[4:8], "little")
    if len(head) < _SMALLEST or version not in _VERSIONS:
        raise BadInputError(
            f"{path}: a GGUF file that is cut off or of an unknown version.\nFetch the model again."
        )


def _load(library: Library, path: Path, settings: Settings) -> Any:
    api = library.api
    library.log.forget()
    with interrupt_flag() as pressed:

        @api.llama_progress_callback  # type: ignore[untyped-decorator]
        def go_on(_progress: float, _data: object) -> bool:
            return not pressed()

        parameters = library.parameters(
            api.llama_model_default_params(),
            n_gpu_layers=settings.gpu_layers,
            # Not mapped: repacked weights would lie in memory twice.
            load_mode=api.LLAMA_LOAD_MODE_NONE,
            progress_callback=go_on,
        )
        model = api.llama_model_load_from_file(os.fsencode(path), parameters)
    if not model:
        reason = library.log.first_error().removeprefix("llama_model_load: ")
        raise BadInputError(
            f"{path}: llama.cpp can't load it: {reason or 'no reason given'}.\n"
            "Fetch the model again, or choose another GGUF file."
        )
    return model


def _engine(
    library: Library, model: Any, path: Path, settings: Settings, log: TextIO | None
) -> LlamaEngine:
    api = library.api
    trained = int(api.llama_model_n_ctx_train(model))
    if settings.window > trained:
        raise DoesNotFitError(
            f"A window of {settings.window} tokens is more than {path.name} was trained for, "
            f"{trained} tokens.\nTake a window of at most {trained}."
        )
    if api.llama_model_has_encoder(model) or api.llama_model_is_diffusion(model):
        raise BadInputError(
            f"{path}: a model of this architecture does not write text from left to right.\n"
            "Choose an instruction-tuned language model."
        )
    vocabulary = Vocabulary(api, api.llama_model_get_vocab(model))
    source = api.llama_model_chat_template(model, None)
    if not source:
        raise BadInputError(
            f"{path}: the file has no chat template, so it can't be told how a turn begins.\n"
            "Choose an instruction-tuned (“instruct”, “it”, “chat”) GGUF file of the model."
        )
    template = ChatTemplate(
        source.decode("utf-8", "replace"),
        {
            "bos_token": vocabulary.name(vocabulary.bos),
            "eos_token": vocabulary.name(vocabulary.eos),
        },
        path.name,
    )
    architecture = _metadata(api, model, "general.architecture")
    on_gpu = settings.gpu_layers != 0 and bool(api.llama_supports_gpu_offload())
    facts = ModelFacts(
        name=_metadata(api, model, "general.name") or path.stem,
        architecture=architecture,
        parameters=int(api.llama_model_n_params(model)),
        trained_window=trained,
        has_chat_template=True,
        pure=not on_gpu,
        libraries=library.digests(),
    )
    alone = (
        api.llama_model_is_recurrent(model)
        or api.llama_model_is_hybrid(model)
        or int(_metadata(api, model, f"{architecture}.expert_count") or 0) > 0
    )
    slots = settings.slots or (_GPU_SLOTS if on_gpu else _CPU_SLOTS)
    context = Context(
        library,
        model,
        cells=settings.window if alone else _cells(api, model, architecture, settings.window),
        sequences=SEQUENCES if alone else sequences_for(slots),
        rows=ROWS,
        threads=settings.threads or _cores(),
    )
    loop = Alone(context) if alone else Wave(context, slots)
    loaded = Loaded(library, model, context, log)
    return LlamaEngine(loaded, loop, vocabulary, template, facts, settings)


def _cells(api: Any, model: Any, architecture: str, window: int) -> int:
    """Cells for a wave: as many as a modest share of memory holds, and what one task needs."""
    head = int(api.llama_model_n_embd(model)) // max(1, int(api.llama_model_n_head(model)))
    key = int(_metadata(api, model, f"{architecture}.attention.key_length") or head)
    value = int(_metadata(api, model, f"{architecture}.attention.value_length") or head)
    heads = int(api.llama_model_n_layer(model)) * max(1, int(api.llama_model_n_head_kv(model)))
    bytes_per_token = 2 * heads * (key + value)  # float16
    return max(window + SPARE_CELLS, min(_MOST_CELLS, _CACHE_BYTES // bytes_per_token))


def _metadata(api: Any, model: Any, key: str) -> str:
    buffer = ctypes.create_string_buffer(256)
    length = api.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode("utf-8", "replace") if length >= 0 else ""


def _cores() -> int:
    """Physical cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(psutil.cpu_count(logical=False) or 1, usable or 1))
