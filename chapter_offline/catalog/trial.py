"""The child in which a stranger's file is loaded first: see `strangers`.

usage: python -m chapter_offline.catalog.trial FILE BYTES

Ends with 0 where the model was loaded, read a conversation and wrote a token; else the last line
that it says is why.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

from chapter_offline.catalog.header import Header
from chapter_offline.engine.interface import Message, Settings, Span, WriteJob
from chapter_offline.errors import ChapterOfflineError

WINDOW = 512
_SECONDS = 3600
_SYSTEM = Message("system", "Answer in one sentence.")
_ASK = Message("user", "What does a queue do?")
_ANSWER = Message("assistant", "It holds what is waiting.")


def settings_for(header: Header) -> Settings:
    """How the child runs a model: as little of it as shows whether it runs."""
    return Settings(window=min(WINDOW, header.trained_window), threads=1, slots=1, cells=1)


def main(path: Path, limit: int) -> None:
    """Loads the file at `path` in at most so many bytes of memory, and lets it write."""
    from chapter_offline.catalog.header import read_header
    from chapter_offline.engine.llama import open_engine

    _limit(limit)
    engine = open_engine(path, settings_for(read_header(path)))
    with engine:
        talks = ((_ASK,), (_SYSTEM, _ASK), (_SYSTEM, _ASK, _ANSWER, _ASK))
        span = Span("said", end="tokens", max_tokens=2)
        jobs = [
            WriteJob(str(number), talk, (span,), thinking=thinking)
            for number, talk in enumerate(talks)
            for thinking in (0, 2)
        ]
        for _ in engine.write(jobs):
            pass


def _limit(memory: int) -> None:
    """Bounds what this process may take, where the system knows such bounds."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":  # elsewhere the bound is not kept
        # Not RLIMIT_AS: drivers of GPUs reserve far more addresses than they ever use.
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _end(why: str) -> NoReturn:
    """Ends at once, as llama.cpp's own clean-up may hang on a file like that."""
    sys.stderr.write(" ".join(why.split()) + "\n")
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except ChapterOfflineError as error:
        _end(str(error))
    except Exception as error:  # whatever damaged weights and vocabularies lead to
        _end(f"it can't be run ({type(error).__name__}: {error})")
