"""Which system calls a code step may make: an allow-list, turned once into the kernel's own form.

What is not named answers "no such call", so that a C library that tries something new falls back on something old.
What people and attackers do try answers "not permitted", which reads better in an error. Calls that change who may read
a file, or when it was touched, answer success and do nothing: Landlock does not govern them, and `shutil.copy` wants
them. Knows no Landlock and no limits.
"""

import contextlib
import errno
import functools
import os
from types import ModuleType
from typing import Any

from mulle.services.sandbox.inside import PID_PLACE


@functools.cache
def seccomp_filter() -> tuple[bytes, str]:
    """The filter, 8 bytes an instruction; or nothing and the reason why. Takes some 50 ms the first time."""
    try:
        # pyseccomp looks for its C library while it is imported, by running another program.
        import pyseccomp  # noqa: PLC0415
    except (ImportError, OSError, RuntimeError) as error:
        return b"", f"{error}; the package libseccomp2 or libseccomp brings it"
    try:
        return _exported(_rules(pyseccomp)), ""
    except OSError as error:
        return b"", str(error)


def _rules(pyseccomp: ModuleType, machine: int | None = None) -> Any:
    """The rules for this machine, or for another (a `pyseccomp.Arch`): calls go by name, numbers differ."""
    filter_ = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.ENOSYS))
    if machine is not None and not filter_.exist_arch(machine):
        filter_.add_arch(machine)
        filter_.remove_arch(pyseccomp.system_arch())
    compared = pyseccomp.Arg

    with contextlib.suppress(OSError):  # Before libseccomp 2.5 it is a list.
        filter_.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, _TREE)

    def answer(action: int, names: str, *conditions: Any) -> None:
        for name in names.split():
            number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
            if number != _UNKNOWN:
                filter_.add_rule(action, number, *conditions)

    def low(position: int, mask: int, value: int) -> Any:
        """The argument's bits under `mask` are `value`; the kernel reads ints from the lower half of a register."""
        return compared(position, pyseccomp.MASKED_EQ, mask, value)

    answer(pyseccomp.ALLOW, _HARMLESS)
    answer(pyseccomp.ERRNO(0), _WITHOUT_EFFECT)
    answer(pyseccomp.ERRNO(errno.ENOTSUP), _NO_ATTRIBUTES)
    answer(pyseccomp.ERRNO(errno.EPERM), _REFUSED)

    # Threads may be made, processes may not. (clone3 hides its flags behind a pointer: no such call.)
    answer(pyseccomp.ALLOW, "clone", low(0, _CLONE_THREAD | _CLONE_NEW, _CLONE_THREAD))
    answer(pyseccomp.ERRNO(errno.EPERM), "clone", low(0, _CLONE_THREAD, 0))
    # Signals and limits, on itself.
    for name in ("kill", "tgkill", "prlimit64"):
        answer(pyseccomp.ALLOW, name, low(0, _INT, PID_PLACE))
    answer(pyseccomp.ALLOW, "prlimit64", low(0, _INT, 0))
    # A pair of connected stream sockets, which asyncio wakes itself with. Other kinds could be sent anywhere.
    pair = (low(0, _INT, _AF_UNIX), low(1, _INT & ~_SOCK_FLAGS, _SOCK_STREAM))
    answer(pyseccomp.ALLOW, "socketpair", *pair)
    answer(pyseccomp.ALLOW, "sendto", compared(4, pyseccomp.EQ, 0))
    for option in _GETSOCKOPT:
        answer(pyseccomp.ALLOW, "getsockopt", low(1, _INT, _SOL_SOCKET), low(2, _INT, option))
    # fcntl could make the kernel signal others, ioctl could do anything at all.
    for command in _FCNTL:
        answer(pyseccomp.ALLOW, "fcntl", low(1, _INT, command))
    for command in _IOCTL:
        answer(pyseccomp.ALLOW, "ioctl", low(1, _INT, command))
    answer(pyseccomp.ERRNO(errno.EOPNOTSUPP), "ioctl", low(1, _INT, _FICLONE))
    for command in _PRCTL:
        answer(pyseccomp.ALLOW, "prctl", low(0, _INT, command))
    # Memory that holds code is made before the locks close.
    for name in ("mmap", "mprotect"):
        answer(pyseccomp.ALLOW, name, low(2, _PROT_EXEC, 0))
    return filter_


def _exported(filter_: Any) -> bytes:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as program:
        with os.fdopen(writing, "wb") as sink:
            filter_.export_bpf(sink)
        return program.read()


_UNKNOWN = -1
_TREE = 2
_INT = 0xFFFF_FFFF
_CLONE_THREAD = 0x0001_0000
_CLONE_NEW = 0x7E02_0080  # Every CLONE_NEW… there is: time, mounts, cgroup, names, IPC, users, processes, network.
_PROT_EXEC = 4
_AF_UNIX, _SOCK_STREAM, _SOCK_FLAGS = 1, 1, 0o2004000
# Kind, error, protocol, family. Others give away the process at the other end.
_GETSOCKOPT, _SOL_SOCKET = (3, 4, 38, 39), 1
# Duplicate, close-on-exec, flags, locks, size of a pipe.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
# Terminal? (no), its size, close-on-exec and back, blocking or not, how much there is to read.
_IOCTL = (0x5401, 0x5413, 0x5451, 0x5450, 0x5421, 0x541B)
_FICLONE = 0x4004_9409  # pathlib copies the long way round when it is "not supported", and only then.
# A thread's name, set and get.
_PRCTL = (15, 16)

_HARMLESS = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range dup dup2 dup3
open openat creat access faccessat faccessat2 stat lstat fstat newfstatat statx statfs fstatfs readlink readlinkat
getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2
link linkat symlink symlinkat ftruncate fallocate fsync fdatasync sync_file_range flock fadvise64 readahead umask
sendfile copy_file_range pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
epoll_pwait epoll_pwait2 eventfd2 recvfrom shutdown getsockname getpeername
brk munmap mremap madvise msync membarrier
futex futex_waitv set_robust_list get_robust_list rseq set_tid_address sched_yield sched_getaffinity
sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min getpriority
nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times getitimer setitimer alarm pause
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack restart_syscall
getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid
getrlimit setrlimit getrusage getrandom getcpu uname sysinfo wait4 waitid exit exit_group
"""

_WITHOUT_EFFECT = """
chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat utime utimes utimensat futimesat
setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat file_setattr
"""

_NO_ATTRIBUTES = """
getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat file_getattr
"""

_REFUSED = """
fork vfork execve execveat socket connect bind listen accept accept4 sendmsg sendmmsg recvmsg recvmmsg setsockopt
ptrace process_vm_readv process_vm_writev process_madvise pidfd_open pidfd_getfd pidfd_send_signal kcmp
tkill rt_sigqueueinfo rt_tgsigqueueinfo
unshare setns mount umount2 pivot_root chroot open_tree move_mount fsopen fsmount fsconfig mount_setattr
mknod mknodat truncate open_by_handle_at name_to_handle_at memfd_create memfd_secret
setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset seccomp
setpriority sched_setaffinity sched_setscheduler sched_setparam sched_setattr ioprio_set personality setsid setpgid
bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key
init_module finit_module delete_module kexec_load reboot swapon swapoff acct quotactl syslog settimeofday
clock_settime adjtimex clock_adjtime sethostname setdomainname iopl ioperm
shmget shmat shmctl msgget msgsnd semget mq_open fanotify_init inotify_init inotify_init1 mlock mlock2 mlockall
"""
