"""What ties a sign-in's row to its person, so that nobody who writes the database becomes another.

The secret of a sign-in is stored as a keyed digest; the bond is one over everything that the row
says of whose it is and until when.  A row that was planted, or whose person was exchanged, has
none that fits, and counts as unknown.
"""

from __future__ import annotations

import hmac
from typing import Final

from client_sdk.protocol import jcs
from server.core.clock import unix_ms
from server.core.keyring import KeyRing
from server.identity.models import SignIn

_CONTEXT: Final = "sign-in-bond"


def bond_of(keyring: KeyRing, sign_in: SignIn) -> str:
    """The keyed digest that this row has to carry."""
    said = {
        "id": str(sign_in.id),
        "court": str(sign_in.court_id),
        "user": str(sign_in.user_id),
        "device": str(sign_in.device_id) if sign_in.device_id else None,
        "jkt": sign_in.jkt,
        "secret": sign_in.refresh_hash,
        "until": str(unix_ms(sign_in.expires_at)),
    }
    return keyring.mac(jcs.dumps(said).encode(), _CONTEXT)


def bind(keyring: KeyRing, sign_in: SignIn) -> SignIn:
    """Give a new row its bond; returns the row."""
    sign_in.bond = bond_of(keyring, sign_in)
    return sign_in


def holds(keyring: KeyRing, sign_in: SignIn) -> bool:
    """Whether the row says what it said when the server wrote it."""
    return hmac.compare_digest(sign_in.bond, bond_of(keyring, sign_in))
