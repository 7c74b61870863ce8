from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.runtime.homes import Home

from mulle.runtime import steps


@pytest.fixture(autouse=True)
def little_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that do not stop are waited for only shortly."""
    monkeypatch.setattr(steps, "GRACE", 0.05)


@pytest.fixture(params=["memory", "sqlite"])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Home]:
    home = Home(request.param, tmp_path)
    yield home
    await home.close()
