"""Guards: what each lets pass, and what it refuses with which reason."""

from collections.abc import Sequence

import pytest
from systems import PROMPTS

from chapter_offline.errors import BadInputError
from chapter_offline.writing import guards
from chapter_offline.writing.guards.chat import chat
from chapter_offline.writing.guards.complete import complete
from chapter_offline.writing.guards.markup import markup
from chapter_offline.writing.guards.repeats import repeats

GOOD = "The store refuses a second write with the same key, so a retry changes nothing."
VENDORS = guards.vendors(guards.vendor_names(PROMPTS))


def first_reason(checks: Sequence[guards.Guard], sentence: str) -> str | None:
    return next((reason for check in checks if (reason := check(sentence, ()))), None)


@pytest.mark.parametrize(
    "sentence",
    [
        GOOD,
        "Does the store answer twice?",
        "A write takes 8 ms (two messages and one round trip).",
        'It says "full" and waits.',
        "10 machines are enough for that.",
        "HTTP 429 means that the caller should wait.",
        "A naïve client asks again at once.",
    ],
)
def test_a_plain_sentence_passes_all_guards_that_are_always_on(sentence: str) -> None:
    assert first_reason(guards.ALWAYS, sentence) is None


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("The store refuses a second write with the same", "no end"),
        ("", "no end"),
        ("and the store refuses a second write.", "no beginning"),
        ("It is so.", "length"),
        ("It " + "waits and " * 40 + "ends.", "length"),
        ("The store (which is slow refuses it.", "unbalanced"),
        ('The store says "no and closes.', "unbalanced"),
        ("Хранилище отвечает медленно всем клиентам.", "script"),
        ("The хранилище отвечает медленно всем клиентам.", "script"),
        ("1 2 3 4 5.", "script"),
    ],
)
def test_what_is_no_whole_sentence_is_refused(sentence: str, reason: str) -> None:
    assert complete(sentence, ()) == reason


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Sure, here is a section about clocks.", "chat"),
        ("Here are the three reasons for it.", "chat"),
        ("As an AI, I know no clocks.", "chat"),
        ("In conclusion, the store is slow.", "chat"),
        ("This section explains how clocks drift.", "chat"),
        ("Let's look at the store first.", "chat"),
        ("The statement says that clocks drift.", "prompt leak"),
        ("A good exam question asks about clocks.", "prompt leak"),
        ("What does the given text say of clocks?", "prompt leak"),
        (GOOD, None),
        ("Surely the clock drifts.", None),
        ("Overallocation fills the disk.", None),
    ],
)
def test_chat_is_refused(sentence: str, reason: str | None) -> None:
    assert chat(sentence, ()) == reason


@pytest.mark.parametrize(
    "sentence",
    [
        "# The store is slow.",
        "The **store** is slow.",
        "- The store is slow.",
        "1. The store is slow.",
        "2) The store is slow.",
        "The store calls `get` first.",
        "The store calls get() first.",
        "The max_tokens setting is slow.",
        "See https://example.com for the store.",
        "The <b>store</b> is slow.",
        "The store | the cache is slow.",
        "The store is\nslow.",
        "The {{ store }} is slow.",
        "The cost is $$n^2$$ in the store.",
    ],
)
def test_markup_is_refused(sentence: str) -> None:
    assert markup(sentence, ()) == "markup"


@pytest.mark.parametrize("sentence", [GOOD, "It costs $150 a month.", "A key-value store - slow."])
def test_plain_signs_are_no_markup(sentence: str) -> None:
    assert markup(sentence, ()) is None


def test_what_was_said_before_in_other_words_around_it_is_refused() -> None:
    again = "So the store refuses a second write with the same key, and a retry changes nothing."
    assert repeats(again, [GOOD]) == "said before"
    assert repeats("The cache is asked first, because it is near.", [GOOD]) is None


def test_a_sentence_that_goes_round_in_circles_is_refused() -> None:
    loop = "The store is slow and " * 4 + "the store is slow."
    assert repeats(loop, ()) == "loop"
    assert repeats(GOOD, ()) is None


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Why does a retry change nothing?", "Why does a retry change nothing here?", True),
        ("Why does a retry change nothing?", "Why is the cache asked first?", False),
        ("Why?", "Why?", False),
        ("", "", False),
    ],
)
def test_likeness_is_told_by_phrases(one: str, other: str, alike: bool) -> None:
    assert guards.alike(one, other) is alike
    assert guards.alike(other, one) is alike


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("The peak is 62,400/s in all.", None),
        ("At 62,400, the store is full.", None),
        ("A write takes 8 ms, a read 2.5 ms.", None),
        ("The P95 is 8 ms, and HTTP 429 says so.", None),
        ("It is there 24/7, in layer L7.", None),
        ("Ten tries, or 3, or 10, are enough.", None),
        ("The peak is 62,500/s in all.", "unknown figure"),
        ("It takes 50 ms.", "unknown figure"),
        ("It takes 8.5 ms.", "unknown figure"),
        ("There are 1,000,000 users.", "unknown figure"),
        ("In 2019 it failed.", "unknown figure"),
    ],
)
def test_only_figures_of_the_chapter_pass(sentence: str, reason: str | None) -> None:
    guard = guards.numbers(["peak: 62,400/s", "write: 8 ms", "read: 2.5 ms, or so"])
    assert guard(sentence, ()) == reason


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Why does a retry with the same key change nothing?", None),
        ("Under which load does the queue grow without end?", None),
        ("The store refuses a second write?", "no question"),
        ("Why does a retry change nothing.", "no question"),
        ("Why is it so? How is it done?", "no question"),
        ("Whatever could be the reason for that?", "no question"),
        ("Why is it so?", "length"),
        ("Why " + "really " * 30 + "so?", "length"),
        ("Why are 3 tries enough for every client?", "figure in a question"),
        ("What is the main idea of the text above?", "empty question"),
        ("What are the benefits of a second store?", "empty question"),
        ("Why is it important to have a second store?", "empty question"),
    ],
)
def test_a_question_can_be_asked(sentence: str, reason: str | None) -> None:
    assert guards.question(sentence, ()) == reason


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("What if a process is frozen for longer than its lease?", None),
        ("What would happen if a process is frozen?", "no question"),
        ("What if a process is frozen. Then?", None),
        ("What if it fails? What if it does not?", "no question"),
        ("What if it fails?", "length"),
    ],
)
def test_a_what_if_changes_one_thing(sentence: str, reason: str | None) -> None:
    assert guards.what_if(sentence, ()) == reason


def test_a_sentence_shares_a_word_with_its_section() -> None:
    guard = guards.subject("Clock assumptions", "Leases and their expiry in the counter store")
    assert guard("A lease is over at some time.", ()) is None
    assert guard("Two stores may disagree.", ()) is None
    assert guard("Bananas are yellow and sweet.", ()) == "off the subject"
    assert guard("It is important for the system to make use of it.", ()) == "off the subject"


def test_a_grounded_sentence_brings_nothing_in() -> None:
    guard = guards.grounded("A lease lasts longer than any pause that was seen.")
    assert guard("Why does a lease last longer than pauses?", ()) is None
    assert guard("How do blockchains and lasers help a lease?", ()) == "brings in something else"


STATEMENT = (
    "A cache hides the store's loss: after a restart it is empty, and all reads go to the store. "
    "No lock is taken for that. Should the store refuse them? It would rather be slow."
)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Why does a cache hide the loss of the store?", None),
        ("Why do all reads go to the store after a restart?", None),
        ("Why is no lock taken for that?", None),
        ("Why does a cache hide how vectors are hashed?", "brings in something else"),
        ("Why?", "brings in something else"),
        ("Why is it empty after a restart?", "does not name its subject"),
        ("Why doesn't this hide the store's loss?", "does not name its subject"),
        ("Why should the store refuse?", "asked by the statement itself"),
        ("Why does a cache not hide the store's loss?", "denies what the statement says"),
        ("Why is a lock taken?", "says what the statement denies"),
    ],
)
def test_a_question_takes_nothing_for_granted_that_the_statement_does_not_say(
    sentence: str, reason: str | None
) -> None:
    assert guards.answered(STATEMENT)(sentence, ()) == reason


@pytest.mark.parametrize(
    "sentence",
    [
        "Use Kafka for the stream.",
        "The stream (Kafka) is slow.",
        "Amazon's store is slow.",
        "MEMCACHE is fast.",
        "Pub/Sub carries it.",
        "It runs on SQL Server.",
    ],
)
def test_a_vendors_name_is_refused(sentence: str) -> None:
    assert VENDORS(sentence, ()) == "vendor"


@pytest.mark.parametrize(
    "sentence",
    [
        GOOD,
        "The sentry stands at the oracle's door.",
        "A snowflake has a chubby lambda.",
        "An amazonian store is slow.",
        "The kafkaesque stream is slow.",
        "A pre-Kafka stream is slow.",
    ],
)
def test_plain_words_are_no_vendors(sentence: str) -> None:
    assert VENDORS(sentence, ()) is None


def test_an_empty_list_of_vendors_refuses_nothing() -> None:
    assert guards.vendors([])("Use Kafka for the stream.", ()) is None


def test_a_missing_list_of_vendors_is_named(tmp_path) -> None:
    with pytest.raises(BadInputError, match=r"vendors\.txt: No such file"):
        guards.vendor_names(tmp_path)


def test_lines_that_explain_the_list_are_no_vendors(tmp_path) -> None:
    (tmp_path / "vendors.txt").write_text("# names\n\nKafka \nmemcache\n")
    assert guards.vendor_names(tmp_path) == ("Kafka", "memcache")
