"""Programs that want the network, other processes, or more from the kernel: it says no."""

import errno
import platform

import pytest
from tests.services.sandbox.attack import ends, value

from mulle.errors import CodeForbidden, CodeKilled, CodeMemoryExceeded
from mulle.services.sandbox import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_no_socket_of_any_family_can_be_made(sandbox: Sandbox):
    source = """
import socket
def main():
    made = []
    for family in range(46):
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind)
            except PermissionError:
                continue
            made.append([family, kind])
    return made
"""
    assert await value(sandbox, source) == []


@pytest.mark.parametrize(
    "act",
    [
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)",
        "socket.create_connection(('127.0.0.1', 80), 1)",
        "socket.socketpair()[0].sendmsg([b'x'], [], 0, '/run/x')",
        "socket.socketpair()[0].setsockopt(1, 2, 1)",
        "socket.socketpair()[0].getsockopt(1, socket.SO_PEERCRED, 12)",
        "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
        "fcntl.ioctl(0, 0x5412, b'x')",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
        "os.memfd_create('x')",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "subprocess.run(['true'])",
        "os.kill(os.getppid(), 9)",
        "os.kill(os.getppid(), 0)",
        "os.kill(1, 15)",
        "os.kill(-1, 9)",
        "os.killpg(os.getpgid(os.getppid()), 9)",
        "os.pidfd_open(os.getppid())",
        "os.setuid(0)",
        "os.setgroups([0])",
        "os.setpriority(os.PRIO_PROCESS, 0, -5)",
        "os.sched_setaffinity(0, {0})",
        "os.setsid()",
        "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)",
    ],
)
async def test_the_kernel_says_no(sandbox: Sandbox, act: str):
    source = f"import fcntl, mmap, os, resource, socket, subprocess\ndef main():\n    return repr({act})"

    found = await ends(sandbox, source)

    assert isinstance(found, CodeForbidden), found


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of the calls are those of x86_64")
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("fork", 57),
        ("vfork", 58),
        ("clone with SIGCHLD", 56),
        ("clone3", 435),
        ("execveat", 322),
        ("ptrace", 101),
        ("process_vm_readv", 310),
        ("unshare", 272),
        ("setns", 308),
        ("mount", 165),
        ("umount2", 166),
        ("pivot_root", 155),
        ("open_tree", 428),
        ("fsopen", 430),
        ("bpf", 321),
        ("perf_event_open", 298),
        ("userfaultfd", 323),
        ("io_uring_setup", 425),
        ("keyctl", 250),
        ("add_key", 248),
        ("shmget", 29),
        ("msgget", 68),
        ("mq_open", 240),
        ("memfd_create", 319),
        ("memfd_secret", 447),
        ("open_by_handle_at", 304),
        ("openat2", 437),
        ("pidfd_getfd", 438),
        ("prctl", 157),
        ("seccomp", 317),
        ("personality", 135),
        ("mlock", 149),
        ("inotify_init1", 294),
        ("fanotify_init", 300),
        ("init_module", 175),
        ("reboot", 169),
        ("landlock_create_ruleset", 444),
        ("cachestat", 451),
        ("no such call", 9999),
    ],
)
async def test_a_raw_system_call_answers_no(sandbox: Sandbox, name: str, number: int):
    source = """
import ctypes
def main(number):
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.syscall(number, 17, 0, 0, 0, 0)
    return [answer, ctypes.get_errno()]
"""
    answer, why = await value(sandbox, source, number=number)

    assert answer == -1, name
    assert why in {errno.EPERM, errno.ENOSYS}, name


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86_64 has a second set of numbers")
async def test_the_other_numbers_of_the_same_calls_end_the_process(sandbox: Sandbox):
    source = "import ctypes\ndef main():\n    return ctypes.CDLL(None).syscall(0x40000000 + 57)"

    found = await ends(sandbox, source)

    assert isinstance(found, CodeKilled)
    assert found.facts["signal"] == "SIGSYS"


async def test_limits_cannot_be_raised(sandbox: Sandbox):
    source = """
import resource
def main():
    refused = []
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU):
        try:
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (ValueError, PermissionError):
            refused.append(kind)
    resource.setrlimit(resource.RLIMIT_AS, resource.getrlimit(resource.RLIMIT_AS)[1:] * 2)
    return len(refused), len(bytearray(10**9))
"""
    assert isinstance(await ends(sandbox, source), CodeMemoryExceeded)


async def test_a_fork_bomb_makes_no_process(sandbox: Sandbox):
    source = """
import os
def main():
    made = 0
    for _ in range(1000):
        try:
            os.fork()
            made += 1
        except OSError:
            pass
    return made
"""
    assert await value(sandbox, source) == 0
