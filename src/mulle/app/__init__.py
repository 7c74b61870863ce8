"""The composition root: settings go in, a wired `App` comes out. Here floors meet that do not know each other."""

from mulle.app.opening import open_app
from mulle.app.results import RunResult
from mulle.app.running import App

__all__ = ["App", "RunResult", "open_app"]
