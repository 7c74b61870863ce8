"""What others do when a project changes: `before_save`, `after_add_task` and the like. Calls; knows no project.

A hook is a function of that name in a module that an installed package announces (entry-point group
`mulle.project_hooks`), or in a Python file of the project's own `plugins/` folder. The folder is read only where the
owner of the machine has switched that on (MULLE_PROJECT_PLUGINS=on), because what stands in it is run as it is.
A hook that begins with `before_` keeps a change from happening by raising; what an `after_` hook raises is a warning.
"""

import hashlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from mulle.errors import InputError

ENTRY_POINTS = "mulle.project_hooks"
PLUGINS = "plugins"

Hook = Callable[..., Any]


class HookRefused(InputError):
    """A hook does not let a change happen."""

    code = "project.hook_refused"
    message = "The hook {hook} refused the change: {why}."
    hint = "Change what it complains about, or take the plugin away."


class BrokenHooks(InputError):
    """A module of hooks cannot be loaded."""

    code = "project.broken_hooks"
    message = "The hooks in {at} cannot be loaded: {why}."
    hint = "Mend the file, or take it away."


class Hooks:
    """The hooks of one project."""

    def __init__(self, folder: Path, *, with_plugins: bool) -> None:
        self._modules: list[Any] = [*_installed()]
        if with_plugins:
            self._modules += _plugins(folder / PLUGINS)

    def before(self, event: str, project: Any, **facts: Any) -> None:
        """Ask every hook; raises HookRefused when one raises."""
        for hook in self._named(f"before_{event}"):
            try:
                hook(project, **facts)
            except Exception as error:
                raise HookRefused(hook=_name(hook), why=str(error) or type(error).__name__) from error

    def after(self, event: str, project: Any, **facts: Any) -> None:
        """Tell every hook; the change has happened and stays, whatever they raise."""
        for hook in self._named(f"after_{event}"):
            try:
                hook(project, **facts)
            except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything.
                warnings.warn(f"The hook {_name(hook)} failed: {error}", RuntimeWarning, stacklevel=4)

    def _named(self, name: str) -> Iterator[Hook]:
        for module in self._modules:
            hook = getattr(module, name, None)
            if callable(hook):
                yield hook


@cache
def _installed() -> Sequence[Any]:
    found: list[Any] = []
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            found.append(entry.load())
        except Exception as error:
            raise BrokenHooks(at=entry.value, why=f"{type(error).__name__}: {error}") from error
    return found


def _plugins(folder: Path) -> list[Any]:
    found: list[Any] = []
    for path in sorted(folder.glob("*.py")) if folder.is_dir() else ():
        name = f"mulle_project_plugin_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise BrokenHooks(at=str(path), why=f"{type(error).__name__}: {error}") from error
        found.append(module)
    return found


def _name(hook: Hook) -> str:
    return f"{getattr(hook, '__module__', '')}.{getattr(hook, '__qualname__', type(hook).__name__)}"
