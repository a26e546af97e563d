"""The sandbox as the job worker sees it: a path in, findings or a failure out."""

import hashlib
import json
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from server.evidence.codec import CodecError, load
from server.evidence.findings import Derivative, Findings
from server.evidence.opening import NotRegularFileError, open_regular
from server.evidence.sandbox import frames
from server.evidence.sandbox.confinement import Confinement, ways
from server.evidence.sandbox.launch import StartError, Zygote, start
from server.evidence.sandbox.limits import Limits
from server.evidence.sandbox.listening import Answer, listen
from server.evidence.sandbox.order import Order

EXAMINE = "server.evidence.pipeline:examine_open"
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\.(?:webp|json|jpg)")
_MAX_DERIVATIVES = 16
# Without this stage nothing can be said of a file; it is not skipped.
_FIRST_STAGE = "sniff"
_MAX_LOSSES = 5


class SandboxError(RuntimeError):
    """No examination can be started at all on this machine."""


@dataclass(frozen=True, slots=True)
class SandboxFailure:
    """An examination without result; the evidence keeps its place.

    Codes: `refused` (not a regular file), `unreadable`, `timeout`, `memory`, `crashed`,
    `killed`, `output-too-large`, `malformed` (the worker's answer is not to be believed),
    `unavailable` (try again later). `stage` is where the last worker ended.
    """

    code: str
    detail: str = ""
    stage: str = ""


class Sandbox:
    """Examines files in confined processes. Thread-safe; use it as a context manager or close it.

    `task` names the function that examines (see `zygote.main`), importable from `roots` besides
    this package. `bubblewrap=False` is for tests of the fallback.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        task: str = EXAMINE,
        roots: Sequence[Path] = (),
        bubblewrap: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self._task = task
        self._roots = tuple(roots)
        self._ways = list(ways(self._roots, bubblewrap=bubblewrap))
        self._zygote: Zygote | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote and whatever it still runs."""
        with self._lock:
            if self._zygote is not None:
                self._zygote.stop()
            self._zygote = None

    def confinement(self) -> Confinement:
        """Which confinement works here, for `doctor`; starts the zygote. SandboxError if none."""
        return self._running().confinement

    def examine(
        self,
        path: Path,
        *,
        name: bytes,
        claimed_type: str,
        out_dir: Path,
    ) -> Findings | SandboxFailure:
        """Examine the regular file at `path`; derivatives are written to `out_dir`.

        A stage that kills its worker is skipped in the next attempt and is a problem in the
        findings. SandboxError only if no process can be started at all.
        """
        try:
            source = open_regular(path)
        except NotRegularFileError:
            return SandboxFailure("refused", "not a regular file")
        except OSError as error:
            return SandboxFailure("unreadable", error.strerror or "")
        with source:
            return self._attempts(source.fileno(), name, claimed_type, out_dir)

    def _attempts(
        self,
        source: int,
        name: bytes,
        claimed_type: str,
        out_dir: Path,
    ) -> Findings | SandboxFailure:
        skip: dict[str, str] = {}
        losses = 0
        while True:
            answer = self.ask(source, Order(name, claimed_type, skip, self.limits))
            outcome = _judge(answer, os.fstat(source).st_size)
            if isinstance(outcome, _Result):
                outcome.store(out_dir)
                return outcome.findings
            if outcome.code == "unavailable":
                # Not this file's doing: another's worker may have taken the zygote along.
                losses += 1
                if losses >= _MAX_LOSSES:
                    return outcome
                continue
            given_up = len(skip) + 1 >= self.limits.attempts or outcome.stage in skip
            if given_up or outcome.stage in {"", _FIRST_STAGE}:
                return outcome
            skip[outcome.stage] = outcome.code

    def ask(self, source: int, order: Order, output: int | None = None) -> Answer:
        """Have one order done, in one attempt; for what is built on this class."""
        zygote = self._running()
        # The position is shared with the worker of an earlier attempt, which is dead by now.
        os.lseek(source, 0, os.SEEK_SET)
        (answer_read, answer_write) = os.pipe()
        (status_read, status_write) = os.pipe()
        try:
            try:
                more = () if output is None else (output,)
                zygote.order(order.pack(), (source, answer_write, status_write, *more))
            finally:
                os.close(answer_write)
                os.close(status_write)
            answer = listen(answer_read, status_read, order.limits)
        except OSError as error:
            answer = Answer(error=f"the zygote is gone: {error}")
        finally:
            os.close(answer_read)
            os.close(status_read)
        if answer.overdue or answer.strays or answer.failure == "unavailable":
            self._discard(zygote)
        return answer

    def _running(self) -> Zygote:
        with self._lock:
            if self._zygote is not None and not self._zygote.is_alive():
                self._zygote.stop()
                self._zygote = None
            if self._zygote is None:
                self._zygote = self._start()
            return self._zygote

    def _start(self) -> Zygote:
        said = ""
        while self._ways:
            try:
                return start(self._ways[0], self._task, self._roots)
            except StartError as error:
                said = str(error)
            if len(self._ways) == 1:
                break
            # What doesn't work here is not tried again.
            self._ways.pop(0)
        raise SandboxError(f"no examination process starts here: {said}")

    def _discard(self, zygote: Zygote) -> None:
        with self._lock:
            if self._zygote is zygote:
                self._zygote = None
            zygote.kill()


@dataclass(frozen=True, slots=True)
class _Result:
    """Findings that were checked, with the bytes of their derivatives by file name."""

    findings: Findings
    files: dict[str, bytes]

    def store(self, out_dir: Path) -> None:
        out_dir.mkdir(parents=True, exist_ok=True)
        for file, data in self.files.items():
            part = out_dir / f".{file}.{threading.get_ident()}.part"
            part.write_bytes(data)
            part.replace(out_dir / file)


def _judge(answer: Answer, size_bytes: int) -> _Result | SandboxFailure:
    """What to make of an answer: its findings if they hold, else why there are none."""
    stages: list[str] = []
    result = b""
    files: dict[str, bytes] = {}
    described: list[Derivative] = []
    try:
        for kind, payload in frames.unpack(answer.data):
            if kind == frames.STAGE:
                stages.append(payload[:32].decode("ascii"))
            elif kind == frames.RESULT:
                result = payload
            elif kind == frames.FAILURE:
                return SandboxFailure("memory", stage=stages[-1] if stages else "")
            elif kind == frames.DERIVATIVE:
                described.append(_accept(payload, files))
        if answer.failure is not None:
            return SandboxFailure(answer.failure, answer.error, stages[-1] if stages else "")
        findings = Findings.from_json(result)
    except (ValueError, RecursionError) as error:
        return SandboxFailure("malformed", str(error)[:200])
    if findings.derivatives != tuple(described):
        return SandboxFailure("malformed", "derivatives were announced that did not come")
    return _Result(replace(findings, size_bytes=size_bytes), files)


def _accept(payload: bytes, files: dict[str, bytes]) -> Derivative:
    """Check one derivative: its name, its digest and that its bytes are what it is called."""
    (description, data) = frames.unpack_derivative(payload)
    derivative = load(Derivative, json.loads(description))
    digest = hashlib.sha256(data).hexdigest()
    named = _FILE_NAME.fullmatch(derivative.file) is not None and derivative.file not in files
    if not named or len(files) >= _MAX_DERIVATIVES:
        raise CodecError("a derivative's name is not one of ours")
    if (derivative.size_bytes, derivative.sha256) != (len(data), digest):
        raise CodecError("a derivative's digest is not that of its bytes")
    if not _is_what_it_says(derivative, data):
        raise CodecError("a derivative's bytes are not of its type")
    files[derivative.file] = data
    return derivative


def _is_what_it_says(derivative: Derivative, data: bytes) -> bool:
    if derivative.file.endswith(".webp"):
        riff = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
        return riff and derivative.mime == "image/webp"
    if derivative.file.endswith(".jpg"):
        return data[:3] == b"\xff\xd8\xff" and derivative.mime == "image/jpeg"
    json.loads(data)
    return derivative.mime == "application/json"
