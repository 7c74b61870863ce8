"""An expression and its value: the tree becomes a chain of small closures, once, and these look at data only.

Nothing here calls a method of a value or reads an attribute of one: a key is looked up in a dict, a place in a list.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Protocol, TypeAlias

from mulle.errors import ExpressionError, MissingReference, UnreadableExpression, WrongValue

from .functions import FUNCTIONS
from .operators import ARITHMETIC, COMPARISONS
from .syntax import read
from .tree import (
    Arithmetic,
    Call,
    Choice,
    Compare,
    ListOf,
    Literal,
    Logic,
    Name,
    Node,
    ObjectOf,
    Path,
    Reference,
    Unary,
    references,
    walk,
    written,
)
from .values import (
    bounded,
    kind,
    missing,
    nfc,
    reach,
    shape_of,
    truth,
    weigh,
)

Lookup: TypeAlias = Callable[[str], Any] | Mapping[str, Any]
"""What stands behind the first names (in NFC); a callable raises KeyError for a name that it does not know."""


@dataclass(frozen=True)
class Expression:
    """One condition or reference that has been read; two with the same text are equal."""

    text: str
    tree: Node = field(compare=False, repr=False)
    references: tuple[Reference, ...] = field(compare=False, repr=False)
    """What it needs, each once, in the order of the text."""

    def __str__(self) -> str:
        """The expression in one canonical form, which reads back as the same tree."""
        return written(self.tree)

    @cached_property
    def step(self) -> "Step":
        """The tree as a closure over the first names; made when first needed."""
        step = _step(self.tree, self.text)
        if _hands_on(self.tree):
            return step

        def weighed(roots: Roots) -> Any:
            value = step(roots)
            shape = shape_of(value)
            if shape is list or shape is dict:
                weigh(value)
            return value

        return weighed


def parse(text: str, *, at: str = "") -> Expression:
    """Read one expression; a text that was read lately is not read again.

    Raises UnreadableExpression (UnknownFunction, ExpressionTooLarge) with line and column in the text; `at` is the
    field that holds it, for the error.
    """
    try:
        return _short(text) if len(text) <= SHORT else _long(text)
    except UnreadableExpression as error:
        error.at = at
        raise


def evaluate(expression: Expression, lookup: Lookup, *, at: str = "") -> Any:
    """The value of the expression, data as it came or newly made; never changes what `lookup` gave.

    What it makes is at most 1 MB; a value that it only picks out may have any size. Raises MissingReference,
    WrongValue or ResultTooLarge, with `at` as their place, and nothing else unless the callable `lookup` does.
    """
    try:
        return expression.step(_Asked(lookup) if callable(lookup) else lookup)
    except ExpressionError as error:
        error.at = error.at or at
        raise


SHORT = 256
"""Characters of an ordinary expression or template."""


def _read(text: str) -> Expression:
    tree, nodes = read(text)
    return Expression(text, tree, references(nodes))


# A tree with its closures takes about 0.6 KB a node, up to 0.3 MB: long ones are kept in smaller number, so that texts
# written to fill the memory stay under 120 MB.
_short = lru_cache(maxsize=1024)(_read)
_long = lru_cache(maxsize=128)(_read)


class Roots(Protocol):
    """What stands behind the first names: a mapping, or a callable in its clothes."""

    def __getitem__(self, name: str, /) -> Any: ...
    def __iter__(self) -> Iterator[str]: ...


Step: TypeAlias = Callable[[Roots], Any]


class _Asked:
    """A callable as a mapping that cannot say which names it knows."""

    def __init__(self, ask: Callable[[str], Any]) -> None:
        self.ask = ask

    def __getitem__(self, name: str, /) -> Any:
        return self.ask(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())


def _step(node: Node, text: str) -> Step:
    """The closure that computes `node`; `text` is what errors quote from."""
    match node:
        case Literal(value=value):
            return lambda _roots: value
        case Name():
            return _name(node)
        case Path():
            return _path(node, text)
        case ListOf(items=items):
            steps = [_step(item, text) for item in items]
            return lambda roots: [step(roots) for step in steps]
        case ObjectOf():
            return _object(node, text)
        case Unary():
            return _unary(node, text)
        case Arithmetic():
            return _arithmetic(node, text)
        case Compare():
            return _compare(node, text)
        case Logic():
            return _logic(node, text)
        case Choice(yes=yes, test=test, no=no):
            either, when, other = _step(yes, text), _step(test, text), _step(no, text)
            return lambda roots: either(roots) if truth(when(roots)) else other(roots)
        case _:
            return _call(node, text)


def _placed(error: ExpressionError, node: Node, text: str) -> ExpressionError:
    """The same error, opening with the piece of the expression that it is about."""
    piece = " ".join(text[node.start : node.end].split())
    piece = piece if len(piece) <= 60 else f"{piece[:59]}…"
    return type(error)(f"`{piece}`: {error.text}", hint=error.advice)


def _name(node: Name) -> Step:
    name = node.name

    def run(roots: Roots) -> Any:
        try:
            return roots[name]
        except KeyError:
            known = list(roots)
            alike = next((other for other in known if nfc(other) == name), None)
            if alike is not None:
                return roots[alike]
            error = missing(name, known)
            longer = next((other for other in known if other.startswith(f"{name}-")), None)
            hint = f'An id with a dash is written nodes["{longer}"].port.' if longer else error.advice
            raise MissingReference(f"`{name}`: {error.text}", hint=hint) from None

    return run


def _path(node: Path, text: str) -> Step:
    base = _step(node.base, text)
    steps = [_step(key, text) for key in node.keys]
    # What is missing is named in the error, and errors are logged: a key made of a secret is not.
    is_secret = any(isinstance(inner, Name) and inner.name == "secret" for key in node.keys for inner, _ in walk(key))

    def follow(value: Any, keys: Iterator[Any]) -> Any:
        try:
            for key in keys:
                value = reach(value, key)
        except ExpressionError as error:
            shown = type(error)("nothing is there under a secret key.") if is_secret else error
            raise _placed(shown, node, text) from None
        return value

    if not all(isinstance(key, Literal) for key in node.keys):
        return lambda roots: follow(base(roots), iter([step(roots) for step in steps]))

    fixed = tuple(key.value for key in node.keys if isinstance(key, Literal))

    def run(roots: Roots) -> Any:
        value = start = base(roots)
        for key in fixed:
            shape = shape_of(value)
            if shape is dict and key in value:
                value = value[key]
            else:
                return follow(start, iter(fixed))
        return value

    return run


def _object(node: ObjectOf, text: str) -> Step:
    steps = [(_step(key, text), _step(value, text)) for key, value in node.pairs]

    def run(roots: Roots) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_step, value_step in steps:
            key = key_step(roots)
            if type(key) is not str:
                raise _placed(WrongValue(f"the keys of an object are text, not {kind(key)}."), node, text)
            made[nfc(key)] = value_step(roots)
        return made

    return run


def _unary(node: Unary, text: str) -> Step:
    operand = _step(node.operand, text)
    if node.sign == "not":
        return lambda roots: not truth(operand(roots))
    turn = operator.neg if node.sign == "-" else operator.pos

    def run(roots: Roots) -> Any:
        value = operand(roots)
        try:
            return turn(bounded(value))
        except ExpressionError as error:
            raise _placed(error, node, text) from None

    return run


def _arithmetic(node: Arithmetic, text: str) -> Step:
    first = _step(node.first, text)
    rest = [(ARITHMETIC[sign], _step(operand, text)) for sign, operand in node.rest]

    def run(roots: Roots) -> Any:
        value = first(roots)
        for compute, operand in rest:
            other = operand(roots)
            try:
                value = compute(value, other)
            except ExpressionError as error:
                raise _placed(error, node, text) from None
        return value

    return run


def _compare(node: Compare, text: str) -> Step:
    first = _step(node.first, text)
    rest = [(COMPARISONS[sign], _step(operand, text)) for sign, operand in node.rest]

    def run(roots: Roots) -> bool:
        left = first(roots)
        for holds, operand in rest:
            right = operand(roots)
            try:
                if not holds(left, right):
                    return False
            except ExpressionError as error:
                raise _placed(error, node, text) from None
            left = right
        return True

    return run


def _logic(node: Logic, text: str) -> Step:
    *steps, last = (_step(part, text) for part in node.parts)
    stops = node.word == "or"

    def run(roots: Roots) -> Any:
        for step in steps:
            value = step(roots)
            if truth(value) is stops:
                return value
        return last(roots)

    return run


def _call(node: Call, text: str) -> Step:
    function = FUNCTIONS[node.function]
    steps = [_step(argument, text) for argument in node.arguments]
    if node.function == "default":
        return _default(*steps)

    def run(roots: Roots) -> Any:
        arguments = [step(roots) for step in steps]
        try:
            return function(*arguments)
        except ExpressionError as error:
            raise _placed(error, node, text) from None

    return run


def _default(value_step: Step, other_step: Step) -> Step:
    """`default(value, other)`: what is missing counts as null, and `other` is only computed when needed."""

    def run(roots: Roots) -> Any:
        try:
            value = value_step(roots)
        except MissingReference:
            value = None
        return other_step(roots) if value is None else value

    return run


def _hands_on(node: Node) -> bool:
    """Whether the value was there before, or is a plain one, so that its size is not the expression's doing."""
    match node:
        case Name() | Literal() | Unary() | Compare() | ListOf(items=()) | ObjectOf(pairs=()):
            return True
        case Path(base=base):
            return _hands_on(base)
        case Choice(yes=yes, no=no):
            return _hands_on(yes) and _hands_on(no)
        case Logic(parts=parts):
            return all(map(_hands_on, parts))
        case Call(function="default" | "first" | "last", arguments=arguments):
            return all(map(_hands_on, arguments))
        case _:
            return False
