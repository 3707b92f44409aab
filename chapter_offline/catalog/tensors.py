"""The list of tensors in a GGUF file: how many weights, and how many bytes of which layer.

Knows the sizes of ggml's types; knows nothing of what a tensor is for but its name.
"""

import re
from dataclasses import dataclass, field

from chapter_offline.catalog.cursor import Cursor

_NAME_BYTES = 1_024
_LAYER = re.compile(r"blk\.([0-9]{1,5})\.")

# ggml's types: number -> (weights a block, bytes a block).
_BLOCKS = {
    0: (1, 4),  # F32
    1: (1, 2),  # F16
    2: (32, 18),  # Q4_0
    3: (32, 20),  # Q4_1
    6: (32, 22),  # Q5_0
    7: (32, 24),  # Q5_1
    8: (32, 34),  # Q8_0
    9: (32, 40),  # Q8_1
    10: (256, 84),  # Q2_K
    11: (256, 110),  # Q3_K
    12: (256, 144),  # Q4_K
    13: (256, 176),  # Q5_K
    14: (256, 210),  # Q6_K
    15: (256, 292),  # Q8_K
    16: (256, 66),  # IQ2_XXS
    17: (256, 74),  # IQ2_XS
    18: (256, 98),  # IQ3_XXS
    19: (256, 50),  # IQ1_S
    20: (32, 18),  # IQ4_NL
    21: (256, 110),  # IQ3_S
    22: (256, 82),  # IQ2_S
    23: (256, 136),  # IQ4_XS
    24: (1, 1),  # I8
    25: (1, 2),  # I16
    26: (1, 4),  # I32
    27: (1, 8),  # I64
    28: (1, 8),  # F64
    29: (256, 56),  # IQ1_M
    30: (1, 2),  # BF16
    34: (256, 54),  # TQ1_0
    35: (256, 66),  # TQ2_0
    39: (32, 17),  # MXFP4
}


@dataclass
class Tensors:
    """What a file's list of tensors adds up to. end: bytes from the first's start to the last's end.

    layers: bytes by the number of the layer. embedding, output: as of Header.
    """

    parameters: int = 0
    end: int = 0
    layers: dict[int, int] = field(default_factory=dict)
    others: int = 0
    embedding: int = 0
    output: bool = False

    def add(self, name: str, weights: int, size: int) -> None:
        """Counts one tensor; size: in bytes."""
        self.parameters += weights
        layer = _LAYER.match(name)
        if layer:
            number = int(layer[1])
            self.layers[number] = self.layers.get(number, 0) + size
            return
        self.others += size
        self.output = self.output or name == "output.weight"
        if name == "token_embd.weight":
            self.embedding = size

    def of_layers(self, count: int) -> tuple[int, ...]:
        """Bytes of each of so many layers; what belongs to others counts with the last."""
        surplus = sum(size for number, size in self.layers.items() if number >= count)
        sizes = [self.layers.get(number, 0) for number in range(count)]
        return (*sizes[:-1], sizes[-1] + surplus)


def read_tensors(cursor: Cursor, count: int) -> Tensors:
    """Reads the list of tensors, where the cursor stands. Raises BadInputError."""
    tensors = Tensors()
    seen: set[str] = set()
    for _ in range(count):
        name = cursor.text(_NAME_BYTES, "a tensor's name")
        where = f"damaged or hostile header: tensor {name[:80]!r}"
        if name in seen:
            raise cursor.bad(f"{where} stands in it twice")
        seen.add(name)
        dimensions = cursor.u32()
        if dimensions > 4:
            raise cursor.bad(f"{where} has {dimensions} dimensions")
        weights, row = 1, 1
        for n in range(dimensions):
            length = cursor.u64()
            weights *= length
            row = length if n == 0 else row
        kind, offset = cursor.u32(), cursor.u64()
        if weights >= 1 << 60:
            raise cursor.bad(f"{where} has {weights} weights")
        # A type that is newer than this table has at least one bit a weight, if not known how many.
        block_weights, block_bytes = _BLOCKS.get(kind, (8, 1))
        if kind in _BLOCKS and row % block_weights:
            raise cursor.bad(f"{where} has rows of {row} weights, not a multiple of its blocks")
        size = weights // block_weights * block_bytes
        tensors.add(name, weights, size)
        tensors.end = max(tensors.end, offset + size)
    return tensors
