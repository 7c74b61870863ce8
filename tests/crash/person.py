"""The person beside a campaign: approves what asks, and says what became of interrupted steps after a look outside."""

import asyncio
import contextlib
from typing import Any

from tests.crash.outside import Outside
from tests.crash.tour import answer_of

from mulle.app import App
from mulle.engine import scope as at
from mulle.engine.signals import own_question_name
from mulle.errors import MulleError


class Person:
    """Answers every question of one store's runs once."""

    def __init__(self, app: App, outside: Outside) -> None:
        self._app = app
        self._outside = outside
        self._answered: set[str] = set()

    async def answer(self) -> None:
        """Look for questions until cancelled."""
        while True:
            await asyncio.sleep(0.2)
            with contextlib.suppress(MulleError):
                for row in await self._app.runs(status="waiting", limit=1000):
                    await self._answer_run(row.id)

    async def _answer_run(self, run_id: str) -> None:
        for path, node in (await self._app.history(run_id)).run.waiting().items():
            letter = f"{run_id}/{'/'.join(map(str, path))}/{node.listens_to}/{node.turn}/{node.attempt}"
            if letter in self._answered or not node.listens_to or path[-1] == "pause":
                continue
            name, payload = node.listens_to, {"decision": "approved"}
            if node.status == at.ASKING:
                name, payload = own_question_name(path), self._looked(run_id, path, node.turn)
            await self._app.signal(run_id, name, payload, signal_id=letter)
            self._answered.add(letter)

    def _looked(self, run_id: str, path: tuple[Any, ...], turn: int) -> dict[str, Any]:
        place = "/".join(map(str, path))
        effect = self._outside.happened(f"{run_id}/{place}/{turn}/1")
        if effect is None:
            return {"decision": "again"}
        return {"decision": "happened", "outputs": answer_of(path, effect.answer)}
