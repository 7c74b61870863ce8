"""A sandbox that cannot start says why."""

import sys
from pathlib import Path

import pytest

from mulle.errors import SandboxUnavailable
from mulle.services.sandbox import Sandbox, available


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is refused before anything starts")
@pytest.mark.parametrize(
    ("python", "missing"),
    [
        ("#!/bin/sh\necho 'no library' >&2; exit 1", "its Python does not start (no library)"),
        ("#!/no/such/interpreter", "no second Python starts"),
    ],
)
async def test_a_python_that_does_not_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str, missing: str
):
    broken = tmp_path / "python"
    broken.write_text(python)
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))

    assert missing in " ".join(available().missing)
    async with Sandbox() as sandbox:
        with pytest.raises(SandboxUnavailable) as error:
            await sandbox.call("def main(): ...")
    assert missing in error.value.text


@pytest.mark.parametrize("platform", ["darwin", "win32"])
async def test_elsewhere_code_is_refused_with_a_way_to_go_on(monkeypatch: pytest.MonkeyPatch, platform: str):
    monkeypatch.setattr(sys, "platform", platform)

    assert not available().ok
    async with Sandbox() as sandbox:
        with pytest.raises(SandboxUnavailable, match=f"{platform} is not Linux") as error:
            await sandbox.call("def main(): ...")
    assert "MULLE_SANDBOX=unsafe" in error.value.advice
