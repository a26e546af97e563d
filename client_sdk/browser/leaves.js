/** Entries of the log, proof files, headers: forms only, no signature is verified here. */
import { fromB64, fromB64url, fromUtf8, hex, hmacSha256, isSha256Hex, sha256, utf8 } from "./bytes.js";
import { FormatError } from "./errors.js";
import { idText, isObject, parseObject } from "./jcs.js";
import { SIGNATURE_BYTES } from "./keys.js";
import { HASH_BYTES } from "./merkle.js";
import { decimal, parseCheckpoint, parseNote } from "./notes.js";
import { parseTime } from "./times.js";

export const GENESIS = "0".repeat(64);
const MAX_LEAF_BYTES = 4096;
const MAX_HEADER_BYTES = 1024;
const MAX_PROOF_HASHES = 63;
const MAX_PROOF_BYTES = 512 * 1024 + 2 * 64 * 1024;
const MAX_EXTRA_BYTES = 64 * 1024;
const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const TAG = /^[0-9a-f]{32}$/;
const KEY_NAME = /^[!-~]{1,128}$/;
const HEADER = /^[ -~]{1,1024}$/;
const SOURCE = /^[0-9a-z][0-9a-z._:-]{0,63}$/;
const PAYLOAD_DOMAIN = utf8("tiezheng.pl.v1\0");
export const HEADER_DOMAIN = utf8("tiezheng.hdr.v1\0");

/** @typedef {{ct: string, cs: number, cp: string | null}} CaseLink */
/** @typedef {{k: string, h: string, s: string, rx: string, case: CaseLink | null}} Leaf */
/** @typedef {{src: string, ep: number, seq: number, prev: string, pc: string}} Header */

/** @param {string} message @param {string} code @returns {never} */
function refuse(message, code) {
  throw new FormatError(message, code);
}

/** @param {unknown} value @param {string[]} names @returns {boolean} exactly these members */
function hasExactly(value, names) {
  return isObject(value) && Object.keys(value).length === names.length
    && names.every((name) => name in value);
}

/** @param {unknown} value @param {RegExp} form @returns {boolean} */
const matches = (value, form) => typeof value === "string" && form.test(value);

/** @param {string} text @returns {Leaf} which must be canonical and complete */
export function parseLeaf(text) {
  const value = parseObject(text, MAX_LEAF_BYTES);
  if (!hasExactly(value, ["v", "k", "h", "s", "rx", "c"]) || value.v !== 1) {
    refuse("an entry has v, k, h, s, rx, c and version 1", "leaf-member");
  }
  if (!matches(value.k, KEY_NAME)) refuse("k names a key", "leaf-key");
  if (!matches(value.h, HEADER)) refuse("h is a header text", "leaf-header");
  fromB64url(value.s, SIGNATURE_BYTES);
  parseTime(value.rx);
  return { k: value.k, h: value.h, s: value.s, rx: value.rx, case: caseLink(value.c) };
}

/** @param {any} value @returns {CaseLink | null} */
function caseLink(value) {
  if (value === null) return null;
  if (!hasExactly(value, ["ct", "cs", "cp"])) refuse("c is null or {ct, cs, cp}", "leaf-case");
  const { ct, cs, cp } = value;
  if (!matches(ct, TAG)) refuse("ct is 16 bytes in hexadecimal", "leaf-case");
  if (typeof cs !== "number" || cs < 1) refuse("cs counts from 1", "leaf-case");
  if ((cp === null) !== (cs === 1)) refuse("cp is there from the second entry on", "leaf-case");
  if (cp !== null && !isSha256Hex(cp)) refuse("cp is a leaf hash in hexadecimal", "leaf-case");
  return { ct, cs, cp };
}

/** `ct` of a case. @param {Uint8Array} key @param {string} number @returns {string} */
export const caseTag = (key, number) => hex(hmacSha256(key, utf8(number)).slice(0, 16));

/**
 * Device header, or id of a server event; and the payload's commitment.
 * @param {string} text
 * @returns {{header: Header | null, eventId: string | null, pc: string}}
 */
export function parseHeader(text) {
  const value = parseObject(text, MAX_HEADER_BYTES);
  if (value.src === "server") {
    if (!hasExactly(value, ["v", "src", "id", "pc"]) || value.v !== 1) {
      refuse("an event's header has v, src, id, pc", "entry-form");
    }
    return { header: null, eventId: idText(value.id), pc: idText(value.pc) };
  }
  if (!hasExactly(value, ["v", "src", "ep", "seq", "prev", "pc"]) || value.v !== 1) {
    refuse("a header has exactly v, src, ep, seq, prev, pc", "record-header");
  }
  const { src, ep, seq, prev, pc } = value;
  const counts = [ep, seq].every((number) => typeof number === "number" && number >= 1);
  if (!counts || !matches(src, SOURCE) || !isSha256Hex(prev) || !isSha256Hex(pc)) {
    refuse("a member of the header has another form", "record-header");
  }
  if ((seq === 1) !== (prev === GENESIS)) refuse("only the first has no predecessor", "record-header");
  return { header: { src, ep, seq, prev, pc }, eventId: null, pc };
}

/** `hid`. @param {string} headerText @returns {string} */
export const headerId = (headerText) => hex(sha256(HEADER_DOMAIN, utf8(headerText)));

/** `pc`. @param {string} payloadText @param {Uint8Array} salt @returns {string} */
export const payloadCommitment = (payloadText, salt) =>
  hex(sha256(PAYLOAD_DOMAIN, salt, utf8(payloadText)));

/**
 * Proof of a `.tlog-proof` file (c2sp.org/tlog-proof@v1).
 * @param {Uint8Array} data
 * @returns {{index: bigint, proof: Uint8Array[], note: import("./notes.js").Note}}
 */
export function parseProof(data) {
  if (data.length > MAX_PROOF_BYTES) refuse("the proof file is too long", "proof-length");
  const text = fromUtf8(data);
  const blank = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(blank, 0)).split("\n");
  if (blank < 0 || lines.shift() !== PROOF_HEADER) refuse("not a proof file", "proof-format");
  if (lines[0]?.startsWith("extra ")) {
    const extra = fromB64(lines.shift()?.slice(6));
    if (!extra || extra.length === 0 || extra.length > MAX_EXTRA_BYTES) {
      refuse("extra data is from 1 byte to 64 KiB in base64", "proof-extra");
    }
  }
  const line = lines.shift() ?? "";
  const index = line.startsWith("index ") ? decimal(line.slice(6)) : undefined;
  if (index === undefined) return refuse("no index line", "proof-index");
  const proof = lines.map(hashOf);
  if (proof.length > MAX_PROOF_HASHES) refuse("the proof is too long", "proof-length");
  const note = parseNote(text.slice(blank + 2));
  parseCheckpoint(note.text);
  return { index, proof, note };
}

/** @param {string} line @returns {Uint8Array} */
function hashOf(line) {
  const data = fromB64(line);
  if (data?.length !== HASH_BYTES) return refuse("a hash is 32 bytes in base64", "proof-hash");
  return data;
}
