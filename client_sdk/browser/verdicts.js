/** Verdicts, checks in their order, and the level of each reason (docs/dossier-format.md §6). */

export const VERDICTS = ["VERIFIED", "VERIFIED-WITH-FINDINGS", "INCOMPLETE", "FAILED"];
export const LEVELS = ["note", "finding", "incomplete", "failed"];

export const CHECKS = [
  "archive", "layout", "bag", "digests", "checkpoint", "quorum", "time", "entries", "inclusion",
  "proofs", "commitments", "server-keys", "enrolment", "signatures", "revocation",
  "device-chains", "ranges", "tickets", "attestations", "clocks", "case-chain", "case-binding",
  "statement", "disclosure", "objects", "recordings", "custody", "prior",
];

// Only here: a check that this browser cannot make. The command line makes every check.
export const NOT_PERFORMED = "not-performed";

const INCOMPLETE = [
  "archive-truncated", "file-missing", "manifest-absent", "statement-missing", "proof-missing",
  "object-absent", "prior-unproven", NOT_PERFORMED,
];
const FINDINGS = [
  "quorum-unpinned", "token-missing", "token-unpinned", "event-key-unpinned", "event-late",
  "enrolment-unpinned", "key-revoked-declared", "chain-gap-declared", "chain-late",
  "ticket-unknown", "ticket-late", "attestation-form", "attestation-signature", "clock-step",
  "redaction-declared", "erasure-declared", "object-size", "object-withheld", "object-erased",
  "object-missing", "object-deleted", "recording-interrupted", "recording-short",
  "recording-reboot", "custody-open", "custody-unclear",
];

/** Weight of a reason: 0 note to 3 failed; what is not listed is a contradiction.
 * @param {string} reason @returns {number} */
export function levelOf(reason) {
  if (INCOMPLETE.includes(reason)) return 2;
  return FINDINGS.includes(reason) ? 1 : 3;
}

/** The worst level decides. @param {{reason: string}[]} findings @returns {string} */
export const verdictOf = (findings) =>
  VERDICTS[findings.reduce((worst, one) => Math.max(worst, levelOf(one.reason)), 0)];
