/** Verification of one dossier: open, run every check, weigh. No network, no clock. */
import { openArchive, problem } from "./archive.js";
import * as bag from "./checks_bag.js";
import * as ofCase from "./checks_case.js";
import * as chains from "./checks_chains.js";
import { custody } from "./checks_custody.js";
import * as keys from "./checks_keys.js";
import * as log from "./checks_log.js";
import { objects, recordings } from "./checks_objects.js";
import { CHECKPOINT, MAX_PROOF_BYTES } from "./dossier.js";
import { ArchiveError, TrustError } from "./errors.js";
import { MAX_NOTE_BYTES, parseNote } from "./notes.js";
import { Dossier } from "./package.js";
import { about, reportOf } from "./report.js";
import { parseTrust } from "./trust.js";
import { CHECKS } from "./verdicts.js";

/** @typedef {import("./archive.js").Problem} Problem */
/** @typedef {import("./report.js").Finding} Finding */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./package.js").Progress} Progress */
/** @typedef {(dossier: Dossier) => Iterable<Problem> | AsyncIterable<Problem>} CheckFunction */

/** @type {Record<string, CheckFunction>} */
export const FUNCTIONS = {
  archive: bag.archive, layout: bag.layout, bag: bag.bag, digests: bag.digests,
  checkpoint: log.checkpoint, quorum: log.quorum, time: log.time, entries: log.entries,
  inclusion: log.inclusion, proofs: log.proofs, commitments: keys.commitments,
  "server-keys": keys.serverKeys, enrolment: keys.enrolment, signatures: keys.signatures,
  revocation: keys.revocation, "device-chains": chains.deviceChains, ranges: chains.ranges,
  tickets: chains.tickets, attestations: chains.attestations, clocks: chains.clocks,
  "case-chain": ofCase.caseChain, "case-binding": ofCase.caseBinding,
  statement: ofCase.statement, disclosure: ofCase.disclosure, objects, recordings, custody,
  prior: log.prior,
};

/**
 * Judge a dossier by what the trust file pins.
 * @param {Blob} file the dossier
 * @param {Blob} trustFile trust file or bare tlog-policy
 * @param {Blob[]} [priorFiles] checkpoints of this log that were kept: the dossier must extend them
 * @param {Progress} [progress]
 * @returns {Promise<Report>} FormatError when the trust file or a kept checkpoint cannot be used
 */
export async function verify(file, trustFile, priorFiles = [], progress = () => {}) {
  const trust = parseTrust(new Uint8Array(await trustFile.arrayBuffer()));
  const priors = [];
  for (const one of priorFiles) priors.push(await noteOf(one));
  let archive;
  try {
    archive = await openArchive(file);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    const only = problem(error.code, "", error.message);
    return reportOf([{ check: "archive", ...only }], ["archive"], {});
  }
  const dossier = await Dossier.open(archive, trust, priors, progress);
  /** @type {Finding[]} */
  const findings = [];
  for (const [number, check] of CHECKS.entries()) {
    progress("checks", number, CHECKS.length);
    for await (const found of FUNCTIONS[check](dossier)) findings.push({ check, ...found });
  }
  return reportOf(findings, CHECKS, about(dossier));
}

/** A checkpoint's note, or the one of an earlier dossier.
 * @param {Blob} file @returns {Promise<import("./notes.js").Note>} */
async function noteOf(file) {
  const head = new Uint8Array(await file.slice(0, MAX_NOTE_BYTES + 1).arrayBuffer());
  if (head[0] !== 0x50 || head[1] !== 0x4b) return parseNote(head);
  const archive = await openArchive(file);
  if (!archive.has(CHECKPOINT)) throw new TrustError("no checkpoint in that dossier", "prior");
  return parseNote(await archive.read(CHECKPOINT, MAX_PROOF_BYTES));
}
