"""Read tokens into a tree, and refuse what the grammar does not know. Knows no values.

expression = either [ "if" either "else" expression ]
either     = both { "or" both }              both    = no { "and" no }
no         = "not" no | pair                 pair    = sum { comparison sum }
comparison = == != < > <= >= in, not in
sum        = product { + - product }         product = sign { * / // % sign }
sign       = + - sign | path                 path    = atom { "." name | "[" expression "]" }
atom       = number | text | null true false | name | function "(" … ")" | "(" expression ")"
           | "[" … "]" | "{" expression ":" expression … "}"
"""

import unicodedata
from difflib import get_close_matches

from mulle.errors import ExpressionTooLarge, UnknownFunction, UnreadableExpression

from .functions import FUNCTIONS
from .tokens import Token, readable, tokenise, unreadable
from .tree import (
    AND,
    COMPARE,
    NOT,
    OR,
    PRODUCT,
    SUM,
    UNARY,
    WORDS,
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
    Unary,
    walk,
)

MAX_NODES = 500
MAX_DEPTH = 50


def read(text: str) -> tuple[Node, list[Node]]:
    """The tree of `text` and all its nodes in the order of the text.

    Raises UnreadableExpression where the grammar is broken, UnknownFunction for a call of something that does
    not exist, ExpressionTooLarge beyond 4 KB of text, `MAX_NODES` nodes or `MAX_DEPTH` levels.
    """
    text = readable(text)
    tree = _Reader(text).whole()
    nodes: list[Node] = []
    for node, depth in walk(tree):
        nodes.append(node)
        if depth > MAX_DEPTH:
            raise _too_deep(text, node.start)
        if len(nodes) > MAX_NODES:
            raise unreadable(f"an expression has at most {MAX_NODES} parts.", text, node.start, kind=ExpressionTooLarge)
    return tree, nodes


_RANKS = {
    "or": OR,
    "and": AND,
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">=", "in", "not in"), COMPARE),
    **dict.fromkeys("+-", SUM),
    **dict.fromkeys(("*", "/", "//", "%"), PRODUCT),
}

_CONSTANTS = {"null": None, "true": True, "false": False}

_FOREIGN_WORDS = {
    "True": "Write `true`.",
    "False": "Write `false`.",
    "None": "Write `null`.",
    "undefined": "Write `null`.",
    "nil": "Write `null`.",
    "is": "Write `==`.",
    "AND": "Write `and`.",
    "OR": "Write `or`.",
    "NOT": "Write `not`.",
    "lambda": "For every item of a list, use a map or transform step.",
    "for": "For every item of a list, use a map or transform step.",
}


class _Reader:
    """One reading of one text, left to right, by rank of the operators (Pratt 1973)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenise(text)
        self.place = 0
        self.depth = 0

    def whole(self) -> Node:
        if self.here.kind == "end":
            raise unreadable(
                "the expression is empty.", self.text, 0, "Write a value or a reference such as node.port."
            )
        tree = self.expression()
        if self.here.kind != "end":
            raise self.unexpected("the expression should end here or go on with an operator")
        return tree

    @property
    def here(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def accept(self, text: str) -> bool:
        """Take the sign or word if it stands here."""
        token = self.tokens[self.place]
        if token.text == text and token.kind in {"sign", "name"}:
            self.place += 1
            return True
        return False

    def expect(self, text: str, opened: Token, hint: str = "") -> None:
        """Take the sign or word that goes on with what `opened` began."""
        if not self.accept(text):
            raise self.unexpected(f"`{text}` should stand here, to go with `{opened.text}`", hint)

    def expression(self) -> Node:
        yes = self.operators(OR)
        opened = self.here
        if not self.accept("if"):
            return yes
        test = self.operators(OR)
        self.expect("else", opened)
        no = self.expression()
        return Choice(yes.start, no.end, yes, test, no)

    def operators(self, floor: int) -> Node:
        """An operand and everything behind it that binds at least as tight as `floor`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(self.text, self.here.start)
        left = self.prefixed(floor)
        while (rank := _RANKS.get(self.operator(), 0)) >= floor:
            rest: list[tuple[str, Node]] = []
            while _RANKS.get(sign := self.operator()) == rank:
                self.place += 2 if sign == "not in" else 1
                rest.append((sign, self.operators(rank + 1)))
            left = _joined(rank, left, rest)
        self.depth -= 1
        return left

    def operator(self) -> str:
        """The operator that stands here, or text that is none."""
        token = self.here
        if token.kind == "sign":
            return token.text
        if token.kind != "name":
            return ""
        if token.text == "not" and self.tokens[self.place + 1].text == "in":
            return "not in"
        return token.text

    def prefixed(self, floor: int) -> Node:
        token = self.here
        if token.kind == "name" and token.text == "not":
            if floor > NOT:
                raise self.unexpected("a value should stand here", "Put `not …` in brackets.")
            self.place += 1
            operand = self.operators(NOT)
            return Unary(token.start, operand.end, "not", operand)
        if token.kind == "sign" and token.text in {"-", "+"}:
            self.place += 1
            operand = self.operators(UNARY)
            if token.text == "-" and isinstance(operand, Literal) and type(operand.value) in {int, float}:
                return Literal(token.start, operand.end, -operand.value)
            return Unary(token.start, operand.end, token.text, operand)
        return self.path()

    def path(self) -> Node:
        base = self.atom()
        keys: list[Node] = []
        while True:
            opened = self.here
            if self.accept("."):
                if self.here.kind != "name":
                    raise self.unexpected("a name should stand after the point", "An index is written list[0].")
                token = self.take()
                keys.append(Literal(token.start, token.end, token.text))
            elif self.accept("["):
                key = self.expression()
                self.expect("]", opened)
                keys.append(_in_nfc(key))
            elif keys and opened.kind == "sign" and opened.text == "(":
                raise self.unexpected(
                    "only listed functions can be called", "A function stands in front: `upper(x)`, not `x.upper()`."
                )
            else:
                break
        if not keys:
            return base
        if isinstance(base, Path):
            base, keys = base.base, [*base.keys, *keys]
        return Path(base.start, self.tokens[self.place - 1].end, base, tuple(keys))

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "text":
            return Literal(token.start, token.end, token.value)
        if token.kind == "number":
            if self.here.text == "." and self.here.start == token.end:
                raise self.unexpected(
                    "a number has no keys", f'A node with this id is written nodes["{token.text}"].port.'
                )
            return Literal(token.start, token.end, token.value)
        if token.kind == "name":
            return self.named(token)
        if token.text == "(":
            inner = self.expression()
            self.expect(")", token)
            return inner
        if token.text == "[":
            items = self.listed("]", token)
            return ListOf(token.start, self.tokens[self.place - 1].end, items)
        if token.text == "{":
            return self.object(token)
        self.place -= 1
        raise self.unexpected("a value should stand here")

    def named(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Literal(token.start, token.end, _CONSTANTS[token.text])
        if token.text in WORDS:
            self.place -= 1
            raise self.unexpected("a value should stand here")
        if token.text in _FOREIGN_WORDS:
            self.place -= 1
            raise self.unexpected("a value should stand here", _FOREIGN_WORDS[token.text])
        if self.here.kind == "sign" and self.here.text == "(":
            return self.call(token)
        return Name(token.start, token.end, token.text)

    def call(self, token: Token) -> Node:
        function = FUNCTIONS.get(token.text)
        if function is None:
            close = get_close_matches(token.text.lower()[:64], FUNCTIONS, 1)
            hint = f"Did you mean {FUNCTIONS[close[0]].usage}?" if close else f"There are: {', '.join(FUNCTIONS)}."
            raise unreadable(
                f"there is no function `{token.text}`.", self.text, token.start, hint, kind=UnknownFunction
            )
        arguments = self.listed(")", self.take())
        if not function.least <= len(arguments) <= function.most:
            raise unreadable(
                f"{token.text} does not take {len(arguments)} arguments.",
                self.text,
                token.start,
                f"It is {function.usage}.",
            )
        return Call(token.start, self.tokens[self.place - 1].end, token.text, arguments)

    def listed(self, closing: str, opened: Token) -> tuple[Node, ...]:
        """Expressions with commas between them, up to `closing`; a last comma is allowed."""
        items: list[Node] = []
        while not self.accept(closing):
            items.append(self.expression())
            if not self.accept(","):
                self.expect(closing, opened)
                break
        return tuple(items)

    def object(self, opened: Token) -> Node:
        pairs: list[tuple[Node, Node]] = []
        while not self.accept("}"):
            key = self.expression()
            self.expect(":", opened, hint="An expression stands without `{{ }}`." if "{{" in self.text else "")
            pairs.append((_in_nfc(key), self.expression()))
            if not self.accept(","):
                self.expect("}", opened)
                break
        return ObjectOf(opened.start, self.tokens[self.place - 1].end, tuple(pairs))

    def unexpected(self, wanted: str, hint: str = "") -> UnreadableExpression:
        token = self.here
        found = "the expression ends" if token.kind == "end" else f"`{token.text[:40]}` was found"
        hint = hint or _FOREIGN_WORDS.get(token.text, "")
        return unreadable(f"{wanted}, but {found}.", self.text, token.start, hint)


def _joined(rank: int, first: Node, rest: list[tuple[str, Node]]) -> Node:
    end = rest[-1][1].end
    if rank in {OR, AND}:
        return Logic(first.start, end, rest[0][0], (first, *(operand for _, operand in rest)))
    if rank == COMPARE:
        return Compare(first.start, end, first, tuple(rest))
    return Arithmetic(first.start, end, first, tuple(rest))


def _in_nfc(key: Node) -> Node:
    """Keys compare in NFC; a constant one is brought there once, here."""
    if isinstance(key, Literal) and isinstance(key.value, str):
        return Literal(key.start, key.end, unicodedata.normalize("NFC", key.value))
    return key


def _too_deep(text: str, offset: int) -> UnreadableExpression:
    return unreadable(f"this is nested more than {MAX_DEPTH} levels deep.", text, offset, kind=ExpressionTooLarge)
