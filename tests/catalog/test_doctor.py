"""What the doctor sees, what it says is wrong, and what it recommends."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_gguf import write_tiny_gguf

from chapter_offline.catalog import doctor as doctor_room
from chapter_offline.catalog import machine
from chapter_offline.catalog.bringing import import_file
from chapter_offline.catalog.doctor import examine
from chapter_offline.catalog.machine import accelerators, build_command, look
from chapter_offline.catalog.pins import find_pin, load_pins
from chapter_offline.catalog.speed import Speed
from chapter_offline.catalog.store import model_path
from chapter_offline.doctor_command import doctor


def system(tmp_path: Path, *files: str, flags: str = "fpu avx2") -> Path:
    """The files that a system shows itself by."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(f"model name\t: Some CPU\nflags\t\t: {flags}\n\n")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


def test_it_sees_this_machine() -> None:
    found = look()
    assert found.cores >= 1
    assert 0 < found.free <= found.memory
    assert any(name == "CPU" for name, *_ in found.devices)
    assert found.built_with


@pytest.mark.parametrize(
    ("file", "option"),
    [
        ("dev/nvidiactl", "-DGGML_CUDA=ON"),
        ("proc/driver/nvidia/version", "-DGGML_CUDA=ON"),
        ("dev/kfd", "-DGGML_HIP=ON"),
        ("dev/dri/renderD128", "-DGGML_VULKAN=ON"),
    ],
)
def test_a_gpu_that_the_build_lacks_comes_with_the_command(
    tmp_path: Path, file: str, option: str
) -> None:
    root = system(tmp_path, file)
    assert accelerators(root)[0].option == option
    problem = next(p for p in look(root).problems if "was built without it" in p.what)
    assert problem.remedy == build_command(option)
    assert f'CMAKE_ARGS="{option}"' in problem.remedy
    assert "llama-cpp-python==" in problem.remedy


def test_a_system_without_a_gpu_shows_none(tmp_path: Path) -> None:
    assert accelerators(system(tmp_path)) == ()


def test_what_the_processor_has_and_the_build_has_not_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = machine._problems({"CPU": {"SSE3": "1"}}, False, (), (), system(tmp_path))
    assert problems[0].what == "this processor has AVX2, and llama.cpp was built without"
    assert machine._problems({"CPU": {"AVX2": "1"}}, False, (), (), tmp_path) == []


def test_without_a_model_it_says_how_to_get_one() -> None:
    found = examine(8 * 10**9, measuring=False)
    assert [p.remedy for p in found.problems if p.what == "no model is here"] == [
        "chapter-offline models pull smollm2-135m (or another)"
    ]
    assert found.speed is None
    assert all(each.seconds == 0 for each in found.fitting)


def test_only_what_fits_is_listed_with_its_window() -> None:
    found = examine(2 * 10**9, measuring=False)
    names = [each.model.pin.name for each in found.fitting]
    assert "smollm2-135m" in names
    assert "llama-3.1-8b" not in names
    assert all(each.model.window >= 2048 for each in found.fitting)


def test_a_chapter_of_a_larger_model_takes_longer() -> None:
    small, large = find_pin("qwen3-0.6b"), find_pin("qwen3-8b")
    speed = Speed("qwen3-0.6b", small.work, 0.5, 50.0)
    more = speed.chapter_seconds(large) / speed.chapter_seconds(small)
    assert more == pytest.approx((large.work + 5e8) / (small.work + 5e8))
    experts = find_pin("qwen3-30b-a3b-2507")
    assert speed.chapter_seconds(experts) < speed.chapter_seconds(large)


def test_the_largest_that_a_person_would_wait_for_is_recommended() -> None:
    found = examine(16 * 10**9, measuring=False)
    small = find_pin("smollm2-135m")
    slow = Speed("smollm2-135m", small.work, 1.0, 20.0)
    fast = replace(slow, seconds=0.001)
    for speed in (slow, fast):
        fitting = tuple(
            replace(each, seconds=speed.chapter_seconds(each.model.pin)) for each in found.fitting
        )
        waited = [each for each in fitting if each.seconds <= doctor_room.PATIENCE_SECONDS]
        largest = max(waited, key=lambda each: each.model.pin.total_bytes)
        assert doctor_room._recommended(fitting, speed) == largest.model.pin.name
        assert (len(waited) < len(fitting)) == (speed is slow)


def test_a_model_that_is_here_is_measured(tmp_path: Path) -> None:
    import_file(write_tiny_gguf(tmp_path / "tiny.gguf"), "", "MIT", None)
    found = examine()
    assert found.speed is not None
    assert found.speed.model == "tiny"
    assert found.speed.tokens > 0
    assert all(each.seconds > 0 for each in found.fitting)


def test_a_damaged_model_is_a_problem_with_its_remedy(tmp_path: Path) -> None:
    import_file(write_tiny_gguf(tmp_path / "tiny.gguf"), "", "MIT", None)
    path = model_path(find_pin("tiny"))
    path.write_bytes(bytes(path.stat().st_size))
    found = examine(measuring=False)
    assert any("is not a GGUF file" in problem.what for problem in found.problems)


def test_it_looks_right_in_eighty_columns_and_as_json() -> None:
    shown = CliRunner().invoke(doctor, ["--no-measure", "--memory", "8GB"])
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    commands = [line for line in lines if "CMAKE_ARGS" in line]
    assert max(len(line) for line in lines if line not in commands) <= 80
    assert any(line.startswith("Recommended here: ") for line in lines)
    told = json.loads(CliRunner().invoke(doctor, ["--no-measure", "--json"]).output)
    assert {"machine", "stores", "fits", "recommended", "problems"} <= set(told)
    assert len(load_pins()) >= len(told["fits"])
