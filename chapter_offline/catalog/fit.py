"""What a model takes of memory, and whether a machine has it, before anything is loaded.

From what its header says (or its pin, while the file isn't here) and from how the engine lays out
its cache. Knows nothing of how a model is run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chapter_offline.catalog.header import Header
from chapter_offline.catalog.pins import Pin
from chapter_offline.engine.interface import Settings
from chapter_offline.engine.layout import Layout, lay_out
from chapter_offline.engine.placement import cell_bytes
from chapter_offline.errors import DoesNotFitError

SMALLEST_WINDOW = 2048
"""Tokens; a chapter is complete at this window, and not at a smaller one."""

_PROCESS_BYTES = 54_000_000
"""Python, NumPy and llama.cpp themselves, as measured."""

CHAPTER_BYTES = 90_000_000
"""The library of claims and the plan of a chapter, beside the model, as measured."""

_TOKEN_BYTES = 100  # of a token's text in llama.cpp's tables
_USUAL_VOCABULARY, _USUAL_EMBEDDING = 152_000, 4_096  # while only the pin is here
_GPU_BYTES = 400_000_000  # of a GPU's driver and kernels
_STEP = 256  # windows are proposed in multiples of this


@dataclass(frozen=True)
class Need:
    """What memory depends on. layers: bytes of each layer's weights; others: of all other weights.

    repeated: bytes of weights that lie in memory twice. keys, values: numbers that a token keeps in
    all layers together. state: bytes that one sequence keeps besides. alone: see Layout.
    """

    name: str
    layers: tuple[int, ...]
    others: int
    repeated: int
    keys: int
    values: int
    state: int
    vocabulary: int
    embedding: int
    feed_forward: int
    trained_window: int
    alone: bool

    @property
    def weights(self) -> int:
        """Bytes of all weights."""
        return sum(self.layers) + self.others + self.repeated


@dataclass(frozen=True)
class Footprint:
    """Bytes of memory that a model takes while it runs.

    weights: what the file holds. kv_cache: keys and values of all cells. compute: buffers of a
    step. process: the program itself.
    """

    weights: int
    kv_cache: int
    compute: int
    process: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return self.weights + self.kv_cache + self.compute + self.process


@dataclass(frozen=True)
class Gpu:
    """A GPU as fit sees it: free bytes of its memory."""

    name: str
    free: int


def need_of(header: Header, name: str) -> Need:
    """What a file takes, by its header."""
    return Need(
        name=name,
        layers=header.layer_bytes,
        others=header.other_bytes,
        repeated=0,
        keys=sum(header.kv_heads) * header.key_length,
        values=sum(header.kv_heads) * header.value_length,
        state=header.state_bytes,
        vocabulary=header.vocabulary,
        embedding=header.embedding_length,
        feed_forward=header.feed_forward_length,
        trained_window=header.trained_window,
        alone=header.alone,
    )


def need_of_pin(pin: Pin) -> Need:
    """What a file that isn't here would take: nearly, as a pin doesn't say all that a header does."""
    layers = max(1, pin.layers)
    # The engine keeps the cells of sliding windows too, so that any of them can be rolled back.
    kept = layers if pin.sliding_window else pin.kv_layers or layers
    numbers = kept * pin.kv_heads * pin.head_length or pin.kv_bytes_per_token // 4
    return Need(
        name=pin.name,
        layers=(pin.total_bytes // layers,) * layers,
        others=pin.total_bytes % layers,
        repeated=0,
        keys=numbers,
        values=numbers,
        state=0,
        vocabulary=_USUAL_VOCABULARY,
        embedding=_USUAL_EMBEDDING,
        feed_forward=4 * _USUAL_EMBEDDING,
        trained_window=pin.trained_window,
        alone=bool(pin.active_parameters)
        or (0 < pin.kv_layers < layers and not pin.sliding_window),
    )


def layout_of(need: Need, settings: Settings) -> Layout:
    """How the engine will lay out its cache for this model."""
    gpus = settings.gpu_layers != 0
    # A GPU's waves are fixed, so experts need not run alone there; a state has to anywhere.
    alone = need.alone and (not gpus or need.state > 0)
    return lay_out(settings, cell_bytes(settings, need.keys, need.values), gpus=gpus, alone=alone)


def footprint(need: Need, settings: Settings, beside: int = 0) -> Footprint:
    """What a model takes of the machine's memory when all of it lies there, in bytes.

    beside: what the process takes for other purposes than the model.
    """
    layout = layout_of(need, settings)
    return Footprint(
        weights=need.weights,
        kv_cache=int(layout.cells * cell_bytes(settings, need.keys, need.values))
        + need.state * layout.sequences,
        compute=_compute(need, layout),
        process=_PROCESS_BYTES + need.vocabulary * _TOKEN_BYTES + beside,
    )


def _compute(need: Need, layout: Layout) -> int:
    """Bytes of a step's buffers, in numbers of 32 bits."""
    # The logits twice: where they are computed, and where they are kept.
    logits = 2 * layout.outputs * need.vocabulary
    activations = layout.rows * (8 * need.embedding + 3 * need.feed_forward)
    mask = layout.rows * layout.cells
    return 4 * (logits + activations + mask)


def within(
    need: Need,
    settings: Settings,
    limit: int,
    beside: int = 0,
    others: Callable[[], Sequence[str]] = tuple,
) -> Settings:
    """The settings, with a KV cache of no more cells than fit within `limit` bytes.

    Fewer cells make tasks wait for one another; where results are pure they change no bit. others:
    names models that are here and fit, where this one doesn't. Raises DoesNotFitError with what would fit.
    """
    if settings.window > need.trained_window:
        raise DoesNotFitError(
            f"{need.name} was trained for a window of {need.trained_window:,} tokens, not "
            f"{settings.window:,}; use --window {need.trained_window} or less"
        )
    whole = footprint(need, settings, beside).total
    if whole <= limit:
        return settings
    least = replace(settings, cells=1)
    needed = footprint(need, least, beside).total
    if needed <= limit:
        low, high = 1, layout_of(need, settings).cells
        while low < high:
            middle = (low + high + 1) // 2
            tried = replace(settings, cells=middle)
            low, high = (
                (middle, high)
                if footprint(need, tried, beside).total <= limit
                else (low, middle - 1)
            )
        return replace(settings, cells=low)
    window = largest_window(need, settings, limit, beside)
    hints = [f"use --window {window} or less"] if window else []
    hints += [f"use --model {name}" for name in others()[:1]]
    hints += ["free memory, or allow more with --memory"]
    raise DoesNotFitError(
        f"{need.name} needs {_gb(needed)} of memory at a window of {settings.window:,}, and there "
        f"are {_gb(limit)}. Do one of these: {'; '.join(hints)}"
    )


def largest_window(need: Need, settings: Settings, limit: int, beside: int = 0) -> int:
    """The largest window, in tokens, that fits within `limit` bytes; 0 where none does."""

    def fits(window: int) -> bool:
        tried = replace(settings, window=window, cells=1)
        return footprint(need, tried, beside).total <= limit

    most = need.trained_window
    low, high = 0, -(-most // _STEP)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(min(most, middle * _STEP)) else (low, middle - 1)
    window = min(most, low * _STEP)
    return window if window >= min(SMALLEST_WINDOW, most) else 0


def gpu_layers(need: Need, settings: Settings, gpus: Sequence[Gpu]) -> tuple[int, ...]:
    """How many layers each GPU can hold, with their part of the cache; the output counts as one.

    Together they are `len(need.layers) + 1` where all of the model fits.
    """
    layout = layout_of(need, replace(settings, gpu_layers=-1))
    cell = cell_bytes(settings, need.keys, need.values)
    cache = layout.cells * cell / max(1, len(need.layers))
    sizes: list[float] = [*(size + cache for size in need.layers), need.others]
    taken = []
    # llama.cpp puts a model's end on GPUs first, and of it the last on the last.
    for gpu in reversed(gpus):
        room: float = gpu.free - _GPU_BYTES - _compute(need, layout)
        held = 0
        while sizes and sizes[-1] <= room:
            room -= sizes.pop()
            held += 1
        taken.append(held)
    return tuple(reversed(taken))


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
