"""Pulling from a Hub that speaks the protocol, and from one that misbehaves."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hub_server import HubServer
from small_pins import COMMIT, MODEL, Recorder, make_pin

from chapter_offline.catalog import hub as hub_source
from chapter_offline.catalog.pull import pull
from chapter_offline.catalog.store import is_here, model_path, verify
from chapter_offline.errors import DoesNotFitError, NoModelError

PIN = make_pin()
REPO = "models--someone--tiny-GGUF"
WHOLE = {f"blobs/{PIN.sha256}", f"snapshots/{COMMIT}/tiny.gguf"}


def part(store: Path) -> Path:
    """Where bytes lie until they are all here."""
    return store / REPO / "blobs" / f"{PIN.sha256}.incomplete"


def names(store: Path) -> set[str]:
    """The files that lie in the repo's folder."""
    folder = store / REPO
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}


def in_a_child(code: str) -> "subprocess.Popen[str]":
    """Another process that pulls; `code` runs before it does."""
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from small_pins import make_pin\n"
        "from chapter_offline.catalog.pull import pull\n"
        f"{code}\n"
        "print(pull(make_pin()).origin)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_the_file_is_fetched_at_the_pinned_commit_and_checked(
    hub: HubServer, store: Path, watch: Recorder
) -> None:
    pulled = pull(PIN, watch)
    assert (pulled.path, pulled.origin) == (model_path(PIN), "hub")
    assert pulled.path.resolve() == store / REPO / "blobs" / PIN.sha256
    assert pulled.path.read_bytes() == MODEL
    assert [(r.method, r.path) for r in hub.requests] == [
        ("HEAD", f"/someone/tiny-GGUF/resolve/{COMMIT}/tiny.gguf"),
        ("GET", f"/someone/tiny-GGUF/resolve/{COMMIT}/tiny.gguf"),
        ("GET", "/cdn"),
    ]
    assert names(store) == WHOLE


def test_progress_adds_up_to_the_file(hub: HubServer, watch: Recorder) -> None:
    pull(PIN, watch)
    assert watch.pieces[0] == ("tiny from the Hub", len(MODEL))
    assert watch.bytes[0] == len(MODEL)
    assert watch.finished[0] == "tiny from the Hub"


def test_nothing_is_written_to_the_terminal(hub: HubServer) -> None:
    hub.cuts = [1_200_000]
    hub.warning = "some topic; something to be shown"
    assert in_a_child("").communicate(timeout=20) == ("hub\n", "")


def test_what_is_here_is_not_fetched_again(hub: HubServer) -> None:
    pull(PIN)
    hub.requests.clear()
    assert pull(PIN).origin == "here"
    assert hub.requests == []


def test_a_fresh_file_need_not_be_hashed_before_its_first_use(
    hub: HubServer, watch: Recorder
) -> None:
    pull(PIN)
    verify(PIN, watch)
    assert watch.pieces == []


def test_a_cut_connection_is_gone_on_with(hub: HubServer, watch: Recorder) -> None:
    hub.cuts = [1_200_000, 1_100_000]
    pull(PIN, watch)
    assert [r.headers.get("range") for r in hub.gets()] == [
        None,
        "bytes=1200000-",
        "bytes=2300000-",
    ]
    assert watch.bytes[0] == len(MODEL)


def test_a_partial_file_of_an_earlier_run_is_gone_on_with(hub: HubServer, store: Path) -> None:
    part(store).parent.mkdir(parents=True)
    part(store).write_bytes(MODEL[:2_000_000])
    pull(PIN)
    assert [r.headers.get("range") for r in hub.gets()] == ["bytes=2000000-"]


def test_a_partial_file_that_is_too_long_is_begun_anew(hub: HubServer, store: Path) -> None:
    part(store).parent.mkdir(parents=True)
    part(store).write_bytes(bytes(len(MODEL) + 1))
    assert pull(PIN).path.read_bytes() == MODEL


def test_a_server_without_ranges_sends_all_again(
    hub: HubServer, store: Path, watch: Recorder
) -> None:
    hub.ranges = False
    part(store).parent.mkdir(parents=True)
    part(store).write_bytes(MODEL[:2_000_000])
    assert pull(PIN, watch).path.read_bytes() == MODEL
    assert watch.bytes[0] == len(MODEL)


def test_a_token_goes_to_the_hub_and_not_to_its_cdn(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pull(PIN)
    sent = [r.headers.get("authorization") for r in hub.requests]
    assert sent == ["Bearer hf_secret", "Bearer hf_secret", None]


def test_a_busy_server_is_asked_again(hub: HubServer) -> None:
    hub.failures = [(503, {}), (429, {"Retry-After": "0"})]
    assert pull(PIN).origin == "hub"


def test_a_server_that_asks_for_hours_is_not_waited_for(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_source, "_MAX_WAIT_SECONDS", 0.05)
    hub.failures = [(429, {"Retry-After": "7200"})] * 9
    before = time.monotonic()
    with pytest.raises(NoModelError, match="it answers 429"):
        pull(PIN)
    assert time.monotonic() - before < 5
    assert len(hub.failures) == 6


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "set HF_TOKEN"), (403, "set HF_TOKEN"), (404, "no tiny.gguf in someone/tiny-GGUF")],
)
def test_a_refusal_is_final_and_says_what_to_do(hub: HubServer, status: int, told: str) -> None:
    hub.failures = [(status, {})]
    with pytest.raises(NoModelError, match=told):
        pull(PIN)
    assert len(hub.requests) == 1


def test_a_refusal_by_the_cdn_is_final_too(hub: HubServer) -> None:
    hub.failures = [(0, {}), (0, {}), (403, {})]
    with pytest.raises(NoModelError, match="it answers 403"):
        pull(PIN)
    assert len(hub.gets()) == 1


def test_a_file_that_does_not_end_is_not_received_for_ever(hub: HubServer, store: Path) -> None:
    hub.surplus = bytes(10_000_000)
    with pytest.raises(NoModelError, match=f"sends more bytes .* {len(MODEL):,} are pinned"):
        pull(PIN)
    assert part(store).stat().st_size == 0
    assert len(hub.gets()) == 1


def test_other_bytes_than_the_pinned_ones_are_not_even_fetched(hub: HubServer) -> None:
    hub.sha256 = "ab" * 32
    with pytest.raises(NoModelError, match=f"expected sha256 {PIN.sha256}, found {'ab' * 32}"):
        pull(PIN)
    assert hub.gets() == []


def test_a_wrong_size_is_not_fetched(hub: HubServer) -> None:
    hub.data, hub.etags = MODEL + b"x", False
    with pytest.raises(NoModelError, match=f"announces {len(MODEL) + 1:,} bytes"):
        pull(PIN)
    assert hub.gets() == []


def test_wrong_bytes_are_found_after_they_came(hub: HubServer, store: Path) -> None:
    other = bytes(len(MODEL))
    hub.data, hub.sha256 = other, PIN.sha256
    with pytest.raises(NoModelError) as error:
        pull(PIN)
    message = str(error.value)
    assert f"expected sha256 {PIN.sha256}" in message
    assert f"found {hashlib.sha256(other).hexdigest()}" in message
    assert message.count("\n") == 1
    assert names(store) == set()


def test_a_mismatch_takes_nothing_from_another_model(hub: HubServer, store: Path) -> None:
    good = pull(PIN).path
    hub.data = bytes(len(MODEL))
    hub.etags = False
    other = make_pin(name="other", sha256="cd" * 32)
    with pytest.raises(NoModelError):
        pull(other)
    assert good.read_bytes() == MODEL


def test_a_damaged_file_in_place_is_replaced_by_a_good_one(hub: HubServer) -> None:
    path = model_path(PIN)
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(len(MODEL)))
    assert pull(PIN).origin == "hub"
    assert path.read_bytes() == MODEL


def test_silence_ends_in_an_error(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.3)
    hub.silence = 3.0
    before = time.monotonic()
    with pytest.raises(NoModelError, match=r"from the Hub: .*time"):
        pull(PIN)
    assert time.monotonic() - before < 2.5


def test_connections_that_are_always_cut_end_in_an_error_and_the_bytes_are_kept(
    hub: HubServer, store: Path
) -> None:
    hub.cuts = [1000] * 50
    with pytest.raises(NoModelError, match=r"3,000 of 3,0.* bytes, which are kept"):
        pull(PIN)
    assert part(store).stat().st_size == 3000
    assert len(hub.gets()) == 3


def test_offline_mode_is_honoured(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NoModelError, match="from the Hub: HF_HUB_OFFLINE is set"):
        pull(PIN)
    assert hub.requests == []


def test_a_disk_that_is_too_small_is_known_before_anything_is_fetched(hub: HubServer) -> None:
    huge = make_pin(bytes=2**60)
    with pytest.raises(DoesNotFitError, match=r"needs 1,152,921,504,606,846,976 bytes free"):
        pull(huge)
    assert hub.requests == []


def test_a_disk_that_fills_up_is_an_error_and_leaves_no_file(hub: HubServer, store: Path) -> None:
    child = in_a_child("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))")
    _, errors = child.communicate(timeout=20)
    assert "DoesNotFitError" in errors.splitlines()[-1]
    assert "no room to write on" in errors.splitlines()[-1]
    assert not is_here(PIN)
    assert names(store) == {f"blobs/{part(store).name}"}


def test_ctrl_c_leaves_what_came_and_the_next_pull_goes_on(hub: HubServer, store: Path) -> None:
    hub.data = MODEL
    hub.cuts = [1_500_000]
    hub_slow = "import chapter_offline.catalog.hub as h; h._wait_seconds = lambda e, n: 60.0"
    child = in_a_child(hub_slow)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and not (
        part(store).exists() and part(store).stat().st_size == 1_500_000
    ):
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    before = time.monotonic()
    _, errors = child.communicate(timeout=10)
    assert time.monotonic() - before < 3
    assert errors.strip().endswith("KeyboardInterrupt")
    assert not is_here(PIN)
    assert pull(PIN).origin == "hub"
    assert hub.gets()[-1].headers["range"] == "bytes=1500000-"


def test_two_pulls_at_once_fetch_once(hub: HubServer, watch: Recorder) -> None:
    hub.silence = 0.4
    child = in_a_child("")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and not hub.requests:
        time.sleep(0.02)
    second = pull(PIN, watch)
    first, errors = child.communicate(timeout=20)
    assert (first.strip(), second.origin) == ("hub", "here"), errors
    assert watch.pieces[0] == ("waiting for another process that is pulling tiny", 0)
    assert len(hub.gets()) == 1


def test_a_folder_that_cannot_be_made_is_said_with_what_to_do(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chapter_offline.errors import UsageError

    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CHAPTER_OFFLINE_MODELS", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="set CHAPTER_OFFLINE_MODELS to another folder"):
        pull(PIN)


def test_a_redirect_without_end_is_an_error(hub: HubServer) -> None:
    hub.loop = True
    with pytest.raises(NoModelError, match="from the Hub: "):
        pull(PIN)
    assert not is_here(PIN)


@pytest.mark.parametrize("cut", [0, 1, 1_048_576, len(MODEL) - 1])
def test_a_cut_at_any_stage_is_gone_on_with(hub: HubServer, cut: int) -> None:
    hub.cuts = [cut]
    assert pull(PIN).path.read_bytes() == MODEL


def test_a_gated_model_names_the_page_to_visit(hub: HubServer) -> None:
    hub.failures = [(403, {})]
    with pytest.raises(NoModelError, match=rf"{hub.endpoint}/someone/tiny-GGUF and set HF_TOKEN"):
        pull(PIN)


def test_a_proxy_is_asked_where_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with HubServer("someone/tiny-GGUF", COMMIT, "tiny.gguf", MODEL) as proxy:
        monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
        monkeypatch.setenv("HTTP_PROXY", proxy.endpoint)
        # In a process of its own, as a client looks for proxies once. It answers as a Hub would
        # and not as a proxy: what matters is that it was asked.
        in_a_child("").communicate(timeout=60)
        assert any("hub.invalid" in request.path for request in proxy.requests)


def test_bytes_under_another_commit_are_linked_and_not_fetched_again(hub: HubServer) -> None:
    pull(PIN)
    hub.requests.clear()
    later = make_pin(commit="f" * 40)
    assert pull(later).origin == "here"
    assert model_path(later).read_bytes() == MODEL
    assert hub.requests == []


def test_the_hubs_own_library_finds_what_was_pulled(hub: HubServer, store: Path) -> None:
    from huggingface_hub import hf_hub_download

    path = pull(PIN).path
    found = hf_hub_download(
        PIN.repo, PIN.file, revision=PIN.commit, cache_dir=store, local_files_only=True
    )
    assert Path(found) == path
