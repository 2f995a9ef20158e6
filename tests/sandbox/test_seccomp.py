"""The filter says what its rules say: read by an interpreter of classic BPF, and by the kernel."""

import ctypes
import errno
import mmap
import os
import platform
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from app.sandbox import seccomp
from app.sandbox.seccomp import ALLOW, KILL, Argument, Machine, Rule, Unsupported, refuse

X86, ARM = 0xC000003E, 0xC00000B7
I386 = 0x40000003
EPERM, ENOSYS = refuse(errno.EPERM), refuse(errno.ENOSYS)
EVERYWHERE = 2**64 - 1


def machine(name: str) -> Machine:
    column = {"x86_64": 0, "aarch64": 1}[name]
    numbers = {call: both[column] for call, both in seccomp._CALLS.items() if both[column] is not None}
    return Machine({"x86_64": X86, "aarch64": ARM}[name], numbers)  # type: ignore[arg-type]


def verdict(compiled: bytes, number: int, arguments: tuple[int, ...] = (), audit: int = X86) -> int:
    """What the kernel would return: struct seccomp_data through the instructions that are used, and no other."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, audit, 0, *(argument % 2**64 for argument in padded))
    lines = list(struct.iter_unpack("=HBBI", compiled))
    assert 0 < len(lines) <= 4096, "BPF_MAXINSNS"
    at = held = 0
    while True:
        code, yes, no, value = lines[at]
        at += 1
        match code:
            case 0x20:
                (held,) = struct.unpack_from("=I", data, value)
            case 0x54:
                held &= value
            case 0x15:
                at += yes if held == value else no
            case 0x35:
                at += yes if held >= value else no
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(hex(code))


@pytest.fixture(params=["x86_64", "aarch64"])
def processor(request: pytest.FixtureRequest) -> Machine:
    return machine(request.param)


def child(processor: Machine, call: str, *arguments: int) -> int:
    compiled = seccomp.program(seccomp.child_rules(), EPERM, processor)
    return verdict(compiled, processor.calls[call], arguments, processor.audit)


HEADERS = {
    "x86_64": [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")],
    "aarch64": [Path("/usr/include/asm-generic/unistd.h")],
}


@pytest.mark.parametrize("name", HEADERS)
def test_numbers_are_those_of_the_kernels_headers(name: str) -> None:
    header = next((path for path in HEADERS[name] if path.exists()), None)
    if header is None:
        pytest.skip("the kernel's headers are not installed")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text(), re.MULTILINE)
    numbers = {call: int(number) for call, number in found}
    numbers.setdefault("newfstatat", numbers.get("fstatat", -1))

    ours = machine(name).calls

    assert {call: number for call, number in ours.items() if numbers.get(call) != number} == {}
    assert {call for call, both in seccomp._CALLS.items() if both[list(HEADERS).index(name)] is None} & set(
        numbers
    ) == set()


def test_every_rule_names_a_call_that_some_machine_has() -> None:
    named = [rule.call for rule in seccomp.child_rules()]
    assert set(named) <= set(seccomp._CALLS)
    assert len(named) == len(set(named)), "only the first rule of a call would count"


def test_what_no_rule_names_is_refused(processor: Machine) -> None:
    compiled = seccomp.program(seccomp.child_rules(), EPERM, processor)
    allowed = {processor.calls[rule.call] for rule in seccomp.child_rules() if rule.call in processor.calls}
    others = set(range(1024)) - allowed

    assert {verdict(compiled, number, (), processor.audit) for number in others} == {EPERM}


@pytest.mark.parametrize("audit", [I386, ARM, 0, 0xFFFFFFFF, 0xC000003F])
def test_another_architecture_ends_the_process(audit: int) -> None:
    compiled = seccomp.program(seccomp.child_rules(), EPERM, machine("x86_64"))
    assert {verdict(compiled, number, (), audit) for number in range(512)} == {KILL}


@pytest.mark.parametrize("number", [0x40000000, 0x40000001, 0x40000000 + 520, 0x7FFFFFFF, 0xFFFFFFFF])
def test_numbers_of_x32_do_not_exist(number: int) -> None:
    compiled = seccomp.program(seccomp.child_rules(), EPERM, machine("x86_64"))
    assert verdict(compiled, number) == ENOSYS


HIGH = 1 << 32
CASES = [
    # call, arguments that are let through, arguments that are not
    ("mmap", [(0, 1, 3), (0, 1, 0), (0, 1, 0xFFFFFFFB)], [(0, 1, 4), (0, 1, 7), (0, 1, HIGH | 4)]),
    ("mprotect", [(0, 1, 3)], [(0, 1, 5), (0, 1, 4), (0, 1, HIGH | 5)]),
    ("fcntl", [(0, n) for n in (0, 1, 2, 3, 1030)], [(0, n) for n in (4, 8, 10, 1031, 1033, 5, 6, 7)]),
    ("ioctl", [(0, 0x5401), (0, 0x541B)], [(0, 0x5412), (0, 0x541C), (0, 0x5452), (0, 0)]),
    (
        "prlimit64",
        [(0, 7, 0, 1)],
        [(0, 7, 1), (0, 7, HIGH), (0, 7, HIGH | 1), (0, 7, 1 << 63), (1, 7, 0), (2**32 - 1, 7, 0)],
    ),
    ("sched_getaffinity", [(0, 8, 1)], [(1, 8, 1), (4242, 8, 1)]),
    (
        "clone",
        [(0x3D0F00,), (0x10400,), (0x10D00,)],
        [(17,), (0,), (0x10000,), (0x10900,), (0x400,), (0x4111,), (0x10000 | 0x40000000,), (0x3D0F00 | 0x20000,), (0x10080,), (HIGH * 0x10000,)],
    ),
    ("socketpair", [(1, 1, 0), (1, 0x80801, 0)], [(2, 1, 0), (16, 3, 0), (0, 1, 0), (38, 5, 0)]),
    (
        "sendto",
        [(3, 1, 1, 0, 0, 0), (3, 1, 1, 0x4000, 0, 16)],
        [(3, 1, 1, 0, 1), (3, 1, 1, 0, HIGH), (3, 1, 1, 1, 0), (3, 1, 1, 0x4001, 0)],
    ),
    ("recvfrom", [(3, 1, 1, 0), (3, 1, 1, 2)], [(3, 1, 1, 1), (3, 1, 1, 3)]),
    ("pipe2", [(1, 0), (1, 0x80000), (1, 0x800), (1, 0x80800)], [(1, 0x80), (1, 0x4000), (1, 0x80080)]),
    (
        "futex",
        [(1, n | extra) for n in (0, 1, 3, 4, 5, 9, 10) for extra in (0, 128, 256, 384)],
        [(1, n | extra) for n in (2, 6, 7, 8, 11, 12, 13, 14) for extra in (0, 128, 256)] + [(1, 512), (1, 2**31)],
    ),
    ("clock_gettime", [(n,) for n in (0, 1, 2, 3, 11)], [(-6,), (2**32 - 6,), (10,), (8,), (12,)]),
    ("clock_getres", [(1,)], [(-6,)]),
    ("clock_nanosleep", [(1, 0)], [(-6, 0), (9, 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("call", "through", "refused"), CASES, ids=[case[0] for case in CASES])
def test_conditions_hold_on_both_sides(
    call: str, through: list[tuple[int, ...]], refused: list[tuple[int, ...]], processor: Machine
) -> None:
    assert {given: child(processor, call, *given) for given in through} == dict.fromkeys(through, ALLOW)
    assert {given: child(processor, call, *given) for given in refused} == dict.fromkeys(refused, EPERM)


def test_every_condition_is_among_the_cases() -> None:
    assert {rule.call for rule in seccomp.child_rules() if rule.only_if} == {case[0] for case in CASES}


def test_clone3_is_said_not_to_exist(processor: Machine) -> None:
    assert child(processor, "clone3") == ENOSYS


def test_a_pointer_is_seen_in_all_its_bits() -> None:
    pointer = 0x7F12_3456_789A
    rules = [Rule("read", (Argument(1, (pointer,), EVERYWHERE),))]
    compiled = seccomp.program(rules, EPERM, machine("x86_64"))
    near = [pointer ^ (1 << bit) for bit in range(64)]

    assert verdict(compiled, 0, (5, pointer)) == ALLOW
    assert {verdict(compiled, 0, (5, other)) for other in near} == {EPERM}


@pytest.mark.parametrize(
    ("system", "processor"), [("Darwin", "arm64"), ("Linux", "riscv64"), ("Windows", "AMD64")]
)
def test_an_unknown_machine_is_named(system: str, processor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    with pytest.raises(Unsupported, match=f"{system} on {processor}"):
        seccomp.this_machine()


# The kernel, in forked children


def in_a_child(act: Callable[[], int]) -> int:
    """The status with which a child ends that puts itself under the filter of children and acts; -N for a signal."""
    compiled = seccomp.program(seccomp.child_rules(), EPERM, seccomp.this_machine())
    libc = ctypes.CDLL(None, use_errno=True)  # loaded before nothing can be opened
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            seccomp.install(compiled)
            status = act()
        finally:
            libc._exit(status)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def test_the_kernel_refuses_in_words() -> None:
    def act() -> int:
        try:
            os.open("/etc/passwd", os.O_RDONLY)
        except PermissionError:
            return 7
        return 0

    assert in_a_child(act) == 7


x86_only = pytest.mark.skipif(platform.machine() != "x86_64", reason="the code is that of x86_64")


def _function(code: bytes) -> tuple[Callable[[], int], mmap.mmap]:
    held = mmap.mmap(-1, 4096, prot=7)
    held.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(held))), held


@x86_only
def test_the_kernel_ends_who_calls_it_as_a_32_bit_program() -> None:
    call, _held = _function(b"\x53\xb8\x14\0\0\0\xcd\x80\x5b\xc3")  # getpid by int 0x80
    assert in_a_child(lambda: call() * 0) in (-31, -11), (
        "SIGSYS; SIGSEGV where the kernel has no 32-bit calls"
    )


@x86_only
def test_the_kernel_has_no_x32_calls_here() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert in_a_child(lambda: ctypes.get_errno() if libc.syscall(0x40000000 + 39) < 0 else 0) == errno.ENOSYS


def test_threads_that_are_started_later_are_under_it_too() -> None:
    import threading

    def act() -> int:
        said: list[int] = []

        def look() -> None:
            try:
                Path("/etc").stat()
            except PermissionError:
                said.append(7)

        one = threading.Thread(target=look)
        one.start()
        one.join()
        return said[0]

    assert in_a_child(act) == 7
