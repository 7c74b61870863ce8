"""Kernel calls that Python's library has no name for, by ctypes. Linux only; each raises OSError naming the call."""

import ctypes
import os
import struct
from collections.abc import Mapping
from typing import Any

CLONE_NEWNS = 0x0002_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWNET = 0x4000_0000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 0x20, 0x1000
MS_REC, MS_PRIVATE = 0x4000, 0x4_0000

# Landlock's rights over files, by their bits.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG, _MAKE_SYM, _REFER, _TRUNCATE = 1 << 7, 1 << 8, 1 << 12, 1 << 13, 1 << 14
USE_FILE = _WRITE_FILE | _READ_FILE | _TRUNCATE
USE_FOLDER = USE_FILE | _READ_DIR | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # The same numbers on every architecture.

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(namespaces: int) -> None:
    """Leave the namespaces shared so far for new ones of our own."""
    _call("unshare", namespaces)


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Attach a file system, or change how one is attached."""
    texts = [None if text is None else text.encode() for text in (source, target, kind, options)]
    _call("mount", *texts[:3], ctypes.c_ulong(flags), texts[3])


def pivot_root(new: str, old: str) -> None:
    """Make the mount at `new` the root of this mount namespace; the former one is then found at `old`."""
    _call("pivot_root", new.encode(), old.encode())


def detach(path: str) -> None:
    """Unmount: at once for all who look, later for those who still use it."""
    _call("umount2", path.encode(), 2)


def die_with_parent() -> None:
    """Be killed when the parent dies. A change of the user id forgets it: call it after."""
    _prctl(1, 9)


def no_new_privileges() -> None:
    """Let nothing this process ever executes have more rights than it has now."""
    _prctl(38, 1)


def drop_capabilities() -> None:
    """Give up every capability. With no new privileges there is no way back."""
    header = struct.pack("=Ii", 0x2008_0522, 0)
    _call("capset", header, struct.pack("=6I", 0, 0, 0, 0, 0, 0))


def filter_calls(program: bytes) -> None:
    """Install a seccomp filter, in the kernel's own form: 8 bytes an instruction."""
    held = ctypes.create_string_buffer(program, len(program))
    header = _BpfProgram(len(program) // 8, ctypes.addressof(held))
    _prctl(22, 2, ctypes.addressof(header))


def landlock_version() -> int:
    """The version of Landlock that this kernel speaks; 0 when it has none or it is switched off."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1))))


def confine(allowed: Mapping[str, int]) -> None:
    """Close the disk but for `allowed` (path to rights), TCP, and signals and abstract sockets to the outside.

    Each as far as this kernel's version of Landlock reaches: TCP from 4 on, signals and abstract sockets from 6 on.
    """
    version = landlock_version()
    governed = (1 << (13 if version < 2 else 14 if version < 3 else 15 if version < 5 else 16)) - 1
    attributes = struct.pack("=QQQ", governed, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _call("syscall", _CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    try:
        for path, rights in allowed.items():
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = struct.pack("=Qi", rights & governed, place)
                _call("syscall", _ADD_RULE, ruleset, 1, rule, ctypes.c_uint(0))
            finally:
                os.close(place)
        _call("syscall", _RESTRICT_SELF, ruleset, ctypes.c_uint(0))
    finally:
        os.close(ruleset)


class _BpfProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _prctl(option: int, *values: int) -> int:
    padded = [*values, 0, 0, 0, 0][:4]
    return _call("prctl", option, *(ctypes.c_ulong(value) for value in padded))


def _call(name: str, *arguments: Any) -> int:
    answer = int(getattr(_libc, name)(*arguments))
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return answer
