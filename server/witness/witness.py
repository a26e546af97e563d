"""A witness at work: decision, memory, clock and key together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from client_sdk.protocol.tlog.notes import Note, NoteSignature, VerifierKey, format_vkey
from server.witness.errors import Refused, UnknownLog, WitnessError
from server.witness.service import WatchedLog, admit, judge
from server.witness.state import WitnessFolder
from server.witness.wire import parse_request


def unix_seconds() -> int:
    """The host's clock, which a cosignature names."""
    return int(time.time())


@dataclass(frozen=True, slots=True)
class Witness:
    """Answers requests; any number of threads and processes may share one folder."""

    folder: WitnessFolder
    now_seconds: Callable[[], int] = unix_seconds

    def add_checkpoint(self, body: bytes) -> NoteSignature:
        """Cosign a checkpoint that extends the last one; raises :class:`~errors.Refused`.

        When it returns, the new state is on the disk.
        """
        request = parse_request(body)
        signed = admit(request, self.folder.read())
        with self.folder.held() as draft:
            log = draft.logs.get(request.checkpoint.origin)
            if log is None:
                raise UnknownLog("this witness does not watch that log any more")
            try:
                judge(request, log)
            except Refused:
                if request.old_size == log.size:  # it may prove that the log shows two histories
                    self.folder.keep_refused(signed)
                raise
            line = self.folder.key.cosign(signed.text, self.now_seconds())
            draft.put(log.cosigned(Note(signed.text, (*signed.signatures, line))))
        return line

    def trust(self, key: VerifierKey) -> WatchedLog:
        """Watch the log of this key, or accept a further key for a log that is watched."""
        with self.folder.held() as draft:
            log = draft.logs.get(key.name, WatchedLog(key.name))
            if key not in log.keys:
                log = log.trusting((*log.keys, key))
            draft.put(log)
        return log

    def distrust(self, key: VerifierKey) -> WatchedLog:
        """Accept nothing more from this key; what was cosigned of the log stays known."""
        with self.folder.held() as draft:
            log = draft.logs.get(key.name)
            if log is None or key not in log.keys:
                raise WitnessError("that key is not trusted")
            log = log.trusting(one for one in log.keys if one != key)
            draft.put(log)
        return log

    def logs(self) -> Mapping[str, WatchedLog]:
        """The watched logs by origin."""
        return self.folder.read()

    @property
    def vkey(self) -> str:
        """The verifier key that a policy names."""
        return format_vkey(self.folder.key.verifier_key)
