"""What one examination may use up."""

import resource
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one worker process; every one of them is the kernel's, but `stage_seconds`.

    `memory_bytes` is address space on top of what the idle process has. `processes` counts
    threads too (the HEIF decoder needs some) and, inside bubblewrap, those of all workers.
    `output_bytes` is all that is taken from a worker, `file_bytes` how much it may write into
    the one file that it is handed (none for examinations). `attempts` is how often a file is tried,
    each time without the stage that killed the last worker.
    """

    wall_seconds: float = 120.0
    stage_seconds: float = 30.0
    cpu_seconds: int = 90
    memory_bytes: int = 1 << 30
    processes: int = 64
    open_files: int = 32
    output_bytes: int = 16 << 20
    file_bytes: int = 0
    attempts: int = 3


def apply_limits(limits: Limits, idle_bytes: int, *, count_processes: bool) -> None:
    """Set the limits of this process for good; `file_bytes` is all it may write.

    `count_processes` tells whether the kernel counts this sandbox's processes by themselves;
    where it counts all of the user's, a limit would depend on what else runs. The superuser
    is never bound by it.
    """
    ceilings = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_AS, idle_bytes + limits.memory_bytes),
    ]
    if count_processes:
        ceilings.append((resource.RLIMIT_NPROC, limits.processes))
    for what, most in ceilings:
        resource.setrlimit(what, (most, most))
    # SIGXCPU first, which tells what happened; SIGKILL a second later.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
