"""What the zygote gives up before it forks, and what each child gives up besides.

Every layer stands by itself: where the kernel refuses one (an ordinary container allows no namespaces), the others
hold. Only the filter of system calls is indispensable.
"""

import ctypes
import os
import resource
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NOBODY = 61_917
"""A user and group id of no account: what a zygote that was started by root becomes."""
_HOST_NAME = b"sandbox"
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SIGKILL = 9
_NEW_USER = 0x10000000
_NAMESPACES = {"network": 0x40000000, "ipc": 0x08000000, "host name": 0x04000000, "processes": 0x20000000}
_CREATE_RULESET, _RESTRICT_SELF, _WHICH_ABI = 444, 446, 1
_CAPSET, _CAPABILITIES_3 = {"x86_64": 126, "aarch64": 91}, 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Layers:
    """What holds a zygote, besides the filter that each child puts itself under."""

    namespaces: tuple[str, ...]
    landlock: int
    """The version of the kernel's interface; 0 where there is none."""


def confine() -> Layers:
    """Give up, in this process, whatever the kernel lets it give up. Called once, when all is loaded.

    The caller must fork if `namespaces` has "processes": its children are in the new one, itself is not.

    Raises:
        OSError: a layer that every Linux has could not be put on.
    """
    namespaces = _leave_namespaces()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _drop_capabilities()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    be_unreadable()
    return Layers(tuple(namespaces), _restrict_by_landlock())


def be_unreadable() -> None:
    """Let nobody of the same user attach to this process, or read its memory. Changing users undoes it."""
    _prctl(_PR_SET_DUMPABLE, 0)


def die_with_parent() -> None:
    """Be killed when the thread that forked this process ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def limit(memory_bytes: int, cpu_s: int) -> None:
    """The limits that a child lives under; it can lower them, and not raise them again."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_s,
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


def _leave_namespaces() -> list[str]:
    left = []
    if os.geteuid() != 0:
        user, group = os.getuid(), os.getgid()
        if _libc.unshare(_NEW_USER):
            return []
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
    return left


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
