"""A JSON schema as a grammar, by llama-cpp-python's converter, within bounds.

The grammar holds what JSON's form can say: types, names, enumerations, lengths, patterns. It does
not hold `minimum` and `maximum`, and a pattern with a class such as [^a] may let a quote through.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from chapter_offline.errors import BadInputError

_MOST_TEXT = 64 * 1024  # characters of JSON
_MOST_REPEATS = 1000
# The converter's own rules for these allow raw line ends and quotes, which JSON does not.
_MENDED = {
    "char": r'[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})',
    "dot": r'[^"\\\x7F\x00-\x1F]',
}
_REPEATS = ("minLength", "maxLength", "minItems", "maxItems")


def schema_to_grammar(schema: Mapping[str, object]) -> str:
    """GBNF of the JSON texts that a schema allows; a BadInputError says why there is none."""
    try:
        text = json.dumps(schema)
        if len(text) > _MOST_TEXT:
            raise ValueError(f"it has {len(text)} characters, more than {_MOST_TEXT}")
        copy = json.loads(text)
        _check(copy)
        converter = _converter()
        copy = converter.resolve_refs(copy, "schema")
        converter.visit(copy, "")
        converter._rules.update((n, _MENDED[n]) for n in _MENDED if n in converter._rules)
        return str(converter.format_grammar())
    except RecursionError:
        reason = "it is nested too deeply"
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200] or "it is not understood"
    raise BadInputError(f"A JSON schema that can't be used: {reason}.\nMend the schema.")


def _check(schema: Any) -> None:
    """Refuses what would have the converter fetch a page or write a text without bounds."""
    todo = [schema]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        if not isinstance(node, dict):
            continue
        todo += node.values()
        reference = node.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#/"):
            raise ValueError(f"$ref “{reference}” is not within the schema")
        counts = [node.get(name) for name in _REPEATS]
        if isinstance(node.get("pattern"), str):
            counts += map(int, re.findall(r"[{,]\s*(\d+)", node["pattern"]))
        if any(isinstance(count, int | float) and count > _MOST_REPEATS for count in counts):
            raise ValueError(f"a repetition of more than {_MOST_REPEATS}")
        for least, most in (("minLength", "maxLength"), ("minItems", "maxItems")):
            if most in node and node.get(least, 0) > node[most]:
                raise ValueError(f"{least} must be at most {most}, not {node[least]}")


def _converter() -> Any:
    from llama_cpp.llama_grammar import SchemaConverter

    class Converter(SchemaConverter):  # type: ignore[misc]
        """With names and values written as they are: its own way loses their backslashes."""

        def _format_literal(self, literal: str) -> str:
            value = json.dumps(json.loads(literal), ensure_ascii=False)
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return Converter(prop_order={}, allow_fetch=False, dotall=False, raw_pattern=False)
