"""A filter of system calls as a container runtime sets it: ``python seccomp.py <profile> -- <command>``.

The profile is Docker's JSON. It goes to the kernel by libseccomp, which is what the runtime uses; then this
process becomes the command.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LIBRARY = "libseccomp.so.2"
#: The default profile of Docker refuses these to whoever is no administrator.
REFUSING = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["unshare", "mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
}
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_OPERATORS = {"SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}


class _Argument(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("value_two", ctypes.c_uint64),
    )


def prefix(profile: Path) -> list[str]:
    """Return what to put before a command that the profile is to hold for."""
    return [sys.executable, __file__, str(profile), "--"]


def load(profile: Mapping[str, Any]) -> None:
    """Have the kernel hold this process to the profile; names that are not of this machine are left out."""
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    library = ctypes.CDLL(LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
    for rule in profile["syscalls"]:
        assert rule["action"] == "SCMP_ACT_ERRNO"
        for name in rule["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:
                _add(library, context, rule, number)
    assert library.seccomp_load(context) == 0


def _add(library: ctypes.CDLL, context: ctypes.c_void_p, rule: Mapping[str, Any], number: int) -> None:
    given = [
        _Argument(one["index"], _OPERATORS[one["op"]], one["value"], one["valueTwo"])
        for one in rule.get("args", [])
    ]
    arguments = (_Argument * len(given))(*given)
    action = ctypes.c_uint32(_ERRNO | rule["errnoRet"])
    result = library.seccomp_rule_add_array(context, action, number, len(given), arguments)
    assert result == 0, (rule, number, result)


def main(arguments: Sequence[str]) -> None:
    """Load the profile and become the command."""
    load(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    command = list(arguments[2:])
    os.execvp(command[0], command)  # noqa: S606 - there is no shell to go past


if __name__ == "__main__":
    main(sys.argv[1:])
