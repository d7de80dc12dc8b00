"""Runs a command where it sees no secrets of this host and nothing of other jobs. Linux, no packages.

``python -I -S enclosure.py <json> -- <command>`` replaces itself by the command, in namespaces of its own:

- *mount*: what is hidden is covered by an empty folder (or file), and only what is kept shows through;
- *user*: twice nested, so that the command cannot take a cover away (the kernel locks what comes from an
  outer namespace), and cannot look into the memory, environment or open files of processes outside;
- *network*: none but a loopback of its own, unless it was asked for;
- *IPC*: no shared memory with others.

The process numbers are those of the host: names of other programs can be seen, and a command may send signals
to processes of its own user. Hosts may forbid user namespaces; :func:`available` says so.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
REFUSED = 125  # exit status of an enclosure that could not be made
_PROBE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Enclosure:
    """What a command is kept away from.

    :ivar hidden: absolute paths that it finds empty
    :ivar kept: paths below those that it may use all the same
    :ivar readable: likewise, for reading only
    :ivar network: whether it reaches other hosts, and other programs of this one
    """

    hidden: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    network: bool = False

    def prefix(self) -> list[str]:
        """Return what to put before a command."""
        return [sys.executable, "-I", "-S", str(Path(__file__)), json.dumps(asdict(self)), "--"]


def covering(
    hidden: Iterable[Path], *, kept: Iterable[Path], readable: Iterable[Path], network: bool = False
) -> Enclosure:
    """Return an enclosure of paths as they are on this host: absent ones are left out, links are followed."""
    return Enclosure(_real(hidden), _real(kept), _real(readable), network)


def available(enclosure: Enclosure, folder: Path) -> str:
    """Try the enclosure with a command that does nothing; return why it cannot be had, empty if it can.

    :param folder: where commands are to run; this process may stand where they see nothing
    """
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    command = [*enclosure.prefix(), sys.executable, "-I", "-S", "-c", "pass"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stderr.strip().splitlines()
    return "" if done.returncode == 0 else (said[-1] if said else f"exit status {done.returncode}")[:300]


def main(arguments: Sequence[str]) -> None:
    """Make the enclosure that the first argument describes, and become the command behind ``--``."""
    asked = json.loads(arguments[0])
    enclosure = Enclosure(
        tuple(asked["hidden"]), tuple(asked["kept"]), tuple(asked["readable"]), asked["network"]
    )
    command = list(arguments[2:])
    here = str(Path.cwd())
    try:
        _enclose(enclosure)
        os.chdir(here)
    except OSError as error:
        sys.stderr.write(f"the command cannot be enclosed: {error}\n")
        sys.exit(REFUSED)
    os.execvp(command[0], command)  # noqa: S606 - a shell is what we avoid


def _enclose(enclosure: Enclosure) -> None:
    flags = CLONE_NEWNS | CLONE_NEWIPC | (0 if enclosure.network else CLONE_NEWNET)
    _unshare_as_oneself(flags)
    if not enclosure.network:
        _raise_loopback()
    _mount("none", "/", MS_REC | MS_PRIVATE)
    # Opened before they are covered: by their descriptors they can be bound to their places again.
    shown = [(path, os.open(path, os.O_PATH), False) for path in enclosure.kept]
    shown += [(path, os.open(path, os.O_PATH), True) for path in enclosure.readable]
    for path in enclosure.hidden:
        _cover(path)
    for path, descriptor, only_read in shown:
        if any(_is_below(path, hidden) for hidden in enclosure.hidden):
            _show(path, descriptor, only_read=only_read)
        os.close(descriptor)
    _unshare_as_oneself(CLONE_NEWNS)  # from here on the covers are locked
    _check(_libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    # The kernel forgot it with the change of namespaces; see integrations.launcher.
    _check(_libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent-death signal")


def _unshare_as_oneself(flags: int) -> None:
    """Enter new namespaces in which this user and group are who they were."""
    user, group = os.geteuid(), os.getegid()
    _check(_libc().unshare(CLONE_NEWUSER | flags), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _cover(path: str) -> None:
    if Path(path).is_dir():
        _mount("tmpfs", path, MS_NOSUID | MS_NODEV, "tmpfs", "mode=0755,size=64m")
    elif Path(path).exists():  # unless it lies below what is covered already
        _mount("/dev/null", path, MS_BIND)


def _show(path: str, descriptor: int, *, only_read: bool) -> None:
    here = Path(f"/proc/self/fd/{descriptor}")
    if here.is_dir():
        Path(path).mkdir(parents=True, exist_ok=True)
    else:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    _mount(str(here), path, MS_BIND | MS_REC)
    if only_read:
        # What the outer namespace has locked has to be said again, or the kernel refuses.
        locked = os.statvfs(path).f_flag & (os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC)
        _mount("none", path, MS_BIND | MS_REMOUNT | MS_RDONLY | locked)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        request = struct.pack("16sH14x", b"lo", 0)
        answer = fcntl.ioctl(channel, SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("H", answer, 16)
        fcntl.ioctl(channel, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def _mount(source: str, target: str, flags: int, kind: str = "", options: str = "") -> None:
    result = _libc().mount(
        source.encode(), target.encode(), kind.encode() or None, flags, options.encode() or None
    )
    _check(result, f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
    return libc


def _is_below(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _real(paths: Iterable[Path]) -> tuple[str, ...]:
    found = {str(path.resolve()) for path in paths if os.access(path, os.F_OK)}
    return tuple(sorted(found))  # a folder comes before what is in it


if __name__ == "__main__":
    main(sys.argv[1:])
