/** What an export says of itself: the `facts` of `custody.exported` (docs/dossier-format.md §3). */
import { concat, fromB64url, utf8 } from "./bytes.js";
import { MAX_ENTRIES } from "./dossier.js";
import { FormatError } from "./errors.js";
import { dumpBytes, isObject } from "./jcs.js";
import { PublicKey, SIGNATURE_BYTES } from "./keys.js";
import { Members } from "./members.js";
import { formatTime, parseTime } from "./times.js";

const CODE = "statement-form";
const WHY = /^[a-z][a-z0-9-]{0,63}$/;
const KEY_MEMBERS = ["kid", "purpose", "jwk", "since", "until", "by", "sig"];
const PURPOSES = ["log", "event", "token"];
const MAX_KEY_ID_CHARS = 64;
const SUCCESSION_DOMAIN = utf8("tiezheng.succ.v1\0");

/** @typedef {{src: string, ep: number, first: number, last: number, prev: string, head: string,
 *   gaps: [number, number][]}} DeviceRange */
/** @typedef {{sha256: string, size: number, why: string}} Absent */

/** @param {string} message @returns {never} */
function refuse(message) {
  throw new FormatError(message, CODE);
}

/** @param {unknown} value @returns {any[]} */
function list(value) {
  if (!Array.isArray(value) || value.length > MAX_ENTRIES) return refuse("a list is expected");
  return value;
}

/** @param {unknown} value @returns {number[]} */
function indexes(value) {
  const found = list(value);
  if (!found.every((item) => typeof item === "number" && item >= 0)) {
    refuse("log indexes are integers from 0");
  }
  return found;
}

/** @param {unknown} value @returns {[number, number][]} */
function spans(value) {
  const found = list(value).map(indexes);
  if (!found.every((span) => span.length === 2 && span[0] > 0 && span[0] <= span[1])) {
    refuse("gaps are pairs of first and last");
  }
  return /** @type {[number, number][]} */ (found);
}

/** @param {unknown} value @returns {DeviceRange} */
function range(value) {
  const members = new Members(value, "devices", CODE);
  const found = {
    src: members.text("src", 64), ep: members.count("ep"),
    first: members.count("first"), last: members.count("last"),
    prev: members.digest("prev"), head: members.digest("head"),
    gaps: spans(members.take("gaps")),
  };
  members.done();
  if (!(found.first > 0 && found.first <= found.last)) refuse("first to last is a range from 1");
  return found;
}

/** @param {unknown} value */
function withheld(value) {
  const members = new Members(value, "withheld", CODE);
  const found = {
    first: members.count("first"), last: members.count("last"), why: members.pattern("why", WHY),
  };
  members.done();
  return found;
}

/** @param {unknown} value @returns {Absent} */
function absent(value) {
  const members = new Members(value, "absent", CODE);
  const found = {
    sha256: members.digest("sha256"), size: members.count("size"),
    why: members.choice("why", ["withheld", "erased", "missing", "deleted"]),
  };
  members.done();
  return found;
}

/** @param {unknown} value */
function caseHead(value) {
  const members = new Members(value, "case", CODE);
  const found = {
    id: members.id("id"), no: members.text("no"), key: members.digest("key"),
    length: members.count("length"), head: members.digest("head"),
  };
  members.done();
  return found;
}

/** A key of the published list, with the signature of its predecessor. */
export class KeyEntry {
  /** @param {string} kid @param {string} purpose @param {PublicKey} key @param {number} since µs
   * @param {string | null} by @param {string | null} sig */
  constructor(kid, purpose, key, since, by = null, sig = null) {
    this.kid = kid;
    this.purpose = purpose;
    this.key = key;
    this.since = since;
    this.by = by;
    this.sig = sig;
  }

  /** @param {any} value @returns {KeyEntry} */
  static from(value) {
    const exact = isObject(value) && Object.keys(value).length === KEY_MEMBERS.length
      && KEY_MEMBERS.every((name) => name in value);
    if (!exact) refuse("a key entry with missing or unknown members");
    const { kid, purpose, jwk, since, until, by, sig } = value;
    const named = typeof kid === "string" && kid !== "" && [...kid].length <= MAX_KEY_ID_CHARS;
    if (!named || !PURPOSES.includes(purpose)) refuse("kid and purpose of a key entry");
    if ((by === null) !== (sig === null)) refuse("by and sig come together");
    if (sig !== null) fromB64url(sig, SIGNATURE_BYTES);
    if (until !== null) parseTime(until);
    return new KeyEntry(kid, purpose, PublicKey.fromJwk(jwk), parseTime(since), by, sig);
  }

  /** Whether `before` signed this key for the same purpose. @param {KeyEntry} before */
  async succeeds(before) {
    if (this.by !== before.kid || this.purpose !== before.purpose || !this.sig) return false;
    const claim = {
      kid: this.kid, purpose: this.purpose, jwk: this.key.jwk(), since: formatTime(this.since),
    };
    const message = concat(SUCCESSION_DOMAIN, dumpBytes(claim));
    return before.key.verify(fromB64url(this.sig, SIGNATURE_BYTES), message);
  }
}

/** @typedef {ReturnType<typeof read>} Statement */

/** @param {unknown} facts @returns {Statement} FormatError (`statement-form`) otherwise */
export function parseStatement(facts) {
  try {
    return read(facts);
  } catch (error) {
    if (error instanceof FormatError) return refuse(error.message);
    throw error;
  }
}

/** @param {unknown} facts */
function read(facts) {
  const members = new Members(facts, "statement", CODE);
  if (members.count("v") !== 1) refuse("an unknown version of the format");
  const found = {
    export: members.id("export"),
    case: caseHead(members.take("case")),
    devices: list(members.take("devices")).map(range),
    withheld: list(members.take("withheld")).map(withheld),
    erased: new Set(indexes(members.take("erased"))),
    suspect: new Set(indexes(members.take("suspect"))),
    absent: list(members.take("absent")).map(absent),
    manifest: members.digest("manifest"),
    files: members.count("files"),
    size: members.count("size"),
    keys: list(members.take("keys")).map(KeyEntry.from),
    checkpoint: textOrNull(members.take("checkpoint")),
    purpose: members.text("purpose", 4000),
    recipient: members.text("recipient", 4000),
    made: members.time("made"),
  };
  members.done();
  return found;
}

/** @param {unknown} value @returns {string | null} */
function textOrNull(value) {
  if (value !== null && typeof value !== "string") refuse("checkpoint is the text of a note");
  return /** @type {string | null} */ (value);
}
