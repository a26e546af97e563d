"""What each kind of record does when it enters the log: one table.

A record made offline calls the same services as the online routes; each handler gets the records
of its kinds of one device, in chain order, in the transaction that accepts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from client_sdk.protocol.entries import field_kinds
from client_sdk.protocol.payloads import RecordKind
from server.audit.chain import FieldRecord
from server.core.context import Context
from server.evidence import service as evidence
from server.fieldlog import service as fieldlog
from server.register import service as register

Handler = Callable[[Context, Sequence[FieldRecord]], None]

HANDLERS: Final[Mapping[str, tuple[Handler, ...]]] = MappingProxyType(
    {
        RecordKind.CAPTURE_RECORDED: (evidence.declare,),
        RecordKind.CAPTURE_RECOVERED: (evidence.declare, fieldlog.append),
        RecordKind.CAPTURE_LOST: (fieldlog.append,),
        RecordKind.CAPTURE_DELETED: (fieldlog.append,),
        RecordKind.LOG_NOTE: (evidence.declare, fieldlog.append),
        RecordKind.DUTY_HANDOVER: (fieldlog.append,),
        RecordKind.MISSION_CLOSED: (fieldlog.append,),
        RecordKind.HEAD_ATTEST: (fieldlog.append,),  # bound in sync.custody
        RecordKind.MEDIA_OPEN: (),
        RecordKind.MEDIA_PROGRESS: (),
        RecordKind.MEDIA_CLOSE: (),
        RecordKind.KEY_NEXT: (),  # followed while the chain is judged
        RecordKind.CLOCK_OBSERVED: (),  # read before the batch's times are corrected
        **dict.fromkeys(field_kinds(), (fieldlog.append, register.append)),
    }
)


def apply(ctx: Context, records: Iterable[FieldRecord]) -> None:
    """Hand every record to the services that its kind concerns."""
    shares: dict[Handler, list[FieldRecord]] = {}
    for entry in records:
        for handler in HANDLERS.get(entry.act, ()):
            shares.setdefault(handler, []).append(entry)
    for handler, share in shares.items():
        handler(ctx, share)
