"""Read what a function takes and gives from its source, without running any of it."""

import ast
from dataclasses import dataclass
from typing import Any

from mulle.errors import CodeFunctionMissing, CodeSyntax

LONGEST = 256 * 1024
"""Characters of source that are looked at."""


@dataclass(frozen=True)
class Parameter:
    """An input of the function."""

    name: str
    """In Unicode's NFKC form, as Python reads identifiers."""

    annotation: str | None
    """Its text, as `list[str]`."""

    required: bool
    default: Any = None
    """The default's value where it is written out as data; None for one that is computed, and for none."""


@dataclass(frozen=True)
class Output:
    """A key of the dict that the function returns."""

    name: str
    annotation: str | None
    """From a TypedDict; None where only the key is known."""


@dataclass(frozen=True)
class CodeSignature:
    """What a function takes and gives, as far as its source says."""

    function: str
    parameters: tuple[Parameter, ...]
    takes_any: bool
    """Whether it has `**names`, and so takes inputs that it does not list."""

    returns: str | None
    """The text of the return annotation."""

    outputs: tuple[Output, ...] | None
    """The keys of the dict it returns, in order; empty when it returns nothing; None when the source does not show."""


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def signature(source: str, function: str = "main") -> CodeSignature:
    """The signature of a function in the source; the last definition counts.

    Raises CodeSyntax when the source cannot be read, CodeFunctionMissing when it has no such function, and when the
    function takes parameters that cannot be given by name.
    """
    tree = _parsed(source)
    functions = {node.name: node for node in tree.body if isinstance(node, _FUNCTIONS)}
    if function not in functions:
        raise CodeFunctionMissing(function=function, found=", ".join(functions) or "none")
    found = functions[function]
    try:
        return _read(found, tree)
    except RecursionError:  # It could be parsed, but its parts cannot be written out again.
        raise CodeSyntax(what="code", said="it is nested too deeply", line=None, place="") from None


def _read(found: _Function, tree: ast.Module) -> CodeSignature:
    if found.args.posonlyargs:
        raise CodeSyntax(
            what="code",
            said=f"parameters of {found.name} before the / cannot be given by name",
            line=found.lineno,
            place=f" on line {found.lineno}",
        )
    return CodeSignature(
        function=found.name,
        parameters=tuple(_parameters(found.args)),
        takes_any=found.args.kwarg is not None,
        returns=_text(found.returns),
        outputs=_outputs(found, tree),
    )


def _parsed(source: str) -> ast.Module:
    if len(source) > LONGEST:
        raise CodeSyntax(what="code", said=f"it is longer than {LONGEST:,} characters", line=None, place="")
    try:
        return ast.parse(source)
    except SyntaxError as error:
        place = "" if error.lineno is None else f" on line {error.lineno}"
        raise CodeSyntax(what="code", said=error.msg, line=error.lineno, place=place) from None
    except (ValueError, RecursionError, MemoryError) as error:  # NUL and half characters; nested without end.
        said = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise CodeSyntax(what="code", said=said, line=None, place="") from None


def _parameters(arguments: ast.arguments) -> list[Parameter]:
    missing: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults))
    pairs = [
        *zip(arguments.args, [*missing, *arguments.defaults], strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return [
        Parameter(argument.arg, _text(argument.annotation), default is None, _data(default))
        for argument, default in pairs
    ]


def _outputs(function: _Function, tree: ast.Module) -> tuple[Output, ...] | None:
    """From a TypedDict named by the annotation, else from the dicts that are returned."""
    annotation = function.returns
    name = annotation.value if isinstance(annotation, ast.Constant) else getattr(annotation, "id", None)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name and _is_typed_dict(node):
            fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
            return tuple(
                Output(field.target.id, _text(field.annotation))
                for field in fields
                if isinstance(field.target, ast.Name)
            )
    if any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in _own(function)):
        return None
    returned = [node.value for node in _own(function) if isinstance(node, ast.Return) and not _is_none(node.value)]
    keys: dict[str, Output] = {}
    for value in returned:
        found = _keys(value, function)
        if found is None:
            return None
        keys |= {key: Output(key, None) for key in found}
    return tuple(keys.values())


def _keys(value: ast.expr | None, function: _Function) -> list[str] | None:
    """The keys of a dict that is written out, or of a variable that is nothing but one; None when in doubt."""
    if isinstance(value, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
        return [key for key in keys if isinstance(key, str)] if all(isinstance(key, str) for key in keys) else None
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict" and not value.args:
        names = [keyword.arg for keyword in value.keywords]
        return [name for name in names if name] if all(names) else None
    if isinstance(value, ast.Name):
        return _keys_of_variable(value.id, function)
    return None


def _keys_of_variable(name: str, function: _Function) -> list[str] | None:
    """`result = {"a": 1}` and `result["b"] = 2` tell all keys, provided nothing else is done with `result`."""
    keys: list[str] = []
    told: set[int] = set()
    for node in _own(function):
        target, value = _assignment(node)
        if isinstance(target, ast.Name) and target.id == name:
            found = None if isinstance(value, ast.Name) else _keys(value, function)
            if found is None:
                return None
            keys += found
            told.add(id(target))
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == name:
            key = target.slice.value if isinstance(target.slice, ast.Constant) else None
            if not isinstance(key, str):
                return None
            keys.append(key)
            told.add(id(target.value))
        elif isinstance(node, ast.Return) or (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
            told.add(id(node.value))
    uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
    return keys if uses and all(id(use) in told for use in uses) and keys else None


def _assignment(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return node.targets[0], node.value
    if isinstance(node, ast.AnnAssign) and node.value:
        return node.target, node.value
    return None, None


def _own(function: _Function) -> list[ast.AST]:
    """All nodes of the function's body, without those of functions and classes inside it."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        found.append(node)
        waiting += reversed(list(ast.iter_child_nodes(node)))
    return found


def _is_typed_dict(node: ast.ClassDef) -> bool:
    return any(getattr(base, "id", getattr(base, "attr", "")) == "TypedDict" for base in node.bases)


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _text(annotation: ast.expr | None) -> str | None:
    if annotation is None:
        return None
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation)


def _data(default: ast.expr | None) -> Any:
    """The value of a default that is written out: literals only, nothing is run."""
    try:
        return None if default is None else ast.literal_eval(default)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return None
