/** Keys that a dossier proves: server-event keys by succession, device keys by enrolment. */
import { problem } from "./archive.js";
import { concat, fromB64url, utf8 } from "./bytes.js";
import { countUpTo } from "./counting.js";
import { FormatError, UnableError } from "./errors.js";
import { dump, dumpBytes, idText } from "./jcs.js";
import { PublicKey, SIGNATURE_BYTES } from "./keys.js";
import { Members } from "./members.js";
import { placeOf } from "./model.js";
import { KeyEntry } from "./statement.js";
import { parseTime } from "./times.js";
import { NOT_PERFORMED } from "./verdicts.js";
import { isVouched } from "./vouching.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./archive.js").Problem} Problem */

const NEXT_DOMAIN = utf8("tiezheng.key.v1\0");

/** Trusted server-event keys, the log index each is valid from, and until (exclusive). */
export class EventKeys {
  constructor() {
    /** @type {Map<string, PublicKey>} */
    this.keys = new Map();
    /** @type {Map<string, number>} */
    this.since = new Map();
    /** @type {Map<string, number>} */
    this.until = new Map();
    /** @type {Problem[]} */
    this.problems = [];
  }

  /** @param {string} kid @param {number} index @returns {boolean} */
  validAt(kid, index) {
    return (this.since.get(kid) ?? 0) <= index && index < (this.until.get(kid) ?? index + 1);
  }
}

/** Pinned keys and those that succession signatures reach from them.
 * @param {Dossier} dossier @returns {Promise<EventKeys>} */
export async function eventKeys(dossier) {
  const found = new EventKeys();
  const entries = (dossier.statement?.keys ?? []).filter((one) => one.purpose === "event");
  const listed = new Map(entries.map((entry) => [entry.kid, entry]));
  let trusted = new Map(dossier.trust.eventKeys.map(([kid, key]) =>
    [kid, new KeyEntry(kid, "event", key, 0)]));
  if (trusted.size === 0) {
    found.problems.push(problem("event-key-unpinned", "", "no server key is pinned"));
    trusted = new Map([...listed].filter(([, entry]) => entry.by === null));
  }
  for (const [kid, entry] of trusted) {
    const said = listed.get(kid);
    if (said !== undefined && !said.key.equals(entry.key)) {
      found.problems.push(problem("event-key-unknown", kid, "not the pinned key"));
    }
  }
  const roots = new Set(trusted.keys());
  await reach(listed, trusted);
  for (const [kid, entry] of trusted) found.keys.set(kid, entry.key);
  date(dossier, found, roots);
  return found;
}

/** @param {Map<string, KeyEntry>} listed @param {Map<string, KeyEntry>} trusted */
async function reach(listed, trusted) {
  for (let grown = true; grown;) {
    grown = false;
    for (const [kid, entry] of listed) {
      const before = trusted.get(entry.by ?? "");
      if (trusted.has(kid) || before === undefined || !(await entry.succeeds(before))) continue;
      trusted.set(kid, entry);
      grown = true;
    }
  }
}

/** From which entry on a later key is valid, and up to which a retired one was.
 * @param {Dossier} dossier @param {EventKeys} found @param {Set<string>} roots */
function date(dossier, found, roots) {
  for (const kid of [...found.keys.keys()].filter((one) => !roots.has(one))) {
    const added = dossier.events("key.added").find((one) => one.facts.kid === kid);
    if (added === undefined) found.keys.delete(kid); // no entry of the log says that it was added
    else found.since.set(kid, added.index);
  }
  for (const entry of dossier.events("key.retired")) {
    const kid = idText(entry.facts.kid);
    if (!found.until.has(kid)) found.until.set(kid, entry.index + 1);
  }
}

/** A device key's line: the keys in force, one after the other. */
export class Enrolment {
  /** @param {Entry} entry @param {PublicKey} key */
  constructor(entry, key) {
    this.entry = entry;
    this.firsts = [1];
    this.keys = [key];
    this.known = new Set([key.thumbprint]);
  }

  /** The key that must have signed record `seq`. @param {number} seq @returns {PublicKey} */
  keyAt(seq) {
    return this.keys[Math.max(countUpTo(this.firsts, seq) - 1, 0)];
  }

  /** Follow a `key.next` record of the chain; FormatError when its key may not follow.
   * @param {Entry} entry */
  async learn(entry) {
    const { header, payload } = entry;
    if (header === null || payload === null) return;
    const { key, proof } = keyNextOf(payload.key);
    if (key.alg !== this.keys[0].alg) throw new FormatError("another algorithm", "key-algorithm");
    if (this.known.has(key.thumbprint) || header.seq < this.firsts[this.firsts.length - 1]) {
      throw new FormatError("a key is in force only once", "key-replayed");
    }
    const { src, ep, seq, prev } = header;
    const message = concat(NEXT_DOMAIN, dumpBytes({ src, ep, seq, prev }));
    if (!(await key.verify(fromB64url(proof), message))) {
      throw new FormatError("its holder did not sign for it", "key-proof");
    }
    this.firsts.push(seq + 1);
    this.keys.push(key);
    this.known.add(key.thumbprint);
  }
}

/** @param {unknown} value @returns {{key: PublicKey, proof: string}} */
function keyNextOf(value) {
  const members = new Members(value, "key");
  const [jwk, proof] = [members.mapping("jwk"), members.text("proof", 128)];
  members.done();
  const key = PublicKey.fromJwk(jwk);
  fromB64url(proof, SIGNATURE_BYTES);
  if (dump(jwk) !== dump(key.jwk())) throw new FormatError("key.jwk has the required members only");
  return { key, proof };
}

/** Enrolments by device and generation, revocations by device; faults found on the way. */
export class DeviceKeys {
  constructor() {
    /** @type {Map<string, Enrolment>} */
    this.lines = new Map();
    /** @type {Map<string, number>} */
    this.revoked = new Map();
    /** @type {Problem[]} */
    this.problems = [];
  }
}

/** Keys of every enrolled device, with the successors that its records certify.
 * @param {Dossier} dossier @returns {Promise<DeviceKeys>} */
export async function deviceKeys(dossier) {
  const found = new DeviceKeys();
  for (const entry of dossier.events("device.enrolled")) await enrol(dossier, entry, found);
  for (const entry of dossier.events("device.revoked")) {
    if (!found.revoked.has(entry.subject)) found.revoked.set(entry.subject, entry.index);
  }
  for (const [place, enrolment] of found.lines) {
    for (const entry of dossier.chains.get(place) ?? []) {
      if (entry.act !== "key.next") continue;
      try {
        await enrolment.learn(entry);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        found.problems.push(problem("key-epoch", entry.where, error.message));
      }
    }
  }
  return found;
}

/** @param {Dossier} dossier @param {Entry} entry @param {DeviceKeys} found */
async function enrol(dossier, entry, found) {
  const { facts, subject: device } = entry;
  const ep = facts.ep;
  let key;
  try {
    key = PublicKey.fromJwk(facts.jwk);
    if (key.alg !== facts.alg || typeof ep !== "number") {
      throw new FormatError("alg, jwk and ep do not fit each other");
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    found.problems.push(problem("enrolment-form", entry.where, error.message));
    return;
  }
  const place = placeOf(device, ep);
  if (found.lines.has(place)) {
    found.problems.push(problem("enrolment-twice", entry.where, `a second key for ${device}`));
    return;
  }
  const roots = dossier.trust.enrolmentRoots;
  const claim = { facts, device, ep, key, at: parseTime(entry.leaf.rx) };
  try {
    if (roots.length > 0 && !(await isVouched(claim, roots))) {
      const detail = `nobody pinned vouches for ${device}`;
      found.problems.push(problem("enrolment-unvouched", entry.where, detail));
    }
  } catch (error) {
    if (!(error instanceof UnableError)) throw error;
    found.problems.push(problem(NOT_PERFORMED, entry.where, error.message));
  }
  found.lines.set(place, new Enrolment(entry, key));
}
