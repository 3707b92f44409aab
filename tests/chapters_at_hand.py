"""Chapters as if a model had written them: plans of the library with pieces of one's own."""

from functools import lru_cache
from typing import Any

from systems import rate_limiter_plan

from chapter_offline.chapter.document import Attempt, Chapter, Pieces
from chapter_offline.chapter.plan import Depth, Plan
from chapter_offline.output.svg import render_diagrams

ALL_PARTS = tuple(range(1, 19))
HOSTILE = {
    "script": "Well <script>alert(1)</script><img src=x onerror=alert(2)> <iframe src=https://example.org></iframe>.",
    "link": "See [this](javascript:alert(3)) or <https://example.org/x.png> ![p](https://example.org/p.png).",
    "svg": "</svg></style></p></details></body><svg onload=alert(4)><style>*{display:none}</style>",
    "marks": "Left \u202eright to left\u202c and \u2066isolated\u2069 \u200f marks.",
    "long": "a" * 10_000,
    "template": "{{ 7 * 7 }} {% raw %} &lt;b&gt; &amp;#60; &#x3c;script&#x3e; <!-- --> ]]> <![CDATA[",
    "control": "A bell \x07, a null \x00, a vertical tab \x0b, half a pair \ud800 and the end \uffff.",
    "quotes": "\"'` onmouseover=alert(5) x='\">",
}


def attempts(texts: "dict[int, str]") -> dict[int, Attempt]:
    return {part: Attempt("A question?", (text,)) for part, text in texts.items()}


def pieces_for(plan: Plan, parts: tuple[int, ...], texts: "list[str]") -> Pieces:
    """These texts, one after the other, wherever a model may write."""
    n = 0

    def following() -> str:
        nonlocal n
        n += 1
        return texts[(n - 1) % len(texts)]

    sections = list(plan.sections(parts))
    return Pieces(
        attempts=attempts({part: following() for part in parts}),
        questions={section.id: following() for section in sections},
        weak={s.id: following() for section in sections for s in section.statements if s.ask},
        what_if=tuple((following(), section.id) for section in sections[:3]),
        missed={part: tuple(s.id for s in sections if s.part == part)[-2:] for part in parts},
    )


def harmless(parts: tuple[int, ...] = ALL_PARTS, depth: Depth = "quick") -> Chapter:
    """The rate limiter with plain pieces."""
    plan = rate_limiter_plan(depth)
    pieces = pieces_for(plan, parts, ["Why is it so, and not otherwise?", "It is so. Or not."])
    return Chapter(plan, "quoted", "a model", parts, pieces)


def hostile(parts: tuple[int, ...]) -> Chapter:
    """The rate limiter with pieces that try to be more than text."""
    plan = rate_limiter_plan("quick")
    pieces = pieces_for(plan, parts, list(HOSTILE.values()))
    return Chapter(plan, "quoted", 'a "model" <b>', parts, pieces)


@lru_cache(maxsize=4)
def drawings(plan_depth: Depth, parts: tuple[int, ...]) -> dict[str, str]:
    return dict(render_diagrams(rate_limiter_plan(plan_depth), parts))


def facts(outputs: "dict[str, str] | None" = None) -> dict[str, Any]:
    """A manifest."""
    return {
        "program": {"name": "chapter-offline", "version": "0.1.0"},
        "system": "Distributed rate limiter",
        "model": {"name": "a model", "sha256": "ab" * 32, "bytes": 1},
        "engine": {"llama.cpp": {"libllama.so": "cd" * 32}, "gpu_layers": 0},
        "libraries": {"numpy": "2.0"},
        "settings": {
            "voice": "quoted",
            "depth": "quick",
            "words": 15_000,
            "parts": list(ALL_PARTS),
            "window": 4096,
            "seed": 1,
        },
        "prompts": {"sha256": "ef" * 32},
        "outputs": outputs or {"chapter.md": "01" * 32},
    }
