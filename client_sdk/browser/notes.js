/** Signed notes and verifier keys (c2sp.org/signed-note), checkpoints (c2sp.org/tlog-checkpoint). */
import { b64, concat, equal, fromB64, fromHex, fromUtf8, hex, isUnicode, sha256, utf8 } from "./bytes.js";
import { FormatError } from "./errors.js";
import { ED25519, PublicKey, SIGNATURE_BYTES } from "./keys.js";
import { EMPTY_ROOT, HASH_BYTES, MAX_SIZE } from "./merkle.js";

export const TYPE_ED25519 = 1;
export const TYPE_COSIGNATURE = 4;
const KEY_ID_BYTES = 4;
const MAX_SIGNATURES = 64;
export const MAX_NOTE_BYTES = 512 * 1024;
const MAX_TIME_SECONDS = 2n ** 63n - 1n;
const TIME_BYTES = 8;
const DASH = "\u2014 ";
const CONTROL = /[\x00-\x09\x0b-\x1f]/;
const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** @param {string} message @param {string} code @returns {never} */
function refuse(message, code) {
  throw new FormatError(message, code);
}

/** @param {string} text @returns {bigint | undefined} 0 … 2**63 - 1 without leading zeros */
export function decimal(text) {
  const value = DECIMAL.test(text) ? BigInt(text) : MAX_SIZE + 1n;
  return value <= MAX_SIZE ? value : undefined;
}

/** @param {string} name */
function checkKeyName(name) {
  const odd = !name || name.includes("+") || !isUnicode(name) || CONTROL.test(name);
  if (odd || SPACE.test(name)) refuse("not a key name", "key-name");
}

/** A note key: type 0x01 (log) or 0x04 (witness), 32 Ed25519 bytes. */
export class VerifierKey {
  /** @param {string} name @param {number} type @param {Uint8Array} raw */
  constructor(name, type, raw) {
    checkKeyName(name);
    if (![TYPE_ED25519, TYPE_COSIGNATURE].includes(type)) {
      refuse("a key of another signature type", "key-type");
    }
    this.name = name;
    this.type = type;
    this.raw = raw;
    this.id = hex(sha256(utf8(`${name}\n`), Uint8Array.of(type), raw).slice(0, KEY_ID_BYTES));
    this.key = PublicKey.of(ED25519, raw);
  }

  /** Whether name and key id of a line are this key's. @param {NoteSignature} line */
  made(line) {
    return line.name === this.name && line.id === this.id;
  }
}

/** Key of `<name>+<key id>+<base64 of type and key>`. @param {string} text */
export function parseVkey(text) {
  const [name, id, ...rest] = text.split("+");
  const data = fromB64(rest.join("+"));
  if (id === undefined || rest.length === 0 || data === undefined || data.length < 1) {
    return refuse("not a verifier key", "vkey");
  }
  const key = new VerifierKey(name, data[0], data.slice(1));
  if (key.id !== id) refuse("the key id is of another key", "vkey-id");
  return key;
}

/** @typedef {{name: string, id: string, signature: Uint8Array}} NoteSignature */

/** Text (with its final newline) and signature lines; nothing is verified. */
export class Note {
  /** @param {string} text @param {NoteSignature[]} signatures */
  constructor(text, signatures) {
    if (!text.endsWith("\n") || CONTROL.test(text) || !isUnicode(text)) {
      refuse("a note text is UTF-8 lines that end in a newline", "note-text");
    }
    if (signatures.length < 1 || signatures.length > MAX_SIGNATURES) {
      refuse("from 1 to 64 signatures", "note-signatures");
    }
    if (new Set(signatures.map((line) => `${line.name} ${line.id}`)).size < signatures.length) {
      refuse("two signatures of one key", "note-duplicate");
    }
    this.text = text;
    this.signatures = signatures;
  }

  /** @returns {string} the note as it is stored */
  toText() {
    const lines = this.signatures.map(({ name, id, signature }) =>
      `${DASH}${name} ${b64(concat(fromHex(id), signature))}\n`);
    return `${this.text}\n${lines.join("")}`;
  }
}

/** @param {string} line without its newline @returns {NoteSignature} */
function parseSignatureLine(line) {
  if (!line.startsWith(DASH)) refuse("not a signature line", "note-line");
  const body = line.slice(DASH.length);
  const space = body.indexOf(" ");
  const [name, encoded] = space < 0 ? [body, ""] : [body.slice(0, space), body.slice(space + 1)];
  const data = fromB64(encoded);
  if (data === undefined) return refuse("a signature that is not canonical base64", "note-base64");
  checkKeyName(name);
  if (data.length <= KEY_ID_BYTES) refuse("a signature is a key id of four bytes and more", "note-line");
  return { name, id: hex(data.slice(0, KEY_ID_BYTES)), signature: data.slice(KEY_ID_BYTES) };
}

/** @param {string | Uint8Array} source @returns {Note} */
export function parseNote(source) {
  if (source.length > MAX_NOTE_BYTES) refuse("the note is too long", "note-length");
  const text = typeof source === "string" ? source : fromUtf8(source);
  if (CONTROL.test(text)) refuse("a control character", "note-control");
  const blank = text.lastIndexOf("\n\n");
  const lines = text.slice(blank + 2);
  if (blank < 0 || !lines.endsWith("\n")) {
    refuse("no signatures after an empty line", "note-signatures");
  }
  return new Note(text.slice(0, blank + 1), lines.slice(0, -1).split("\n").map(parseSignatureLine));
}

/** Whether the note has a line of `key` (type 0x01) that verifies.
 * @param {Note} note @param {VerifierKey} key @returns {Promise<boolean>} */
export async function verifiedBy(note, key) {
  for (const line of note.signatures) {
    if (key.made(line) && (await key.key.verify(line.signature, utf8(note.text)))) return true;
  }
  return false;
}

/**
 * Time at which the witness cosigned (c2sp.org/tlog-cosignature, `cosignature/v1`).
 * @param {Note} note @param {VerifierKey} key
 * @returns {Promise<bigint | undefined>} seconds since 1970; undefined without a line of the key
 */
export async function cosignedAt(note, key) {
  const line = note.signatures.find((one) => key.made(one));
  if (line === undefined) return undefined;
  if (line.signature.length !== TIME_BYTES + SIGNATURE_BYTES) {
    refuse("no signature of Ed25519", "cosignature-signature");
  }
  const seconds = BigInt(`0x${hex(line.signature.slice(0, TIME_BYTES))}`);
  if (seconds > MAX_TIME_SECONDS) refuse("the time is out of range", "cosignature-time");
  const message = utf8(`cosignature/v1\ntime ${seconds}\n${note.text}`);
  if (!(await key.key.verify(line.signature.slice(TIME_BYTES), message))) {
    refuse("not signed by the witness", "cosignature-signature");
  }
  return seconds;
}

/** @typedef {{origin: string, size: bigint, root: Uint8Array, extensions: string[]}} Checkpoint */

/** @param {string} text a note's text @returns {Checkpoint} */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.length < 3) {
    refuse("a checkpoint has at least three lines", "checkpoint");
  }
  const [origin, count, encoded, ...extensions] = lines;
  const [size, root] = [decimal(count), fromB64(encoded)];
  if (size === undefined) return refuse("not a tree size", "checkpoint-size");
  for (const line of [origin, ...extensions]) {
    if (!line || CONTROL.test(line) || !isUnicode(line)) {
      refuse("origin and extensions are non-empty lines", "checkpoint");
    }
  }
  if (root?.length !== HASH_BYTES || (size === 0n && !equal(root, EMPTY_ROOT))) {
    return refuse("not a root of that size", "checkpoint-root");
  }
  return { origin, size, root, extensions };
}

/** Whether two notes say the same. @param {Note} a @param {Note | undefined} b */
export const sameNote = (a, b) => b !== undefined && a.toText() === b.toText();
