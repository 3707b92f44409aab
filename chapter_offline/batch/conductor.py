"""One model for many chapters: each has an engine of its own to speak to, and all are this one.

Chapters run in threads; what they ask meets here, in the thread that conducts, which alone runs
models. Where results are pure, jobs of several chapters share waves, those of earlier chapters
first; elsewhere each call of a chapter is a run of its own. Either way a chapter's bits are those
that it has alone.
"""

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any, TypeVar

from chapter_offline.catalog.choose import ResolvedModel
from chapter_offline.catalog.progress import Progress as CatalogProgress
from chapter_offline.engine.around import Around
from chapter_offline.engine.interface import (
    ChoiceJob,
    Chosen,
    Job,
    Request,
    Reread,
    Scored,
    ScoreJob,
    Settings,
    SharedEngine,
    WriteJob,
    Written,
)
from chapter_offline.orders import Order

_T = TypeVar("_T")

Loader = Callable[[Order], tuple[ResolvedModel, SharedEngine]]
"""Opens an order's model; the conductor closes it."""


@dataclass(frozen=True)
class _Ended:
    """What was written, told before its turn."""

    result: Written


@dataclass(frozen=True)
class _Failed:
    """What a call raises."""

    error: BaseException


@dataclass(eq=False)
class _Call:
    """What a chapter asks. rank: the chapter's, by which calls go before others.

    engine, seed, jobs: what is to be done; or act: what the conducting thread does for it.
    owed: jobs that a run has taken, and has no result of yet. dropped: nobody waits for it any more,
    says the chapter's thread; all else here is the conducting thread's.
    """

    rank: int
    engine: SharedEngine | None = None
    seed: int = 0
    jobs: deque[Job] = field(default_factory=deque)
    act: Callable[[], Any] | None = None
    owed: deque[Job] = field(default_factory=deque)
    answers: "SimpleQueue[Any]" = field(default_factory=SimpleQueue)
    dropped: bool = False

    @property
    def waits(self) -> bool:
        return not self.dropped and bool(self.jobs or self.act)

    def requests(self) -> Iterator[Request]:
        """The jobs, as a run takes them."""
        while self.jobs:
            job = self.jobs.popleft()
            self.owed.append(job)
            yield Request(job, self.seed, lambda result: self.answers.put(_Ended(result)))

    def answer(self, result: object) -> None:
        self.owed.popleft()
        self.answers.put(result)

    def give_back(self) -> None:
        """What was taken and not answered is to be done again."""
        self.jobs.extendleft(reversed(self.owed))
        self.owed.clear()

    def fail(self, error: BaseException) -> None:
        self.jobs.clear()
        self.act = None
        self.answers.put(_Failed(error))


class Conductor:
    """Runs chapters abreast, and what they ask of models, in the thread that calls `conduct`."""

    def __init__(self, load: Loader) -> None:
        self._load = load
        self._inbox: SimpleQueue[_Call | None] = SimpleQueue()
        self._calls: list[_Call] = []
        self._open: dict[Order, tuple[ResolvedModel, SharedEngine]] = {}

    def conduct(self, chapters: Iterable[Callable[["Seat"], None]], abreast: int) -> None:
        """Runs the chapters, so many at a time, until all have returned.

        A chapter is asked for when there is a seat for it; it gets what it calls as engines from the seat,
        and raises nothing. What comes from outside, such as Ctrl-C, is raised in every chapter
        that waits or asks, and here once all have returned.
        """
        source = enumerate(chapters)
        seats: list[Seat] = []
        seated = 0
        with ThreadPoolExecutor(abreast) as threads:

            def fill() -> None:
                nonlocal seated
                while seated < abreast and (following := next(source, None)) is not None:
                    rank, chapter = following
                    seats.append(Seat(self, rank))
                    threads.submit(self._sit, chapter, seats[-1])
                    seated += 1

            def hear(wait: bool) -> None:
                nonlocal seated
                while wait or not self._inbox.empty():
                    call = self._inbox.get()
                    wait = False
                    if call is not None:
                        self._calls.append(call)
                    else:
                        seated -= 1
                        fill()

            try:
                fill()
                while seated:
                    hear(wait=True)
                    while call := self._first():
                        self._do(call, lambda: hear(wait=False))
            except BaseException as error:
                with _deaf():
                    for seat in seats:
                        seat.stop(error)
                    threads.shutdown(cancel_futures=True)
                raise
            finally:
                self._calls = []

    def close(self) -> None:
        """Frees the models."""
        opened, self._open = self._open, {}
        for _, engine in opened.values():
            engine.close()

    def ask(self, call: _Call) -> None:
        """Takes a call from a chapter's thread."""
        self._inbox.put(call)

    def model(self, order: Order) -> tuple[ResolvedModel, SharedEngine]:
        """An order's model, opened once for all that want it so. Only for the conducting thread."""
        key = Order(
            "",
            order.model,
            window=order.window,
            threads=order.threads,
            gpu_layers=order.gpu_layers,
            log=order.log,
        )
        if key not in self._open:
            self._open[key] = self._load(key)
        return self._open[key]

    def _sit(self, chapter: Callable[["Seat"], None], seat: "Seat") -> None:
        try:
            chapter(seat)
        finally:
            self._inbox.put(None)

    def _first(self, engine: SharedEngine | None = None) -> _Call | None:
        """The call that goes before all others; of those for this engine, where one is given."""
        self._calls = [call for call in self._calls if call.waits or call.owed]
        waiting = (call for call in self._calls if call.waits)
        mine = (call for call in waiting if engine in (None, call.engine))
        return min(mine, key=lambda call: call.rank, default=None)

    def _do(self, call: _Call, hear: Callable[[], None]) -> None:
        if call.engine is not None and call.engine.facts.pure:
            self._together(call.engine, hear)
        elif call.engine is not None:
            self._alone(call.engine, call)
        elif call.act is not None:
            act, call.act = call.act, None
            try:
                call.answers.put(act())
            except Exception as error:
                call.fail(error)

    def _together(self, engine: SharedEngine, hear: Callable[[], None]) -> None:
        """A run for all that ask this engine, now or while it lasts."""
        order: deque[_Call] = deque()
        try:
            for result in engine.serve(_Waiting(self, engine, order, hear)):
                order.popleft().answer(result)
        except Exception:
            # One of the jobs can't be done; each call alone shows whose it is.
            for call in {id(call): call for call in order}.values():
                call.give_back()
                self._alone(engine, call)

    def _alone(self, engine: SharedEngine, call: _Call) -> None:
        try:
            for result in engine.serve(call.requests()):
                call.answer(result)
        except Exception as error:
            call.owed.clear()
            call.fail(error)


class _Waiting(Iterator[Request]):
    """The jobs that wait for an engine: asked again after it had none, it may have some."""

    def __init__(
        self,
        conductor: Conductor,
        engine: SharedEngine,
        order: deque[_Call],
        hear: Callable[[], None],
    ) -> None:
        self._conductor, self._engine, self._order, self._hear = conductor, engine, order, hear

    def __next__(self) -> Request:
        self._hear()
        call = self._conductor._first(self._engine)
        if call is None:
            raise StopIteration
        self._order.append(call)
        return next(call.requests())


@contextmanager
def _deaf() -> Iterator[None]:
    """A second Ctrl-C does not cut short what the first one has begun."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Seat:
    """Where a chapter sits: what opens models for it."""

    def __init__(self, conductor: Conductor, rank: int) -> None:
        self._conductor, self._rank = conductor, rank
        self._calls: list[_Call] = []
        self._stopped: BaseException | None = None

    def stop(self, error: BaseException) -> None:
        """Raises this in the chapter, wherever it waits or asks next."""
        self._stopped = error
        for call in tuple(self._calls):
            call.answers.put(_Failed(error))

    def _ask(self, call: _Call) -> None:
        # In this order, so that whoever stops at any time sees the call, or is seen.
        self._calls.append(call)
        if self._stopped is not None:
            raise self._stopped
        self._conductor.ask(call)

    @contextmanager
    def opened(
        self, order: Order, _watch: CatalogProgress | None = None
    ) -> Iterator[tuple[ResolvedModel, "Shared"]]:
        """The order's model; what it raises where it can't be had."""
        model, engine = self.done(lambda: self._conductor.model(order))
        yield model, Shared(self, engine, order.seed)

    def done(self, act: Callable[[], _T]) -> _T:
        """What the conducting thread gets from a call."""
        call = _Call(self._rank, act=act)
        self._ask(call)
        answer = call.answers.get()
        self._calls.remove(call)
        if isinstance(answer, _Failed):
            raise answer.error
        return answer  # type: ignore[no-any-return]

    def results(
        self,
        engine: SharedEngine,
        jobs: Iterable[Job],
        seed: int,
        ended: Callable[[Written], None] | None = None,
    ) -> Iterator[Any]:
        """The results of jobs, in their order. ended: called in the chapter's own thread."""
        call = _Call(self._rank, engine, seed, deque(jobs))
        left = len(call.jobs)
        try:
            if left:
                self._ask(call)
            while left:
                answer = call.answers.get()
                if isinstance(answer, _Failed):
                    raise answer.error
                if not isinstance(answer, _Ended):
                    left -= 1
                    yield answer
                elif ended is not None:
                    ended(answer.result)
        finally:
            call.dropped = True
            self._calls = [each for each in self._calls if each is not call]


class Shared(Around):
    """An engine as one chapter has it, with a seed of its own. Whoever conducts closes it."""

    def __init__(self, seat: Seat, engine: SharedEngine, seed: int) -> None:
        super().__init__(engine)
        self._seat, self._shared = seat, engine
        self._settings = replace(engine.settings, seed=seed)

    @property
    def settings(self) -> Settings:
        return self._settings

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        return self._seat.results(self._shared, jobs, self._settings.seed, ended)

    def choose(self, jobs: Iterable[ChoiceJob]) -> Iterator[Chosen]:
        return self._seat.results(self._shared, jobs, self._settings.seed)

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]:
        return self._seat.results(self._shared, jobs, self._settings.seed)

    def reread(self, written: Iterable[tuple[WriteJob, Written]]) -> Iterator[Reread]:
        ordered = list(written)
        yield from self._seat.done(lambda: list(self._shared.reread(ordered)))

    def close(self) -> None:
        return
