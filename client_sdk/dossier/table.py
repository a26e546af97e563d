"""The checks, each a small function of its own, in the order of docs/dossier-format.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from client_sdk.dossier import (
    checks_bag,
    checks_case,
    checks_chains,
    checks_custody,
    checks_keys,
    checks_log,
    checks_objects,
)
from client_sdk.dossier.archive import Problem
from client_sdk.dossier.package import Dossier
from client_sdk.protocol.verdicts import Check

CheckFunction = Callable[[Dossier], Iterable[Problem]]

CHECKS: Final[Mapping[Check, CheckFunction]] = MappingProxyType(
    {
        Check.ARCHIVE: checks_bag.archive,
        Check.LAYOUT: checks_bag.layout,
        Check.BAG: checks_bag.bag,
        Check.DIGESTS: checks_bag.digests,
        Check.CHECKPOINT: checks_log.checkpoint,
        Check.QUORUM: checks_log.quorum,
        Check.TIME: checks_log.time,
        Check.ENTRIES: checks_log.entries,
        Check.INCLUSION: checks_log.inclusion,
        Check.PROOFS: checks_log.proofs,
        Check.COMMITMENTS: checks_keys.commitments,
        Check.SERVER_KEYS: checks_keys.server_keys,
        Check.ENROLMENT: checks_keys.enrolment,
        Check.SIGNATURES: checks_keys.signatures,
        Check.REVOCATION: checks_keys.revocation,
        Check.DEVICE_CHAINS: checks_chains.device_chains,
        Check.RANGES: checks_chains.ranges,
        Check.TICKETS: checks_chains.tickets,
        Check.ATTESTATIONS: checks_chains.attestations,
        Check.CLOCKS: checks_chains.clocks,
        Check.CASE_CHAIN: checks_case.case_chain,
        Check.CASE_BINDING: checks_case.case_binding,
        Check.STATEMENT: checks_case.statement,
        Check.DISCLOSURE: checks_case.disclosure,
        Check.OBJECTS: checks_objects.objects,
        Check.RECORDINGS: checks_objects.recordings,
        Check.CUSTODY: checks_custody.custody,
        Check.PRIOR: checks_log.prior,
    }
)
