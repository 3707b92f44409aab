"""Pins of one's own, made of what the Hub says of a file; also of a Hub that misbehaves."""

import hashlib
import time
from pathlib import Path

import pytest
from gguf_bytes import gguf, number, text, usual, words
from hub_server import HubServer
from small_pins import COMMIT, MODEL

from chapter_offline.catalog import adding, own_pins
from chapter_offline.catalog.adding import pin_from_hub
from chapter_offline.catalog.pins import find_pin, load_pins
from chapter_offline.catalog.pull import pull
from chapter_offline.errors import BadInputError, NoModelError, UsageError

ADDRESS = "hub:someone/tiny-GGUF/tiny.gguf"


def test_commit_size_digest_licence_and_header_are_noted(hub: HubServer) -> None:
    hub.card = {"license": "mit", "license_link": "https://example.org/licence"}
    pin = pin_from_hub(ADDRESS, "")
    assert (pin.name, pin.repo, pin.commit, pin.file) == (
        "tiny",
        "someone/tiny-GGUF",
        COMMIT,
        "tiny.gguf",
    )
    assert (pin.sha256, pin.bytes) == (hashlib.sha256(MODEL).hexdigest(), len(MODEL))
    assert (pin.license, pin.license_link) == ("mit", "https://example.org/licence")
    assert (pin.architecture, pin.layers, pin.kv_heads, pin.trained_window) == ("llama", 2, 2, 2048)


def test_only_the_header_is_fetched(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "_PIECE_BYTES", 100_000)
    pin_from_hub(ADDRESS, "")
    asked = [request.headers["range"] for request in hub.gets()]
    assert asked[0] == "bytes=0-99999"
    assert len(asked) * 100_000 < len(MODEL) / 5


def test_a_large_header_comes_in_pieces(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "_PIECE_BYTES", 100_000)
    hub.data = gguf([words("tokenizer.ggml.merges", ["ab cd"] * 60_000), *usual()])
    assert pin_from_hub(ADDRESS, "").layers == 2
    assert len(hub.gets()) > 5


def test_what_was_added_is_pulled_and_goes_before_the_programs(hub: HubServer) -> None:
    own_pins.put(pin_from_hub(ADDRESS, "smollm2-135m-mine"))
    pin = find_pin("smollm2-135m-mine")
    assert pin.mine
    assert not pin.overrides
    assert pull(pin).origin == "hub"
    table = own_pins.own_file().read_text().replace("smollm2-135m-mine", "smollm2-135m")
    own_pins.own_file().write_text(table)
    assert find_pin("smollm2-135m").overrides
    assert len(load_pins()) == len({pin.name for pin in load_pins()})


def test_a_commit_that_was_given_is_kept_to(hub: HubServer) -> None:
    assert pin_from_hub(f"{ADDRESS}@{COMMIT}", "").commit == COMMIT
    with pytest.raises(NoModelError, match="404"):
        pin_from_hub(f"{ADDRESS}@{'f' * 40}", "")


def test_all_files_of_a_split_model_are_noted(hub: HubServer) -> None:
    def part(n: int) -> bytes:
        return gguf([*usual(), number("split.count", 2), number("split.no", n)])

    hub.file, hub.data = "q/tiny-00001-of-00002.gguf", part(0)
    hub.more = {"q/tiny-00002-of-00002.gguf": part(1)}
    pin = pin_from_hub("hub:someone/tiny-GGUF/q/tiny-00001-of-00002.gguf", "tiny")
    assert [each.file for each in pin.files] == [hub.file, *hub.more]
    assert pin.parameters == 16
    pulled = pull(pin)
    assert pulled.path.name == "tiny-00001-of-00002.gguf"
    assert pulled.path.with_name("tiny-00002-of-00002.gguf").read_bytes() == part(1)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "tiny.gguf",
        "hub:tiny.gguf",
        "hub:someone/tiny-GGUF/tiny.bin",
        "hub:someone/tiny-GGUF/../tiny.gguf",
        "hub:some one/tiny/tiny.gguf",
        "hub:someone/tiny-GGUF/tiny.gguf@",
        "hub:someone/tiny-GGUF/tiny.gguf@a b",
        "https://example.org/tiny.gguf",
    ],
)
def test_what_is_no_address_is_a_usage_error(hub: HubServer, address: str) -> None:
    with pytest.raises(UsageError, match=r"write hub:OWNER/NAME/FILE.gguf"):
        pin_from_hub(address, "")
    assert hub.requests == []


def test_a_name_that_is_taken_is_said(hub: HubServer) -> None:
    with pytest.raises(UsageError, match="of that name already"):
        pin_from_hub(ADDRESS, "smollm2-135m")


def test_a_file_that_is_not_there_is_said(hub: HubServer) -> None:
    with pytest.raises(NoModelError, match=f"has no other.gguf at commit {COMMIT[:12]}"):
        pin_from_hub("hub:someone/tiny-GGUF/other.gguf", "")


def test_a_file_without_a_digest_is_not_pinned(hub: HubServer) -> None:
    hub.digests = False
    with pytest.raises(NoModelError, match="states no sha256"):
        pin_from_hub(ADDRESS, "")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"not a model at all" * 1000, "is not a GGUF file"),
        (gguf(usual()[:-1]), "has no chat template"),
        (gguf(usual(block_count=0)), "block_count is 0"),
        (gguf([text("x")[:4]], key_count=3), "header"),
    ],
)
def test_a_header_that_cannot_be_used_is_bad_input(hub: HubServer, data: bytes, told: str) -> None:
    hub.data = data
    with pytest.raises(BadInputError, match=told):
        pin_from_hub(ADDRESS, "")


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([(401, {})], r"401: .*http://127.0.0.1:\d+/someone/tiny-GGUF and set HF_TOKEN"),
        ([(403, {})], "set HF_TOKEN"),
        ([(404, {})], "404"),
        ([(500, {})] * 9, "500"),
        ([(0, {}), (500, {})] * 9, "500"),
        ([(0, {}), (0, {}), (403, {})], "403"),
    ],
)
def test_a_hub_that_refuses_is_an_error_with_its_cause(
    hub: HubServer, failures: list[tuple[int, dict[str, str]]], told: str
) -> None:
    hub.failures = failures
    with pytest.raises(NoModelError, match=told) as error:
        pin_from_hub(ADDRESS, "")
    assert str(error.value).count("\n") <= 1


def test_a_hub_without_pieces_of_files_is_said(hub: HubServer) -> None:
    hub.pieces = False
    with pytest.raises(NoModelError, match="doesn't serve pieces"):
        pin_from_hub(ADDRESS, "")


def test_a_redirect_without_end_is_an_error(hub: HubServer) -> None:
    hub.loop = True
    with pytest.raises(NoModelError):
        pin_from_hub(ADDRESS, "")


def test_a_cut_in_the_header_is_an_error(hub: HubServer) -> None:
    hub.cuts = [100] * 20
    with pytest.raises(NoModelError):
        pin_from_hub(ADDRESS, "")


def test_silence_ends(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "_SECONDS", 0.3)
    hub.silence = 5.0
    begun = time.monotonic()
    with pytest.raises(NoModelError):
        pin_from_hub(ADDRESS, "")
    assert time.monotonic() - begun < 4.5


def test_offline_is_offline(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NoModelError, match="HF_HUB_OFFLINE is set"):
        pin_from_hub(ADDRESS, "")
    assert hub.requests == []


def test_a_broken_file_of_ones_own_is_named(store: Path) -> None:
    own_pins.own_file().parent.mkdir(parents=True)
    own_pins.own_file().write_text("[models\n")
    with pytest.raises(BadInputError, match=r"models.toml: can't be read as TOML"):
        load_pins()
