"""The library and the default system's plan, made as this is imported: by a server, before it forks."""

import llama_cpp  # noqa: F401 - so that a fork needn't
from systems import library, rate_limiter_plan

from chapter_offline import workflow  # noqa: F401
from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.library import Library

LIBRARY = library()
PLAN = rate_limiter_plan()


def plan(known: Library, brief: Brief, depth: str, words: int | None) -> Plan:
    """What `make_plan` makes; the plan at hand, where it is that."""
    if known is LIBRARY and brief == PLAN.brief and (depth, words) == (PLAN.depth, None):
        return PLAN
    return make_plan(known, brief, depth, words)  # type: ignore[arg-type]
