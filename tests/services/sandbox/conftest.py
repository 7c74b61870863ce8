"""Sandboxes that live as long as a test module: a zygote takes a quarter of a second to start."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from mulle.services.sandbox import Limits, Sandbox, available

MIB = 1 << 20
SMALL = Limits(memory=128 * MIB, scratch=4 * MIB, result=MIB, printed=4096, threads=8, files=48)


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["private root", "folder"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Both ways of giving a call its place on disk, where the kernel grants them."""
    found = available()
    if not found.ok:
        pytest.skip(f"this machine cannot lock code in: {found.missing}")
    private = request.param == "private root"
    if private and not found.private_root:
        pytest.skip(f"this machine grants no private root: {found.private_root_missing}")
    async with Sandbox(SMALL, namespaces=private) as sandbox:
        yield sandbox


@pytest.fixture
def outside() -> Iterator[Path]:
    """A file that is none of the code's business, where everybody may read, write and make others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        file = Path(folder) / "비밀.txt"
        file.write_text("secret")
        file.chmod(0o666)
        os.utime(file, (1_000_000_000, 1_000_000_000))
        yield file
