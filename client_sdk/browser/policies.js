/** Trust policies (c2sp.org/tlog-policy): which logs and witnesses count, and how many. */
import { FormatError } from "./errors.js";
import {
  TYPE_COSIGNATURE, TYPE_ED25519, cosignedAt, parseCheckpoint, parseVkey, verifiedBy,
} from "./notes.js";

const NO_QUORUM = "none";
const MAX_POLICY_CHARS = 1 << 20;
const MAX_LINES = 4096;
const FORBIDDEN = /[\x00-\x08\x0b-\x1f\x7f]/;
const NUMBER = /^[1-9][0-9]{0,3}$/;

/** @typedef {import("./notes.js").VerifierKey} VerifierKey */
/** @typedef {import("./notes.js").Note} Note */
/** @typedef {import("./notes.js").Checkpoint} Checkpoint */
/** @typedef {{checkpoint: Checkpoint, logOk: boolean, cosigned: Map<string, bigint>,
 *   refused: string[]}} Judged */

/** @param {string} message @param {string} code @returns {never} */
function refuse(message, code) {
  throw new FormatError(message, code);
}

export class Policy {
  constructor() {
    /** @type {VerifierKey[]} */
    this.logs = [];
    /** @type {{name: string, key: VerifierKey}[]} */
    this.witnesses = [];
    /** @type {{name: string, threshold: number, members: string[]}[]} */
    this.groups = [];
    /** @type {string | undefined} */
    this.quorum = undefined;
    this.names = new Set();
    this.grouped = new Set();
  }

  /** @param {string} text @returns {Policy} FormatError names the line that breaks a rule */
  static parse(text) {
    if (text.length > MAX_POLICY_CHARS) refuse("the policy is too long", "policy-length");
    if (FORBIDDEN.test(text)) refuse("a control character", "policy-control");
    if (!text.endsWith("\n")) refuse("every line ends in a newline", "policy-line");
    const lines = text.slice(0, -1).split("\n");
    if (lines.length > MAX_LINES) refuse("the policy is too long", "policy-length");
    const policy = new Policy();
    lines.forEach((line, at) => policy.#line(line, at + 1));
    if (policy.quorum === undefined) refuse("no quorum line", "policy-quorum");
    return policy;
  }

  /** @param {string} line @param {number} number */
  #line(line, number) {
    const [kind, ...items] = line.split(/[ \t]+/).filter((item) => item !== "");
    if (kind === undefined || kind.startsWith("#")) return;
    try {
      if (kind === "log") this.#log(items);
      else if (kind === "witness") this.#witness(items);
      else if (kind === "group") this.#group(items);
      else if (kind === "quorum") this.#quorum(items);
      else refuse("neither log, witness, group nor quorum", "policy-line");
    } catch (error) {
      if (error instanceof FormatError) refuse(`line ${number}: ${error.message}`, error.code);
      throw error;
    }
  }

  /** @param {string[]} items */
  #log(items) {
    const key = vkeyOf(items, TYPE_ED25519);
    if (this.logs.some((log) => log.key.equals(key.key))) {
      refuse("the log is there already", "policy-duplicate");
    }
    this.logs.push(key);
  }

  /** @param {string[]} items */
  #witness(items) {
    const name = this.#named(items);
    const key = vkeyOf(items.slice(1), TYPE_COSIGNATURE);
    if (this.witnesses.some((witness) => witness.key.key.equals(key.key))) {
      refuse("the witness is there already", "policy-duplicate");
    }
    this.witnesses.push({ name, key });
  }

  /** @param {string[]} items */
  #group(items) {
    const members = items.slice(2);
    if (members.length === 0 || new Set(members).size !== members.length) {
      refuse("a group has members, each once", "policy-group");
    }
    if (!members.every((name) => this.names.has(name))) {
      refuse("a member is not defined above", "policy-unknown");
    }
    if (members.some((name) => this.grouped.has(name))) {
      refuse("a member is in a group already", "policy-group");
    }
    const threshold = thresholdOf(items[1], members.length);
    const name = this.#named(items);
    members.forEach((member) => this.grouped.add(member));
    this.groups.push({ name, threshold, members });
  }

  /** @param {string[]} items */
  #quorum(items) {
    if (this.quorum !== undefined || items.length !== 1) {
      refuse("exactly one quorum line with one name", "policy-quorum");
    }
    if (items[0] !== NO_QUORUM && !this.names.has(items[0])) {
      refuse("the quorum is not defined above", "policy-unknown");
    }
    this.quorum = items[0];
  }

  /** @param {string[]} items @returns {string} the line's first item as a new name */
  #named(items) {
    const [name] = items;
    if (name === undefined || name === NO_QUORUM || this.names.has(name)) {
      return refuse("a name is missing, taken or none", "policy-name");
    }
    this.names.add(name);
    return name;
  }

  /** Whether cosignatures of these witnesses are a quorum. @param {Iterable<string>} names */
  metBy(names) {
    if (this.quorum === NO_QUORUM) return true;
    const given = new Set(names);
    const found = new Set(this.witnesses.map(({ name }) => name).filter((name) => given.has(name)));
    for (const { name, threshold, members } of this.groups) {
      if (members.filter((member) => found.has(member)).length >= threshold) found.add(name);
    }
    return found.has(/** @type {string} */ (this.quorum));
  }

  /** What the policy says of a note; FormatError when its text is no checkpoint.
   * @param {Note} note @returns {Promise<Judged>} */
  async judge(note) {
    const checkpoint = parseCheckpoint(note.text);
    const claimed = this.logs.filter((log) => note.signatures.some((line) => log.made(line)));
    const refused = [];
    for (const key of claimed) if (!(await verifiedBy(note, key))) refused.push(key.name);
    const named = claimed.some((key) => key.name === checkpoint.origin);
    const logOk = refused.length === 0 && named;
    /** @type {Map<string, bigint>} */
    const cosigned = new Map();
    for (const { name, key } of this.witnesses) {
      try {
        const at = await cosignedAt(note, key);
        if (at !== undefined) cosigned.set(name, at);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        refused.push(name);
      }
    }
    return { checkpoint, logOk, cosigned, refused };
  }
}

/** @param {string[]} items @param {number} type @returns {VerifierKey} */
function vkeyOf(items, type) {
  if (items.length < 1 || items.length > 2) {
    refuse("a key and perhaps a URL are expected", "policy-line");
  }
  const key = parseVkey(items[0]);
  if (key.type !== type) refuse("a key of another signature type", "key-type");
  return key;
}

/** @param {string} item @param {number} members @returns {number} */
function thresholdOf(item, members) {
  if (item === "all" || item === "any") return item === "all" ? members : 1;
  if (!NUMBER.test(item) || Number(item) > members) {
    refuse("a threshold from 1 to the number of members", "policy-group");
  }
  return Number(item);
}
