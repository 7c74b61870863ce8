"""Fill a Jinja2 template with data. The sandbox around the process is the lock; Jinja's own is a second one."""

from typing import Any, cast

import jinja2
import jinja2.async_utils  # pyright: ignore[reportUnusedImport]  # Jinja looks for it, and for `debug`, only when an
import jinja2.debug  # pyright: ignore[reportUnusedImport]  # await or an error comes up; then no disk is left.
import jinja2.sandbox

FILE = "<template>"
"""What Jinja calls a template in tracebacks."""


def rendered(source: str, variables: dict[str, Any], *, strict: bool = True) -> str:
    """The text; raises Jinja's errors. Strict: a name without a value is an error, null is the empty text."""
    return (_ENVIRONMENT if strict else _LENIENT).from_string(source).render(variables)


class _DataFirst(jinja2.sandbox.SandboxedEnvironment):
    """`order.items` is the order's items when it has some, and only else the dict's method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return cast("dict[str, Any]", obj)[attribute]
        return super().getattr(obj, attribute)


def _shown(value: Any) -> Any:
    return "" if value is None else value


_ENVIRONMENT = _DataFirst(
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    finalize=_shown,
    extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
)

_LENIENT = _DataFirst(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])

Unreadable = jinja2.TemplateSyntaxError
