"""Starts a zygote as an ordinary container would: `launcher.py USER LANDLOCK PYTHON COMMAND…`.

As user USER (0: as who it is) without capabilities; no namespaces can be made; with LANDLOCK 0 there is no Landlock. PYTHON
takes the place of the command's own, which USER may not reach.
"""

import errno
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.sandbox import seccomp
from app.sandbox.seccomp import Argument, Rule, refuse

_NAMESPACES = 0x7E020080


def main() -> None:
    user, landlock, python, _, *arguments = sys.argv[1:]
    calls = ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"]
    rules = [
        Rule("unshare", action=refuse(errno.EPERM)),
        Rule("setns", action=refuse(errno.EPERM)),
        Rule("clone3", action=refuse(errno.ENOSYS)),
        Rule("clone", (Argument(0, (0,), _NAMESPACES),)),
        *(Rule(call, action=refuse(errno.ENOSYS)) for call in calls if landlock == "0"),
    ]
    if int(user):
        os.setgroups([])
        os.setresgid(*[int(user)] * 3)
        os.setresuid(*[int(user)] * 3)
    seccomp.install(seccomp.program(rules, seccomp.ALLOW, seccomp.this_machine()))
    os.execv(python, [python, *arguments])


main()
