"""Say what locks this machine has for code of others, by trying each in a process that is thrown away."""

import contextlib
import sys
from dataclasses import dataclass
from typing import Any

from mulle.errors import SandboxUnavailable
from mulle.services.sandbox import launch, policy


@dataclass(frozen=True)
class Availability:
    """What holds here."""

    ok: bool
    """Whether code steps run with MULLE_SANDBOX=auto."""

    missing: tuple[str, ...]
    """What they lack, each a clause of a sentence."""

    landlock: int = 0
    """The version of Landlock: 0 none, 1 files, 4 also TCP, 6 also signals and abstract sockets."""

    seccomp: bool = False
    """Whether system calls are filtered."""

    no_new_privileges: bool = False
    capabilities_dropped: bool = False

    user: str = "kept"
    """Whether a call runs as a user of its own: `own`, `kept` (we are no root already) or `root, kept`."""

    private_root: bool = False
    """Whether a call sees an empty file system of its own in memory, whose size the kernel bounds. Otherwise its
    scratch folder lies on disk and is watched, and existence and size of other files can be found out."""

    private_root_missing: str = ""
    """Why not."""

    def lines(self) -> list[str]:
        """What `mulle doctor` prints, a line a lock."""
        private = "an empty file system of its own" if self.private_root else f"no ({self.private_root_missing})"
        return [
            f"code steps: {'locked in' if self.ok else 'refused: ' + '; '.join(self.missing)}",
            f"landlock: {f'version {self.landlock}' if self.landlock else 'no'}",
            f"system calls filtered: {'yes' if self.seccomp else 'no'}",
            f"capabilities dropped: {'yes' if self.capabilities_dropped else 'no'}",
            f"user of a call: {self.user}",
            f"private root: {private}",
        ]


def available() -> Availability:
    """What holds on this machine. Starts a process; takes some 0.3 s."""
    try:
        holds = _found()
    except SandboxUnavailable as error:
        return Availability(ok=False, missing=(str(error.facts["missing"]),))
    lacks = tuple(holds["lacks"])
    return Availability(
        ok=not lacks,
        missing=lacks,
        landlock=holds["landlock"],
        seccomp=not holds["filter"],
        no_new_privileges=True,
        capabilities_dropped=True,
        user="own" if holds["owner"] else "root, kept" if holds["root"] else "kept",
        private_root=not holds["rooms"],
        private_root_missing=holds["rooms"],
    )


def _found() -> dict[str, Any]:
    folder = launch.new_folder()
    process, control = launch.launched("")
    try:
        program, why = policy.seccomp_filter()
        control.settimeout(30)
        with contextlib.suppress(BrokenPipeError):  # Then it says why by ending.
            control.send(launch.setup(program, why, folder, strict=True, namespaces=True))
        return launch.greeting(control, process, strict=False)["holds"]
    except TimeoutError as error:
        raise SandboxUnavailable(missing=f"its process does not get ready on {sys.platform}") from error
    finally:
        control.close()
        launch.ended(process, folder)
