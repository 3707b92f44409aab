"""Text to tokens and back, by the vocabulary of a loaded model.

What a message says is never read as a control token: only a chat template's own text is.
"""

import ctypes
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chapter_offline.engine.template import Piece

NO_BYTES, END = 256, 257
"""What stands for a first byte where a token has none, and where it ends a generation."""

_PIECE_BYTES = 256
_SPM = 1  # LLAMA_VOCAB_TYPE_SPM
_MARKERS = (1 << 3) | (1 << 4)  # LLAMA_TOKEN_ATTR_CONTROL, LLAMA_TOKEN_ATTR_USER_DEFINED


class Vocabulary:
    """Tokens of one model. api: the bindings; handle: llama.cpp's vocabulary."""

    def __init__(self, api: Any, handle: Any) -> None:
        self._api = api
        self._handle = handle
        self.size = int(api.llama_vocab_n_tokens(handle))
        self.bos = int(api.llama_vocab_bos(handle))
        self.eos = int(api.llama_vocab_eos(handle))
        self._add_bos = bool(api.llama_vocab_get_add_bos(handle))
        self._spm = int(api.llama_vocab_type(handle)) == _SPM
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}

    def is_end(self, token: int) -> bool:
        """Whether the token ends a generation: of a text, a turn, or a message."""
        if token not in self._ends:
            self._ends[token] = bool(self._api.llama_vocab_is_eog(self._handle, token))
        return self._ends[token]

    def piece(self, token: int) -> bytes:
        """The token's bytes; a control token has none. They may end within a character."""
        if token not in self._pieces:
            self._pieces[token] = self._read_piece(token, special=False)
        return self._pieces[token]

    def name(self, token: int) -> str:
        """How a template writes the token ("<|im_end|>"); "" for a token that does not exist."""
        if token < 0:
            return ""
        return self._read_piece(token, special=True).decode("utf-8", "replace")

    @cached_property
    def first_bytes(self) -> NDArray[np.uint16]:
        """[vocabulary]: the first byte of each token, or NO_BYTES, or END."""
        found = np.full(self.size, NO_BYTES, np.uint16)
        for token in range(self.size):
            piece = self._read_piece(token, special=False)
            if self.is_end(token):
                found[token] = END
            elif piece:
                found[token] = piece[0]
        return found

    def marker(self, name: str) -> int | None:
        """The one token that a template's text names ("<think>"); None where it is no token."""
        tokens = self.control(name)
        if len(tokens) != 1 or self.name(tokens[0]) != name:
            return None
        attributes = int(self._api.llama_vocab_get_attr(self._handle, tokens[0]))
        return tokens[0] if attributes & _MARKERS else None

    def control(self, text: str) -> tuple[int, ...]:
        """Tokens of a template's own text, control tokens among them."""
        return self._raw(text, special=True)

    def _read_piece(self, token: int, special: bool) -> bytes:
        size = _PIECE_BYTES
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._api.llama_token_to_piece(self._handle, token, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def text(self, text: str) -> tuple[int, ...]:
        """Tokens of plain text within a turn; whatever it says, none of them is a control token.

        A sentencepiece vocabulary puts a space before a text: here it doesn't.
        """
        if self._spm and text:
            lead = self._raw("\n", special=False)
            tokens = self._raw("\n" + text, special=False)
            if tokens[: len(lead)] == lead:
                return self._without_markers(text, tokens[len(lead) :])
        return self._without_markers(text, self._raw(text, special=False))

    def _without_markers(self, text: str, tokens: tuple[int, ...]) -> tuple[int, ...]:
        # llama.cpp finds user-defined tokens in any text, and some files define their turn's end
        # as one. Cut in two, its name is ordinary text.
        for token in set(tokens):
            attributes = int(self._api.llama_vocab_get_attr(self._handle, token))
            if not (attributes & _MARKERS or self.is_end(token)):
                continue
            name = self.name(token)
            place = text.find(name)
            if len(name) > 1 and name.strip() and place >= 0:
                cut = place + 1
                return self.text(text[:cut]) + self.text(text[cut:])
        return tokens

    def conversation(self, pieces: Sequence[Piece]) -> tuple[int, ...]:
        """Tokens of a rendered conversation."""
        tokens: list[int] = []
        for piece in pieces:
            tokens.extend(self._piece_tokens(piece))
        if self._add_bos and self.bos >= 0 and tokens[:1] != [self.bos]:
            tokens.insert(0, self.bos)
        return tuple(tokens)

    def _piece_tokens(self, piece: Piece) -> tuple[int, ...]:
        return self.control(piece.text) if piece.special else self.text(piece.text)

    def _raw(self, text: str, special: bool) -> tuple[int, ...]:
        data = text.encode("utf-8", "replace")
        size = len(data) + 8
        while True:
            buffer = (ctypes.c_int32 * size)()
            count = self._api.llama_tokenize(
                self._handle, data, len(data), buffer, size, False, special
            )
            if count >= 0:
                return tuple(buffer[:count])
            size = -count
