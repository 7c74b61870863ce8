"""Mulle spins a sentence into a workflow that runs.

    app = mulle.open()                      # embedded: SQLite in MULLE_HOME; ":memory:" for tests
    workflow = mulle.load("digest.yaml")
    run = await app.run(workflow, {"topic": "경제"})
    print(run.status, run.outputs)

The names below are imported when they are first used, so `import mulle` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mulle.agents.flow import each, first, node, step, when, workflow
    from mulle.agents.workflow import Workflow
    from mulle.app import App, RunResult
    from mulle.app import open_app as open  # noqa: A004 - as `io.open` and `gzip.open`: used as `mulle.open`.
    from mulle.app.opening import load
    from mulle.errors import MulleError

__version__ = "0.1.0"
__all__ = [
    "App",
    "MulleError",
    "RunResult",
    "Workflow",
    "each",
    "first",
    "load",
    "node",
    "open",
    "step",
    "when",
    "workflow",
]

_PLACES = {
    "App": "mulle.app:App",
    "MulleError": "mulle.errors:MulleError",
    "RunResult": "mulle.app:RunResult",
    "Workflow": "mulle.agents.workflow:Workflow",
    "each": "mulle.agents.flow:each",
    "first": "mulle.agents.flow:first",
    "load": "mulle.app.opening:load",
    "node": "mulle.agents.flow:node",
    "open": "mulle.app:open_app",
    "step": "mulle.agents.flow:step",
    "when": "mulle.agents.flow:when",
    "workflow": "mulle.agents.flow:workflow",
}


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _PLACES[name].split(":")
    except KeyError as error:
        raise AttributeError(f"module 'mulle' has no attribute {name!r}") from error
    return getattr(import_module(module), attribute)
