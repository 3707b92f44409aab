"""The benchmark over the tiny random model: every way runs, and does the work it claims to do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.process

BENCH = Path(__file__).parents[2] / "scripts" / "bench"
SIZES = ("--sections", "3", "--shared", "60", "--own", "20", "--written", "16")


def ran(model: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, BENCH, "--model", model, "--rounds", "1", "--threads", "1"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def report(model: Path, folder: Path, *arguments: str | Path) -> dict[str, Any]:
    file = folder / "report.json"
    done = ran(model, *arguments, "--json", file)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(file.read_text()))


@pytest.fixture(scope="module")
def writing(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return report(tiny_model, tmp_path_factory.mktemp("bench"), *SIZES, "--window", "512")


def test_every_way_samples_all_tokens_of_all_sections(writing: dict[str, Any]) -> None:
    (each,) = writing["rounds"]
    assert set(each) == {"wrapper", "wrapper-reuse", "engine", "engine-guards", "bare"}
    for way in ("wrapper", "wrapper-reuse", "engine", "bare"):
        assert each[way]["sampled"] == 3 * 16


def test_only_the_plain_wrapper_reads_the_shared_prompt_again(writing: dict[str, Any]) -> None:
    (each,) = writing["rounds"]
    read = {way: measured["prompt_tokens"] for way, measured in each.items()}
    assert read["wrapper"] == 3 * (read["wrapper"] // 3) >= 3 * (60 + 20)
    saved = read["wrapper"] - read["wrapper-reuse"]
    assert saved >= 2 * 60
    assert read["bare"] == read["wrapper-reuse"]
    # The short answer that warms the engine begins with the same token or two.
    assert 0 <= read["bare"] - read["engine"] <= 2
    assert read["engine"] == read["engine-guards"]


def test_ratios_have_their_spread(writing: dict[str, Any]) -> None:
    assert "engine to wrapper" in writing["ratios"]
    for spread in writing["ratios"].values():
        assert spread["min"] <= spread["median"] <= spread["max"]


def test_choices_are_compared_with_bare_reading(tiny_model: Path, tmp_path: Path) -> None:
    (each,) = report(tiny_model, tmp_path, "--choices", "6", "--window", "512")["rounds"]
    ours = each["choices-engine"]
    assert ours["items"] == 6
    assert 0 < ours["needed"] <= ours["prompt_tokens"] + 2


def test_a_chapters_jobs_are_the_same_for_both(tmp_path: Path) -> None:
    model = write_tiny_gguf(tmp_path / "long.gguf", trained_window=8192, layers=1)
    (each,) = report(model, tmp_path, "--chapter", "1", "--window", "8192")["rounds"]
    ours, theirs = each["chapter-engine"], each["chapter-wrapper"]
    assert ours["sampled"] == theirs["sampled"] > 0
    assert ours["prompt_tokens"] < theirs["prompt_tokens"]


def test_a_batch_is_compared_with_its_chapters_alone(tmp_path: Path) -> None:
    model = write_tiny_gguf(tmp_path / "tiny.gguf", layers=1, heads=1)
    found = report(model, tmp_path, "--batch", "2", "--options", "--parts 15")
    assert len(found["chapters"]) == 2
    assert found["ratio"]["median"] > 0


def test_a_server_is_asked_for_the_same_sections(tiny_model: Path, tmp_path: Path) -> None:
    server = tmp_path / "llama-server"
    source = (Path(__file__).parent / "fake_server.py").read_text()
    server.write_text(f"#!{sys.executable}\n{source}")
    server.chmod(0o755)
    options = ("--ways", "server", "--server", server, "--server-slots", "1,2")
    (each,) = report(tiny_model, tmp_path, *SIZES, *options)["rounds"]
    assert each["server"]["sampled"] == 3 * 16
    assert each["server"]["prompt_tokens"] == 3 * 40
    assert each["server"]["peak"] > 0


def test_a_way_that_fails_is_said_in_one_line(tiny_model: Path) -> None:
    done = ran(tiny_model, *SIZES, "--ways", "server", "--server", "/bin/false")
    assert done.returncode == 1
    assert "the server ended with exit code 1" in done.stderr
    assert "Traceback" not in done.stderr
