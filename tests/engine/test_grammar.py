"""Grammars: how they are read, what they allow, and what can't bring them down."""

import ctypes
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chapter_offline.engine.drawing import Rules
from chapter_offline.engine.grammar import read_grammar
from chapter_offline.engine.library import load_library
from chapter_offline.engine.readings import Known, Place, TooManyReadingsError, start
from chapter_offline.engine.schema import schema_to_grammar
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.errors import BadInputError

LIST = """
root  ::= "[" (value ("," value)*)? "]"   # a list of lists and words
value ::= root | word
word  ::= [a-z]+ |
          [^a-z,\\[\\]\\x00-\\x1f]{2,3}
"""
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 12},
        "kind": {"enum": ["store", 'a "quoted" one', "back\\slash", "über\n"]},
        "sizes": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        "more": {"type": "object"},
    },
    "required": ["name", "kind"],
}


def read(grammar: str, text: str) -> bool | None:
    """Whether the text is complete; None where it is not allowed."""
    place: Place | None = start(read_grammar(grammar))
    known = Known()
    for byte in text.encode():
        if place is None:
            return None
        place = place.after(bytes([byte]), known)
    return None if place is None else place.whole


@pytest.mark.parametrize(
    ("grammar", "whole", "begun", "wrong"),
    [
        ('root ::= "ab" | "ac"', "ac", "a", "ad"),
        ('root ::= "ab"* "."', "abab.", "aba", "aba."),
        ('root ::= "ab"+', "ab", "", "b"),
        ('root ::= ("ab" | "c"){2,3}', "abcab", "ab", "cccc"),
        ('root ::= "a"{2} "b"{0,1} "c"{1,}', "aabccc", "aab", "aabbc"),
        ('root ::= ("a"*)* "b"', "aab", "", "c"),
        ("root ::= [a-cx-]+ [^a-z-]", "b-x1", "b-", "d"),
        ("root ::= . [\\u00e0-\\U0001F600] [é😀]", "é😀é", "éé", "éaé"),
        ('root ::= "\\"\\\\\\n\\x41\\t"', '"\\\nA\t', '"', "A"),
        ('root ::= "" tail\ntail ::= "" | "a" tail', "aaa", None, "b"),
        ('root ::= root "+" digit | digit\ndigit ::= [0-9]', "1+2+3", "1+", "+"),
        (LIST, "[a,[!!,[]],bc]", "[a,", "[a,,"),
        ('root ::= (\n"a"\n|\n"b"\n)\n', "b", "", "c"),
        ("root\t::=\r\n [a] # comment\r\n\r\n", "a", "", "b"),
    ],
)
def test_a_text_is_whole_begun_or_wrong(
    grammar: str, whole: str, begun: str | None, wrong: str
) -> None:
    assert read(grammar, whole) is True
    assert begun is None or read(grammar, begun) is False
    assert read(grammar, wrong) is None


@pytest.mark.parametrize(
    ("grammar", "said"),
    [
        ("", "no rule has the name root"),
        ('tree ::= "a"', "no rule has the name root"),
        ("root ::= leaf", "the rule leaf is used and not defined"),
        ('root ::= "a"\nroot ::= "b"', "line 2, column 5: the rule root is defined twice"),
        ('root = "a"', "“::=” is missing"),
        ('root ::= ("a"', "“)” is missing"),
        ('root ::= "a")', "“)” without “(”"),
        ('root ::= "a', "not closed"),
        ("root ::= [a", "not closed"),
        ("root ::= []", "without characters"),
        ("root ::= [z-a]", "backwards"),
        ('root ::= "\\xZZ"', "unknown escape"),
        ('root ::= "\\UFFFFFFFF"', "is no character"),
        ("root ::= *", "nothing before"),
        ('root ::= "a"{3,1}', "a repetition is"),
        ('root ::= "a"{x}', "a repetition is"),
        ('root ::= "a" root', "the rule root never comes to an end"),
        ("root ::= x\nx ::= x", "never comes to an end"),
        ("root ::= <[12]>", "a rule's name was expected, not “<”"),
        ('root ::= "a"{100000}', "more than 20000 symbols"),
        ("root ::= " + "(" * 120_000 + '"a"' + ")" * 120_000, "more than 20000 symbols"),
        ("root ::= " + "(" * 200_000 + '"a"' + ")" * 200_000, "more than 262144"),
        ("root ::= -", "the rule - is used and not defined"),
    ],
)  # fmt: skip
def test_a_bad_grammar_says_what_is_wrong(grammar: str, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        start(read_grammar(grammar))
    message = str(caught.value)
    assert said in message
    assert len(message.splitlines()) == 2
    assert len(message) < 300


CHAIN = "\n".join(["root ::= r0", *(f"r{i} ::= r{i + 1}" for i in range(6000)), 'r6000 ::= "a"+'])


@pytest.mark.parametrize(
    "grammar",
    [
        "root ::= " + "(" * 6000 + '"a"' + ")" * 6000 + "+",
        CHAIN,
        'root ::= "a" root "b" | "a" root "c" | "a"',
        'root ::= root root | "a"',
        'root ::= (("a"*)*)*',
        'root ::= ("a" | "a" | "a"+ | "a"{1,50})*',
        "root ::= " + '"a"? ' * 2000,
        'root ::= "a"{0,4000}',
    ],
    ids=["deep", "chain", "pairs", "splits", "stars", "same", "perhaps", "counted"],
)
def test_a_hostile_grammar_takes_little_time(grammar: str) -> None:
    begun = time.monotonic()
    assert follow(grammar, 25) is not None
    assert time.monotonic() - begun < 10


def follow(grammar: str, times: int) -> Place | None:
    """Where a grammar stands after so many letters “a”."""
    place: Place | None = start(read_grammar(grammar))
    for _ in range(times):
        assert place is not None
        place = place.after(b"a", Known())
    return place


@pytest.mark.parametrize(
    "grammar",
    ['root ::= (root root) | "a"{0,200}', 'root ::= (("a"{0,900}){0,900}){0,900}'],
)
def test_readings_without_bounds_are_given_up(grammar: str) -> None:
    with pytest.raises(TooManyReadingsError):
        follow(grammar, 3000)


# ---------------------------------------------------------------------- JSON schemas


def test_a_schema_allows_its_own_texts_alone() -> None:
    grammar = schema_to_grammar(SCHEMA)
    good = {"name": "é\\", "kind": "back\\slash", "sizes": [1, -2], "more": {"a": [None, True]}}
    for text in (json.dumps(good), json.dumps(good, ensure_ascii=False)):
        assert read(grammar, text) is True
    for kind in SCHEMA["properties"]["kind"]["enum"]:  # type: ignore[index]
        assert read(grammar, json.dumps({"name": "x", "kind": kind}, ensure_ascii=False)) is True
    for bad in ({"name": "x"}, {"name": "", "kind": "store"}, {"name": "x", "kind": "other"}, []):
        assert read(grammar, json.dumps(bad)) is not True
    assert read(grammar, '{"name": "two\nlines') is None


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "https://example.org/schema.json"}, "is not within the schema"),
        ({"$ref": "#/definitions/none"}, "none"),
        ({"type": "banana"}, "banana"),
        ({"type": "string", "minLength": 10**9}, "more than 1000"),
        ({"type": "string", "pattern": "^a{1000000}$"}, "more than 1000"),
        ({"type": "string", "pattern": "a"}, "must start"),
        (
            {"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 1},
            "must be at most maxItems",
        ),
        ({"enum": [object()]}, "not JSON serializable"),
        ({"enum": ["x" * 100_000]}, "more than 65536"),
        ({"type": "object", "properties": 7}, ""),
    ],
)
def test_a_bad_schema_says_what_is_wrong(schema: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read_grammar(schema_to_grammar(schema))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_a_schema_nested_too_deeply_is_an_error() -> None:
    schema: dict[str, object] = {"type": "null"}
    for _ in range(2000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(BadInputError, match=r"nested too deeply|more than"):
        read_grammar(schema_to_grammar(schema))


# ---------------------------------------------------------------------- beside llama.cpp's own


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Iterator[Any]:
    api = load_library().api
    parameters = api.llama_model_default_params()
    parameters.vocab_only = True
    loaded = api.llama_model_load_from_file(str(tiny_model).encode(), parameters)
    yield loaded
    api.llama_model_free(loaded)


class _Native:
    """llama.cpp's grammar sampler, asked which tokens it allows."""

    def __init__(self, api: Any, vocabulary: Any, grammar: str) -> None:
        self._api = api
        self._size = api.llama_vocab_n_tokens(vocabulary)
        self._sampler = api.llama_sampler_init_grammar(vocabulary, grammar.encode(), b"root")
        assert self._sampler

    def allowed(self) -> set[int]:
        entries = (self._api.llama_token_data * self._size)()
        for token in range(self._size):
            entries[token].id = token
        array = self._api.llama_token_data_array(entries, self._size, -1, False)
        self._api.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return {entry.id for entry in entries if entry.logit == 0}

    def accept(self, token: int) -> None:
        self._api.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        self._api.llama_sampler_free(self._sampler)


def is_text(piece: bytes) -> bool:
    return bool(piece) and "\ufffd" not in piece.decode("utf-8", "replace")


@pytest.mark.parametrize(
    "grammar",
    [
        LIST,
        schema_to_grammar(SCHEMA),
        'root ::= ([A-Z] [a-z ]{3,12} (". " | "!")){1,3}',
        "root ::= [à-ÿ]+ [€😀-😂] [^\\x00-\\xFF]? .",
        'root ::= " the"* (" " word)+ "."\nword ::= [a-z] | [a-z] word',
        'root ::= "a"{2,4} ("b" | "bc"){0,2} "c"?',
    ],
    ids=["list", "schema", "sentences", "unicode", "words", "counted"],
)
def test_the_same_tokens_are_allowed_as_by_llama_cpp(model: Any, grammar: str) -> None:
    api = load_library().api
    handle = api.llama_model_get_vocab(model)
    vocabulary = Vocabulary(api, handle)
    # llama.cpp takes a control token's name for text, and lets through bytes that are not UTF-8.
    comparable = {t for t in range(vocabulary.size) if is_text(vocabulary.piece(t))}
    comparable |= {t for t in range(vocabulary.size) if vocabulary.is_end(t)}
    compared = 0
    for seed in range(4):
        chance = random.Random(seed)
        native = _Native(api, handle, grammar)
        place: Place | None = start(read_grammar(grammar))
        for _ in range(25):
            assert place is not None
            rules = Rules(vocabulary, place)
            ours = {token for token in range(vocabulary.size) if rules.allow(token)}
            theirs = native.allowed()
            assert ours <= theirs
            if not place.tail:
                assert ours & comparable == theirs & comparable
            assert ours <= set(rules.plausible().tolist())
            compared += len(ours)
            going = sorted(token for token in ours if not vocabulary.is_end(token))
            if not going:
                break
            token = chance.choice(going)
            native.accept(token)
            place = rules.after(token)
        native.close()
    assert compared > 20
