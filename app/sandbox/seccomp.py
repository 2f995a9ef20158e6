"""Filters of system calls: the few that a child needs, compiled to the kernel's own little language.

A filter is a program of classic BPF over `struct seccomp_data` (linux/seccomp.h): it sees the number of the call and
its arguments as 64-bit words, never what pointers point to. What no rule allows fails with EPERM, so that the user
reads a PermissionError, instead of a process that vanishes.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
"""BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_ALU|AND|K, BPF_RET|K."""
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in struct seccomp_data."""
KILL, ALLOW = 0x80000000, 0x7FFF0000
_LOW = 0xFFFFFFFF
_X32 = 0x40000000
"""Numbers from here on are the x32 calls of x86_64: the same kernel functions behind other numbers."""
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_EVERYWHERE = 0xFFFFFFFFFFFFFFFF


def refuse(number: int) -> int:
    """The action that makes a call fail with an errno."""
    return 0x00050000 | number


class Unsupported(Exception):
    """This machine cannot filter system calls in the way that is needed; the message says why."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor's calls: its audit number, and the numbers of the calls it has."""

    audit: int
    calls: dict[str, int]


# The numbers are the kernel's, from asm/unistd_64.h and asm-generic/unistd.h. None: there is no such call.
_CALLS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "close": (3, 57),
    "fstat": (5, 80), "lseek": (8, 62), "newfstatat": (262, 79), "fcntl": (72, 25), "ioctl": (16, 29), "dup": (32, 23),
    "munmap": (11, 215), "brk": (12, 214), "madvise": (28, 233), "mremap": (25, 216), "mmap": (9, 222),
    "mprotect": (10, 226), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "exit": (60, 93), "exit_group": (231, 94), "futex": (202, 98), "getrandom": (318, 278),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101),
    "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153), "getpid": (39, 172), "gettid": (186, 178),
    "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21), "epoll_wait": (232, None), "epoll_pwait": (281, 22), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "uname": (63, 160), "sysinfo": (99, 179), "getrlimit": (97, 163),
    "prlimit64": (302, 261), "getrusage": (98, 165), "pipe2": (293, 59), "eventfd2": (290, 19),
    "set_robust_list": (273, 99), "get_robust_list": (274, 100), "rseq": (334, 293), "restart_syscall": (219, 128),
    "arch_prctl": (158, None), "clone": (56, 220), "clone3": (435, 435), "socketpair": (53, 199), "sendto": (44, 206),
    "recvfrom": (45, 207), "getsockname": (51, 204), "unshare": (272, 97), "setns": (308, 268),
    "landlock_create_ruleset": (444, 444), "landlock_add_rule": (445, 445), "landlock_restrict_self": (446, 446),
}  # fmt: skip


def this_machine() -> Machine:
    """The calls of this processor.

    Raises:
        Unsupported: no filter was written for it.
    """
    audits = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
    found = audits.get(platform.machine())
    if platform.system() != "Linux" or found is None:
        what = f"{platform.system()} on {platform.machine()}"
        raise Unsupported(f"system calls can be filtered on Linux with x86_64 or aarch64, and this is {what}")
    audit, column = found
    numbers = {name: both[column] for name, both in _CALLS.items()}
    return Machine(audit, {name: number for name, number in numbers.items() if number is not None})


@dataclass(frozen=True, slots=True)
class Argument:
    """A condition: argument `index`, as far as `mask` lets it be seen, is one of `values`.

    The kernel reads most arguments as 32 bits, so that is what a condition looks at. A pointer needs the mask of all
    64 bits, and may have one value only.
    """

    index: int
    values: tuple[int, ...]
    mask: int = _LOW


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a call where `only_if` holds, or always. Where it does not hold, the call is refused."""

    call: str
    only_if: Argument | None = None
    action: int = ALLOW


def program(rules: Sequence[Rule], otherwise: int, machine: Machine) -> bytes:
    """The filter of these rules, one for each call at most, as an array of `struct sock_filter`."""
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, refuse(errno.ENOSYS)),
    ]
    for rule in rules:
        number = machine.calls.get(rule.call)
        if number is None:
            continue
        body = [*_condition(rule.only_if), (_RETURN, 0, 0, rule.action)]
        lines += [(_EQUAL, 0, len(body), number), *body]
    lines.append((_RETURN, 0, 0, otherwise))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _condition(wanted: Argument | None) -> list[tuple[int, int, int, int]]:
    """Lines that end with a refusal, or go on behind their end where the condition holds."""
    if wanted is None:
        return []
    at, refused = _ARGUMENTS + 8 * wanted.index, (_RETURN, 0, 0, refuse(errno.EPERM))
    lines = [(_LOAD, 0, 0, at), (_AND, 0, 0, wanted.mask & _LOW)]
    for left, value in zip(range(len(wanted.values), 0, -1), wanted.values, strict=True):
        lines.append((_EQUAL, left, 0, value & _LOW))
    lines.append(refused)
    if wanted.mask == _EVERYWHERE:
        lines += [(_LOAD, 0, 0, at + 4), (_EQUAL, 1, 0, wanted.values[0] >> 32), refused]
    return lines


def install(compiled: bytes) -> None:
    """Put this thread, and all that it starts, under a filter for ever.

    Raises:
        OSError: the kernel does not take it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(compiled, len(compiled))
    described = struct.pack("HxxxxxxQ", len(compiled) // 8, ctypes.addressof(held))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _MODE_FILTER, ctypes.c_char_p(described), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "system calls cannot be filtered")


_PROT_EXEC, _CLONE_THREAD, _AT_EMPTY_PATH, _AF_UNIX = 4, 0x10000, 0x1000, 1
_F_DUPFD_CLOEXEC = 1030
_TCGETS, _FIONREAD, _FIONBIO, _FIOCLEX = 0x5401, 0x541B, 0x5421, 0x5451
_FREELY = """
    read write readv writev pread64 close fstat lseek dup munmap brk madvise mremap
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack exit exit_group futex getrandom
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
    getpid gettid getppid getuid geteuid getgid getegid poll ppoll select pselect6
    epoll_create1 epoll_ctl epoll_wait epoll_pwait sched_yield sched_getaffinity uname sysinfo getrlimit getrusage
    pipe2 eventfd2 set_robust_list get_robust_list rseq restart_syscall arch_prctl recvfrom getsockname
"""


def child_rules() -> list[Rule]:
    """What a child may do: think, wait, tell the time, talk to itself, and write to what it was given.

    No file is opened, not even to read: all that a program may import is there before it starts. No memory becomes
    executable. Threads, but no processes. Sockets only in pairs, both ends of which are the child's own.
    """
    return [
        *map(Rule, _FREELY.split()),
        Rule("mmap", Argument(2, (0,), _PROT_EXEC)),
        Rule("mprotect", Argument(2, (0,), _PROT_EXEC)),
        Rule("newfstatat", Argument(3, (_AT_EMPTY_PATH,))),  # fstat(), as newer C libraries call it
        Rule("fcntl", Argument(1, (0, 1, 2, 3, _F_DUPFD_CLOEXEC))),
        Rule("ioctl", Argument(1, (_TCGETS, _FIONREAD, _FIONBIO, _FIOCLEX))),
        Rule("prlimit64", Argument(2, (0,), _EVERYWHERE)),  # look at limits, set none
        Rule("clone", Argument(0, (_CLONE_THREAD,), _CLONE_THREAD)),
        Rule(
            "clone3", action=refuse(errno.ENOSYS)
        ),  # its flags lie in memory; C libraries fall back to clone
        Rule("socketpair", Argument(0, (_AF_UNIX,))),  # asyncio's way to wake itself
        Rule(
            "sendto", Argument(4, (0,), _EVERYWHERE)
        ),  # to whom the socket is connected with, and nobody else
    ]
