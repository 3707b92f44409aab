"""The command line: its exit codes, its one or two lines for every error, and what it leaves."""

import os
import pty
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from commands import PROGRAM, Ran, run, surroundings, user_brief
from systems import DEFAULT_SYSTEM as SYSTEM
from tiny_gguf import write_tiny_gguf

from chapter_offline import __version__
from chapter_offline.errors import ExitCode
from chapter_offline.output.folder import held

pytestmark = pytest.mark.process


def write(*arguments: str | Path, folder: Path, **more: object) -> Ran:
    return run("write", *arguments, "--threads", "1", folder=folder, **more)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- help, version, models


def test_help_comes_at_once(tmp_path: Path) -> None:
    def seconds() -> float:
        begun = time.monotonic()
        assert "write" in run("--help", folder=tmp_path).out
        return time.monotonic() - begun

    assert min(seconds() for _ in range(3)) < 0.5


@pytest.mark.parametrize("group", [(), ("models",), ("claims",), ("briefs",), ("bundle",)])
def test_help_says_what_each_command_is_for_in_whole_sentences(
    group: tuple[str, ...], tmp_path: Path
) -> None:
    _, _, listed = run(*group, "--help", folder=tmp_path).out.partition("Commands:\n")
    assert listed.rstrip().endswith(".")
    assert "...\n" not in listed


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    assert run("--version", folder=tmp_path).out == f"chapter-offline, version {__version__}\n"


def test_models_are_listed_with_whether_they_are_here(tmp_path: Path) -> None:
    listed = run("models", "list", folder=tmp_path)
    assert listed.code == 0
    assert re.search(r"^smollm2-135m +0\.10 GB +Apache-2.0 +8,192", listed.out, re.M)
    assert "auto takes none: none is here that fits" in listed.out
    assert max(map(len, listed.out.splitlines())) <= 80


@pytest.mark.parametrize("option", ["--voise", "--voice=sung", "--window=0"])
def test_an_option_that_is_not_there_is_a_usage_error(tmp_path: Path, option: str) -> None:
    ran = run("write", SYSTEM, option, folder=tmp_path)
    assert ran.code == ExitCode.USAGE
    assert option.partition("=")[0] in ran.err


# ---------------------------------------------------------------------- what is refused


@dataclass(frozen=True)
class Refusal:
    """A command that is refused. told: a pattern that a line of the message matches.

    files: what lies in the folder before, by name. prepare: done in the process before it begins.
    """

    code: ExitCode
    told: str
    arguments: Sequence[str] = ()
    system: str = SYSTEM
    files: Mapping[str, bytes] = field(default_factory=dict)
    prepare: Callable[[], None] | None = None


def no_room_on_the_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


WITH_TINY = ("--model=./tiny.gguf", "--window=2048")
USAGE, BAD_INPUT, NO_MODEL = ExitCode.USAGE, ExitCode.BAD_INPUT, ExitCode.NO_MODEL
REFUSALS = {
    "both a depth and a number of words": Refusal(
        USAGE,
        r"--depth and --words: both say how long",
        (*WITH_TINY, "--depth=deep", "--words=20000"),
    ),
    "fewer words than cover everything": Refusal(
        USAGE,
        r"--words 8000: what covers every requirement .* has [\d,]+ words; ask for \d+ to \d+$",
        (*WITH_TINY, "--words=8000"),
    ),
    "more words than are known": Refusal(
        USAGE,
        r"--words 900000: all that is known .* comes to [\d,]+ words; ask for \d+ to \d+$",
        (*WITH_TINY, "--words=900000"),
    ),
    "a number of words for the model": Refusal(
        USAGE, r"--words: in voice free", (*WITH_TINY, "--words=20000", "--voice=free")
    ),
    "an empty name": Refusal(
        USAGE, r"the system needs a name, such as \"Distributed rate limiter\"$", system=""
    ),
    "a name of 10,000 characters": Refusal(
        USAGE, r"name has 10,000 characters; at most 200 are taken$", system="x" * 10_000
    ),
    "a name with control characters": Refusal(
        USAGE, r"control characters", system="rate\x1b[31m limiter"
    ),
    "a part that is not there": Refusal(
        USAGE, r"--parts 19: a chapter has the parts 1 to 18", ["--parts=19"]
    ),
    "parts that are no numbers": Refusal(
        USAGE, r"--parts one: write numbers and ranges, such as 1,4-6", ["--parts=one"]
    ),
    "an unknown model, with the nearest names": Refusal(
        USAGE, r"no model is named 'smollm-135m'.*smollm2-135m", ["--model=smollm-135m"]
    ),
    "a pinned model that is not here": Refusal(
        NO_MODEL, r"chapter-offline models pull smollm2-135m$", ["--model=smollm2-135m"]
    ),
    "no model at all": Refusal(NO_MODEL, r"chapter-offline models pull \S+$"),
    "a missing file": Refusal(BAD_INPUT, r"none\.gguf: no such file", ["--model=./none.gguf"]),
    "a truncated file": Refusal(BAD_INPUT, r"cut\.gguf.*cut off", ["--model=./cut.gguf"]),
    "a file that is no GGUF": Refusal(
        BAD_INPUT,
        r"notes\.gguf: is not a GGUF file",
        ["--model=./notes.gguf"],
        files={"notes.gguf": b"a shopping list, and not a short one at that"},
    ),
    "a model without a chat template": Refusal(
        BAD_INPUT, r"base\.gguf: has no chat template", ["--model=./base.gguf"]
    ),
    "a window beyond the trained one": Refusal(
        ExitCode.DOES_NOT_FIT,
        r"tiny\.gguf was trained .*use --window 2048 or less$",
        ["--model=./tiny.gguf", "--window=4096"],
    ),
    "a missing brief": Refusal(BAD_INPUT, r"none\.toml: No such file", ["--brief=none.toml"]),
    "a brief that is no TOML": Refusal(
        BAD_INPUT,
        r"mine\.toml: not valid TOML: ",
        ["--brief=mine.toml"],
        files={"mine.toml": b"name = "},
    ),
    "a brief without a field": Refusal(
        BAD_INPUT,
        r"mine\.toml:1: name: Field required",
        ["--brief=mine.toml"],
        files={"mine.toml": b""},
    ),
    "a brief with a name that is too long": Refusal(
        USAGE,
        r"name has 300 characters",
        ["--brief=mine.toml"],
        files={"mine.toml": user_brief(name="x" * 300)},
    ),
    "a brief with an unknown role": Refusal(
        BAD_INPUT,
        r"mine\.toml: role oracle is not in names\.toml$",
        ["--brief=mine.toml", "--dry-run", *WITH_TINY],
        files={
            "mine.toml": user_brief(
                external=[{"role": "oracle", "name": "oracle", "does": "It knows."}]
            )
        },
    ),
    "a brief without a noun": Refusal(
        BAD_INPUT,
        r"mine\.toml: nouns: act, client, group, item, operator, person, service is missing$",
        ["--brief=mine.toml", "--dry-run", *WITH_TINY],
        files={"mine.toml": user_brief(nouns={}, state=[])},
    ),
    "a brief with a broken template": Refusal(
        BAD_INPUT,
        r"mine\.toml: flow 'only': done: the template fails: 'moons' is undefined$",
        ["--brief=mine.toml", "--dry-run", *WITH_TINY],
        files={
            "mine.toml": user_brief(
                state=[],
                flow=[
                    {
                        "name": "only",
                        "kind": "write",
                        "steps": [["client", "gateway", "asks"]],
                        "done": "{{ moons }}",
                    }
                ],
            )
        },
    ),
    "a foreign folder": Refusal(
        USAGE,
        r"--out thesis: the folder exists and holds other files; name a new one$",
        ["--out=thesis"],
        files={"thesis/thesis.doc": b"years of work"},
    ),
    "a folder where there can be none": Refusal(
        USAGE, r"/proc/chapter: can't be written", ["--out=/proc/chapter"]
    ),
    "a full disk": Refusal(
        ExitCode.DOES_NOT_FIT, r"no space is left on this disk", prepare=no_room_on_the_disk
    ),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, Ran]:
    """All commands that are refused, each in a folder of its own, two at a time."""
    base = tmp_path_factory.mktemp("base")
    models = {
        "tiny.gguf": tiny_model.read_bytes(),
        "cut.gguf": tiny_model.read_bytes()[:-1000],
        "base.gguf": write_tiny_gguf(base / "base.gguf", template=None).read_bytes(),
    }

    def attempt(case: Refusal) -> Ran:
        folder = tmp_path_factory.mktemp("refused")
        wanted = {
            name: data for name, data in models.items() if f"=./{name}" in str(case.arguments)
        }
        for name, data in (wanted | dict(case.files)).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        return write(case.system, *case.arguments, folder=folder, prepare=case.prepare)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(REFUSALS, pool.map(attempt, REFUSALS.values()), strict=True))


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_refused_is_said_in_a_line_with_its_exit_code(
    refusals: dict[str, Ran], name: str
) -> None:
    case, ran = REFUSALS[name], refusals[name]
    assert ran.code == case.code, ran.err
    assert ran.out == ""
    lines = [line for line in ran.err.splitlines() if not line.startswith("checking ")]
    assert lines[0].startswith("chapter-offline: ")
    assert len(lines) <= 2
    assert re.search(case.told, ran.err, re.M)
    assert len(ran.err) < 500
    assert "\x1b" not in ran.err


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with held(tmp_path / "mine"):
        ran = write(SYSTEM, "--out=mine", folder=tmp_path)
    assert ran.code == ExitCode.IN_USE
    assert ran.err.startswith("chapter-offline: mine: another run (process ")


def test_a_window_that_is_too_small_names_one_that_does(tmp_path: Path, tiny_model: Path) -> None:
    arguments = (SYSTEM, "--model", tiny_model, "--parts=1", "--dry-run")
    small = write(*arguments, "--window=100", folder=tmp_path)
    assert small.code == ExitCode.DOES_NOT_FIT
    window = re.search(r"Use --window (\d+) or more", small.err)
    assert window
    assert write(*arguments, f"--window={window[1]}", folder=tmp_path).code == ExitCode.OK


# ---------------------------------------------------------------------- a run that succeeds


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Ran, Path]:
    """Part 1 on a system outside the library, whose name would like to be elsewhere."""
    folder = tmp_path_factory.mktemp("made")
    name = '../../etc/"lift" {{ 7*7 }} <b>'
    arguments = (name, "--model", tiny_model, "--window=2048", "--parts=1", "--depth=quick")
    return write(*arguments, folder=folder), folder


def test_a_run_says_where_the_chapter_is_and_nothing_else(made: tuple[Ran, Path]) -> None:
    ran, folder = made
    assert ran.code == ExitCode.OK, ran.err
    assert ran.out == "chapters/etc-lift-7-7-b/chapter.md\n"
    assert (folder / ran.out.strip()).is_file()


def test_without_a_terminal_there_is_a_line_a_part(made: tuple[Ran, Path]) -> None:
    ran, _ = made
    lines = ran.err.splitlines()
    assert [line for line in lines if line.startswith("Part ")] == [
        line for line in lines if re.match(r"Part 1: Foundations: \d+ pieces, \d+ sentences", line)
    ]
    assert re.match(r"[\d,]+ words in \d+ s; the model wrote [\d,]+ tokens", lines[-1])
    assert "\x1b" not in ran.err


def test_a_hostile_name_stays_in_its_folder(made: tuple[Ran, Path]) -> None:
    _, folder = made
    out = folder / "chapters" / "etc-lift-7-7-b"
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {
        (out / name).relative_to(folder).as_posix()
        for name in (
            ".chapter-offline.lock",
            "brief.toml",
            "chapter.html",
            "chapter.md",
            "journal.sqlite",
            "manifest.json",
            "run.json",
            "transcript.json",
        )
    }
    assert (out / "chapter.md").read_text().splitlines()[0] == (
        '# ../../etc/"lift" {{ 7\\*7 }} &lt;b&gt;'
    )


def test_a_made_brief_can_be_used_again_for_the_same_chapter(
    made: tuple[Ran, Path], tmp_path: Path, tiny_model: Path
) -> None:
    before = made[1] / "chapters" / "etc-lift-7-7-b"
    arguments = ("--model", tiny_model, "--window=2048", "--parts=1", "--depth=quick")
    again = write(
        '../../etc/"lift" {{ 7*7 }} <b>',
        *arguments,
        "--quiet",
        f"--brief={before / 'brief.toml'}",
        "--out=again",
        folder=tmp_path,
    )
    assert (again.code, again.out, again.err) == (ExitCode.OK, "again/chapter.md\n", "")
    assert (tmp_path / "again" / "chapter.md").read_bytes() == (before / "chapter.md").read_bytes()


def test_a_dry_run_shows_the_plan_and_writes_nothing(tmp_path: Path, tiny_model: Path) -> None:
    ran = write(
        SYSTEM, "--model", tiny_model, "--window=2048", "--parts=4,6", "--dry-run", folder=tmp_path
    )
    assert ran.code == ExitCode.OK
    rows = [line.split()[0] for line in ran.out.splitlines() if line[:1].isdigit()]
    assert rows == ["4.", "6."]
    assert re.search(r"^in all +37 ", ran.out, re.M)
    assert re.search(r"^the whole chapter: [\d,]+ words, of [\d,]+ to [\d,]+ that", ran.out, re.M)
    assert re.search(r"window 2,048 tokens, of which the longest piece \(p0\S+\) takes", ran.out)
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_shows_progress_that_goes_away(tmp_path: Path, tiny_model: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "write", SYSTEM, "--model", tiny_model, "--window=2048", "--parts=15"],
        cwd=tmp_path,
        env=surroundings(tmp_path) | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "chapters/distributed-rate-limiter/chapter.md\n")
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode())
    assert "writing" in text
    assert "Part 15: Alternatives and Explicit Rejections: " in text
    assert re.search(r"[\d,]+ words in \d+ s", text)


# ---------------------------------------------------------------------- interrupted


@pytest.mark.model
@pytest.mark.parametrize("moment", ["writing", "Part 1: "])
def test_ctrl_c_stops_within_three_seconds(tmp_path: Path, real_model: Path, moment: str) -> None:
    process = subprocess.Popen(
        [PROGRAM, "write", SYSTEM, "--model", real_model, "--window=2048", "--threads=1"],
        cwd=tmp_path,
        env=surroundings(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith(moment):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - pressed < 3
    assert process.returncode == ExitCode.INTERRUPTED
    assert err.splitlines()[-1] == "chapter-offline: interrupted"
    assert "Traceback" not in err
    assert not (tmp_path / "chapters" / "distributed-rate-limiter" / "chapter.md").exists()
