"""The signing keys of the devices' chains, as enrolment and ``key.next`` records made them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.epochs import KeyLine, KeyNext
from client_sdk.protocol.errors import KeyEpochError
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.records import FIRST_SEQ, verify_signature
from server.audit.device_models import DeviceKey
from server.audit.ordering import SIGNATURE, Entry, Line
from server.core.bulk import insert_rows
from server.core.context import Context
from server.core.db import table_of

IDENTITY: Final = 0  # place of the key that signs requests
KEY_CODES: Final = frozenset({"key-malformed", "key-algorithm", "key-replayed", "key-proof"})
_keys = table_of(DeviceKey)
_HERE = (
    _keys.c.device_id == sa.bindparam("device"),
    _keys.c.ep == sa.bindparam("ep"),
    _keys.c.from_seq >= FIRST_SEQ,
)
_START = (
    sa.select(sa.func.max(_keys.c.from_seq))
    .where(*_HERE, _keys.c.from_seq <= sa.bindparam("lowest", type_=sa.BigInteger()))
    .scalar_subquery()
)
# Built once: every push asks it twice.
_FROM_LOWEST = (
    sa.select(_keys.c.from_seq, _keys.c.jwk)
    .where(*_HERE, _keys.c.from_seq >= sa.func.coalesce(_START, FIRST_SEQ))
    .order_by(_keys.c.from_seq)
)


class ChainKeys:
    """The keys of one chain while a batch is placed; remembers those that the batch certifies."""

    def __init__(self, session: Session, line: KeyLine, identity: PublicKey) -> None:
        self._session = session
        self._identity = identity
        self.line = line
        self.learned: list[tuple[Entry, KeyNext]] = []

    def kid_at(self, seq: int) -> str:
        """Id of the key that signs a number."""
        return self.line.key_at(seq).thumbprint

    def trial(self, entries: Iterable[Entry]) -> list[str]:
        """Ids of the keys that signed entries in chain order; empty where none is known yet.

        Verifying is done here, before the chain is locked.
        """
        found = []
        for entry in entries:
            signed = self.line.signed(entry.opened)
            found.append(self.kid_at(entry.seq) if signed else "")
            if signed:
                try:
                    self.line.learn(entry.opened)
                except KeyEpochError:
                    continue
        return found

    def signed(self, entry: Entry) -> bool:
        """Whether a record is signed with the key that is known for its place."""
        return verify_signature(entry.opened, self.line.key_at(entry.seq))

    def refuses(self, entry: Entry) -> str | None:
        """Why a record may not enter at its place: a code, or None; follows ``key.next``."""
        if entry.kid != self.kid_at(entry.seq) and not self.signed(entry):
            return SIGNATURE
        try:
            successor = self.line.check(entry.opened)
        except KeyEpochError as error:
            return error.code
        if successor is not None:
            if successor.key == self._identity or known(self._session, successor.key):
                return "key-replayed"
            self.line.learn(entry.opened)
            self.learned.append((entry, successor))
        return None


def known(session: Session, key: PublicKey) -> bool:
    """Whether a key was ever bound to any device."""
    statement = sa.select(sa.literal(1)).where(_keys.c.kid == key.thumbprint).limit(1)
    return session.execute(statement).first() is not None


def bind(
    ctx: Context,
    place: tuple[uuid.UUID, uuid.UUID, int],
    identity: PublicKey,
    first: PublicKey,
) -> None:
    """Keep the keys of an enrolment.

    :param place: court, device, enrolment generation.
    """
    _insert(ctx, place, [(IDENTITY, identity, None), (FIRST_SEQ, first, None)])


def keep(ctx: Context, line: Line, keys: ChainKeys) -> None:
    """Keep what a batch certified."""
    rows = [(e.seq + 1, successor.key, e.opened.hid) for e, successor in keys.learned]
    _insert(ctx, (line.court_id, line.device_id, line.ep), rows)


def chain_keys(
    session: Session, device_id: uuid.UUID, ep: int, seqs: Iterable[int], enrolled: PublicKey
) -> ChainKeys:
    """Keys of a chain from the lowest of ``seqs`` on.

    :param enrolled: the identity key, which also signs the records of a device that was enrolled
        without a key of its own for them.
    """
    lowest = min(seqs, default=FIRST_SEQ)
    wanted = {"device": device_id, "ep": ep, "lowest": lowest}
    rows = session.connection().execute(_FROM_LOWEST, wanted).all()
    line = [(from_seq, PublicKey.from_jwk(jwk)) for from_seq, jwk in rows]
    if not line or line[0][0] > lowest:
        line.insert(0, (FIRST_SEQ, enrolled))
    return ChainKeys(session, KeyLine(line), enrolled)


def identity_key(session: Session, device_id: uuid.UUID, ep: int) -> PublicKey | None:
    """The key that a device of this generation shows its heads with; None when it is not kept."""
    statement = sa.select(_keys.c.jwk).where(
        _keys.c.device_id == device_id, _keys.c.ep == ep, _keys.c.from_seq == IDENTITY
    )
    jwk = session.execute(statement).scalar_one_or_none()
    return None if jwk is None else PublicKey.from_jwk(jwk)


def first_kid(session: Session, device_id: uuid.UUID, ep: int) -> str | None:
    """Id of the first key that signs records of a generation; None when none was bound."""
    statement = sa.select(_keys.c.kid).where(
        _keys.c.device_id == device_id, _keys.c.ep == ep, _keys.c.from_seq == FIRST_SEQ
    )
    return session.execute(statement).scalar_one_or_none()


def revoke(ctx: Context, device_id: uuid.UUID) -> None:
    """Mark every key of a device as revoked from now on."""
    ctx.session.execute(
        sa.update(_keys)
        .where(_keys.c.device_id == device_id, _keys.c.revoked_at.is_(None))
        .values(revoked_at=ctx.clock.now())
    )


def _insert(
    ctx: Context,
    place: tuple[uuid.UUID, uuid.UUID, int],
    keys: Iterable[tuple[int, PublicKey, str | None]],
) -> None:
    court_id, device_id, ep = place
    now = ctx.clock.now()
    rows = [
        {
            "court_id": court_id, "device_id": device_id, "ep": ep, "from_seq": from_seq,
            "kid": key.thumbprint, "jwk": key.to_jwk(), "record_hid": hid, "made_at": now,
        }
        for from_seq, key, hid in keys
    ]  # fmt: skip
    insert_rows(ctx.session, _keys, rows)
