"""The YAML we read and write: its 1.2 core schema, without tags, duplicate keys or depths that crash a parser.

Aliases are taken only where other people's programs wrote the text.

`on`, `yes`, dates, 12:30 and 01012345678 stay text; only null, true, false and numbers are more than text. Keys are
text as it was written.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportIncompatibleMethodOverride=false
# PyYAML carries few types of its own; this is the one place that touches it.

import re
from collections.abc import Hashable
from typing import Any, ClassVar

import yaml
from yaml import CSafeDumper, CSafeLoader
from yaml.constructor import ConstructorError

from mulle.document.plain_data import MAX_DEPTH, UnreadableDocument, too_deep

MOST_PARTS = 300_000
"""Keys and values of a text: YAML takes some 10 µs for each, and nobody writes as many by hand."""


def load_yaml(text: str, *, aliases: bool = False) -> Any:
    """Plain data of YAML text; raises UnreadableDocument with line and column.

    Args:
        text: The YAML.
        aliases: Take aliases, as programs write them for what they hold once and say twice. Written out, the text may
            still have no more parts than any other.
    """
    _check_characters(text)
    try:
        _check_events(text, aliases=aliases)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, narrowed further.
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in f"{error.problem}":  # The parser's own limit, for what it meets before an event is out.
            raise too_deep() from error
        begun = error.context_mark
        context = f"{error.context} (line {begun.line + 1}), " if begun else ""
        message = f"Not readable as YAML: {context}{error.problem}."
        raise UnreadableDocument(message, at=_at(error.problem_mark)) from error


def dump_yaml(data: Any) -> str:
    """Plain data as YAML for people: long text in blocks, Korean readable, keys in their order."""
    return yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _check_characters(text: str) -> None:
    if found := _UNPRINTABLE.search(text):
        line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
        message = f"Not readable as YAML: the character U+{ord(found[0]):04X} may not stand in it."
        hint = "Is it a text file, saved as UTF-8?"
        raise UnreadableDocument(message, at=f"line {line}, column {column}", hint=hint)


def _check_events(text: str, *, aliases: bool) -> None:
    """Refuse bombs of aliases, tags, too much and too deep (a crash of the C parser) before anything is built."""
    depth = parts = 0
    sizes: dict[str, int] = {}
    """By anchor: the parts of what it names, nothing while it is still open."""
    begun: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            if not aliases:
                message = "Aliases (`*name`) are not supported; write the value out."
                raise UnreadableDocument(message, at=_at(event.start_mark))
            if event.anchor not in sizes:
                message = f"The alias `*{event.anchor}` names nothing that stands whole before it."
                raise UnreadableDocument(message, at=_at(event.start_mark))
            parts += sizes[event.anchor]
        elif getattr(event, "tag", None) not in _PLAIN_TAGS:
            message = "Tags (`!name`) are not supported; write plain data."
            raise UnreadableDocument(message, at=_at(event.start_mark))
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = begun.pop()
            sizes |= {anchor: parts - before} if anchor else {}
        parts += 1
        if isinstance(event, yaml.CollectionStartEvent):
            begun.append((event.anchor, parts))
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            sizes[event.anchor] = 1
        if parts > MOST_PARTS:
            message = f"The document has more than {MOST_PARTS:,} keys and values."
            raise UnreadableDocument(message, hint="Write it as JSON, which reads quicker, or make it smaller.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise too_deep()


_TEXT_TAG = "tag:yaml.org,2002:str"
_PLAIN_TAGS = frozenset({None, "!", _TEXT_TAG})


def _at(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


class _Loader(CSafeLoader):
    """The C loader with our own idea of what is more than text."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # pyright: ignore[reportIncompatibleVariableOverride]  # As PyYAML itself does.

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        found: dict[Hashable, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ConstructorError(None, None, "a key must be plain text", key.start_mark)
            if key.value in found:
                problem = f"the key {key.value[:80]!r} stands twice in one mapping"
                raise ConstructorError(None, None, problem, key.start_mark)
            found[key.value] = self.construct_object(value, deep=deep)
        return found

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        text = node.value.lower()
        if len(text) > _LONGEST_NUMBER:
            raise ConstructorError(None, None, "a number is too long; put it in quotes", node.start_mark)
        if text.startswith(("0x", "0o")):
            return int(text, 0)
        if any(sign in text for sign in ".en"):
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        return int(text)


_LONGEST_NUMBER = 400

_CORE_SCHEMA = (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (
        # Unlike in the core schema a whole number has no zero in front: 01012345678 is a telephone number.
        "tag:yaml.org,2002:int",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)


class _Dumper(CSafeDumper):
    """YAML for people: long text as blocks, nothing aliased, quotes around what any YAML reads as more than text."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text_node(dumper: CSafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TEXT_TAG, text, style="|" if "\n" in text else None)


for _tag, _pattern, _firsts in _CORE_SCHEMA:
    for _side in (_Loader, _Dumper):
        _side.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})$"), _firsts)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)
_Dumper.add_representer(str, _text_node)
