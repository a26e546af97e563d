/** Checks of commitments, keys and signatures. */
import { problem } from "./archive.js";
import { concat, fromB64url, fromHex, utf8 } from "./bytes.js";
import { HEADER_DOMAIN, payloadCommitment } from "./leaves.js";
import { placeOf } from "./model.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./archive.js").Problem} Problem */

const BATCH = 64;

/** Every disclosed payload is the one that its header commits to, and well-formed.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* commitments(dossier) {
  for (const entry of dossier.entries) {
    const { payload, salt } = entry.line;
    if (payload === null || salt === null) continue;
    if (payloadCommitment(payload, fromHex(salt)) !== entry.pc) {
      yield problem("commitment", entry.where, "not the payload that was signed");
    }
    if (entry.payload === null || !entry.act) {
      yield problem("payload-form", entry.where, entry.payloadProblem ?? "a payload without act");
    }
  }
}

/** Server events are signed under keys that are pinned or reached, at their time, once each.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* serverKeys(dossier) {
  const found = dossier.eventKeys;
  yield* found.problems;
  /** @type {Map<string, number>} */
  const seen = new Map();
  const told = new Set();
  for (const entry of dossier.entries) {
    if (entry.eventId === null) continue;
    const kid = entry.leaf.k;
    if (!found.keys.has(kid)) {
      // Without a statement nothing lists the later keys: that it is missing is said.
      if (!told.has(kid) && dossier.exported) {
        yield problem("event-key-unknown", entry.where, `key ${kid} is not trusted`);
      }
      told.add(kid);
    } else if (!found.validAt(kid, entry.index)) {
      yield problem("event-key-retired", entry.where, `key ${kid} was not in force`);
    }
    if (seen.has(entry.eventId)) {
      yield problem("event-repeated", entry.where, "an event a second time");
    } else {
      seen.set(entry.eventId, entry.index);
    }
  }
}

/** Every device was enrolled before its records, with one sound, vouched-for key.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* enrolment(dossier) {
  const found = dossier.deviceKeys;
  yield* found.problems;
  if (dossier.trust.enrolmentRoots.length === 0 && found.lines.size > 0) {
    yield problem("enrolment-unpinned", "", "no supervisor, root or device key is pinned");
  }
  for (const [place, chain] of dossier.chains) {
    const known = found.lines.get(place);
    if (known === undefined) {
      const { src, ep } = /** @type {import("./leaves.js").Header} */ (chain[0].header);
      yield problem("device-unenrolled", chain[0].where, `${src}, enrolment ${ep}`);
      continue;
    }
    for (const entry of chain) {
      if (entry.index < known.entry.index) {
        yield problem("device-unenrolled", entry.where, "before its enrolment");
      }
    }
  }
}

/** Every entry, stubs too, is signed with the key in force for its source at its place.
 * @param {Dossier} dossier @returns {AsyncGenerator<Problem>} */
export async function* signatures(dossier) {
  for (let at = 0; at < dossier.entries.length; at += BATCH) {
    const batch = dossier.entries.slice(at, at + BATCH);
    for (const found of await Promise.all(batch.map((entry) => signature(dossier, entry)))) {
      if (found !== undefined) yield found;
    }
  }
}

/** @param {Dossier} dossier @param {Entry} entry @returns {Promise<Problem | undefined>} */
async function signature(dossier, entry) {
  if (entry.header === null) {
    const key = dossier.eventKeys.keys.get(entry.leaf.k);
    if (key === undefined || (await isSigned(entry, key))) return undefined;
    return problem("signature", entry.where, "not signed by the server's key");
  }
  const enrolled = dossier.deviceKeys.lines.get(placeOf(entry.header.src, entry.header.ep));
  if (enrolled === undefined) return undefined;
  const key = enrolled.keyAt(entry.seq);
  if (await isSigned(entry, key)) {
    const named = [key.thumbprint, enrolled.keys[0].thumbprint].includes(entry.leaf.k);
    return named ? undefined : problem("signature", entry.where, "names another key");
  }
  let earlier = false;
  for (const one of enrolled.keys) earlier ||= await isSigned(entry, one);
  const reason = earlier ? "key-epoch" : "signature";
  return problem(reason, entry.where, "not signed with the device key in force");
}

/** @param {Entry} entry @param {import("./keys.js").PublicKey} key @returns {Promise<boolean>} */
const isSigned = (entry, key) =>
  key.verify(fromB64url(entry.leaf.s), concat(HEADER_DOMAIN, utf8(entry.leaf.h)));

/** Records that the log took after their device was revoked are named as suspect.
 * What the statement calls suspect is, even where somebody left the revocation out.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* revocation(dossier) {
  const found = dossier.deviceKeys;
  const suspect = dossier.statement?.suspect ?? new Set();
  for (const entry of dossier.entries) {
    if (entry.header === null) continue;
    const told = suspect.has(entry.index);
    const revoked = found.revoked.get(entry.header.src) ?? entry.index + 1;
    if (!told && entry.index < revoked) continue;
    if (told || !dossier.inCase(entry)) {
      yield problem("key-revoked-declared", entry.where, "after the revocation; suspect");
    } else {
      yield problem("key-revoked", entry.where, "after the revocation of its device");
    }
  }
}
