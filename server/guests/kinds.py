"""Words of this slice that stand in rows and in forms."""

from __future__ import annotations

from enum import StrEnum


class InviteeKind(StrEnum):
    """In which capacity somebody is invited."""

    NPC_DEPUTY = "npc_deputy"
    CPPCC_MEMBER = "cppcc_member"
    PROCURATOR = "procurator"
    OTHER = "other"


class InvitationState(StrEnum):
    """What became of an invitation; ``EXPIRED`` follows from the clock and is never stored."""

    INVITED = "invited"
    REDEEMED = "redeemed"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Phase(StrEnum):
    """What a guest may have at this moment."""

    WAITING = "waiting"  # before the window, or before the mission has started
    LIVE = "live"
    REPLAY = "replay"
    ENDED = "ended"


class OpinionKind(StrEnum):
    """What a guest says."""

    OPINION = "opinion"
    QUESTION = "question"
    PRAISE = "praise"


class OpinionState(StrEnum):
    """How far the court is with it."""

    RECEIVED = "received"
    HANDLING = "handling"
    ANSWERED = "answered"
