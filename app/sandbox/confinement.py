"""What the zygote gives up before it forks, and what each child gives up besides.

Every layer stands by itself: where the kernel refuses one (an ordinary container allows no namespaces), the others
hold. Only the filter of system calls is indispensable.
"""

import ctypes
import os
import resource
import struct
from contextlib import suppress
from pathlib import Path

NOBODY = 61_917
"""A user and group id of no account: what a zygote that was started by root becomes."""
_MOST_THREADS = 1_024
"""Of all processes of the child's user, as the kernel counts: what stops one that does nothing but start threads."""
_HOST_NAME = b"sandbox"
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SIGKILL = 9
_NEW_USER = 0x10000000
_NAMESPACES = {"network": 0x40000000, "ipc": 0x08000000, "host name": 0x04000000, "processes": 0x20000000}
_CREATE_RULESET, _RESTRICT_SELF, _WHICH_ABI = 444, 446, 1
_CAPSET, _CAPABILITIES_3 = {"x86_64": 126, "aarch64": 91}, 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def confine() -> int:
    """Give up, in this process, whatever the kernel lets it give up; the version of Landlock. Called when all is loaded.

    Raises:
        OSError: a layer that every Linux has could not be put on.
    """
    with suppress(OSError):  # where memory is short, a child goes first, and not the application
        Path("/proc/self/oom_score_adj").write_text("1000")
    become_nobody()
    return _restrict_by_landlock()


def become_nobody() -> None:
    """Be no user who owns anything, without privileges; nobody of the same user can attach, or read the memory.

    Raises:
        OSError: not even that is possible.
    """
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _drop_capabilities()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)


def die_with_parent(parent: int) -> None:
    """Be killed when the thread that forked this process ends. Changing users undoes it.

    `parent` is the process of that thread, as this one sees it: if it has ended before, nothing would come.
    """
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def limit(memory_bytes: int, cpu_s: int) -> None:
    """The limits that a child lives under; it can lower them, and not raise them again."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_NPROC: _MOST_THREADS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_STACK: 8 << 20,
    }
    for what, most in limits.items():
        _, ceiling = resource.getrlimit(what)
        least = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.setrlimit(what, (least, least))
    # A second between the two, so that it is SIGXCPU that ends the child: it says why.
    _, ceiling = resource.getrlimit(resource.RLIMIT_CPU)
    last = cpu_s + 1 if ceiling == resource.RLIM_INFINITY else min(cpu_s + 1, ceiling)
    resource.setrlimit(resource.RLIMIT_CPU, (min(cpu_s, last), last))


def leave_namespaces() -> tuple[str, ...]:
    """Leave those namespaces of the system that this process may leave; their names.

    The caller must fork if "processes" is among them: its children are in the new one, itself is not.
    """
    left = []
    if os.geteuid() != 0:
        user, group = os.getuid(), os.getgid()
        if _libc.unshare(_NEW_USER):
            return ()
        left.append("users")
        with suppress(OSError):  # an unmapped user is nobody, which is as well
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", f"{user} {user} 1"),
                ("gid_map", f"{group} {group} 1"),
            ):
                Path("/proc/self", name).write_text(text)
    left += [name for name, flag in _NAMESPACES.items() if _libc.unshare(flag) == 0]
    if "host name" in left:
        _libc.sethostname(_HOST_NAME, len(_HOST_NAME))
    return tuple(left)


def _drop_capabilities() -> None:
    """In a user namespace of its own a process holds every capability there: it needs none."""
    number = _CAPSET.get(os.uname().machine)
    if number is not None:
        _libc.syscall(number, struct.pack("=Ii", _CAPABILITIES_3, 0), bytes(24))


def _restrict_by_landlock() -> int:
    """No path, no TCP port, no signal or abstract socket beyond this process's own children; the version, or 0.

    A ruleset that handles everything and allows nothing. Newer kernels can handle more: the structure grew.
    """
    version = int(_libc.syscall(_CREATE_RULESET, None, 0, _WHICH_ABI))
    if version < 1:
        return 0
    files = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    handled = struct.pack("QQQ", files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _libc.syscall(_CREATE_RULESET, handled[:size], ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return 0
    refused = _libc.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return 0 if refused else version


def _prctl(what: int, value: int) -> None:
    if _libc.prctl(what, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {what}")
