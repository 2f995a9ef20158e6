"""Programs that try to get out, to get more than their share, or to be believed: in `attacks/`, by what they are after.

Under the title of a class stand its attacks: a name (and what it needs), then the body of `attack(log)`. What counts as
success depends on the class: `judging.py` says what. `log` tells where there is something to be had: a `folder` that everybody may
write to, a TCP `port`, a Unix socket in the `abstract` name space, and the `secret` that lies in the environment.

Nothing here does harm where it succeeds: signals have number 0, nothing is mounted, killed, removed or stopped.
"""

from pathlib import Path
from typing import NamedTuple

_PREAMBLE = """
import asyncio, atexit, builtins, ctypes, decimal, gc, glob, importlib, io, itertools, json, logging, math, mmap, os
import pathlib, random, re, resource, select, shutil, signal, socket, statistics, string, struct, subprocess, sys
import tempfile, threading, time, types, warnings, zlib
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = libc.mmap.restype = ctypes.c_long
def syscall(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
def _errno(act):
    try:
        act()
    except OSError as error:
        return error.errno
def attack(log):
"""


class Attack(NamedTuple):
    """One program, what it is after, and what its control needs to succeed.

    `root`, `x86` (the numbers are those of x86_64), `kernel`: not every kernel is built with it.
    """

    aim: str
    name: str
    code: str
    needs: frozenset[str]


def _read(text: str) -> list[Attack]:
    title, *entries = text.split("\n- ")
    found = []
    for entry in entries:
        head, _, body = entry.partition("\n")
        name, _, needs = head.partition(" [")
        found.append(Attack(title.strip("= "), name, _PREAMBLE + body, frozenset(needs.rstrip("]").split())))
    return found


ATTACKS = [
    attack
    for path in sorted(Path(__file__).with_name("attacks").glob("*.txt"))
    for attack in _read(path.read_text())
]
