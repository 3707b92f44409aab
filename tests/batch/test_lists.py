"""Lists of systems: what each form says, and what is wrong with one, with its place."""

import io
import sys
import time
from pathlib import Path

import pytest

from chapter_offline.batch.entries import entries, parse_shard, shard
from chapter_offline.batch.lists import Wanted, read_list
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.orders import Order

SAME = {
    "systems.csv": "system,model,seed,brief\nGroup chat,tiny,7,own.toml\nURL shortener,,,\n",
    "systems.toml": '[[chapter]]\nsystem = "Group chat"\nmodel = "tiny"\nseed = 7\nbrief = "own.toml"\n'
    '[[chapter]]\nsystem = "URL shortener"\n',
    "systems.jsonl": '{"system": "Group chat", "model": "tiny", "seed": 7, "brief": "own.toml"}\n\n'
    '{"system": "URL shortener"}\n',
}


@pytest.mark.parametrize("name", SAME)
def test_csv_toml_and_json_lines_say_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SAME[name])
    wanted = [line.wanted for line in read_list(tmp_path / name)]
    own = Wanted(system="Group chat", model="tiny", seed=7, brief=tmp_path / "own.toml")
    assert wanted == [own, Wanted(system="URL shortener")]


def test_plain_lines_may_be_empty_or_comments(tmp_path: Path) -> None:
    (tmp_path / "systems.txt").write_text("\ufeffGroup chat\n\n# later\n  URL shortener \r\n")
    lines = read_list(tmp_path / "systems.txt")
    assert [line.wanted.system for line in lines] == ["Group chat", "URL shortener"]
    assert lines[1].where == f"{tmp_path / 'systems.txt'}:4"


@pytest.mark.parametrize(
    ("text", "systems"),
    [("Group chat\nNews feed\n", 2), ('{"system": "Group chat"}\n', 1)],
    ids=["lines", "json"],
)
def test_standard_input_is_a_list(monkeypatch: pytest.MonkeyPatch, text: str, systems: int) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    lines = read_list(Path("-"))
    assert (len(lines), lines[0].wanted.system) == (systems, "Group chat")


WRONG = [
    ("a.txt", b"", "no systems in it; write one a line"),
    ("a.txt", b"# nothing\n\n", "no systems in it"),
    ("a.txt", b"Group chat\n\xff\n", "a.txt:2: not UTF-8 text"),
    ("a.csv", b"name\nGroup chat\n", "a.csv:1: the first line names the columns"),
    ("a.csv", b"system\nGroup chat,1\n", "a.csv:2: 2 cells, and 1 columns"),
    ("a.csv", b'system\n"Group\n', "not valid CSV"),
    ("a.csv", b"system,seed\nGroup chat,many\n", "a.csv:2: seed: Input should be a valid integer"),
    ("a.csv", b"system,seed\n,4\n", "a.csv:2: system: Field required"),
    ("a.csv", b"system,deph\nGroup chat,deep\n", "a.csv:2: deph: Extra inputs are not permitted"),
    ("a.csv", b"system,depth,words\nChat,deep,9000\n", "depth and words both say how long"),
    ("a.toml", b"[[chapter]\n", "a.toml: not valid TOML"),
    ("a.toml", b'system = "Group chat"\n', "a list has tables [[chapter]] and nothing else"),
    ("a.toml", b'[[chapter]]\nsystem = "A"\n\n[[chapter]]\nvoice = "loud"\n', "a.toml:4: system"),
    ("a.jsonl", b'{"system": "A"}\n{"system": \n', "a.jsonl:2: not valid JSON"),
    ("a.jsonl", b'"Group chat"\n', "a.jsonl:1: the entry: Input should be a valid dictionary"),
    ("a.jsonl", b'{"system": "A", "voice": "loud"}\n', "a.jsonl:1: voice: Input should be"),
]


@pytest.mark.parametrize(("name", "data", "said"), WRONG, ids=[w[2][:40] for w in WRONG])
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInputError) as raised:
        read_list(tmp_path / name)
    assert said in str(raised.value)
    assert str(raised.value).count("\n") == 0


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        read_list(tmp_path / "none.txt")


def planned(tmp_path: Path, name: str, text: str, **common: object) -> tuple[list, list]:
    (tmp_path / name).write_text(text)
    return entries(read_list(tmp_path / name), Order("", **common), tmp_path / "out")  # type: ignore[arg-type]


def test_what_an_entry_says_goes_before_what_the_command_says(tmp_path: Path) -> None:
    text = "system,seed,depth,folder\nGroup chat,7,,\nNews feed,,deep,feed\n"
    found, _ = planned(tmp_path, "a.csv", text, seed=2, words=20_000, voice="free")
    first, second = (entry.order for entry in found)
    assert (first.seed, first.words, first.voice) == (7, 20_000, "free")
    assert (second.seed, second.words, second.depth) == (2, None, "deep")
    assert [entry.name for entry in found] == ["group-chat", "feed"]


def test_a_chapter_that_is_asked_for_twice_is_written_once(tmp_path: Path) -> None:
    found, again = planned(tmp_path, "a.txt", "Group chat\nNews feed\nGroup chat\n")
    assert [entry.order.system for entry in found] == ["Group chat", "News feed"]
    ((line, first),) = again
    assert (line.where[-2:], first.where[-2:]) == (":3", ":1")


@pytest.mark.parametrize(
    "text", ["system,seed\nGroup chat,1\nGroup chat,2\n", "system\nGroup chat\ngroup CHAT!\n"]
)
def test_two_chapters_of_one_folder_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInputError, match=r"a\.csv:3: would be written to .*a\.csv:2 is; name"):
        planned(tmp_path, "a.csv", text)


@pytest.mark.parametrize("folder", ["../up", "/tmp/x", ".", "a/b", "nul\0"])
def test_a_folder_stays_within_the_batchs(tmp_path: Path, folder: str) -> None:
    import json

    text = json.dumps({"system": "A", "folder": folder})
    with pytest.raises(BadInputError, match="take letters, digits"):
        planned(tmp_path, "a.jsonl", text)


def test_shards_together_are_the_list(tmp_path: Path) -> None:
    found, _ = planned(tmp_path, "a.txt", "".join(f"System {n}\n" for n in range(10)))
    parts = [shard(found, number, 3) for number in (1, 2, 3)]
    assert [len(part) for part in parts] == [4, 3, 3]
    assert sorted((e for part in parts for e in part), key=lambda e: e.number) == found


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4"])
def test_a_shard_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write I/N"):
        parse_shard(text)


def test_ten_thousand_systems_are_planned_in_five_seconds(tmp_path: Path) -> None:
    begun = time.process_time()
    found, _ = planned(tmp_path, "a.txt", "".join(f"System {n}\n" for n in range(10_000)))
    assert len(found) == 10_000
    assert time.process_time() - begun < 5
