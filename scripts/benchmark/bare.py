"""(d) The bare limit: `llama_decode` in a loop, with the engine's sampler and nothing else.

No guards, scripts, refills or padding. The shared prompt is read once in calls of 512 rows, each
section's own in calls of as many rows; then all sections of a wave write a token a call. The waves are as
even as the width allows.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.meter import Clock, ending_tokens, peak_bytes
from benchmark.work import Measured, Order, conversations
from chapter_offline.catalog.header import read_header
from chapter_offline.engine.interface import Sampler, Settings
from chapter_offline.engine.library import load_library
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.sampling import Logits, candidates, draw
from chapter_offline.resources import prompts_dir

ROWS = 512


class Raw:
    """A context of llama.cpp, and rows to decode in it."""

    def __init__(self, model: Any, vocabulary: int, *, cells: int, sequences: int, threads: int):
        library = load_library()
        self._api, self._size = library.api, vocabulary
        parameters = library.parameters(
            self._api.llama_context_default_params(),
            n_ctx=cells,
            n_batch=ROWS,
            n_ubatch=ROWS,
            n_seq_max=sequences,
            n_outputs_max=max(64, sequences),
            n_threads=threads,
            n_threads_batch=threads,
            flash_attn_type=self._api.LLAMA_FLASH_ATTN_TYPE_ENABLED,
            kv_unified=True,
            no_perf=True,
        )
        self._handle = self._api.llama_init_from_model(model, parameters)
        if not self._handle:
            raise MemoryError(f"a context of {cells} cells could not be made")
        self.cells = int(self._api.llama_n_ctx(self._handle))
        self._memory = self._api.llama_get_memory(self._handle)
        self._batch = self._api.llama_batch_init(ROWS, 0, 1)
        view = np.ctypeslib.as_array
        self._token, self._position = (
            view(self._batch.token, (ROWS,)),
            view(self._batch.pos, (ROWS,)),
        )
        self._output = view(self._batch.logits, (ROWS,))
        for row in range(ROWS):
            self._batch.n_seq_id[row] = 1

    def decode(
        self, tokens: Sequence[int], positions: Sequence[int], sequences: Sequence[int], last: int
    ) -> Logits:
        """One call; the logits of its `last` rows: [last, vocabulary]."""
        count = len(tokens)
        self._token[:count], self._position[:count] = tokens, positions
        for row, sequence in enumerate(sequences):
            self._batch.seq_id[row][0] = sequence
        self._output[:count] = 0
        self._output[count - last : count] = 1
        self._batch.n_tokens = count
        status = self._api.llama_decode(self._handle, self._batch)
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status}")
        if not last:
            return np.zeros((0, self._size), np.float32)
        pointer = self._api.llama_get_logits(self._handle)
        return np.ctypeslib.as_array(pointer, shape=(last, self._size))

    def read(self, tokens: Sequence[int], start: int, sequence: int) -> Logits:
        """Reads tokens from a position on; the logits after the last: [1, vocabulary]."""
        logits = np.zeros((0, self._size), np.float32)
        for at in range(0, len(tokens), ROWS):
            part = tokens[at : at + ROWS]
            places = range(start + at, start + at + len(part))
            last = int(at + ROWS >= len(tokens))
            logits = self.decode(part, places, [sequence] * len(part), last)
        return logits

    def share(self, source: int, target: int) -> None:
        self._api.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def clear(self, sequence: int = -1) -> None:
        self._api.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def close(self) -> None:
        self._api.llama_batch_free(self._batch)
        self._api.llama_free(self._handle)


def bare(order: Order) -> Measured:
    """The job in even waves of at most `width` sections."""
    header = read_header(Path(order.model))
    # The engine loads the model and knows its tokens; its own context stays small and idle.
    with open_engine(
        Path(order.model), Settings(window=64, slots=1, threads=order.threads)
    ) as idle:
        assert idle._loaded is not None
        vocabulary = idle._vocabulary
        idle._loaded.context.close()
        prompts = [
            list(idle._prompt(m))
            for m in conversations(order.sizes, idle.count_text, prompts_dir())
        ]
        shared = common_prefix(prompts)
        waves = even(len(prompts), order.width)
        longest = max(map(len, prompts)) - shared + order.sizes.written
        raw = Raw(
            idle._loaded.model,
            vocabulary.size,
            cells=-(-(shared + max(waves) * longest) // 256) * 256,
            sequences=max(waves) + 1,
            threads=order.threads,
        )
        banned = np.array(ending_tokens(vocabulary), np.intp)
        raw.read(prompts[0][:8], 0, 0)
        raw.clear()
        run = _Run(raw, banned, order.sizes.written)
        clock = Clock()
        raw.read(prompts[0][:shared], 0, 0)
        done = 0
        for width in waves:
            run.wave(prompts[done : done + width], shared)
            done += width
        seconds, busy = clock.seconds(), clock.busy(order.threads)
        cells = raw.cells
        raw.close()
    return Measured(
        order.way,
        seconds,
        shared + sum(len(p) - shared for p in prompts),
        run.sampled,
        writing_rate=run.written / run.seconds if run.seconds else 0.0,
        outside=1 - run.inside / run.seconds if run.seconds else 0.0,
        peak=peak_bytes(),
        expected=header.file_bytes + cells * header.kv_bytes_per_token,
        busy=busy,
        note=f"waves of {', '.join(map(str, waves))}",
    )


class _Run:
    """Waves through one context. Seconds are those of writing alone; `inside`, of llama.cpp."""

    def __init__(self, raw: Raw, banned: np.ndarray, written: int) -> None:  # type: ignore[type-arg]
        self._raw, self._banned, self._limit = raw, banned, written
        self._random = np.random.default_rng(1)
        self.sampled, self.written, self.seconds, self.inside = 0, 0, 0.0, 0.0

    def wave(self, prompts: list[list[int]], shared: int) -> None:
        width = len(prompts)
        sequences = list(range(1, width + 1))
        texts: list[list[int]] = [[] for _ in prompts]
        for sequence, prompt, text in zip(sequences, prompts, texts, strict=True):
            self._raw.share(0, sequence)
            text.append(self._next(self._raw.read(prompt[shared:], shared, sequence)[0], text))
        start = time.perf_counter()
        for step in range(self._limit - 1):
            places = [len(prompt) + step for prompt in prompts]
            called = time.perf_counter()
            logits = self._raw.decode([t[-1] for t in texts], places, sequences, width)
            self.inside += time.perf_counter() - called
            for row, text in enumerate(texts):
                text.append(self._next(logits[row], text))
        self.seconds += time.perf_counter() - start
        self.written += width * (self._limit - 1)
        self.sampled += width * self._limit
        for sequence in sequences:
            self._raw.clear(sequence)

    def _next(self, row: Logits, text: Sequence[int]) -> int:
        row[self._banned] = -np.inf
        return draw(*candidates(row, Sampler(), text), float(self._random.random()))


def even(sections: int, width: int) -> list[int]:
    """Sizes of the waves: as few as the width allows, and as even as can be."""
    count = -(-sections // width)
    return [sections // count + (1 if n < sections % count else 0) for n in range(count)]


def common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """How many first tokens all prompts have in common; one less than the shortest, at most."""
    least = min(map(len, prompts)) - 1
    first = prompts[0]
    return next(
        (n for n in range(least) if any(p[n] != first[n] for p in prompts)),
        least,
    )
