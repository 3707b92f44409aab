"""The commands about models, as a person gives them: what they say, and with which exit code."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hub_server import HubServer
from tiny_gguf import write_tiny_gguf

from chapter_offline.catalog.pins import find_pin, load_pins
from chapter_offline.catalog.store import model_path
from chapter_offline.cli import main
from chapter_offline.errors import ExitCode


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


def listed(*arguments: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(run("list", "--json", *arguments).stdout)}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A file that was imported as "tiny"."""
    file = write_tiny_gguf(tmp_path / "tiny.gguf")
    assert run("import", file, "--license", "MIT").exit_code == 0
    return file


def test_the_list_says_what_fits_and_looks_right_in_eighty_columns() -> None:
    shown = run("list", "--memory", "6GB").stdout
    assert max(map(len, shown.splitlines())) <= 80
    rows = {line.split()[0]: line for line in shown.splitlines() if line}
    assert "8,192" in rows["smollm2-135m"]
    assert "needs 44." in rows["llama-3.3-70b"]
    assert "6.0 GB of memory to fit in" in shown


def test_as_json_it_says_all_of_it() -> None:
    models = listed("--memory", "6GB")
    assert len(models) == len(load_pins())
    small, large = models["smollm2-135m"], models["llama-3.3-70b"]
    assert (small["fits"], small["here"], small["exam"]) == (True, False, None)
    assert (large["fits"], large["largest_window"]) == (False, 0)
    assert small["license_link"].startswith("https://")
    assert large["needs_bytes"] > 42_520_398_816


def test_show_has_pin_licence_and_what_it_takes() -> None:
    shown = run("show", "gpt-oss-20b").stdout
    for told in (
        "ef9b12f2ff56c69cf32153a02784e7a3c88bf524",
        "https://www.apache.org/licenses/LICENSE-2.0",
        "sliding windows of 128 tokens in 12 of 24 layers",
        "always",
        "20,900,000,000, 3,600,000,000 of them for a token gpt-oss MXFP4",
    ):
        assert told in shown
    assert json.loads(run("show", "gpt-oss-20b", "--json").stdout)["thinking"] == "always"


def test_a_hybrid_says_which_layers_keep_what() -> None:
    assert "hybrid: keys and values in 8 of 32 layers" in run("show", "qwen3.5-9b").stdout


def test_an_imported_model_is_listed_as_ones_own(tiny: Path) -> None:
    (row,) = (line for line in run("list").stdout.splitlines() if line.startswith("tiny "))
    assert "here" in row
    assert row.endswith("yours")
    assert listed()["tiny"]["license"] == "MIT"


def test_an_entry_of_ones_own_that_overrides_says_so(tiny: Path) -> None:
    from chapter_offline.catalog import own_pins

    file = own_pins.own_file()
    file.write_text(file.read_text().replace("[models.tiny]", '[models."smollm2-135m"]'))
    assert "overrides" in run("list").stdout
    assert "(overrides)" in run("show", "smollm2-135m").stdout


def test_verify_reads_all_bytes_again(tiny: Path) -> None:
    good = run("verify")
    assert (good.exit_code, good.stdout.partition(":")[0]) == (0, "tiny")
    path = model_path(find_pin("tiny"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    bad = run("verify", "tiny")
    assert bad.exit_code == ExitCode.NO_MODEL
    assert "expected sha256" in bad.stdout


def test_the_model_in_use_is_what_auto_takes(tiny: Path) -> None:
    assert "tiny is taken where no model is named" in run("use", "tiny").stdout
    assert "auto takes tiny" in run("list").stdout
    assert run("use", "auto").exit_code == 0
    assert run("use", "nothing-like-it").exit_code == ExitCode.USAGE


def test_what_is_removed_is_gone(tiny: Path) -> None:
    shown = run("remove", "tiny").stdout
    assert shown.startswith("tiny: 0.00 GB deleted, and your entry")
    assert "tiny" not in listed()
    assert run("remove", "smollm2-135m").exit_code == ExitCode.NO_MODEL


def test_a_faster_file_is_made_of_one_that_is_here(tiny: Path) -> None:
    made = run("requantize", "tiny", "Q8_0")
    assert made.exit_code == 0, made.output
    assert f"made from {find_pin('tiny').sha256}" in made.stderr
    assert listed()["tiny-q8_0"]["made_from"] == find_pin("tiny").sha256


def test_a_model_of_the_hub_is_added_and_fetched(hub: HubServer) -> None:
    added = run("add", "hub:someone/tiny-GGUF/tiny.gguf", "--name", "theirs")
    assert added.exit_code == 0, added.output
    assert "theirs: someone/tiny-GGUF at 0123456789abcdef" in added.stdout
    assert run("pull", "theirs", "--quiet").exit_code == 0
    assert listed()["theirs"]["here"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("pull", "nothing"), ExitCode.USAGE),
        (("pull", "smollm2-135m"), ExitCode.NO_MODEL),
        (("import", "nothing.gguf"), ExitCode.BAD_INPUT),
        (("add", "nothing"), ExitCode.USAGE),
        (("requantize", "smollm2-135m", "q8_0"), ExitCode.NO_MODEL),
        (("requantize", "smollm2-135m", "q99"), ExitCode.USAGE),
        (("verify",), ExitCode.NO_MODEL),
        (("list", "--memory", "much"), ExitCode.USAGE),
    ],
)
def test_what_cannot_be_done_is_said_in_two_lines_at_most(
    arguments: tuple[str, ...], code: ExitCode
) -> None:
    ran = run(*arguments)
    assert ran.exit_code == code
    said = [line for line in ran.stderr.splitlines() if line.startswith("chapter-offline: ")]
    assert len(said) == 1 or "Usage:" in ran.stderr
    assert "Traceback" not in ran.output
