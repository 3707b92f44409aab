"""Every number of a page stands in its appendix of figures: read from the page alone."""

import pytest
from systems import library

from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.plan import make_plan
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.output.numbers import unexplained
from chapter_offline.review.samples import sample_briefs

pytestmark = pytest.mark.whole

APPENDIX = """
## Appendix A: Figures

| Figure | Value | From |
| --- | --- | --- |
| Peak | 62,400/s | 20,800/s × 3 |
| Users | 5 million | assumed |
| Wait | 1.5 s | chosen |

## Appendix B: Terms

- **P95.** 17 terms.
"""


def of(*lines: str) -> list[str]:
    return [found.number for found in unexplained("\n\n".join(lines) + "\n" + APPENDIX)]


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("It takes 62,400/s, 62,400 requests/s of 5 million users in 1.5 s.", []),
        ("In V2, P95 and HTTP 429 of Part 7 are names.", []),
        ("It comes back in Parts 5, 8 and 9.", []),
        ("In Parts 5 and 8, 90 ms later.", ["90 ms"]),
        ("As Part 9, 250 ms is the limit.", ["250 ms"]),
        ("Then Part 3 and 4,711 requests.", ["4,711"]),
        ("20,800/s × 3 = 62,400/s", []),
        ("It comes to 3 ÷ 1.5 s ≈ 2.7, rounded up to 3.", []),
        ("*How to read this chapter.* An attempt at it by the model llama-3.2-1b-135m.", []),
        ("It takes 62,401/s.", ["62,401/s"]),
        ("It waits 1.5 ms, or 62,400 s.", ["1.5 ms", "62,400 s"]),
        ("There are 5 billion users, 17 of them here.", ["5 billion", "17"]),
        ("It costs $5 million.", ["$5 million"]),
        ("> The model says 44.", []),
        ("*Check yourself:* Why 44?", []),
        ("Asked by the model; see:\n\n- What if 44 came?\n\nThen 45 did.", ["45"]),
        ("```mermaid\na[44]\n```\n\n46 came.", ["46"]),
        ("```text\nwaits 1.5 s\nwaits 45 s\n```", ["45 s"]),
    ],
)
def test_numbers_that_the_appendix_lacks_are_found(line: str, numbers: list[str]) -> None:
    assert of(line) == numbers


def test_small_counts_may_be_let_pass() -> None:
    page = "It asks 7 clocks for 7 s, or 17 of them.\n" + APPENDIX
    assert [(f.line, f.number) for f in unexplained(page, small=10)] == [(1, "7 s"), (1, "17")]


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("room for 41,600 times as much", []),
        ("room for 41,500 times as much", ["41,500"]),
        ("passed 41,600 times over", ["41,600"]),
    ],
)
def test_a_distance_is_reckoned_again(cell: str, numbers: list[str]) -> None:
    assert of(f"| **Wait** | wait: 1.5 s | 62,400 s | {cell} | so |") == ["62,400 s", *numbers]


@pytest.mark.parametrize("name", sample_briefs(library()))
@pytest.mark.parametrize("depth", ["quick", "deep"])
def test_no_number_of_a_chapter_is_without_a_derivation(name: str, depth: str) -> None:
    plan = make_plan(library(), sample_briefs(library())[name], depth)  # type: ignore[arg-type]
    parts = tuple(range(1, 19))
    page = chapter_markdown(Chapter(plan, "quoted", "a model", parts, Pieces()))
    assert unexplained(page) == []
    claim = next(s for s in plan.parts[2].sections if s.statements)
    said = claim.statements[0].text
    assert [
        found.number for found in unexplained(page.replace(said, f"{said} In 7,777 cases."))
    ] == ["7,777"]
