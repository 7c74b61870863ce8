"""A driver's right to act for its run: it may be lost at any time, and is looked at before the world is touched."""

import asyncio
from typing import NoReturn

from mulle.engine.journal import Journal
from mulle.errors import LeaseLost
from mulle.runtime.steps import Heard


class Right:
    """The right of one driver."""

    def __init__(self, run_id: str, journal: Journal, heard: Heard) -> None:
        """Have it. `heard` is stirred when it is lost."""
        self._run_id = run_id
        self._journal = journal
        self._heard = heard
        self.lost = False
        """Others may drive this run from now on, whatever our next lease says."""

    def lose(self) -> None:
        self.lost = True
        self._heard.stir()

    @property
    def is_sure(self) -> bool:
        """Whether nobody has to be asked."""
        return not self.lost and self._journal.holds()

    async def assure(self) -> None:
        """Return when it is sure; raises LeaseLost."""
        if not await self._journal.confirmed() or self.lost:
            self.give_up()

    def give_up(self) -> NoReturn:
        raise LeaseLost(run=self._run_id)

    async def await_it(self) -> None:
        """What a step asks that is about to touch the world: return when it is sure, else wait to be stopped."""
        if not self.is_sure and (not await self._journal.confirmed() or self.lost):
            self.lose()
            await asyncio.get_running_loop().create_future()
