"""The manifest's parts that need no model."""

from pathlib import Path

from chapter_offline.writing.manifest import as_json, digest_of


def test_a_folders_digest_tells_every_change(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    digests = [digest_of(tmp_path)]
    (tmp_path / "two").write_text("3")
    digests.append(digest_of(tmp_path))
    (tmp_path / "two").rename(tmp_path / "three")
    digests.append(digest_of(tmp_path))
    (tmp_path / "a" / "empty").touch()
    digests.append(digest_of(tmp_path))
    assert len(set(digests)) == 4


def test_a_folders_digest_knows_nothing_of_its_place_or_time(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one").write_text("1")
    assert digest_of(tmp_path / "here") == digest_of(tmp_path / "there")


def test_json_is_for_people() -> None:
    assert as_json({"name": "Zähler", "n": [1]}) == (
        '{\n  "name": "Zähler",\n  "n": [\n    1\n  ]\n}\n'.encode()
    )
