"""How far a model writes a chapter."""

from typing import Literal, get_args

Voice = Literal["quoted", "drafted", "revised", "free"]
"""quoted: claims stand as written. drafted: the model says them again, as far as that stays true.
revised: the same with a criticism and a second draft. free: the model writes every section."""
VOICES: tuple[Voice, ...] = get_args(Voice)
