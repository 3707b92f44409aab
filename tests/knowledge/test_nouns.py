"""Nouns with their forms."""

import pytest

from chapter_offline.knowledge.nouns import Noun, counted


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("distributed rate limiter", "a distributed rate limiter"),
        ("live sports score notifications", "a live sports score notifications service"),
        ("blood donation appointment booking", "a blood donation appointment booking service"),
        ("email marketing for small shops", "an email marketing service for small shops"),
        ("firmware update rollout for two million devices", None),
        ("parking garage availability service", None),
        ("distributed file system", None),
        ("waiting list of kindergartens", None),
        ("access", None),
        ("analysis of logs", "an analysis of logs"),
        ("status bus", None),
    ],
)
def test_a_system_is_called_by_something_that_there_is_one_of(name: str, said: str | None) -> None:
    assert counted(name) == (name if said is None else said.partition(" ")[2])
    assert said is None or Noun(counted(name)).a == said
