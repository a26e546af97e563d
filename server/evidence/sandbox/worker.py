"""The process that touches the evidence: confined, then handed the open file.

It has nothing but that file, the pipe for its answer and /dev/null; it can't write a file
or outlive its limits. What it says is checked by the parent.
"""

import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from server.evidence.codec import dump
from server.evidence.findings import Derivative, Findings
from server.evidence.pipeline import Guard, StageExpired
from server.evidence.sandbox import frames, kernel
from server.evidence.sandbox.limits import Limits, apply_limits
from server.evidence.sandbox.order import Order

SOURCE_FD = 3
ANSWER_FD = 4
OUTPUT_FD = 5
_LAST_FD = 1 << 30

# The signature of `pipeline.examine_open`, or of `making.task.make_open`.
Task = Callable[..., Findings | str]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all workers of a zygote share.

    `bare` means that no outer sandbox took network and superuser away, so the worker does.
    """

    task: Task
    idle_bytes: int
    bare: bool


def run(
    setting: Setting, order: Order, source: int, answer: int, output: int | None = None
) -> None:
    """Confine this process, run the task and answer. Call it in a forked process only."""
    _keep_only(source, answer, output)
    _confine(order.limits, setting)
    # Made ready before memory can run short.
    out_of_memory = frames.pack(frames.FAILURE, b"memory")
    try:
        result = _make(setting.task, order) if order.recipe else _work(setting.task, order)
        _send(frames.pack(frames.RESULT, result.encode()))
    except MemoryError:
        _send(out_of_memory)


def _keep_only(source: int, answer: int, output: int | None) -> None:
    """Descriptors: /dev/null as 0-2, file, answer and what is made as 3-5, and no other."""
    # First out of the way of each other's place.
    high_source = fcntl.fcntl(source, fcntl.F_DUPFD, OUTPUT_FD + 1)
    high_answer = fcntl.fcntl(answer, fcntl.F_DUPFD, OUTPUT_FD + 1)
    if output is not None:
        output = fcntl.fcntl(output, fcntl.F_DUPFD, OUTPUT_FD + 1)
    null = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1, 2):
        os.dup2(null, place)
    os.dup2(high_source, SOURCE_FD)
    os.dup2(high_answer, ANSWER_FD)
    if output is not None:
        os.dup2(output, OUTPUT_FD)
    os.closerange(OUTPUT_FD + (output is not None), _LAST_FD)


def _confine(limits: Limits, setting: Setting) -> None:
    os.setsid()
    os.nice(10)
    kernel.be_first_victim()
    alone = not setting.bare or _leave_everything()
    apply_limits(limits, setting.idle_bytes, count_processes=alone)
    kernel.renounce_privileges()
    kernel.die_with_parent()


def _leave_everything() -> bool:
    """Without an outer sandbox: no network, no superuser, as far as the kernel goes along.

    Says whether processes are counted apart from other users' now.
    """
    superuser = os.geteuid() == 0
    if superuser:
        kernel.leave_network()
        kernel.become_nobody()
    alone = kernel.leave_users()
    if alone and not superuser:
        kernel.leave_network()
    return alone or superuser


def _work(task: Task, order: Order) -> str:
    with os.fdopen(SOURCE_FD, "rb") as source:
        found = task(
            source,
            name=order.name,
            claimed_type=order.claimed_type,
            sink=_send_derivative,
            guard=_guard_of(order.limits.stage_seconds),
            skip=order.skip,
        )
    return found if isinstance(found, str) else found.to_json()


def _make(task: Task, order: Order) -> str:
    with os.fdopen(SOURCE_FD, "rb") as source, os.fdopen(OUTPUT_FD, "w+b") as output:
        made = task(
            source,
            output=output,
            claimed_type=order.claimed_type,
            recipe=order.recipe,
            guard=_guard_of(order.limits.stage_seconds),
        )
    return made if isinstance(made, str) else made.to_json()


def _guard_of(seconds: float) -> Guard:
    """Tell the parent which stage begins, and interrupt the stage in time if it is Python."""

    @contextmanager
    def guard(stage: str) -> Iterator[None]:
        _send(frames.pack(frames.STAGE, stage.encode()))
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise StageExpired

    signal.signal(signal.SIGALRM, expire)
    return guard


def _send_derivative(derivative: Derivative, data: bytes) -> None:
    description = json.dumps(dump(derivative)).encode()
    _send(frames.pack_derivative(description, data))


def _send(frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[os.write(ANSWER_FD, view) :]
