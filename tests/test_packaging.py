"""The wheel: built, installed where nothing of the source tree is in reach, and run."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from commands import Ran, run
from systems import DEFAULT_SYSTEM

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run([sys.executable, "-m", *build], check=True, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the wheel; its dependencies are seen, this source tree is not."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = ["pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, "-m", *pip], check=True)
    # Only now, so that pip does not take the source tree's own installation for this one. Lines of
    # .pth files in that folder (the source tree's is one) are not followed from here.
    (site,) = (folder / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def ran(installed: Path, folder: Path, *arguments: str | Path) -> Ran:
    return run(*arguments, folder=folder, program=installed / "bin" / "chapter-offline")


def files_under(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_has_all_prompts_and_pins_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    prompts = {f"chapter_offline/_data/prompts/{name}" for name in files_under(ROOT / "prompts")}
    code = {f"chapter_offline/{name}" for name in files_under(ROOT / "chapter_offline")}
    others = names - prompts - code
    assert prompts | code <= names
    assert "chapter_offline/_data/models.toml" in others
    assert [name for name in others if ".dist-info/" not in name] == [
        "chapter_offline/_data/models.toml"
    ]
    assert any(name.endswith("licenses/LICENSE") for name in others)


def test_code_and_prompts_come_from_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    code = "import chapter_offline as c, chapter_offline.resources as r; print(c.__file__, r.prompts_dir(), r.models_file(), sep='\\n')"
    done = run("-c", code, folder=tmp_path, program=installed / "bin" / "python")
    package, prompts, models = map(Path, done.out.splitlines())
    (site,) = (installed / "lib").glob("python*/site-packages")
    assert package == site / "chapter_offline" / "__init__.py"
    assert prompts == site / "chapter_offline" / "_data" / "prompts"
    assert models.read_bytes() == (ROOT / "models.toml").read_bytes()


def test_the_installed_program_lists_models(installed: Path, tmp_path: Path) -> None:
    listed = ran(installed, tmp_path, "models", "list")
    assert listed.code == 0, listed.err
    assert "smollm2-135m" in listed.out


def test_the_installed_program_plans_a_chapter(
    installed: Path, tmp_path: Path, tiny_model: Path
) -> None:
    arguments = ("--model", tiny_model, "--window=2048", "--threads=1", "--dry-run")
    planned = ran(installed, tmp_path, "write", DEFAULT_SYSTEM, *arguments)
    assert planned.code == 0, planned.err
    assert len([line for line in planned.out.splitlines() if line[:1].isdigit()]) == 18
