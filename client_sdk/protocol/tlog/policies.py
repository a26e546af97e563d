"""Trust policies (c2sp.org/tlog-policy): which logs and witnesses count, and how many.

The file is octets: names are compared as they are, never normalised. Decoding keeps octets that
are not UTF-8 apart (PEP 383), so two names are equal exactly when their octets are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self, TypeAlias

from client_sdk.protocol.errors import CosignatureError, PolicyError, ProtocolError
from client_sdk.protocol.tlog.checkpoints import Checkpoint, parse_checkpoint
from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.notes import (
    TYPE_COSIGNATURE,
    TYPE_ED25519,
    Note,
    VerifierKey,
    parse_vkey,
    verified_by,
)

NO_QUORUM: Final = "none"
MAX_POLICY_BYTES: Final = 1 << 20
MAX_LINES: Final = 4096

_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SPACE: Final = re.compile(r"[ \t]+")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class PolicyLog:
    """A log that is accepted; its vkey's name is the origin of its checkpoints."""

    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class PolicyWitness:
    """A witness; `name` is its name within the policy, not that of its key."""

    name: str
    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class PolicyGroup:
    """Witnesses a checkpoint when at least `threshold` of its members do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class PolicyVerdict:
    """What a policy says about a checkpoint note.

    `checkpoint` means nothing unless `log_ok`. `cosigned` gives, by the witness's name in the
    policy, the time of each cosignature that verifies, in seconds since 1970. `refused` names the
    known keys whose line does not verify: a log among them makes `log_ok` false, a witness
    `quorum_met`, as the note is then not to be trusted as a whole.
    """

    checkpoint: Checkpoint
    log_ok: bool
    cosigned: Mapping[str, int]
    quorum_met: bool
    refused: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the checkpoint is valid under the policy."""
        return self.log_ok and self.quorum_met


@dataclass(frozen=True)
class Policy:
    """A parsed policy; `quorum` names a witness or group, or is ``none``."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Policy of a file's text; PolicyError names the line that breaks a rule."""
        draft = _Draft()
        for number, line in enumerate(_lines(text), start=1):
            items = [item for item in _SPACE.split(line) if item]
            if not items or items[0].startswith("#"):
                continue
            try:
                draft.take(items)
            except ProtocolError as error:
                raise PolicyError(f"line {number}: {error}", code=error.code) from error
        if draft.quorum is None:
            raise PolicyError("no quorum line", code="policy-quorum")
        return cls(
            tuple(draft.logs), tuple(draft.witnesses), tuple(draft.groups.values()), draft.quorum
        )

    def met_by(self, names: Collection[str]) -> bool:
        """Whether cosignatures of the witnesses `names` are a quorum."""
        if self.quorum == NO_QUORUM:
            return True
        witnessing = {witness.name for witness in self.witnesses} & set(names)
        for group in self.groups:  # members stand before their group
            if sum(member in witnessing for member in group.members) >= group.threshold:
                witnessing.add(group.name)
        return self.quorum in witnessing

    def judge(self, note: Note) -> PolicyVerdict:
        """Verdict on a checkpoint note; CheckpointError when its text is no checkpoint."""
        checkpoint = parse_checkpoint(note.text)
        claimed = [log.vkey for log in self.logs if any(map(log.vkey.made, note.signatures))]
        bad_logs = [vkey.name for vkey in claimed if not verified_by(note, vkey)]
        log_ok = not bad_logs and any(vkey.name == checkpoint.origin for vkey in claimed)
        cosigned, bad_witnesses = self._cosigned(note)
        quorum_met = not bad_witnesses and self.met_by(cosigned)
        refused = (*bad_logs, *bad_witnesses)
        return PolicyVerdict(checkpoint, log_ok, MappingProxyType(cosigned), quorum_met, refused)

    def _cosigned(self, note: Note) -> tuple[dict[str, int], list[str]]:
        """Times of the cosignatures that verify, and the witnesses whose line does not."""
        cosigned: dict[str, int] = {}
        refused: list[str] = []
        for witness in self.witnesses:
            try:
                cosigned[witness.name] = verify_cosignature(note, witness.vkey)
            except CosignatureError as error:
                if error.code != "cosignature-missing":
                    refused.append(witness.name)
        return cosigned, refused


_Rule: TypeAlias = "Callable[[_Draft, list[str]], None]"


@dataclass
class _Draft:
    """The policy so far, line by line: a name is known only from its line on."""

    logs: list[PolicyLog] = field(default_factory=list)
    witnesses: list[PolicyWitness] = field(default_factory=list)
    groups: dict[str, PolicyGroup] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)
    quorum: str | None = None

    def take(self, items: list[str]) -> None:
        """One line's items."""
        rule = _RULES.get(items[0])
        if rule is None:
            raise PolicyError("neither log, witness, group nor quorum", code="policy-line")
        rule(self, items[1:])

    def log(self, items: list[str]) -> None:
        """``log <vkey> [<url>]``."""
        vkey, url = _vkey_and_url(items, TYPE_ED25519)
        if any(vkey.public == log.vkey.public for log in self.logs):
            raise PolicyError("the log is there already", code="policy-duplicate")
        self.logs.append(PolicyLog(vkey, url))

    def witness(self, items: list[str]) -> None:
        """``witness <name> <vkey> [<url>]``."""
        name = self._named(items)
        vkey, url = _vkey_and_url(items[1:], TYPE_COSIGNATURE)
        if any(vkey.public == witness.vkey.public for witness in self.witnesses):
            raise PolicyError("the witness is there already", code="policy-duplicate")
        self.witnesses.append(PolicyWitness(name, vkey, url))

    def group(self, items: list[str]) -> None:
        """``group <name> all|any|<k> <name>…``."""
        members = tuple(items[2:])
        if not members or len(set(members)) != len(members):
            raise PolicyError("a group has members, each once", code="policy-group")
        if not self.names.issuperset(members):
            raise PolicyError("a member is not defined above", code="policy-unknown")
        if not self.grouped.isdisjoint(members):
            raise PolicyError("a member is in a group already", code="policy-group")
        threshold = _threshold(items[1], len(members))
        name = self._named(items)
        self.grouped.update(members)
        self.groups[name] = PolicyGroup(name, threshold, members)

    def set_quorum(self, items: list[str]) -> None:
        """``quorum <name>``."""
        if self.quorum is not None or len(items) != 1:
            raise PolicyError("exactly one quorum line with one name", code="policy-quorum")
        if items[0] != NO_QUORUM and items[0] not in self.names:
            raise PolicyError("the quorum is not defined above", code="policy-unknown")
        self.quorum = items[0]

    def _named(self, items: list[str]) -> str:
        """The line's first item as a new name."""
        if not items or items[0] == NO_QUORUM or items[0] in self.names:
            raise PolicyError("a name is missing, taken or none", code="policy-name")
        self.names.add(items[0])
        return items[0]


_RULES: Final[Mapping[str, _Rule]] = {
    "log": _Draft.log,
    "witness": _Draft.witness,
    "group": _Draft.group,
    "quorum": _Draft.set_quorum,
}


def _lines(text: str | bytes) -> list[str]:
    if len(text) > MAX_POLICY_BYTES:
        raise PolicyError("the policy is too long", code="policy-length")
    decoded = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
    if _FORBIDDEN.search(decoded):
        raise PolicyError("a control character", code="policy-control")
    if not decoded.endswith("\n"):
        raise PolicyError("every line ends in a newline", code="policy-line")
    lines = decoded.removesuffix("\n").split("\n")
    if len(lines) > MAX_LINES:
        raise PolicyError("the policy is too long", code="policy-length")
    return lines


def _vkey_and_url(items: list[str], key_type: int) -> tuple[VerifierKey, str | None]:
    if not 1 <= len(items) <= 2:  # noqa: PLR2004 - a key and perhaps its URL
        raise PolicyError("a key and perhaps a URL are expected", code="policy-line")
    vkey = parse_vkey(items[0])
    if vkey.key_type != key_type:
        raise PolicyError("a key of another signature type", code="key-type")
    return vkey, items[1] if items[1:] else None


def _threshold(item: str, members: int) -> int:
    if item in ("all", "any"):
        return members if item == "all" else 1
    if not _NUMBER.fullmatch(item) or int(item) > members:
        raise PolicyError("a threshold from 1 to the number of members", code="policy-group")
    return int(item)
