/** Entries of a dossier, read leniently: each fault is kept, the checks judge it. */
import { concat, fromUtf8, hex, newSha256, utf8 } from "./bytes.js";
import { problem } from "./archive.js";
import {
  ENTRIES, MAX_ENTRIES, MAX_ENTRIES_BYTES, MAX_LINE_BYTES, MAX_PAYLOAD_BYTES, entryOf, parseLine,
} from "./dossier.js";
import { FormatError } from "./errors.js";
import { idText, isObject, parseAny, parseObject } from "./jcs.js";
import { headerId, parseHeader, parseLeaf } from "./leaves.js";
import { leafHash } from "./merkle.js";

/** @typedef {import("./archive.js").Archive} Archive */
/** @typedef {import("./archive.js").Problem} Problem */
/** @typedef {import("./dossier.js").EntryLine} EntryLine */

const NEWLINE = 10;

/** A log entry: device record (`header`) or server event (`eventId`). */
export class Entry {
  /** @param {EntryLine} line */
  constructor(line) {
    this.line = line;
    this.index = line.index;
    this.where = `entry ${line.index}`;
    this.leaf = parseLeaf(line.leaf);
    this.case = this.leaf.case;
    const { header, eventId, pc } = parseHeader(this.leaf.h);
    this.header = header;
    this.eventId = eventId;
    this.pc = pc;
    this.leafHash = leafHash(utf8(line.leaf));
    this.leafHex = hex(this.leafHash);
    this.hid = headerId(this.leaf.h);
    this.disclosed = line.payload !== null;
    const { payload, fault } = payloadOf(line.payload);
    /** null for a stub and for what is not an object */
    this.payload = payload;
    this.payloadProblem = fault;
    const act = this.payload?.act;
    this.act = typeof act === "string" ? act : "";
    this.facts = this.member("facts");
    this.subject = this.member("subject").id === undefined ? "" : idText(this.member("subject").id);
    this.seq = header?.seq ?? 0;
  }

  /** An object member of the payload; empty when it is not there.
   * @param {string} name @returns {Record<string, any>} */
  member(name) {
    const value = this.payload?.[name];
    return isObject(value) ? value : Object.create(null);
  }
}

/** @param {string | null} text
 * @returns {{payload: Record<string, any> | null, fault: string | null}} */
function payloadOf(text) {
  if (text === null) return { payload: null, fault: null };
  try {
    return { payload: parseObject(text, MAX_PAYLOAD_BYTES), fault: null };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { payload: null, fault: error.message };
  }
}

/** Place of a device's chain as a key. @param {string} src @param {number} ep */
export const placeOf = (src, ep) => `${src} ${ep}`;

/**
 * All lines of `data/entries.jsonl`, by ascending index (a repeated index: the first).
 * @param {Archive} archive
 * @returns {Promise<{items: Entry[], problems: Problem[]}>}
 */
export async function readEntries(archive) {
  /** @type {Problem[]} */
  const problems = [];
  if (!archive.has(ENTRIES)) return { items: [], problems };
  if ((await countLines(archive)) > MAX_ENTRIES) {
    return { items: [], problems: [problem("entry-limit", ENTRIES, "too many entries")] };
  }
  /** @type {Map<number, Entry>} */
  const found = new Map();
  let [newest, number] = [-1, 0];
  for await (const line of lines(archive, problems)) {
    number += 1;
    const entry = read(`line ${number}`, line, problems);
    if (entry === undefined) continue;
    if (entry.index <= newest) {
      problems.push(problem("entry-order", entry.where, "out of order, or a second time"));
    }
    newest = Math.max(newest, entry.index);
    if (!found.has(entry.index)) found.set(entry.index, entry);
  }
  return { items: [...found.values()].sort((a, b) => a.index - b.index), problems };
}

/** @param {Archive} archive @returns {Promise<number>} */
async function countLines(archive) {
  let count = 0;
  for await (const chunk of archive.chunks(ENTRIES)) {
    for (const byte of chunk) if (byte === NEWLINE) count += 1;
  }
  return count;
}

/** @param {Archive} archive @param {Problem[]} problems @returns {AsyncGenerator<Uint8Array>} */
async function* lines(archive, problems) {
  /** @type {Uint8Array} */
  let rest = new Uint8Array();
  let total = 0;
  for await (const chunk of archive.chunks(ENTRIES)) {
    total += chunk.length;
    let data = concat(rest, chunk);
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE)) {
      yield data.subarray(0, end);
      data = data.subarray(end + 1);
    }
    rest = data;
    if (rest.length > MAX_LINE_BYTES || total > MAX_ENTRIES_BYTES) {
      problems.push(problem("entry-limit", ENTRIES, "a line or file too long"));
      return;
    }
  }
  if (rest.length > 0) {
    problems.push(problem("entry-form", ENTRIES, "the last line lacks its end"));
    yield rest;
  }
}

/** @param {string} where @param {Uint8Array} text @param {Problem[]} problems */
function read(where, text, problems) {
  try {
    return new Entry(lineOf(where, text, problems));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.push(problem("entry-form", where, error.message));
    return undefined;
  }
}

/** @param {string} where @param {Uint8Array} text @param {Problem[]} problems */
function lineOf(where, text, problems) {
  try {
    return entryOf(parseLine(text));
  } catch (error) {
    if (!(error instanceof FormatError) || error.code !== "entry-canonical") throw error;
    problems.push(problem("entry-canonical", where, error.message));
  }
  return entryOf(parseAny(fromUtf8(text), { twice: true }));
}

/**
 * Digest and length of every member, streamed.
 * @param {Archive} archive @param {(octets: number) => void} progress
 * @returns {Promise<Map<string, {sha256: string, size: number}>>}
 */
export async function measure(archive, progress) {
  const found = new Map();
  for (const path of archive.members.keys()) {
    const digest = newSha256();
    let size = 0;
    for await (const chunk of archive.chunks(path)) {
      digest.update(chunk);
      size += chunk.length;
      progress(chunk.length);
    }
    found.set(path, { sha256: hex(digest.digest()), size });
  }
  return found;
}
