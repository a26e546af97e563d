"""The few Linux calls that Python 3.11 doesn't offer."""

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CLONE_NEWIPC = 0x08000000
# The number of `nobody` on every distribution; no account needs to exist for it.
NOBODY = 65534
_IDLE_GUESS_BYTES = 2 << 30

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def die_with_parent() -> None:
    """Have this process killed when its parent ends. Call it after changing the user."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def renounce_privileges() -> None:
    """Never gain a privilege by executing anything."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def leave_network() -> bool:
    """Cut this process off the network; false where the kernel doesn't allow it."""
    return bool(_libc.unshare(_CLONE_NEWNET | _CLONE_NEWIPC) == 0)


def leave_users() -> bool:
    """Enter a user namespace of its own, where processes are counted apart; false if forbidden."""
    return bool(_libc.unshare(_CLONE_NEWUSER) == 0)


def become_nobody() -> None:
    """Give up the superuser, if this is it."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def address_space_bytes() -> int:
    """The address space of this process; a generous guess where /proc isn't mounted."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return _IDLE_GUESS_BYTES
    return pages * os.sysconf("SC_PAGE_SIZE")


def children() -> list[int]:
    """The processes whose parent this one is, as far as /proc shows them."""
    (found, me) = ([], str(os.getpid()))
    for entry in Path("/proc").glob("[0-9]*/stat"):
        # They come and go while being listed.
        with suppress(OSError, IndexError):
            # `pid (name) state ppid …`, and the name may hold anything.
            after_name = entry.read_text("ascii", "replace").rpartition(")")[2]
            if after_name.split()[1] == me:
                found.append(int(entry.parent.name))
    return found


def be_first_victim() -> None:
    """Let the kernel kill this process before any other when memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
