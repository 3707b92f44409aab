"""Where a chapter came from: made again, read again, signed."""

import getpass
import hashlib
import json
import platform
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from commands import run
from places import QUIET, Place, change
from systems import DEFAULT_SYSTEM
from tiny_gguf import write_tiny_gguf

from chapter_offline import desk, replaying
from chapter_offline.engine.interface import Settings
from chapter_offline.engine.llama import open_engine
from chapter_offline.errors import BadInputError, ExitCode, NotTheSameError, UsageError
from chapter_offline.rendering import render
from chapter_offline.replaying import replay
from chapter_offline.reproducing import reproduce
from chapter_offline.signing import SIGNATURE, sign, verify
from chapter_offline.writing.manifest import SCHEMAS, schema_json

SCHEMA_FOLDER = Path(desk.__file__).parent / "schemas"
ATTEMPT = "p03.attempt"
pytest_plugins = ["places"]
pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("planned_once")]


# ---------------------------------------------------------------------- manifest and run


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_file_is_of_the_schema_that_travels_with_the_program(first: Place, name: str) -> None:
    path = SCHEMA_FOLDER / name.replace(".json", ".schema.json")
    assert path.read_bytes() == schema_json(name), "make it again: scripts/schemas"
    jsonschema.validate(first.json(name), json.loads(path.read_bytes()))


@pytest.mark.parametrize("name", ["manifest.json", "run.json", "transcript.json"])
def test_nothing_in_them_names_a_person_a_host_or_a_place(first: Place, name: str) -> None:
    text = (first.folder / name).read_text(encoding="utf-8")
    personal = {getpass.getuser(), platform.node(), str(Path.home()), str(first.folder.parent)}
    assert [each for each in personal if len(each) > 4 and each in text] == []
    assert re.findall(r'"/(?:home|root|tmp|Users|usr)\b[^"]*"', text) == []


# ---------------------------------------------------------------------- reproduce


def test_a_chapter_is_made_again_byte_by_byte(first: Place) -> None:
    found = reproduce(first.folder, first.model, 1, QUIET)
    assert (found.different, found.section, found.circumstances) == ((), "", ())
    assert found.files == 5
    assert first.json("manifest.json")["tokens"]["output"] > 100


def test_a_book_that_was_rendered_later_is_made_again_too(place: Place) -> None:
    render(place.folder, ["epub"])
    found = reproduce(place.folder, place.model, 1, QUIET)
    assert (found.different, found.files) == ((), 6)


def test_a_signature_does_not_outlive_its_manifest(place: Place) -> None:
    signature = place.folder / SIGNATURE
    signature.write_text("of the manifest as it is")
    render(place.folder, ["html"])
    assert signature.exists()
    render(place.folder, ["epub"])
    assert not signature.exists()


def test_another_model_makes_another_chapter_and_is_named(first: Place, tmp_path: Path) -> None:
    other = write_tiny_gguf(tmp_path / "tiny.gguf", layers=1, heads=1, seed=5)
    found = reproduce(first.folder, str(other), 1, QUIET)
    assert set(found.different) == {
        "chapter.md",
        "chapter.html",
        "transcript.json",
        "manifest.json",
    }
    assert found.section == "Part 3: Non-Functional Requirements"
    assert [line.partition(":")[0] for line in found.circumstances] == ["model file"]


def test_a_page_that_was_edited_is_not_made_again(place: Place) -> None:
    (place.folder / "chapter.md").write_text(place.page.replace("limiter", "lever", 1))
    with pytest.raises(NotTheSameError, match=r"chapter\.md: not the file that the manifest names"):
        reproduce(place.folder, place.model, 1, QUIET)


# ---------------------------------------------------------------------- replay


def test_a_chapter_is_read_again_to_the_same_bits(first: Place) -> None:
    found = replay(first.folder, first.model, None, QUIET)
    assert found.tokens == first.json("manifest.json")["tokens"]["output"]
    assert (found.strange, found.other_draws, found.moved) == ((), 0, 0.0)
    assert (found.circumstances, found.composed, found.reason) == ((), "", "")


def test_another_model_does_not_say_these_words(first: Place, tmp_path: Path) -> None:
    other = write_tiny_gguf(tmp_path / "tiny.gguf", layers=1, heads=1, seed=5)
    assert "could not have been drawn" in replay(first.folder, str(other), None, QUIET).reason


def test_a_coarser_file_of_the_same_weights_shows(first: Place, tmp_path: Path) -> None:
    coarse = write_tiny_gguf(tmp_path / "tiny.gguf", layers=1, heads=1, quantization="Q4_0")
    found = replay(first.folder, str(coarse), None, QUIET)
    assert found.moved > replaying.SAME_MODEL
    assert found.reason


def forge(place: Place, *, transcript: bool) -> None:
    """Swaps two words of the model's first attempt on the page, and puts all digests right.

    transcript: in its tokens too, so that only the model can tell.
    """
    told = place.json("transcript.json")
    result = next(row["result"] for row in told["wrote"] if row["result"]["key"] == ATTEMPT)
    tokens = result["tokens"]["answer"][0]
    with open_engine(Path(place.model), Settings(window=2048, threads=1)) as engine:
        pieces = [engine._vocabulary.piece(token["id"]).decode() for token in tokens]
    before = "".join(pieces).strip()
    at = next(
        n for n in range(2, len(pieces) - 1) if all(p[1:].isalpha() for p in pieces[n : n + 2])
    )
    pieces[at : at + 2] = pieces[at + 1], pieces[at]
    after = "".join(pieces).strip()
    assert before in place.page
    (place.folder / "chapter.md").write_text(place.page.replace(before, after))
    if transcript:
        first, second = tokens[at], tokens[at + 1]
        first["id"], second["id"] = second["id"], first["id"]
        said, instead = (json.dumps(text)[1:-1] for text in (before, after))
        (place.folder / "transcript.json").write_text(json.dumps(told).replace(said, instead))
    set_right(place)


def set_right(place: Place) -> None:
    """Writes a manifest that fits the files."""
    manifest = place.json("manifest.json")
    for name in manifest["outputs"]:
        data = (place.folder / name).read_bytes()
        manifest["outputs"][name] = hashlib.sha256(data).hexdigest()
    (place.folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_changed_word_on_the_page_shows(place: Place) -> None:
    forge(place, transcript=False)
    with pytest.raises(NotTheSameError, match=r"Part 3: .*: these are not the words"):
        replay(place.folder, place.model, None, QUIET)


def test_a_changed_word_in_all_files_shows_to_the_model(place: Place) -> None:
    forge(place, transcript=True)
    found = replay(place.folder, place.model, None, QUIET)
    assert found.other_draws + len(found.strange) >= 2
    assert found.reason


def test_a_model_with_other_tokens_says_other_words(place: Place, tmp_path: Path) -> None:
    other = write_tiny_gguf(tmp_path / "tiny.gguf", tokenizer="llama")
    with pytest.raises(NotTheSameError, match="another model, or another text"):
        replay(place.folder, str(other), None, QUIET)


def test_what_is_no_transcript_is_refused(place: Place) -> None:
    for data in (b"", b"[]", b'{"wrote": [{}]}', b"{" * 10_000):
        (place.folder / "transcript.json").write_bytes(data)
        set_right(place)
        with pytest.raises(BadInputError, match=r"transcript\.json: it is no transcript"):
            replay(place.folder, place.model, None, QUIET)


# ---------------------------------------------------------------------- signatures


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("keys")

    def key(name: str) -> Path:
        path = folder / name
        if not path.exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "who@where", "-f", path]
            subprocess.run(command, check=True)
        return path

    return key


def test_a_signature_is_made_and_checked(place: Place, keys: Callable[[str], Path]) -> None:
    signature = sign(place.folder, keys("mine"))
    assert signature == place.folder / "manifest.json.sig"
    assert verify(place.folder, None).known is False
    assert verify(place.folder, keys("mine").with_suffix(".pub")).known is True
    assert b"who@where" not in signature.read_bytes()
    with pytest.raises(NotTheSameError, match="signed by another key"):
        verify(place.folder, keys("other").with_suffix(".pub"))


def test_a_manifest_changed_after_it_was_signed_shows(
    place: Place, keys: Callable[[str], Path]
) -> None:
    sign(place.folder, keys("mine"))
    change(place.folder / "manifest.json", '"window": 2048', '"window": 2049')
    with pytest.raises(NotTheSameError, match="no good signature"):
        verify(place.folder, keys("mine").with_suffix(".pub"))


def test_keys_that_are_none_are_refused(place: Place, tmp_path: Path) -> None:
    (tmp_path / "no.pub").write_text("nonsense")
    with pytest.raises(UsageError, match="there is no such key"):
        sign(place.folder, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="ssh-keygen can't sign with it"):
        sign(place.folder, tmp_path / "no.pub")
    with pytest.raises(UsageError, match="--sign KEY makes one"):
        verify(place.folder, None)


# ---------------------------------------------------------------------- as a person runs them


@pytest.mark.process
def test_the_commands_say_what_they_found_with_their_exit_codes(
    place: Place, tmp_path: Path, keys: Callable[[str], Path]
) -> None:
    model = ("--model", place.model)
    again = run("reproduce", "out", *model, "--quiet", "--threads=1", folder=tmp_path)
    assert (again.code, again.out) == (ExitCode.OK, "out: identical: 5 files, byte by byte\n")
    read = run("replay", "out", *model, "--quiet", "--sign", keys("mine"), folder=tmp_path)
    assert read.code == ExitCode.OK
    assert read.out.endswith("out: these are the model's words\n")
    public = keys("mine").with_suffix(".pub")
    checked = run("verify", "out", "--key", public, folder=tmp_path)
    assert (checked.code, checked.err) == (ExitCode.OK, "")
    assert "a good signature by" in checked.out
    shown = run("status", "out", *model, folder=tmp_path)
    assert shown.out.splitlines()[0] == f"{DEFAULT_SYSTEM}: 12 of 12 pieces by the model are there"
    (place.folder / "chapter.md").write_text("")
    for command in ("reproduce", "replay", "verify"):
        extra = () if command == "verify" else model
        ran = run(command, "out", *extra, folder=tmp_path)
        assert ran.code == ExitCode.NOT_THE_SAME
        assert "Traceback" not in ran.err
    named = run("status", "out", folder=tmp_path)
    assert named.code == ExitCode.USAGE
    assert "the chapter's model, tiny.gguf, has no pin; give its file with --model" in named.err
