"""What an expression is once it has been read: a tree of small nodes, the references in it, and its text again.

Nodes of one rank are kept flat (`a + b - c` is one `Arithmetic`), so a long sum is not a deep tree.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .tokens import is_name

RESERVED_ROOTS = frozenset({"env", "conversation", "sys", "secret", "item", "index", "state", "nodes"})
"""First names that are not node ids. A node with such an id is written `nodes["env"]`."""

WORDS = frozenset({"and", "or", "not", "in", "if", "else", "null", "true", "false"})
"""Names with a meaning of their own; as keys (`order.in`) they are ordinary."""

TERNARY, OR, AND, NOT, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(1, 10)
"""Ranks: the higher one binds tighter, as in Python."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One thing an expression needs: where it begins and the constant keys after it."""

    root: str
    """A node id, or one of `RESERVED_ROOTS`."""
    path: tuple[str | int, ...] = ()
    """Keys (in NFC) and indices as far as they are written out; `order[item.id].name` has none."""

    @property
    def node(self) -> str | None:
        """The node referred to; None for `env`, `item`, … and for a computed `nodes[…]`."""
        if self.root == "nodes":
            return self.path[0] if self.path and isinstance(self.path[0], str) else None
        return None if self.root in RESERVED_ROOTS else self.root

    @property
    def port(self) -> str | None:
        """The port of that node; None where the node's whole output is meant, and where `node` is None."""
        keys = self.path[1:] if self.root == "nodes" else self.path
        return keys[0] if self.node is not None and keys and isinstance(keys[0], str) else None

    def __str__(self) -> str:
        return self.root + "".join(_step(key) for key in self.path)


@dataclass(frozen=True, slots=True)
class _Spanned:
    start: int = field(compare=False, repr=False)
    end: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal(_Spanned):
    """A constant: text, number, true, false or null."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(_Spanned):
    """The first name of a reference."""

    name: str


@dataclass(frozen=True, slots=True)
class Path(_Spanned):
    """`base.key[key]…`; a `.key` is a Literal."""

    base: "Node"
    keys: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class ListOf(_Spanned):
    """`[a, b]`."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class ObjectOf(_Spanned):
    """`{key: value}`."""

    pairs: "tuple[tuple[Node, Node], ...]"


@dataclass(frozen=True, slots=True)
class Unary(_Spanned):
    """`not a`, `-a` or `+a`."""

    sign: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic(_Spanned):
    """`a + b - c` or `a * b // c`, from left to right."""

    first: "Node"
    rest: "tuple[tuple[str, Node], ...]"


@dataclass(frozen=True, slots=True)
class Compare(_Spanned):
    """`a < b <= c`: every neighbouring pair holds."""

    first: "Node"
    rest: "tuple[tuple[str, Node], ...]"


@dataclass(frozen=True, slots=True)
class Logic(_Spanned):
    """`a and b and c`, or the same with `or`."""

    word: str
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Choice(_Spanned):
    """`yes if test else no`."""

    yes: "Node"
    test: "Node"
    no: "Node"


@dataclass(frozen=True, slots=True)
class Call(_Spanned):
    """`function(a, b)`."""

    function: str
    arguments: "tuple[Node, ...]"


Node: TypeAlias = Literal | Name | Path | ListOf | ObjectOf | Unary | Arithmetic | Compare | Logic | Choice | Call


def walk(tree: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth (the root has 1), in the order of the text."""
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack.extend((child, depth + 1) for child in reversed(children(node)))


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below, in the order of the text."""
    match node:
        case Literal() | Name():
            return ()
        case Path(base=base, keys=keys):
            return (base, *keys)
        case ListOf(items=items):
            return items
        case ObjectOf(pairs=pairs):
            return tuple(child for pair in pairs for child in pair)
        case Unary(operand=operand):
            return (operand,)
        case Arithmetic(first=first, rest=rest) | Compare(first=first, rest=rest):
            return (first, *(operand for _, operand in rest))
        case Logic(parts=parts):
            return parts
        case Choice(yes=yes, test=test, no=no):
            return (yes, test, no)
        case _:
            return node.arguments


def references(nodes: Iterable[Node]) -> tuple[Reference, ...]:
    """What the nodes of one walked tree refer to, each once, in the order of the text."""
    found: dict[Reference, None] = {}
    bases: set[int] = set()
    for node in nodes:
        if isinstance(node, Path) and isinstance(node.base, Name):
            bases.add(id(node.base))
            found[Reference(node.base.name, _constant_keys(node.keys))] = None
        elif isinstance(node, Name) and id(node) not in bases:
            found[Reference(node.name)] = None
    return tuple(found)


def written(node: Node) -> str:
    """The tree as text that reads back as the same tree, with no more brackets than it needs."""
    match node:
        case Literal(value=value):
            return _constant(value)
        case Name(name=name):
            return name
        case Path(base=base, keys=keys):
            return _within(base, ATOM) + "".join(
                _step(key.value) if isinstance(key, Literal) else f"[{written(key)}]" for key in keys
            )
        case ListOf(items=items):
            return f"[{', '.join(map(written, items))}]"
        case ObjectOf(pairs=pairs):
            return "{" + ", ".join(f"{written(key)}: {written(value)}" for key, value in pairs) + "}"
        case Unary(sign=sign, operand=operand):
            return f"not {_within(operand, NOT)}" if sign == "not" else sign + _within(operand, UNARY)
        case Arithmetic(first=first, rest=rest) | Compare(first=first, rest=rest):
            tighter = _rank(node) + 1
            return _within(first, tighter) + "".join(f" {sign} {_within(operand, tighter)}" for sign, operand in rest)
        case Logic(word=word, parts=parts):
            return f" {word} ".join(_within(part, _rank(node) + 1) for part in parts)
        case Choice(yes=yes, test=test, no=no):
            return f"{_within(yes, OR)} if {_within(test, OR)} else {written(no)}"
        case _:
            return f"{node.function}({', '.join(map(written, node.arguments))})"


def _within(node: Node, rank: int) -> str:
    return written(node) if _rank(node) >= rank else f"({written(node)})"


def _rank(node: Node) -> int:
    match node:
        case Choice():
            return TERNARY
        case Logic(word=word):
            return OR if word == "or" else AND
        case Compare():
            return COMPARE
        case Arithmetic(rest=rest):
            return SUM if rest[0][0] in {"+", "-"} else PRODUCT
        case Unary(sign=sign):
            return NOT if sign == "not" else UNARY
        case Literal(value=int() | float() as value) if value is not True and value is not False:
            return UNARY  # A minus may stand before it, and `1.a` would not be a path.
        case _:
            return ATOM


def _constant_keys(keys: tuple[Node, ...]) -> tuple[str | int, ...]:
    constant: list[str | int] = []
    for key in keys:
        if not isinstance(key, Literal) or type(key.value) not in {str, int}:
            break
        constant.append(key.value)
    return tuple(constant)


def _step(key: Any) -> str:
    """`.key` where that reads back, else `["key"]` or `[0]`."""
    return f".{key}" if isinstance(key, str) and is_name(key) else f"[{_constant(key)}]"


def _constant(value: Any) -> str:
    # Text that is not in NFC can only have come from escapes, and only escapes bring it back.
    escaped = isinstance(value, str) and not unicodedata.is_normalized("NFC", value)
    return json.dumps(value, ensure_ascii=escaped)
