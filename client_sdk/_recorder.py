"""Recordings of a client: opened, fed, closed; interrupted ones become what they provably are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from client_sdk._capturing import captured_of
from client_sdk._clock import DeviceClock, read_instant
from client_sdk._files import FileStore, Staged
from client_sdk._outbox import NewFile, Outbox, Subject, capture_payload, payload_of
from client_sdk._recording import Described, RecordingFiles, RecordingFolder, RunningRecording
from client_sdk._store import Store
from client_sdk.errors import CaptureError, StoreCorruptError
from client_sdk.models import Captured
from client_sdk.protocol.parts import CaptureRef
from client_sdk.protocol.payloads import Payload, RecordKind
from client_sdk.protocol.streams import CHUNK_BYTES, PROGRESS_SECONDS, StreamMark

_PROGRESS_MS: Final = int(PROGRESS_SECONDS * 1000)


class Recorder:
    """Opens recordings and recovers those that were cut."""

    def __init__(
        self,
        outbox: Outbox,
        recordings: RecordingFiles,
        files: FileStore,
        store: Store,
        clock: DeviceClock,
        new_id: Callable[[], UUID],
    ) -> None:
        self.outbox = outbox
        self.recordings = recordings
        self.files = files
        self.store = store
        self.clock = clock
        self.new_id = new_id
        outbox.recover_recordings = self._recover

    def stage(self, folder: RecordingFolder) -> Staged:
        """One file of all chunks."""
        return self.files.stage(folder.pieces())

    def done(self, stream: UUID) -> None:
        """That the recording is captured; within the transaction of its record."""
        self.store.put(f"recording:{stream}", value=True)

    def tidy(self, folder: RecordingFolder) -> None:
        """Remove the folder of a captured recording, then the note about it."""
        folder.remove()
        self.store.put(f"recording:{folder.path.name}", None)

    # -- after a cut

    def _recover(self) -> Iterator[str]:
        """Capture what is left of interrupted recordings; nothing provable is thrown away."""
        for folder in self.recordings.left():
            if self.store.get(f"recording:{folder.path.name}"):
                self.tidy(folder)
                continue
            if not folder.begun:
                folder.remove()
                continue
            try:
                sha256 = self._recovered(folder, folder.described())
            except StoreCorruptError:
                continue  # damaged: it is kept as it lies, for people
            if sha256 is not None:
                yield sha256

    def _recovered(self, folder: RecordingFolder, described: Described) -> str | None:
        mark = folder.mark(described.id)
        strays = folder.strays()
        if not mark.size_bytes:
            self.files.set_aside(strays, folder.path.name)
            folder.remove()
            return None
        opened = Payload.from_dict(described.subject)
        staged = self.stage(folder)
        file = NewFile(described.name, described.mime, described.media)
        now = read_instant(self.clock)
        payload = replace(
            capture_payload(staged, file, subject_of(opened), now),
            act=RecordKind.CAPTURE_RECOVERED,
            ref=CaptureRef(staged.sha256, "interrupted"),
            match={**(opened.match or {}), "started_t": opened.t.to_dict()},
            stream=mark,
        )
        self.outbox.keep(staged, payload, also=lambda: self.done(described.id))
        self.files.set_aside(strays, folder.path.name)  # for people
        self.tidy(folder)
        return staged.sha256


class Recording:
    """A recording under way; use it as a context manager and `write` what comes.

    `captured` tells of it once it was closed.
    """

    def __init__(self, recorder: Recorder, file: NewFile, subject: Subject) -> None:
        self._recorder = recorder
        self._file = file
        self._subject = subject
        self._stack = contextlib.ExitStack()
        self.id: UUID = recorder.new_id()
        self.captured: Captured | None = None

    def __enter__(self) -> Self:
        recorder = self._recorder
        recorder.outbox.require_identity()
        recorder.files.require_space(CHUNK_BYTES)
        with contextlib.ExitStack() as stack:
            stack.enter_context(recorder.outbox.capturing())
            now = read_instant(recorder.clock)
            recorder.outbox.rotate_if_due(now)
            opened = payload_of(
                RecordKind.MEDIA_OPEN, now, self._subject, stream=StreamMark(self.id)
            )
            self._folder = recorder.recordings.folder(self.id)
            ep = recorder.outbox.require_identity().ep
            file = self._file
            self._folder.describe(
                Described(self.id, ep, file.name, file.mime, file.media, opened.to_dict())
            )
            self._opened = recorder.outbox.append(opened).payload
            self._running = RunningRecording(
                self._folder, self.id, recorder.clock.mono_ms, _PROGRESS_MS, self._progressed
            )
            self._stack = stack.pop_all()
        return self

    def write(self, data: bytes) -> None:
        """Take bytes as they come; full chunks of 4 MiB are durable when it returns."""
        if self._recorder.clock.boot() != self._opened.t.boot:
            raise CaptureError("the device was switched on again: this recording has ended")
        self._running.write(data)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if kind is None:
                self._close()
                return
        if issubclass(kind, Exception):
            # What there is becomes an interrupted recording at once, not at the next start.
            self._recorder.outbox.reconcile()

    def _progressed(self, mark: StreamMark) -> None:
        now = read_instant(self._recorder.clock)
        self._recorder.outbox.append(
            payload_of(RecordKind.MEDIA_PROGRESS, now, self._subject, stream=mark)
        )

    def _close(self) -> None:
        recorder, mark = self._recorder, self._running.finish()
        if not mark.size_bytes:
            self._append_close(mark)
            self._folder.remove()
            return
        staged = recorder.stage(self._folder)
        payload = replace(
            capture_payload(staged, self._file, self._subject, read_instant(recorder.clock)),
            match={**(self._subject.match or {}), "started_t": self._opened.t.to_dict()},
            stream=mark,
        )

        def also() -> None:
            self._append_close(mark)
            recorder.done(self.id)

        self.captured = captured_of(recorder.outbox.keep(staged, payload, also=also))
        recorder.tidy(self._folder)

    def _append_close(self, mark: StreamMark) -> None:
        now = read_instant(self._recorder.clock)
        self._recorder.outbox.append(
            payload_of(RecordKind.MEDIA_CLOSE, now, self._subject, stream=mark)
        )


def subject_of(opened: Payload) -> Subject:
    """The subject that a payload was made for."""
    return Subject(
        opened.who, opened.case, opened.mission, opened.ticket, opened.geo, opened.captured_by,
        opened.text, dict(opened.match) if opened.match is not None else None,
    )  # fmt: skip
