"""One KV cache and the rows that are decoded into it.

A row is a token at a position of a sequence. Nothing here knows of jobs, text or sampling.
"""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chapter_offline.engine.library import Library, interrupt_flag
from chapter_offline.engine.sampling import Logits
from chapter_offline.errors import DoesNotFitError


def _never() -> bool:
    return False


class CacheFullError(Exception):
    """No free cell in the KV cache for the rows of a call."""


class Row(NamedTuple):
    """One token to decode. output: its logits are wanted.

    A tuple, as one is made for every token: a frozen dataclass takes four times as long.
    """

    token: int
    position: int
    sequence: int
    output: bool = False


class Context:
    """A llama.cpp context with a unified KV cache.

    cells: tokens that the cache holds, all sequences together. sequences: how many there may be.
    rows: the most rows of one call. placed: further fields of llama.cpp's parameters.
    """

    def __init__(
        self,
        library: Library,
        model: Any,
        *,
        cells: int,
        sequences: int,
        rows: int,
        threads: int,
        placed: Mapping[str, object],
    ) -> None:
        self._api = library.api
        self.rows = rows
        self._vocabulary = int(
            self._api.llama_vocab_n_tokens(self._api.llama_model_get_vocab(model))
        )
        # A list, so that the callback holds no reference to this object.
        self._asked = asked = [_never]
        # The C side keeps the bare pointer, so the callback lives as long as this object.
        self._stop = self._api.ggml_abort_callback(lambda _data: asked[0]())
        parameters = library.parameters(
            self._api.llama_context_default_params(),
            n_ctx=cells,
            n_batch=rows,
            n_ubatch=rows,
            n_seq_max=sequences,
            n_outputs_max=max(rows, sequences),
            n_threads=threads,
            n_threads_batch=threads,
            kv_unified=True,
            # A sliding window's cells are kept as well, so that any row can be rolled back.
            swa_full=True,
            no_perf=True,
            abort_callback=self._stop,
            **placed,
        )
        library.log.forget()
        self._handle = self._api.llama_init_from_model(model, parameters)
        if not self._handle:
            raise DoesNotFitError(
                f"The KV cache of {cells} tokens could not be made: "
                f"{library.log.first_error() or 'no reason given'}.\n"
                "Take a smaller window, a smaller model, or free memory."
            )
        self._memory = self._api.llama_get_memory(self._handle)
        self.cells = int(self._api.llama_n_ctx(self._handle))
        self._token = np.zeros(rows, np.int32)
        self._position = np.zeros(rows, np.int32)
        self._sequence = np.zeros((rows, 1), np.int32)
        self._sequences = np.ones(rows, np.int32)
        self._output = np.zeros(rows, np.int8)
        self._pointers = np.array(
            [self._sequence[i].ctypes.data for i in range(rows)], dtype=np.uintp
        )
        self._batch = self._make_batch()

    def _make_batch(self) -> Any:
        batch = self._api.llama_batch()
        types = dict(batch._fields_)
        for name, array in (
            ("token", self._token),
            ("pos", self._position),
            ("n_seq_id", self._sequences),
            ("seq_id", self._pointers),
            ("logits", self._output),
        ):
            setattr(batch, name, array.ctypes.data_as(types[name]))
        return batch

    def decode(self, rows: Sequence[Row]) -> Logits:
        """Decodes rows in one call; returns the logits of those flagged: [outputs, vocabulary].

        The array is llama.cpp's own memory and holds until the next call. Without room in the
        cache: CacheFullError, and the cache is as it was before. Ctrl-C ends the call within one
        operation of the graph (on the CPU and Metal): KeyboardInterrupt.
        """
        count = len(rows)
        token, position, sequence, outputs = zip(*rows, strict=True)
        self._token[:count] = token
        self._position[:count] = position
        self._sequence[:count, 0] = sequence
        self._output[:count] = outputs
        self._batch.n_tokens = count
        with interrupt_flag() as self._asked[0]:
            status = self._api.llama_decode(self._handle, self._batch)
        if status == 1:
            raise CacheFullError
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status}")
        wanted = sum(outputs)
        if not wanted:
            return np.zeros((0, self._vocabulary), np.float32)
        pointer = self._api.llama_get_logits(self._handle)
        return np.ctypeslib.as_array(pointer, shape=(wanted, self._vocabulary))

    def state(self, sequence: int) -> bytes:
        """What the cache holds of a sequence, as `restore` takes it, in any process."""
        size = self._api.llama_state_seq_get_size(self._handle, sequence)
        buffer = (ctypes.c_uint8 * size)()
        taken = self._api.llama_state_seq_get_data(self._handle, buffer, size, sequence)
        return bytes(memoryview(buffer)[:taken])

    def restore(self, sequence: int, state: bytes) -> bool:
        """Puts a state into an empty cache, in the order of its positions; False if it can't be."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        return bool(self._api.llama_state_seq_set_data(self._handle, buffer, len(state), sequence))

    def copy(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        """Lets `target` share the cells of `source` at positions start to end (-1: all)."""
        self._api.llama_memory_seq_cp(self._memory, source, target, start, end)

    def cut(self, sequence: int, start: int = 0) -> None:
        """Takes positions from `start` on out of the sequence."""
        self._api.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def clear(self) -> None:
        """Empties the cache."""
        self._api.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        if self._handle:
            self._api.llama_free(self._handle)
            self._handle = None
