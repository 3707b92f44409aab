"""A chat template is a stranger's code: it reaches nothing, makes nothing long, and ends."""

import time
import tracemalloc

import pytest

from chapter_offline.engine.interface import Message
from chapter_offline.engine.template import ChatTemplate
from chapter_offline.errors import BadInputError

TALK = (Message("system", "Be short."), Message("user", "What is a queue?"))


def rendered(template: str) -> str:
    pieces = ChatTemplate(template, {"bos_token": "<s>"}, "m.gguf").render(TALK)
    return "".join(piece.text for piece in pieces)


def test_what_published_templates_do_is_allowed() -> None:
    source = (
        "{{- bos_token ~ strftime_now('%Y') }}{% set ns = namespace(n=0, s='') %}"
        "{% for m in messages if m.content is string %}{% set ns.n = ns.n + 1 %}"
        "{% set ns.s = ns.s + m['role'].replace('user', 'U').upper() %}"
        "{{ [m['role'], ns.n] | join(':') }}{{ m | tojson(indent=2) | indent(2) }}{% endfor %}"
        "{{ ns.s | replace('SYSTEM', 'S') }}{{ ['a'] + ['b'] }}{{ '-' * 3 }}{{ messages | length }}"
    )
    text = rendered(source)
    assert text.startswith("<s>2025system:1{")
    assert text.endswith("SU['a', 'b']---2")


BOMBS = {
    "adding": "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "joining with ~": "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "replacing": "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s | replace('x', 'xxxxxxxx') %}{% endfor %}",
    "replacing by method": "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s.replace('x', 'xxxxxxxx') %}{% endfor %}",
    "joining a list": "{% set s = 'x' * 60000 %}{{ ([s] * 60000) | join }}",
    "joining by method": "{% set s = 'x' * 60000 %}{{ s.join([s] * 60000) }}",
    "a list as text": "{% set s = 'x' * 60000 %}{{ ([s] * 60000) | string }}",
    "a list written": "{% set s = 'x' * 60000 %}{{ [s] * 60000 }}",
    "a list as JSON": "{% set s = 'x' * 60000 %}{{ ([s] * 60000) | tojson }}",
    "lists in lists": "{% set ns = namespace(l=['x']) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
    "a wide indent": "{{ ('a\\n' * 30000) | indent(10 ** 9) }}",
    "a format": "{{ '%1000000000d' | format(1) }}",
    "a width": "{{ 'a'.ljust(10 ** 12) }}",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_nothing_grows_without_bound(bomb: str) -> None:
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(BadInputError, match="its chat template can't be used"):
        rendered(BOMBS[bomb] + "{{ messages }}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000
    assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    "loop",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% set x = range(99999) | list %}{% endfor %}",
        "{% macro f(n) %}{{ f(n + 1) ~ f(n + 1) if n < 40 else '' }}{% endmacro %}{{ f(0) }}",
    ],
)
def test_a_template_that_does_not_end_is_ended(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chapter_offline.engine.template.TEMPLATE_SECONDS", 0.3)
    begun = time.process_time()
    with pytest.raises(BadInputError, match="takes longer than"):
        rendered(loop)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "reach",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.__class__.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{{ raise_exception.__globals__ }}",
        "{{ strftime_now.__globals__['time'] }}",
        "{{ self.__init__.__globals__ }}",
        "{% set x = messages.append(1) %}",
    ],
)
def test_a_template_reaches_nothing(reach: str) -> None:
    with pytest.raises(BadInputError):
        rendered(reach)
