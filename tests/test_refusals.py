"""What the command line refuses: its exit codes, and its one or two lines for each."""

import re
import resource
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from commands import Ran, user_brief, write
from systems import DEFAULT_SYSTEM as SYSTEM
from tiny_gguf import write_tiny_gguf

from chapter_offline.errors import ExitCode
from chapter_offline.output.folder import held

pytestmark = pytest.mark.process


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
