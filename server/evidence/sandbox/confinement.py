"""How the zygote is started: inside bubblewrap where that works, with rlimits alone elsewhere.

bubblewrap may be missing, or forbidden (containers without user namespaces), so nothing is
assumed: the ways are tried in order until one brings up a zygote.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import server
from server.evidence.sandbox.kernel import NOBODY

# A fixed environment: nothing of the parent's is passed on. BLAS must not start threads.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}

_BOOT = (
    "import json, sys; a = json.loads(sys.argv[1]); sys.path[:0] = a['roots'];"
    " from server.evidence.sandbox.zygote import main;"
    " main(a['control'], a['task'], bare=a['bare'])"
)
_SERVER_ROOT = Path(server.__file__).resolve().parent.parent
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache")


@dataclass(frozen=True, slots=True)
class Confinement:
    """A way to start a zygote. `kind` is `bubblewrap` or `rlimits`; `detail` is for `doctor`."""

    kind: str
    detail: str
    prefix: tuple[str, ...] = ()
    as_nobody: bool = False

    def command(self, control_fd: int, task: str, roots: Sequence[Path]) -> list[str]:
        """The command line of a zygote that talks on this descriptor."""
        arguments = {
            "roots": [str(root) for root in (_SERVER_ROOT, *roots)],
            "control": control_fd,
            "task": task,
            "bare": self.kind == "rlimits",
        }
        python = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOT, json.dumps(arguments)]
        return [*self.prefix, *python]

    @property
    def user(self) -> int | None:
        """The user to start it as; None for the same as now."""
        return NOBODY if self.as_nobody else None


def ways(roots: Sequence[Path], *, bubblewrap: bool = True) -> Iterator[Confinement]:
    """The ways to confine a zygote, best first; the last one works on any Linux."""
    bwrap = shutil.which("bwrap") if bubblewrap else None
    if bwrap is not None:
        superuser = os.geteuid() == 0
        for as_nobody in (True, False) if superuser else (False,):
            for with_proc in (True, False):
                yield _bubblewrap(bwrap, roots, as_nobody=as_nobody, with_proc=with_proc)
    reason = "bubblewrap did not start here" if bwrap else "bubblewrap is not installed"
    reason = reason if bubblewrap else "bubblewrap is switched off"
    yield Confinement("rlimits", f"own process and resource limits only: {reason}")


def _bubblewrap(
    bwrap: str,
    roots: Sequence[Path],
    *,
    as_nobody: bool,
    with_proc: bool,
) -> Confinement:
    nobody = str(NOBODY)
    prefix = [bwrap, "--unshare-all", "--unshare-user", "--uid", nobody, "--gid", nobody]
    prefix += ["--cap-drop", "ALL", "--hostname", "examination"]
    for folder in _folders(roots):
        prefix += ["--ro-bind-try", folder, folder]
    prefix += ["--dev", "/dev"]
    if with_proc:
        prefix += ["--proc", "/proc"]
    prefix += ["--remount-ro", "/", "--chdir", "/", "--"]
    # The process limit binds everyone but the superuser.
    bound = as_nobody or os.geteuid() != 0
    user = "unprivileged" if bound else "started by root: number of processes not limited"
    return Confinement(
        "bubblewrap",
        f"own namespaces, no network, no files but the parsers' ({user})",
        tuple(prefix),
        as_nobody=as_nobody,
    )


def _folders(roots: Sequence[Path]) -> list[str]:
    """What must be seen inside: the system's libraries, Python, the parsers, this package."""
    package = _SERVER_ROOT / "server"
    places = [*_SYSTEM_FOLDERS, sys.base_prefix, sys.prefix, sys.exec_prefix]
    places += [str(package / "__init__.py"), str(package / "evidence"), *map(str, roots)]
    return list(dict.fromkeys(places))
