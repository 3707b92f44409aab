"""The chapters of one process: one model, a few chapters at a time."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from chapter_offline.batch.conductor import Conductor, Seat
from chapter_offline.batch.entries import Entry
from chapter_offline.batch.happening import Event, Outcome, Tell, Telling
from chapter_offline.desk import House
from chapter_offline.errors import ChapterOfflineError, ExitCode
from chapter_offline.filing import Made
from chapter_offline.knowledge.library import Library, load_library
from chapter_offline.opening import load
from chapter_offline.output.markdown import thin_sections
from chapter_offline.resources import prompts_dir
from chapter_offline.workflow import incomplete, write
from chapter_offline.writing.manifest import MANIFEST

ABREAST = 3
"""Chapters of a process at a time: one fills waves, the others fill what it leaves, plan, or are filed."""

Next = Callable[[str | None], Entry | None]
"""The next entry, only of this model if one is named; None where there is none now."""


def work(following: Next, tell: Tell, abreast: int = ABREAST) -> None:
    """Writes chapters until there are none; tells what happens and what became of each.

    Must be called in the main thread, for Ctrl-C: what was written is then in the journals, and it
    is raised once all chapters have let go of their folders.
    """
    library = load_library(prompts_dir())
    while (first := following(None)) is not None:
        conductor = Conductor(load)
        try:
            conductor.conduct(_of_one_model(first, following, library, tell), abreast)
        finally:
            conductor.close()


def _of_one_model(
    first: Entry, following: Next, library: Library, tell: Tell
) -> Iterator[Callable[[Seat], None]]:
    entry: Entry | None = first
    while entry is not None:
        yield _chapter(entry, library, tell)
        entry = following(first.order.model)


def _chapter(entry: Entry, library: Library, tell: Tell) -> Callable[[Seat], None]:
    def run(seat: Seat) -> None:
        tell(Event(entry.name, "begun"))
        house = House(library, seat.opened)
        outcome = attempt(entry, lambda: write(entry.order, Telling(entry.name, tell), house=house))
        tell(Event(entry.name, "ended", outcome=outcome))

    return run


def attempt(entry: Entry, make: Callable[[], Made]) -> Outcome:
    """What becomes of a chapter: whatever it raises becomes part of its outcome."""
    started = time.monotonic()
    try:
        return _made(entry, make())
    except ChapterOfflineError as error:
        state, code, message = "failed", error.exit_code, str(error)
    except MemoryError:
        state, code = "failed", ExitCode.DOES_NOT_FIT
        message = "there is not enough memory; take a smaller model or --window"
    except KeyboardInterrupt:
        state, code = "interrupted", ExitCode.INTERRUPTED
        message = "interrupted; what was written is kept"
    except Exception as error:
        # A fault of the program: the other chapters go on, and this one says what it was.
        state, code = "failed", ExitCode.INCOMPLETE
        message = f"a fault of the program: {type(error).__name__}: {error}"
    return Outcome(
        entry.name,
        entry.order.system,
        entry.digest,
        state,  # type: ignore[arg-type]
        int(code),
        message,
        seconds=time.monotonic() - started,
    )


def _made(entry: Entry, made: Made) -> Outcome:
    jobs = made.authored.jobs
    chapter = made.authored.chapter
    wrong = made.findings
    return Outcome(
        entry.name,
        entry.order.system,
        entry.digest,
        "incomplete" if wrong else "whole",
        int(ExitCode.INCOMPLETE if wrong else ExitCode.OK),
        str(incomplete(made)) if wrong else "",
        model=chapter.model,
        seconds=made.seconds,
        words=made.words,
        tokens=sum(job.output_tokens for job in jobs),
        pieces=len(jobs),
        findings=tuple(f"{each.where}: {each.what}" for each in wrong),
        thin=tuple(section.id for section, _ in thin_sections(chapter)),
        manifest=hashlib.sha256((made.folder / MANIFEST).read_bytes()).hexdigest(),
    )


def write_here(found: Sequence[Entry], tell: Tell) -> None:
    """Writes chapters in this process."""
    waiting = deque(found)

    def following(model: str | None) -> Entry | None:
        if waiting and model in {None, waiting[0].order.model}:
            return waiting.popleft()
        return None

    work(following, tell)
