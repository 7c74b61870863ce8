"""The YAML we read and write: its 1.2 core schema, without aliases, duplicate keys or depths that crash a parser.

`on`, `yes`, dates and 12:30 stay text; only null, true, false and numbers are more than text.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportIncompatibleMethodOverride=false
# PyYAML carries few types of its own; this is the one place that touches it.

import re
from collections.abc import Hashable
from typing import Any, ClassVar

import yaml
from yaml import CSafeDumper, CSafeLoader

from mulle.errors import DocumentError

MAX_DEPTH = 100


class UnreadableDocument(DocumentError):
    """The text is neither YAML nor JSON that we can take."""

    code = "document.unreadable"
    hint = "A document is YAML or JSON as `mulle schema` describes it."


def load_yaml(text: str) -> Any:
    """Plain data of YAML text; raises UnreadableDocument with line and column."""
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, narrowed further.
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnreadableDocument(f"Not readable as YAML: {error.problem or error.context}.", at=at) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableDocument(f"Not readable as YAML: {error}.") from error


def dump_yaml(data: Any) -> str:
    """Plain data as YAML for people: long text in blocks, Korean readable, keys in their order."""
    return yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def too_deep() -> UnreadableDocument:
    return UnreadableDocument(f"The document is nested more than {MAX_DEPTH} levels deep.")


def _check_events(text: str) -> None:
    """Refuse aliases (bombs) and great depth (a crash of the C parser) before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            at = f"line {event.start_mark.line + 1}"
            raise UnreadableDocument("Aliases (`*name`) are not supported; write the value out.", at=at)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise too_deep()


class _Loader(CSafeLoader):
    """The C loader with our own idea of what is more than text."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # pyright: ignore[reportIncompatibleVariableOverride]  # As PyYAML itself does.

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key.start_mark)
            if key.value in seen:
                problem = f"the key {key.value!r} stands twice in one mapping"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return {str(key): value for key, value in super().construct_mapping(node, deep).items()}

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        text = node.value.lower()
        if text.startswith(("0x", "0o")):
            return int(text, 0)
        return float(text) if any(sign in text for sign in ".en") else int(text)


_CORE_SCHEMA = (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (
        "tag:yaml.org,2002:int",
        r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)
for _tag, _pattern, _firsts in _CORE_SCHEMA:
    _Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})$"), _firsts)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)


class _Dumper(CSafeDumper):
    """YAML for people: long text as blocks, nothing aliased."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text_node(dumper: CSafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text_node)
