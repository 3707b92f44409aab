"""A bundle: made here, taken in elsewhere, and refused if one byte of it differs."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import write_tiny_gguf

from chapter_offline.catalog import bundling, unpacking, wheels
from chapter_offline.catalog.bringing import import_file
from chapter_offline.catalog.choose import resolve_model
from chapter_offline.catalog.pins import find_pin
from chapter_offline.catalog.wheels import BASELINES, needed, pack, usual_baseline
from chapter_offline.errors import BadInputError, NoModelError, UsageError

pytestmark = pytest.mark.whole


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A stand-in for llama-cpp-python's wheel: what it holds matters to no test here."""
    version = wheels.metadata.version(wheels.LLAMA)
    path = tmp_path / f"llama_cpp_python-{version}-py3-none-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("llama_cpp/__init__.py", "")
    return path


@pytest.fixture
def bundle(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle with a tiny model and the program's own wheel; the model is then gone from here."""
    monkeypatch.setattr(bundling, "needed", lambda: ["chapter-offline", "click"])
    pin = import_file(write_tiny_gguf(tmp_path / "tiny.gguf"), "", "Apache-2.0", None).pin
    target = tmp_path / "out" / "b.tar"
    target.parent.mkdir()
    bundling.create(pin, target, usual_baseline(), tmp_path / "cache", wheel)
    return target


def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine: an empty store, no entries of one's own."""
    monkeypatch.setenv("CHAPTER_OFFLINE_MODELS", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere-config"))


def manifest_of(bundle: Path) -> dict[str, Any]:
    with tarfile.open(bundle) as tar:
        reader = tar.extractfile(unpacking.MANIFEST)
        assert reader
        return dict(json.loads(reader.read()))


def test_a_model_comes_out_as_it_went_in(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = find_pin("tiny")
    elsewhere(tmp_path, monkeypatch)
    brought = bundling.install(bundle, None)
    assert brought.pin == pin
    assert resolve_model("tiny", 2048).sha256 == pin.sha256
    assert [path.name for path in bundle.parent.iterdir()] == ["b.tar"]


def test_the_manifest_names_every_byte(bundle: Path) -> None:
    manifest = manifest_of(bundle)
    with tarfile.open(bundle) as tar:
        names = tar.getnames()
        assert names[0] == "manifest.json"
        assert set(names[1:]) == set(manifest["files"])
        for name, stated in manifest["files"].items():
            reader = tar.extractfile(name)
            assert reader
            assert hashlib.sha256(reader.read()).hexdigest() == stated["sha256"]
    assert {"install.py", "bom.json", "requirements.txt", "licences/model.txt"} <= set(names)
    assert manifest["machine"]["baseline"] == usual_baseline()


def test_the_list_of_parts_is_cyclonedx(bundle: Path) -> None:
    with tarfile.open(bundle) as tar:
        reader = tar.extractfile("bom.json")
        assert reader
        bom = json.loads(reader.read())
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.5")
    kinds = {part["name"]: part["type"] for part in bom["components"]}
    assert kinds["click"] == kinds["chapter-offline"] == "library"
    assert kinds["tiny"] == "machine-learning-model"
    assert all(len(part["hashes"][0]["content"]) == 64 for part in bom["components"])


def test_the_licence_goes_with_the_model(bundle: Path) -> None:
    with tarfile.open(bundle) as tar:
        reader = tar.extractfile("licences/model.txt")
        assert reader
        text = reader.read().decode()
    assert text.startswith("tiny: Apache-2.0")
    assert "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION" in text


def test_the_same_makes_the_same_bytes(bundle: Path, tmp_path: Path, wheel: Path) -> None:
    again = tmp_path / "again.tar"
    bundling.create(find_pin("tiny"), again, usual_baseline(), tmp_path / "cache", wheel)
    assert again.read_bytes() == bundle.read_bytes()


def test_one_byte_that_differs_anywhere_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bundle.read_bytes()
    with tarfile.open(bundle) as tar:
        places = [member.offset_data + member.size // 2 for member in tar if member.size]
    elsewhere(tmp_path, monkeypatch)
    for place in places:
        data = bytearray(whole)
        data[place] ^= 1
        bundle.write_bytes(data)
        with pytest.raises(BadInputError) as error:
            bundling.install(bundle, None)
        assert "\n" not in str(error.value)
        assert not list((tmp_path / "elsewhere").rglob("*.gguf"))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_bundle_that_was_cut_off_is_refused(bundle: Path, share: float) -> None:
    data = bundle.read_bytes()
    bundle.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadInputError):
        bundling.install(bundle, None)


def rebuilt(bundle: Path, change: Any) -> None:
    """Writes the bundle anew with its members, after `change` had a look at them."""
    with tarfile.open(bundle) as tar:
        members = []
        for member in tar:
            reader = tar.extractfile(member)
            assert reader
            members.append((member, reader.read()))
    members = change(members)
    with tarfile.open(bundle, "w") as tar:
        for member, data in members:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))


def evil(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (evil("../evil"), "not in its manifest"),
        (evil("/tmp/evil"), "not in its manifest"),
        (evil("wheels/../../evil"), "not in its manifest"),
        (evil("extra"), "not in its manifest"),
        (evil("install.py"), "there twice"),
        (evil("wheels", tarfile.SYMTYPE, "/tmp"), "no plain file"),
        (evil("model/x", tarfile.LNKTYPE, "install.py"), "no plain file"),
        (evil("pipe", tarfile.FIFOTYPE), "no plain file"),
    ],
)
def test_a_member_that_does_not_belong_is_refused(
    bundle: Path, member: tarfile.TarInfo, told: str
) -> None:
    rebuilt(bundle, lambda members: [*members, (member, b"evil")])
    with pytest.raises(BadInputError, match=told):
        bundling.install(bundle, None)


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", "a/../../evil", "a//b", "C:evil", "a\\b", "", "manifest.json"]
)
def test_a_manifest_whose_paths_leave_the_folder_is_refused(bundle: Path, name: str) -> None:
    manifest = manifest_of(bundle)
    manifest["files"][name] = {"bytes": 4, "sha256": hashlib.sha256(b"evil").hexdigest()}
    content = json.dumps(manifest).encode()
    rebuilt(bundle, lambda m: [(m[0][0], content), *m[1:], (evil(name), b"evil")])
    with pytest.raises(BadInputError, match="would leave the folder"):
        bundling.install(bundle, None)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"format": 1}', b"\xff", b'{"format": "other", "files": {}}']
)
def test_a_manifest_that_is_none_is_refused(bundle: Path, content: bytes) -> None:
    rebuilt(bundle, lambda members: [(members[0][0], content), *members[1:]])
    with pytest.raises(BadInputError, match="manifest"):
        bundling.install(bundle, None)


def test_an_unpacked_bundle_is_checked_too(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with tarfile.open(bundle) as tar:
        tar.extractall(folder, filter="data")
    assert bundling.install(folder, None).pin.name == "tiny"
    (folder / "install.py").write_text("print('other')")
    with pytest.raises(BadInputError, match=r"install.py: missing, or not of"):
        bundling.install(folder, None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"python": "2.7"}, "for python 2.7"),
        ({"system": "Plan9"}, "for system Plan9"),
        ({"architecture": "vax"}, "for architecture vax"),
        ({"libc": "glibc 99.1"}, "needs glibc 99.1"),
        ({"cpu_flags": ["flying"]}, "this processor lacks flying"),
    ],
)
def test_wheels_for_another_machine_are_refused_with_what_is_needed(
    change: dict[str, Any], told: str
) -> None:
    here = unpacking.machine() | {"baseline": "x86-64-v9", "cpu_flags": []}
    unpacking.check_machine({"machine": here})
    with pytest.raises(unpacking.RefusedError, match=told):
        unpacking.check_machine({"machine": here | change})


def test_a_file_that_is_there_is_not_written_over(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there already"):
        bundling.create(find_pin("tiny"), bundle, usual_baseline(), tmp_path)


def test_a_model_that_is_not_here_can_not_be_bundled(tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match="models pull smollm2-135m"):
        bundling.create(find_pin("smollm2-135m"), tmp_path / "b.tar", "x86-64-v3", tmp_path)


def test_an_unknown_baseline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="take one of x86-64-v2, x86-64-v3"):
        wheels.llama_wheel("i386", tmp_path)


def test_all_that_the_program_needs_is_listed_and_none_of_what_tests_need() -> None:
    names = needed()
    assert {"chapter-offline", "llama-cpp-python", "numpy", "jinja2", "markupsafe"} <= set(names)
    assert not {"pytest", "ruff", "gguf", "mypy"} & set(names)


def test_what_is_installed_is_packed_as_it_was_listed(tmp_path: Path) -> None:
    packed = pack("click", tmp_path)
    assert re.fullmatch(r"click-[\d.]+-py3-none-any.whl", packed.path.name)
    with zipfile.ZipFile(packed.path) as archive:
        names = archive.namelist()
        assert f"click-{packed.version}.dist-info/RECORD" in names
        assert "click/core.py" in names
    target = tmp_path / "target"
    pip = ["pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target)]
    subprocess.run([sys.executable, "-m", *pip, str(packed.path)], check=True)
    assert (target / "click" / "core.py").read_bytes() == Path(
        str(wheels.metadata.distribution("click").locate_file("click/core.py"))
    ).read_bytes()


def test_the_programs_wheel_has_its_prompts_and_pins(tmp_path: Path) -> None:
    packed = pack("chapter-offline", tmp_path)
    with zipfile.ZipFile(packed.path) as archive:
        names = set(archive.namelist())
    assert {
        "chapter_offline/cli.py",
        "chapter_offline/_data/models.toml",
        "chapter_offline/_data/prompts/spec.toml",
    } <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


# ---------------------------------------------------------------------- the whole of it, for real


@pytest.fixture(scope="module")
def built() -> Path:
    """llama-cpp-python for the usual baseline, built here once and kept."""
    import platformdirs

    cache = Path(
        os.environ.get("CHAPTER_OFFLINE_WHEELS", platformdirs.user_cache_path("chapter-offline"))
    )
    return wheels.llama_wheel(usual_baseline(), cache).path


@pytest.mark.slow
def test_a_chapter_is_written_from_a_bundle_where_there_is_no_network(
    built: Path, real_model: Path, tmp_path: Path
) -> None:
    pin = import_file(real_model, "", "", None).pin
    target = tmp_path / "b.tar"
    bundling.create(pin, target, usual_baseline(), tmp_path / "cache", built)
    folder = tmp_path / "carried"
    folder.mkdir()
    environment = {
        "HOME": str(tmp_path / "home"),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
    }

    def alone(*command: str | Path) -> str:
        done = subprocess.run(
            ["unshare", "-rn", *command],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    alone(sys.executable, "-m", "tarfile", "-e", target, folder)
    alone(sys.executable, folder / "install.py")
    program = folder / "chapter-offline" / "bin" / "chapter-offline"
    write = ("write", "Distributed rate limiter", "--parts=15", "--out=made", "--window=2048")
    alone(program, *write, "--model", pin.name)
    assert len((folder / "made" / "chapter.md").read_text().split()) > 300


BEYOND = {
    "x86-64-v2": r"%ymm|%zmm|\bv[a-z0-9]+ ",
    "x86-64-v3": r"%zmm|%[xy]mm(1[6-9]|2\d|3[01])|\{%k[0-7]\}|,%k[0-7]\b|vpdpbusd|tdpb|vcvtneps2bf16",
}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("objdump"), reason="objdump, of binutils, is not here")
def test_no_library_has_an_instruction_beyond_the_baseline(built: Path, tmp_path: Path) -> None:
    baseline = usual_baseline()
    pattern = re.compile(BEYOND[baseline])
    with zipfile.ZipFile(built) as archive:
        libraries = [name for name in archive.namelist() if re.search(r"\.so[.\d]*$", name)]
        archive.extractall(tmp_path, libraries)
    assert any("ggml-cpu" in name for name in libraries)
    for name in libraries:
        listing = subprocess.Popen(
            ["objdump", "-d", "--no-show-raw-insn", tmp_path / name],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listing.stdout
        beyond = [line for line in listing.stdout if pattern.search(line)][:5]
        assert listing.wait() == 0
        assert not beyond, f"{name}: {beyond}"


def test_every_baseline_says_what_it_is_built_with_and_needs() -> None:
    for name, kind in BASELINES.items():
        assert kind.march.startswith(name)
        assert kind.flags
