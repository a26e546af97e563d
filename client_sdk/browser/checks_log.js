/** Checks of the log: checkpoint, quorum, time, entries, inclusion, proofs, earlier checkpoints. */
import { problem } from "./archive.js";
import { equal, utf8 } from "./bytes.js";
import { CHECKPOINT, ENTRIES, PRIOR_PATH, PROOF_PATH, TOKEN_PATH, parseConsistency } from "./dossier.js";
import { countUpTo } from "./counting.js";
import { FormatError, UnableError, attempt } from "./errors.js";
import { parseProof } from "./leaves.js";
import { verifyConsistency, verifyInclusion } from "./merkle.js";
import { parseCheckpoint, parseNote, sameNote, verifiedBy } from "./notes.js";
import { parseTime } from "./times.js";
import { openToken } from "./timestamps.js";
import { NOT_PERFORMED } from "./verdicts.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./archive.js").Problem} Problem */
/** @typedef {import("./notes.js").Note} Note */
/** @typedef {import("./notes.js").Checkpoint} Checkpoint */

// Clocks of server, witnesses and authorities may differ by this much.
const SKEW_MICROS = 5 * 60 * 1e6;
const FAR_SECONDS = BigInt(Date.UTC(9999, 0, 1) / 1000);
/** @type {Record<string, string>} */
const TOKEN_REASONS = {
  "token-imprint": "token-imprint", "token-hash": "token-imprint",
  "token-chain": "token-untrusted", "token-revoked": "token-revoked",
};

/** The checkpoint is one of a log that the policy names, signed by it.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* checkpoint(dossier) {
  if (!dossier.archive.has(CHECKPOINT)) return;
  const { judged } = dossier;
  if (judged === undefined) {
    yield problem("checkpoint-form", CHECKPOINT, "not the note of a checkpoint");
    return;
  }
  const { origin, extensions } = judged.checkpoint;
  if (extensions.length > 0) yield problem("checkpoint-extension", CHECKPOINT, "extension lines");
  if (dossier.trust.policy.logs.every((log) => log.name !== origin)) {
    yield problem("checkpoint-origin", CHECKPOINT, `of another log: ${origin}`);
  } else if (!judged.logOk) {
    yield problem("checkpoint-signature", CHECKPOINT, "not signed by the log");
  }
}

/** Enough witnesses of the policy cosigned, and no known cosignature is false.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* quorum(dossier) {
  const { judged, trust: { policy } } = dossier;
  if (judged === undefined) return;
  for (const name of judged.refused) {
    if (policy.witnesses.some((witness) => witness.name === name)) {
      yield problem("cosignature", CHECKPOINT, `the line of ${name} does not hold`);
    }
  }
  if (policy.metBy([])) {
    yield problem("quorum-unpinned", "", "the policy asks for no witness");
  } else if (!policy.metBy(judged.cosigned.keys())) {
    const names = [...judged.cosigned.keys()].join(", ") || "nobody";
    yield problem("quorum", CHECKPOINT, `cosigned by ${names}: no quorum`);
  }
}

/** Tokens hold, and no time contradicts another or the trust file.
 * @param {Dossier} dossier @returns {AsyncGenerator<Problem>} */
export async function* time(dossier) {
  /** @type {[string, number][]} */
  const times = [];
  for (const seconds of dossier.judged?.cosigned.values() ?? []) {
    if (seconds < FAR_SECONDS) times.push([CHECKPOINT, Number(seconds) * 1e6]);
  }
  yield* tokenTimes(dossier, times);
  /** @type {[string, number][]} */
  const received = dossier.entries.map((entry) => [entry.where, parseTime(entry.leaf.rx)]);
  const newest = received.reduce((most, [, when]) => Math.max(most, when), -Infinity);
  for (const [where, when] of times) {
    if (newest - when > SKEW_MICROS) {
      yield problem("time-order", where, "before entries that it is to cover");
    }
  }
  yield* lateEvents(dossier);
  const earliest = dossier.trust.notBefore;
  for (const [where, when] of [...times, ...received]) {
    if (earliest !== null && when < earliest) {
      yield problem("time-before-trust", where, "before what the trust file allows");
    }
  }
}

/** Server events behind an earlier checkpoint that say they are older than it: their times are the
 * server's word; that they were not there yet is the witnesses'.
 * @param {Dossier} dossier @returns {AsyncGenerator<Problem>} */
async function* lateEvents(dossier) {
  /** @type {[number, number][]} size and time */
  const seen = [];
  for (const [size, note] of dossier.priorNotes) {
    const times = await cosignedTimes(dossier, note);
    if (times.length > 0) seen.push([Number(size), Math.min(...times)]);
  }
  seen.sort((a, b) => a[0] - b[0]);
  const sizes = seen.map(([size]) => size);
  let latest = -Infinity;
  const newest = seen.map(([, when]) => (latest = Math.max(latest, when)));
  for (const entry of dossier.entries) {
    const before = countUpTo(sizes, entry.index);
    if (entry.header !== null || before === 0) continue;
    if (newest[before - 1] - parseTime(entry.leaf.rx) > SKEW_MICROS) {
      yield problem("event-late", entry.where, "says it is older than an earlier log");
    }
  }
}

/** Times at which witnesses of the policy cosigned, in microseconds.
 * @param {Dossier} dossier @param {Note} note @returns {Promise<number[]>} */
async function cosignedTimes(dossier, note) {
  try {
    const { cosigned } = await dossier.trust.policy.judge(note);
    return [...cosigned.values()].filter((at) => at < FAR_SECONDS).map((at) => Number(at) * 1e6);
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

/** @param {Dossier} dossier @param {[string, number][]} times @returns {AsyncGenerator<Problem>} */
async function* tokenTimes(dossier, times) {
  const { timeRoots } = dossier.trust;
  if (timeRoots === null) {
    yield problem("token-unpinned", "", "no authority's root is pinned");
    return;
  }
  const tokens = [...dossier.archive.members.keys()].filter((path) => TOKEN_PATH.test(path));
  if (tokens.length === 0) yield problem("token-missing", "", "no timestamp over the checkpoint");
  const text = utf8(dossier.note?.text ?? "");
  for (const path of tokens) {
    try {
      times.push([path, await openToken(await dossier.small(path), text, timeRoots)]);
    } catch (error) {
      if (error instanceof UnableError) yield problem(NOT_PERFORMED, path, error.message);
      else if (!(error instanceof FormatError)) throw error;
      else yield problem(TOKEN_REASONS[error.code] ?? "token-form", path, error.message);
    }
  }
}

/** Every line is canonical, complete and in its place. @param {Dossier} dossier */
export const entries = (dossier) => dossier.entryProblems;

/** Every entry is in the tree of the checkpoint, at its index.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* inclusion(dossier) {
  const head = dossier.checkpoint;
  if (head === undefined) return;
  for (const entry of dossier.entries) {
    const said = refusal(() =>
      verifyInclusion(entry.leafHash, BigInt(entry.index), head.size, entry.line.path, head.root));
    if (said !== undefined) yield problem("inclusion", entry.where, said);
  }
}

/** What a check refuses, undefined when it does not.
 * @param {() => void} check @returns {string | undefined} */
function refusal(check) {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** Proof files say the same as the entries; the export's own is there.
 * @param {Dossier} dossier @returns {AsyncGenerator<Problem>} */
export async function* proofs(dossier) {
  for (const path of dossier.archive.members.keys()) {
    const match = PROOF_PATH.exec(path);
    if (match === null || !dossier.archive.has(ENTRIES)) continue;
    const data = await dossier.small(path);
    try {
      const proof = parseProof(data);
      const entry = dossier.at.get(BigInt(match[1]));
      const same = entry !== undefined && proof.index === BigInt(entry.index)
        && proof.proof.length === entry.line.path.length
        && proof.proof.every((hash, at) => equal(hash, entry.line.path[at]))
        && sameNote(proof.note, dossier.note);
      if (!same) yield problem("proof-form", path, "says something else than the entry");
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      yield problem("proof-form", path, error.message);
    }
  }
  if (dossier.exported) {
    const path = `proof/${dossier.exported.entry.index}.tlog-proof`;
    if (!dossier.archive.has(path)) yield problem("proof-missing", path, "the export's own proof file");
  }
}

/** Earlier checkpoints are of the same log, and the tree has only grown since.
 * @param {Dossier} dossier @returns {AsyncGenerator<Problem>} */
export async function* prior(dossier) {
  const sizes = new Set();
  for (const path of dossier.archive.members.keys()) {
    const match = PRIOR_PATH.exec(path);
    if (match !== null) sizes.add(BigInt(match[1]));
  }
  for (const size of [...sizes].sort((a, b) => (a < b ? -1 : 1))) yield* priorOf(dossier, size);
  for (const [number, note] of dossier.priors.entries()) {
    yield* kept(dossier, `--prior ${number + 1}`, note);
  }
  const cited = dossier.statement?.checkpoint ?? null;
  if (cited === null) return;
  try {
    yield* kept(dossier, "statement.checkpoint", parseNote(cited));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    yield problem("prior-form", "statement.checkpoint", error.message);
  }
}

/** @param {Dossier} dossier @param {bigint} size @returns {AsyncGenerator<Problem>} */
async function* priorOf(dossier, size) {
  const where = `proof/prior/${size}.checkpoint`;
  const note = dossier.priorNotes.get(size);
  const earlier = checkpointOf(note);
  if (note === undefined || earlier?.size !== size) {
    yield problem("prior-form", where, "not a checkpoint of this size");
    return;
  }
  if (!(await isSigned(dossier, note, earlier))) {
    yield problem("prior-signature", where, "not signed by the log");
  }
  const path = `proof/prior/${size}.consistency`;
  if (!dossier.archive.has(path)) {
    yield problem("prior-form", where, "its consistency proof is not there");
    return;
  }
  const data = await dossier.small(path);
  const hashes = attempt(() => parseConsistency(data));
  const head = dossier.checkpoint;
  if (hashes === undefined) {
    yield problem("prior-form", path, "not a consistency proof");
  } else if (head !== undefined) {
    const said = refusal(() =>
      verifyConsistency(size, earlier.root, head.size, head.root, hashes));
    if (said !== undefined) yield problem("prior-inconsistent", where, said);
  }
}

/** A checkpoint that somebody kept: the dossier must prove that it extends it.
 * @param {Dossier} dossier @param {string} where @param {Note} note */
async function* kept(dossier, where, note) {
  const [earlier, head] = [checkpointOf(note), dossier.checkpoint];
  if (earlier === undefined || !(await isSigned(dossier, note, earlier))) {
    yield problem("prior-signature", where, "not a checkpoint of this log");
    return;
  }
  if (head === undefined) return;
  const known = earlier.size === head.size ? head : checkpointOf(dossier.priorNotes.get(earlier.size));
  if (known === undefined) {
    const detail = `the dossier proves nothing about size ${earlier.size}`;
    yield problem("prior-unproven", where, detail);
  } else if (!equal(known.root, earlier.root)) {
    yield problem("prior-inconsistent", where, "another tree of the same size");
  }
}

/** @param {Note | undefined} note @returns {Checkpoint | undefined} */
export function checkpointOf(note) {
  return note === undefined ? undefined : attempt(() => parseCheckpoint(note.text));
}

/** @param {Dossier} dossier @param {Note} note @param {Checkpoint} found */
async function isSigned(dossier, note, found) {
  for (const log of dossier.trust.policy.logs) {
    if (log.name === found.origin && (await verifiedBy(note, log))) return true;
  }
  return false;
}
