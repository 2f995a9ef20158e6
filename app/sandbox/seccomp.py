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
    "fstat": (5, 80), "lseek": (8, 62), "fcntl": (72, 25), "ioctl": (16, 29), "dup": (32, 23),
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
    "set_robust_list": (273, 99), "rseq": (334, 293), "restart_syscall": (219, 128),
    "clone": (56, 220), "clone3": (435, 435), "socketpair": (53, 199), "sendto": (44, 206),
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
    """What becomes of a call where all of `only_if` holds. Where it does not hold, the call is refused."""

    call: str
    only_if: tuple[Argument, ...] = ()
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
        body = [line for wanted in rule.only_if for line in _condition(wanted)]
        body.append((_RETURN, 0, 0, rule.action))
        lines += [(_EQUAL, 0, len(body), number), *body]
    lines.append((_RETURN, 0, 0, otherwise))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _condition(wanted: Argument) -> list[tuple[int, int, int, int]]:
    """Lines that end with a refusal, or go on behind their end where the condition holds."""
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


_PROT_EXEC, _AF_UNIX, _MSG_OOB = 4, 1, 1
_CLONE_THREAD, _CLONE_FILES, _CLONE_NEW = 0x10000, 0x400, 0x7E020080
"""A thread that shares its descriptors: one with a table of its own would have as many again. And the flags of all namespaces:
no thread needs one, and older kernels refuse only some of them to threads."""
_PIPE_FLAGS = 0x80800
"""O_CLOEXEC and O_NONBLOCK."""
_FUTEX_OPERATIONS = (0, 1, 3, 4, 5, 9, 10)
"""Wait, wake and requeue: what locks are made of. The ones that lend priorities are not needed, and had faults."""
_FUTEX_OPTIONS = 0x180
"""FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME, which come with any of them."""
_CLOCKS = (0, 1, 2, 3, 4, 5, 6, 7, 11)
"""The clocks with a name. A negative number is that of another process, and tells whether there is one."""
_F_DUPFD_CLOEXEC = 1030
_TCGETS, _FIONREAD, _FIONBIO, _FIOCLEX = 0x5401, 0x541B, 0x5421, 0x5451
_FREELY = """
    read write readv writev pread64 close fstat lseek dup munmap brk madvise mremap
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack exit exit_group getrandom
    nanosleep gettimeofday time times getpid gettid getppid getuid geteuid getgid getegid poll ppoll select pselect6
    epoll_create1 epoll_ctl epoll_wait epoll_pwait sched_yield uname sysinfo getrlimit getrusage
    eventfd2 set_robust_list rseq restart_syscall getsockname
"""


def child_rules() -> list[Rule]:
    """What a child may do: think, wait, tell the time, talk to itself, and write to what it was given.

    No file is opened, not even to read: all that a program may import is there before it starts. No memory becomes
    executable. Threads, but no processes, and no look at others. Sockets only in pairs, both ends of which are the
    child's own. `newfstatat` is not there: with AT_EMPTY_PATH it takes paths that are not empty, too.
    """
    itself, on_a_clock = Argument(0, (0,)), Argument(0, _CLOCKS)
    no_code, not_urgent = Argument(2, (0,), _PROT_EXEC), Argument(3, (0,), _MSG_OOB)
    nowhere_else = Argument(4, (0,), _EVERYWHERE)
    threads = _CLONE_THREAD | _CLONE_FILES
    return [
        *map(Rule, _FREELY.split()),
        *(Rule(call, (on_a_clock,)) for call in ("clock_gettime", "clock_getres", "clock_nanosleep")),
        *(Rule(call, (no_code,)) for call in ("mmap", "mprotect")),
        Rule("futex", (Argument(1, _FUTEX_OPERATIONS, _LOW & ~_FUTEX_OPTIONS),)),
        Rule("fcntl", (Argument(1, (0, 1, 2, 3, _F_DUPFD_CLOEXEC)),)),
        Rule("ioctl", (Argument(1, (_TCGETS, _FIONREAD, _FIONBIO, _FIOCLEX)),)),
        Rule("prlimit64", (itself, Argument(2, (0,), _EVERYWHERE))),  # look at limits, set none
        Rule("sched_getaffinity", (itself,)),
        Rule("clone", (Argument(0, (threads,), threads | _CLONE_NEW),)),
        Rule(
            "clone3", action=refuse(errno.ENOSYS)
        ),  # its flags lie in memory; C libraries fall back to clone
        Rule("pipe2", (Argument(1, (0,), _LOW & ~_PIPE_FLAGS),)),
        Rule("socketpair", (Argument(0, (_AF_UNIX,)),)),  # asyncio's way to wake itself
        Rule("sendto", (nowhere_else, not_urgent)),  # to whom the socket is connected with, and nobody else
        Rule("recvfrom", (not_urgent,)),
    ]
