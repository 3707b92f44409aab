"""Opens a GGUF file with llama.cpp.

Checks the file and the settings, loads the model, and hands both to the loop that decodes.
"""

import ctypes
import os
from pathlib import Path
from typing import Any, TextIO

import psutil

from chapter_offline.engine.alone import Alone
from chapter_offline.engine.context import Context
from chapter_offline.engine.devices import build
from chapter_offline.engine.interface import ModelFacts, Settings
from chapter_offline.engine.layout import lay_out
from chapter_offline.engine.library import Library, interrupt_flag, load_library
from chapter_offline.engine.loaded import LlamaEngine, Loaded
from chapter_offline.engine.placement import Placement, cell_bytes, check_heads, place
from chapter_offline.engine.prefixes import Prefixes
from chapter_offline.engine.template import ChatTemplate
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.engine.wave import Wave
from chapter_offline.errors import BadInputError, DoesNotFitError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SMALLEST = 24  # bytes: magic, version, two counts


def open_engine(path: Path, settings: Settings) -> LlamaEngine:
    """Loads a model file. The caller closes the engine.

    A missing, truncated or foreign file, or one without a chat template: BadInputError. A window
    that the model was not trained for, or memory that is not there: DoesNotFitError. Settings that
    don't go together, or that this machine or llama.cpp can't meet: UsageError.
    """
    _check_file(path)
    library = load_library()
    placement = place(settings)
    log = library.log.open(settings.log_file) if settings.log_file else None
    model = None
    try:
        model = _load(library, path, placement)
        return _engine(library, model, path, settings, placement, log)
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


def _load(library: Library, path: Path, placement: Placement) -> Any:
    api = library.api
    library.log.forget()
    with interrupt_flag() as pressed:

        @api.llama_progress_callback  # type: ignore[untyped-decorator]
        def go_on(_progress: float, _data: object) -> bool:
            return not pressed()

        parameters = library.parameters(
            api.llama_model_default_params(),
            **placement.model,
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
    library: Library,
    model: Any,
    path: Path,
    settings: Settings,
    placement: Placement,
    log: TextIO | None,
) -> LlamaEngine:
    api = library.api
    _check_model(api, model, path, settings)
    vocabulary = Vocabulary(api, api.llama_model_get_vocab(model))
    template = _template(api, model, path, vocabulary)
    loop, context, slots = _loop(library, model, path, settings, placement)
    facts = ModelFacts(
        name=_metadata(api, model, "general.name") or path.stem,
        architecture=_metadata(api, model, "general.architecture"),
        parameters=int(api.llama_model_n_params(model)),
        trained_window=int(api.llama_model_n_ctx_train(model)),
        has_chat_template=True,
        pure=_is_pure(settings, placement),
        slots=slots,
        libraries=library.digests(),
    )
    loaded = Loaded(library, model, context, log, placement)
    return LlamaEngine(loaded, loop, vocabulary, template, facts, settings)


def _check_model(api: Any, model: Any, path: Path, settings: Settings) -> None:
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
    check_heads(settings, path.name, *_heads(api, model))


def _template(api: Any, model: Any, path: Path, vocabulary: Vocabulary) -> ChatTemplate:
    source = api.llama_model_chat_template(model, None)
    if not source:
        raise BadInputError(
            f"{path}: the file has no chat template, so it can't be told how a turn begins.\n"
            "Choose an instruction-tuned (“instruct”, “it”, “chat”) GGUF file of the model."
        )
    names = {
        "bos_token": vocabulary.name(vocabulary.bos),
        "eos_token": vocabulary.name(vocabulary.eos),
    }
    return ChatTemplate(source.decode("utf-8", "replace"), names, path.name)


def _is_pure(settings: Settings, placement: Placement) -> bool:
    return not placement.gpus and settings.flash_attention and not settings.fixed_waves


def _loop(
    library: Library, model: Any, path: Path, settings: Settings, placement: Placement
) -> tuple[Alone | Wave, Context, int]:
    """The loop that suits the model, its context, and how many jobs it decodes together."""
    api = library.api
    fixed = not _is_pure(settings, placement)
    experts = int(_metadata_of(api, model, "expert_count") or 0) > 0
    alone = (
        api.llama_model_is_recurrent(model)
        or api.llama_model_is_hybrid(model)
        or (experts and not fixed)
    )
    layout = lay_out(
        settings, _cell_bytes(api, model, settings), gpus=bool(placement.gpus), alone=alone
    )
    context = Context(
        library,
        model,
        cells=layout.cells,
        sequences=layout.sequences,
        rows=layout.rows,
        threads=settings.threads or _cores(),
        placed=placement.context,
    )
    how, slots = layout.how, layout.slots
    windowed = int(api.llama_model_n_swa(model)) > 0
    # Read back, a sliding window's cells lie elsewhere; only a pure wave's bits don't show it.
    keeps = settings.cache_dir is not None and (how == "pure" or not windowed)
    prefixes = (
        _prefixes(library, path, settings, placement, (how, str(layout.rows))) if keeps else None
    )
    if alone:
        return Alone(context, prefixes), context, 1
    wave = Wave(context, slots, fixed=how == "fixed", windowed=windowed, prefixes=prefixes)
    return wave, context, slots


def _prefixes(
    library: Library,
    path: Path,
    settings: Settings,
    placement: Placement,
    loop: tuple[str, ...],
) -> Prefixes:
    """The prefixes on disk, under all that determines their bits beside the tokens."""
    assert settings.cache_dir is not None
    status = path.stat()
    by_name = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
    context = (
        settings.model_sha256 or by_name,
        *(f"{name} {digest}" for name, digest in library.digests().items()),
        build().text,
        str((placement.gpus, settings.gpu_layers, settings.tensor_split, settings.split_mode)),
        str((settings.flash_attention, settings.kv_type)),
        *loop,
    )
    return Prefixes(settings.cache_dir, context, settings.cache_bytes, library.log.note)


def _heads(api: Any, model: Any) -> tuple[int, int]:
    """Width of a head's keys and of its values."""
    width = int(api.llama_model_n_embd(model)) // max(1, int(api.llama_model_n_head(model)))
    key = int(_metadata_of(api, model, "attention.key_length") or width)
    return key, int(_metadata_of(api, model, "attention.value_length") or width)


def _cell_bytes(api: Any, model: Any, settings: Settings) -> float:
    """Bytes of one token in the KV cache, if all layers keep it."""
    heads = int(api.llama_model_n_layer(model)) * max(1, int(api.llama_model_n_head_kv(model)))
    key, value = _heads(api, model)
    return cell_bytes(settings, heads * key, heads * value)


def _metadata_of(api: Any, model: Any, key: str) -> str:
    """What the file says under its architecture's name."""
    return _metadata(api, model, f"{_metadata(api, model, 'general.architecture')}.{key}")


def _metadata(api: Any, model: Any, key: str) -> str:
    buffer = ctypes.create_string_buffer(256)
    length = api.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode("utf-8", "replace") if length >= 0 else ""


def _cores() -> int:
    """Physical cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(psutil.cpu_count(logical=False) or 1, usable or 1))
