/** Format of a dossier: names, limits, entry lines, manifests (docs/dossier-format.md §1, §2). */
import { fromB64, hex, lenientText, sha256, utf8 } from "./bytes.js";
import { FormatError } from "./errors.js";
import { parseObject } from "./jcs.js";
import { Members } from "./members.js";

export const BAGIT = "bagit.txt";
export const BAG_INFO = "bag-info.txt";
export const MANIFEST = "manifest-sha256.txt";
export const TAG_MANIFEST = "tagmanifest-sha256.txt";
export const ENTRIES = "data/entries.jsonl";
export const OBJECTS = "data/objects/";
export const REPORTS = "data/report/";
export const CHECKPOINT = "proof/checkpoint";
export const BAGIT_TEXT = utf8("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
export const REQUIRED = [BAGIT, BAG_INFO, MANIFEST, TAG_MANIFEST, ENTRIES, CHECKPOINT];

export const BAG_NAME = /^[a-z0-9][a-z0-9-]{0,79}$/;
export const OBJECT_PATH = /^data\/objects\/([0-9a-f]{64})$/;
const REPORT_PATH = /^data\/report\/(?:custody\.pdf|case\.jsonld)$/;
export const PROOF_PATH = /^proof\/(0|[1-9][0-9]{0,15})\.tlog-proof$/;
export const TOKEN_PATH = /^proof\/tsa-([a-z0-9][a-z0-9-]{0,31})\.tsr$/;
export const PRIOR_PATH = /^proof\/prior\/([1-9][0-9]{0,15})\.(checkpoint|consistency)$/;

export const MAX_MEMBERS = 65_000;
export const MAX_ENTRIES = 99_999;
export const MAX_OBJECT_BYTES = 2 ** 40;
export const MAX_ENTRIES_BYTES = 512 * 2 ** 20;
export const MAX_LINE_BYTES = 4 * 2 ** 20;
export const MAX_PAYLOAD_BYTES = 2 ** 20;
const MAX_LEAF_CHARS = 8 * 1024;
const MAX_PATH_HASHES = 64;
export const MAX_REPORT_BYTES = 256 * 2 ** 20;
export const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
export const MAX_PROOF_BYTES = 64 * 1024;
export const MAX_INFLATION = 200;
const MANIFEST_LINE = /^([0-9a-f]{64})  ([!-~]{1,200})$/;

/** @typedef {{index: number, leaf: string, path: Uint8Array[], payload: string | null,
 *   salt: string | null}} EntryLine */
/** @typedef {Map<string, string>} Manifest path → digest */

/** @param {string} message @param {string} code @returns {never} */
function refuse(message, code) {
  throw new FormatError(message, code);
}

/** Checked members of a line (`entry-form`). @param {unknown} value @returns {EntryLine} */
export function entryOf(value) {
  const members = new Members(value, "entry", "entry-form");
  const found = {
    index: members.count("i"),
    leaf: members.text("leaf", MAX_LEAF_CHARS),
    path: pathOf(members.take("path")),
    payload: members.optional("pl", (name) => members.text(name, MAX_PAYLOAD_BYTES)),
    salt: members.optional("salt", (name) => members.digest(name)),
  };
  members.done();
  if ((found.payload === null) !== (found.salt === null)) {
    refuse("pl and salt come together", "entry-form");
  }
  return found;
}

/** Value of a line, which must be canonical (`entry-canonical`). @param {Uint8Array} line */
export function parseLine(line) {
  try {
    return parseObject(line, MAX_LINE_BYTES);
  } catch (error) {
    return refuse(`line: ${/** @type {Error} */ (error).message}`, "entry-canonical");
  }
}

/** @param {unknown} value @returns {Uint8Array[]} */
function pathOf(value) {
  if (!Array.isArray(value) || value.length > MAX_PATH_HASHES) {
    return refuse("entry.path is a short list", "entry-form");
  }
  return value.map((text) => hashOf(text));
}

/** 32 bytes of strict base64. @param {unknown} text @returns {Uint8Array} */
function hashOf(text) {
  const data = fromB64(text);
  if (data?.length !== 32) return refuse("a hash is 32 bytes in base64", "entry-form");
  return data;
}

/** Text order of bytes: all these texts are ASCII. @param {Iterable<string>} texts */
export const sorted = (texts) => [...texts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** Manifest text of path → digest. @param {Manifest} digests @returns {string} */
function formatManifest(digests) {
  return sorted(digests.keys()).map((path) => `${digests.get(path)}  ${path}\n`).join("");
}

/** @param {Uint8Array} data @returns {Manifest} FormatError unless it is in its one form */
export function parseManifest(data) {
  const text = data.every((byte) => byte < 128) ? lenientText(data) : refuse("not ASCII", "manifest-form");
  /** @type {Manifest} */
  const found = new Map();
  for (const line of text.split("\n").slice(0, -1)) {
    const match = MANIFEST_LINE.exec(line);
    if (match === null || found.has(match[2])) {
      return refuse("a malformed or repeated line", "manifest-form");
    }
    found.set(match[2], match[1]);
  }
  if (formatManifest(found) !== text) refuse("not in canonical order and form", "manifest-form");
  return found;
}

/** What the statement commits to. @param {Manifest} payload @returns {string} */
export function manifestDigest(payload) {
  const kept = [...payload].filter(([path]) => path.startsWith("data/") && path !== ENTRIES);
  return hex(sha256(utf8(formatManifest(new Map(kept)))));
}

/** Hashes of `proof/prior/<size>.consistency`. @param {Uint8Array} data @returns {Uint8Array[]} */
export function parseConsistency(data) {
  const text = lenientText(data);
  if (text && !text.endsWith("\n")) refuse("the last line lacks its end", "prior-form");
  const lines = text.split("\n").slice(0, -1);
  if (lines.length > MAX_PATH_HASHES * 2) refuse("too many hashes", "prior-form");
  return lines.map((line) => hashOf(line));
}

/** Whether a dossier may hold a file of this path. @param {string} path @returns {boolean} */
export function isAllowed(path) {
  const forms = [OBJECT_PATH, REPORT_PATH, PROOF_PATH, TOKEN_PATH, PRIOR_PATH];
  return REQUIRED.includes(path) || forms.some((form) => form.test(path));
}

