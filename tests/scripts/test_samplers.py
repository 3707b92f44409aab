"""The experiment on the sampler over the tiny random model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.process

SAMPLERS = Path(__file__).parents[2] / "scripts" / "samplers"


def test_every_setting_is_counted(tmp_path: Path) -> None:
    model = write_tiny_gguf(tmp_path / "long.gguf", trained_window=4096, layers=1)
    report = tmp_path / "report.json"
    command = [sys.executable, SAMPLERS, "--model", model, "--window", "4096", "--threads", "1"]
    sizes = ("--jobs", "1", "--seeds", "2", "--settings", "temperature", "--json", report)
    done = subprocess.run([*command, *sizes], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    settings = json.loads(report.read_text())["settings"]
    assert len({str(each["setting"]) for each in settings}) == len(settings) == 6
    for each in settings:
        assert each["sentences"] > 0
        assert 0 <= each["said"] <= each["refused"] <= 1
        assert each["log_prob"] < 0
    # What the model itself thinks likeliest is, on the whole, what it is least surprised by.
    greedy = next(each for each in settings if each["setting"]["temperature"] == 0)
    hot = max(settings, key=lambda each: each["setting"]["temperature"])
    assert greedy["log_prob"] > hot["log_prob"]
