"""The journal around an engine: no job is done twice, and results are those of the engine alone."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from chapter_offline.engine.around import Around
from chapter_offline.engine.interface import (
    ChoiceJob,
    Given,
    Message,
    Sampler,
    ScoreJob,
    Settings,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.loaded import LlamaEngine
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.writing.changes import Change, Changed, Changes
from chapter_offline.writing.digests import digest_of, guard_key
from chapter_offline.writing.guards import numbers, subject
from chapter_offline.writing.journal import JOURNAL, Journal
from chapter_offline.writing.journaled import Journaled

SETTINGS = Settings(window=512, threads=1, slots=3, model_sha256="a" * 64)
NAMES = ("why", "how", "when", "where", "what")


def job(name: str, **change: object) -> WriteJob:
    span = Span("text", max_sentences=2, max_tokens=40, **change)  # type: ignore[arg-type]
    return WriteJob(name, (Message("user", f"Say {name} it counts."),), (span,))


class Counting(Around):
    """Counts what reaches the engine. stop_after: results that are written before it breaks off."""

    def __init__(self, engine: LlamaEngine, stop_after: int = 10**9) -> None:
        super().__init__(engine)
        self.asked: list[str] = []
        self._left = stop_after

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        def count(result: Written) -> None:
            if self._left == 0:
                raise KeyboardInterrupt
            self._left -= 1
            assert ended is not None
            ended(result)

        for result in self._engine.write(self._noted(jobs), None if ended is None else count):
            if ended is None and self._left == 0:
                raise KeyboardInterrupt
            self._left -= ended is None
            yield result

    def choose(self, jobs: Iterable[ChoiceJob]):
        return self._engine.choose(self._noted(jobs))

    def score(self, jobs: Iterable[ScoreJob]):
        return self._engine.score(self._noted(jobs))

    def _noted(self, jobs):
        for each in jobs:
            self.asked.append(each.key)
            yield each


@dataclass
class Place:
    """A journal's folder, and engines that write into it."""

    model: Path
    folder: Path

    def write(self, jobs: Sequence[WriteJob], stop_after: int = 10**9, **settings: object):
        """The results, and what had to be asked of the model."""
        with (
            open_engine(self.model, replace(SETTINGS, **settings)) as engine,  # type: ignore[arg-type]
            Journal(self.folder / JOURNAL) as journal,
        ):
            counting = Counting(engine, stop_after)
            return list(Journaled(counting, journal).write(jobs)), counting.asked


@pytest.fixture
def place(tmp_path: Path, tiny_model: Path) -> Place:
    return Place(tiny_model, tmp_path)


JOBS = [job(name) for name in NAMES]


def test_what_was_written_is_not_written_again(place: Place) -> None:
    first, asked = place.write(JOBS)
    assert asked == list(NAMES)
    again, asked = place.write(JOBS)
    assert (again, asked) == (first, [])


def test_results_are_those_of_the_engine_alone(place: Place, tiny_model: Path) -> None:
    with open_engine(tiny_model, SETTINGS) as engine:
        alone = list(engine.write(JOBS))
    assert place.write(JOBS)[0] == alone
    assert place.write(JOBS)[0] == alone


@pytest.mark.parametrize("done", range(len(NAMES)))
def test_a_run_that_breaks_off_goes_on_where_it_stopped(place: Place, done: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        place.write(JOBS, stop_after=done)
    results, asked = place.write(JOBS)
    assert len(asked) == len(NAMES) - done
    assert results == Place(place.model, place.folder).write(JOBS)[0]


CHANGED = {
    "a word of the prompt": lambda old: replace(old, messages=(Message("user", "Say so."),)),
    "the sampler": lambda old: replace(
        old, steps=(replace(old.steps[0], sampler=Sampler(temperature=0.9)),)
    ),
    "a limit": lambda old: replace(old, steps=(replace(old.steps[0], max_tokens=41),)),
    "a guard": lambda old: replace(old, steps=(replace(old.steps[0], guards=(numbers(["7"]),)),)),
    "given text": lambda old: replace(old, steps=(Given("It"), *old.steps)),
    "the key, which draws": lambda old: replace(old, key="why not"),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_only_what_changed_is_written_again(place: Place, change) -> None:
    place.write(JOBS)
    changed = [change(JOBS[0]), *JOBS[1:]]
    assert place.write(changed)[1] == [changed[0].key]


@pytest.mark.parametrize(
    "settings",
    [{"seed": 2}, {"window": 600}, {"turn_opening": "So "}, {"model_sha256": "b" * 64}],
    ids=str,
)
def test_other_settings_write_everything_again(place: Place, settings: dict[str, object]) -> None:
    place.write(JOBS)
    assert place.write(JOBS, **settings)[1] == list(NAMES)


@pytest.mark.parametrize("settings", [{"threads": 2}, {"slots": 1}], ids=str)
def test_what_changes_no_bits_writes_nothing_again(
    place: Place, settings: dict[str, object]
) -> None:
    place.write(JOBS)
    assert place.write(JOBS, **settings)[1] == []


def test_what_is_missing_says_why(place: Place, tiny_model: Path) -> None:
    place.write(JOBS)
    changed = CHANGED["a limit"](CHANGED["a word of the prompt"](JOBS[0]))
    with (
        open_engine(tiny_model, SETTINGS) as engine,
        Journal(place.folder / JOURNAL) as journal,
    ):
        missing = Journaled(engine, journal).missing([changed, *JOBS[1:], job("new")])
    assert [(each.key, each.why) for each in missing] == [
        ("why", "changed: prompt, limits and sampler"),
        ("new", "not written yet"),
    ]


def test_choices_and_scores_are_kept_too(place: Place, tiny_model: Path) -> None:
    user = (Message("user", "Is it so?"),)
    choices = [ChoiceJob(f"c{n}", user, ("Yes", "No", "the " * (n + 1))) for n in range(3)]
    scores = [ScoreJob(f"s{n}", user, "the limiter " * (n + 1)) for n in range(3)]

    def read() -> tuple[object, list[str]]:
        with (
            open_engine(tiny_model, SETTINGS) as engine,
            Journal(place.folder / JOURNAL) as journal,
        ):
            counting = Counting(engine)
            around = Journaled(counting, journal)
            return (list(around.choose(choices)), list(around.score(scores))), counting.asked

    first, asked = read()
    assert asked == ["c0", "c1", "c2", "s0", "s1", "s2"]
    assert read() == (first, [])


# ---------------------------------------------------------------------- waves


def test_where_company_counts_whole_waves_are_kept_and_resumed(place: Place) -> None:
    undisturbed = Place(place.model, place.folder / "apart")
    undisturbed.folder.mkdir()
    whole, _ = undisturbed.write(JOBS, fixed_waves=True)
    with pytest.raises(KeyboardInterrupt):
        place.write(JOBS, stop_after=4, fixed_waves=True)
    results, asked = place.write(JOBS, fixed_waves=True)
    assert asked == ["where", "what"]  # slots is 3, so the first three are whole
    assert results == whole


def test_a_changed_member_changes_its_wave_and_no_other(place: Place) -> None:
    place.write(JOBS, fixed_waves=True)
    changed = [*JOBS[:4], CHANGED["a limit"](JOBS[4])]
    assert place.write(changed, fixed_waves=True)[1] == ["where", "what"]


@pytest.mark.parametrize("fixed", [False, True], ids=["pure", "waves"])
def test_a_section_written_again_leaves_the_others(place: Place, fixed: bool) -> None:
    before, _ = place.write(JOBS, fixed_waves=fixed)
    changes = Changes(rewritten={"how": Change(seed=7), "where": Change(seed=7, hint="Be brief.")})
    with (
        open_engine(place.model, replace(SETTINGS, fixed_waves=fixed)) as engine,
        Journal(place.folder / JOURNAL) as journal,
    ):
        counting = Counting(engine)
        after = list(Changed(Journaled(counting, journal), changes).write(JOBS))
    assert counting.asked == ["how seed 7", "where seed 7"]
    assert [result.key for result in after] == list(NAMES)
    same = [a == b for a, b in zip(before, after, strict=True)]
    assert same == [True, False, True, False, True]


# ---------------------------------------------------------------------- digests


def no_odd(sentence: str, accepted: Sequence[str]) -> str | None:
    return "odd" if len(sentence) % 2 else None


@dataclass(frozen=True)
class Longer:
    """A guard that is an object."""

    words: int

    def __call__(self, sentence: str, accepted: Sequence[str]) -> str | None:
        return None if len(sentence.split()) > self.words else "short"

    def shorter(self, sentence: str, accepted: Sequence[str]) -> str | None:
        return "long" if len(sentence.split()) > self.words else None


def at_most(words: int, sentence: str, accepted: Sequence[str]) -> str | None:
    return "long" if len(sentence.split()) > words else None


def test_guards_are_known_by_name_and_by_what_they_were_made_with() -> None:
    def guards() -> list[Callable[[str, Sequence[str]], str | None]]:
        return [
            *(no_odd, subject("a lease"), subject("a store"), numbers(["1"])),
            *(Longer(3), Longer(4), Longer(3).shorter, Longer(4).shorter),
            *(partial(at_most, 3), partial(at_most, 4)),
        ]

    keys = [guard_key(guard) for guard in guards()]
    assert len(set(keys)) == len(keys)
    assert [guard_key(guard) for guard in guards()] == keys


def test_a_digest_is_the_same_in_every_process_and_refuses_what_it_cannot_tell() -> None:
    value = {"b": (1, 2.5), "a": frozenset({"x", "y"}), "c": re.compile("z", re.I)}
    assert digest_of(value) == digest_of(dict(reversed(value.items())))
    with pytest.raises(TypeError, match="no digest can be taken of a object"):
        digest_of(object())


# ---------------------------------------------------------------------- the file


def journal_of(place: Place) -> Path:
    place.write(JOBS)
    return place.folder / JOURNAL


def test_a_changed_byte_of_a_row_is_refused_by_name(place: Place) -> None:
    path = journal_of(place)
    data = path.read_bytes()
    at = data.index(b'"spans":{"text":"') + 20
    path.write_bytes(data[:at] + b"#" + data[at + 1 :])
    with pytest.raises(BadInputError, match=r"journal\.sqlite: the journal is damaged"):
        place.write(JOBS)


def test_a_journal_of_a_later_version_or_of_another_program_is_refused(place: Place) -> None:
    import sqlite3

    path = journal_of(place)
    for pragma, told in (("user_version = 99", "version 99"), ("application_id = 5", "no journal")):
        with sqlite3.connect(path) as file:
            file.execute(f"PRAGMA {pragma}")
        file.close()
        with pytest.raises(BadInputError, match=told):
            Journal(path)
        with sqlite3.connect(path) as file:
            file.execute("PRAGMA user_version = 1")
        file.close()


def test_a_journal_cut_anywhere_is_refused_or_goes_on_to_the_same_results(place: Place) -> None:
    path = journal_of(place)
    results, _ = place.write(JOBS)
    whole = path.read_bytes()
    refused = 0
    page = int.from_bytes(whole[16:18], "big")
    for size in {*range(0, len(whole), page), *range(100, len(whole), 3 * page + 77)}:
        path.write_bytes(whole[:size])
        told = ""
        try:
            assert place.write(JOBS)[0] == results
        except BadInputError as error:
            told = str(error)
            refused += 1
        assert not told or "journal.sqlite" in told
    assert refused > len(whole) / page / 2


def test_a_reader_changes_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Journal(tmp_path / JOURNAL) as journal:
        journal.keep("name", "value")
    before = (tmp_path / JOURNAL).read_bytes()
    with Journal(tmp_path / JOURNAL, read_only=True) as journal:
        assert journal.kept("name") == "value"
        with pytest.raises(UsageError):
            journal.keep("name", "another")
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]
    assert (tmp_path / JOURNAL).read_bytes() == before
