"""One version of a chapter: written in a process of its own, so that time and memory are its own, and kept.

A version is this program in some voice, or what a person would do without it: the whole prompt in one
call, or one call a part, by llama-cpp-python's own chat.
"""

import hashlib
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

import chapter_offline
from chapter_offline.catalog.choose import resolve_model
from chapter_offline.chapter.plan import WORDS
from chapter_offline.errors import DoesNotFitError, IncompleteError
from chapter_offline.knowledge.files import read_toml, shaped
from chapter_offline.knowledge.spec import Part, load_spec
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.asking import Asking, Kind
from chapter_offline.writing.manifest import digest_of

WHOLE, BY_PART = "one call", "a call a part"
BASELINES = (WHOLE, BY_PART)
_LONGEST_CALL = 8192
"""Tokens of the window of a plain call, if the model was trained for so many."""
_TOKENS_A_WORD = 1.5


@dataclass(frozen=True)
class Version:
    """How a chapter is written. way: a voice of ours, or one of BASELINES. asked: words."""

    system: str
    model: str
    way: str
    depth: str
    seed: int
    window: int
    threads: int

    @property
    def asked(self) -> int:
        return WORDS[self.depth]  # type: ignore[index]


@dataclass(frozen=True)
class Result:
    """text: the page. seconds: of wall time. peak: resident bytes."""

    text: str
    seconds: float
    peak: int


def made(version: Version, fresh: bool = False) -> Result:
    """The result of a version, from the cache where its inputs are the same."""
    kept = platformdirs.user_cache_path("chapter-offline") / "evaluations" / f"{_key(version)}.json"
    if kept.is_file() and not fresh:
        return Result(**json.loads(kept.read_bytes()))
    script = Path(__file__).resolve().parents[1] / "evaluate"
    command = [sys.executable, str(script), "--one", json.dumps(asdict(version))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise IncompleteError(f"{version.model}, {version.way}: it could not be written; see above")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(done.stdout, encoding="utf-8")
    return Result(**json.loads(done.stdout))


def _key(version: Version) -> str:
    """All that determines a result: the settings, the model, the prompts and the program."""
    total = hashlib.sha256(json.dumps(asdict(version)).encode())
    total.update(resolve_model(version.model, version.window, None).sha256.encode())
    total.update(digest_of(prompts_dir()).encode())
    for path in sorted(Path(chapter_offline.__file__).parent.rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:32]


def write_one(version: Version, folder: Path) -> Result:
    """Writes a version in this process."""
    started = time.monotonic()
    text = _plainly(version) if version.way in BASELINES else _ours(version, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    return Result(text, round(time.monotonic() - started, 1), peak)


def _ours(version: Version, folder: Path) -> str:
    from chapter_offline.workflow import Order, write
    from chapter_offline.writing.progress import Silent

    order = Order(
        version.system,
        version.model,
        voice=version.way,  # type: ignore[arg-type]
        depth=version.depth,  # type: ignore[arg-type]
        seed=version.seed,
        window=version.window,
        threads=version.threads,
        out=folder / "chapter",
    )
    return write(order, Silent()).page.read_text(encoding="utf-8")


def _plainly(version: Version) -> str:
    """Plain prompting: what the model says, unchanged."""
    from llama_cpp import Llama

    prompts = prompts_dir()
    spec = load_spec(prompts)
    model = resolve_model(version.model, version.window, None)
    window = min(_LONGEST_CALL, model.header.trained_window)
    threads = version.threads or None
    llm = Llama(str(model.path), n_ctx=window, seed=version.seed, n_threads=threads, verbose=False)
    tables = read_toml(prompts / "baselines.toml")
    asking = Asking({n: shaped(Kind, t, f"baselines.toml: {n}") for n, t in tables.items()})
    values = {
        "role": spec.role,
        "audience": spec.audience,
        "goal": spec.goal,
        "tone": ", ".join(spec.tone),
        "avoid": ", ".join(spec.avoid),
        "system": version.system,
    }

    def said(kind: str, parts: tuple[Part, ...], words: int) -> str:
        told = "\n\n".join(map(_told, parts))
        messages = asking.messages(kind, values | {"parts": told, "words": f"{words:,}"})
        turns: Any = [{"role": message.role, "content": message.text} for message in messages]
        limit = None if kind == "whole" else int(2 * words * _TOKENS_A_WORD)
        try:
            answer: Any = llm.create_chat_completion(turns, max_tokens=limit, temperature=0.7)
        except ValueError as error:
            raise DoesNotFitError(f"{version.model}: {version.way}: {error}") from None
        return str(answer["choices"][0]["message"]["content"]).strip()

    if version.way == WHOLE:
        return said("whole", spec.part, version.asked) + "\n"
    each = version.asked // len(spec.part)
    texts = [said("part", (part,), each) for part in spec.part]
    return f"# {version.system}\n\n" + "\n\n".join(texts) + "\n"


def _told(part: Part) -> str:
    """A part as a prompt lists it."""
    points = "\n".join(f"- {r.heading}: {r.instruction}" for r in part.requirement)
    return f"Part {part.number}: {part.title}\n{points}"
