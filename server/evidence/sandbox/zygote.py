"""The warm process: imports the parsers once, then forks for every file.

Three generations: this zygote, which never touches evidence; a minder per file, which waits,
kills and tells; the worker, which is confined. The zygote ends when its parent closes the
control socket.
"""

import importlib
import json
import os
import select
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from server.evidence.sandbox import kernel, worker
from server.evidence.sandbox.order import MAX_ORDER_BYTES, Order
from server.evidence.sandbox.worker import Setting

READY = b"ready"
_DESCRIPTORS = 3
_WITH_OUTPUT = 4
# How soon a minder notices that nobody waits for its answer any more.
_POLL_SECONDS = 0.25
# Where /proc isn't mounted strays can't be seen; then the parent ends the whole zygote.
_STRAY_ROUNDS = 50
_STRAY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Job:
    """An order with its descriptors: the file, the worker's pipe, the minder's pipe.

    `output` is the file to write into, where something is to be made.
    """

    order: Order
    source: int
    answer: int
    status: int
    output: int | None = None


def main(control_fd: int, task_path: str, *, bare: bool) -> NoReturn:
    """Serve orders from the control socket until it is closed.

    `task_path` is `module:function` with the signature of `pipeline.examine_open`; a function
    `warm_up` in its module is called first. `bare`: see `worker.Setting`.
    """
    (module_name, _, function) = task_path.partition(":")
    module = importlib.import_module(module_name)
    getattr(module, "warm_up", _nothing)()
    setting = Setting(getattr(module, function), kernel.address_space_bytes(), bare)
    # Minders are not waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control = socket.socket(fileno=control_fd)
    _silence()
    control.send(READY)
    while True:
        (data, descriptors, _flags, _address) = socket.recv_fds(
            control,
            MAX_ORDER_BYTES,
            _WITH_OUTPUT,
        )
        if not data:
            os._exit(0)
        if len(descriptors) in {_DESCRIPTORS, _WITH_OUTPUT}:
            _serve(setting, _Job(Order.unpack(data), *descriptors), control)
        for descriptor in descriptors:
            os.close(descriptor)


def _nothing() -> None:
    """A task without preparations."""


def _silence() -> None:
    """The error stream was for start-up only."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    os.close(null)


def _serve(setting: Setting, job: _Job, control: socket.socket) -> None:
    try:
        child = os.fork()
    except OSError as error:
        _tell(job.status, {"error": str(error)})
        return
    if child:
        return
    try:
        control.close()
        _mind(setting, job)
    finally:
        os._exit(1)


def _mind(setting: Setting, job: _Job) -> None:
    """Start the worker, wait for its end or its time, and tell which it was."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    kernel.die_with_parent()
    kernel.adopt_orphans()
    child = os.fork()
    if child == 0:
        _be_worker(setting, job)
    os.close(job.source)
    os.close(job.answer)
    if job.output is not None:
        os.close(job.output)
    outcome = _wait(child, job)
    _tell(job.status, {**outcome, "strays": _has_strays()})
    os._exit(0)


def _be_worker(setting: Setting, job: _Job) -> NoReturn:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        os.close(job.status)
        worker.run(setting, job.order, job.source, job.answer, job.output)
        os._exit(0)
    finally:
        # A forked process must not return from here, whatever happened.
        os._exit(1)


def _wait(child: int, job: _Job) -> dict[str, object]:
    deadline = time.monotonic() + job.order.limits.wall_seconds
    listener = select.poll()
    listener.register(job.status, 0)
    outcome: dict[str, object] = {}
    # Looked at, not yet reaped: its number can't have gone to another process when it is killed.
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left = deadline - time.monotonic()
        if left <= 0 or listener.poll(0):
            outcome = {"timeout": True}
            break
        signal.sigtimedwait({signal.SIGCHLD}, min(left, _POLL_SECONDS))
    _kill_group(child)
    (_pid, code) = os.waitpid(child, 0)
    if outcome:
        return outcome
    if os.WIFSIGNALED(code):
        return {"signal": os.WTERMSIG(code)}
    return {"exit": os.WEXITSTATUS(code)}


def _kill_group(leader: int) -> None:
    """The worker leads its own group; until it does, it is killed alone."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(leader, signal.SIGKILL)


def _has_strays() -> bool:
    """Kill what escaped the worker's group (it is adopted now); true if something is left."""
    for _ in range(_STRAY_ROUNDS):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return False
        for stray in kernel.children():
            os.kill(stray, signal.SIGKILL)
        signal.sigtimedwait({signal.SIGCHLD}, _STRAY_SECONDS)
    return True


def _tell(status: int, outcome: dict[str, object]) -> None:
    with suppress(OSError):
        os.write(status, json.dumps(outcome).encode())
