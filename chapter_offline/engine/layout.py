"""How large the KV cache is, and how much is decoded together: what memory besides the weights depends on.

Pure arithmetic, so that what a model will take can be known before it is loaded.
"""

from dataclasses import dataclass
from typing import Literal

from chapter_offline.engine.alone import SEQUENCES
from chapter_offline.engine.interface import Settings
from chapter_offline.engine.wave import FIXED_ROWS, ROWS, SPARE_CELLS, sequences_for

How = Literal["alone", "fixed", "pure"]

CPU_SLOTS, GPU_SLOTS = 24, 48
# More cells mean fewer restarts, but every call looks at all that are taken.
_MOST_CELLS, _MOST_GPU_CELLS = 8192, 32768
_CACHE_BYTES, _GPU_CACHE_BYTES = 256 * 1024**2, 2 * 1024**3


@dataclass(frozen=True)
class Layout:
    """how: whether tasks run one by one, in waves of fixed members, or in pure ones.

    slots: tasks decoded together. cells: tokens that the KV cache holds. sequences: how many there
    may be. rows: the most tokens of one call, and logits of as many.
    """

    how: How
    slots: int
    cells: int
    sequences: int
    rows: int

    @property
    def outputs(self) -> int:
        """The most tokens of one call whose logits are kept."""
        return max(self.rows, self.sequences)


def lay_out(settings: Settings, cell_bytes: float, *, gpus: bool, alone: bool) -> Layout:
    """The layout for a model.

    cell_bytes: of one token in the KV cache. gpus: layers are on one. alone: the model's memory
    or its experts let its tasks only run one by one.
    """
    if alone:
        return Layout("alone", 1, settings.window, SEQUENCES, ROWS)
    fixed = gpus or not settings.flash_attention or settings.fixed_waves
    slots = settings.slots or (GPU_SLOTS if gpus else CPU_SLOTS)
    most, room = (_MOST_GPU_CELLS, _GPU_CACHE_BYTES) if gpus else (_MOST_CELLS, _CACHE_BYTES)
    usual = min(most, int(room / max(cell_bytes, 1)))
    return Layout(
        "fixed" if fixed else "pure",
        slots,
        max(settings.window + SPARE_CELLS, settings.cells or usual),
        sequences_for(slots),
        FIXED_ROWS if fixed else ROWS,
    )
