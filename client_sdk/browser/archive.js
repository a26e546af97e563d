/**
 * Strict ZIP reader over a Blob (APPNOTE 6.3.10 §4.3): every reader sees the same members.
 * Deviations are collected as problems; ArchiveError is for files without members. Nothing is held
 * in memory but the directory: members are read in slices.
 */
import { concat, equal, fromUtf8 } from "./bytes.js";
import { BAG_NAME, MAX_INFLATION, MAX_MEMBERS, MAX_OBJECT_BYTES } from "./dossier.js";
import { ArchiveError, attempt } from "./errors.js";
import { Source, Window, u64 } from "./source.js";

export const STORED = 0;
export const DEFLATED = 8;
const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR_BYTES = 20;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const [END_MARK, END64_MARK, LOCATOR_MARK] = [0x06054b50, 0x06064b50, 0x07064b50];
const [CENTRAL_MARK, LOCAL_MARK, DESCRIPTOR_MARK] = [0x02014b50, 0x04034b50, 0x08074b50];
const VERSIONS = [10, 20, 45]; // needed to extract: nothing, deflate, ZIP64
const FULL16 = 0xffff;
const FULL32 = 0xffffffff;
const DESCRIPTOR_FLAG = 8;
const FLAGS = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 11);
const FILE_TYPE = 0xf000;
const REGULAR = 0x8000;
const MAX_DIRECTORY_BYTES = 32 * 2 ** 20;
const SMALL_BYTES = 2 ** 20;
const COMMENT_MAX = 65_535;
const READ_BYTES = 2 ** 20;

/** @typedef {{reason: string, where: string, detail: string}} Problem */
/** @typedef {{name: string, method: number, flags: number, crc: number, packed: number,
 *   size: number, offset: number, attributes: number, foreign: boolean, start: number}} Member */

/** @param {string} reason @param {string} where @param {string} detail @returns {Problem} */
export const problem = (reason, where, detail) => ({ reason, where, detail });

/** Open ZIP: members by their path below the top folder, problems found while reading. */
export class Archive {
  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    this.folder = "";
    /** @type {Map<string, Member>} */
    this.members = new Map();
    /** @type {Problem[]} */
    this.problems = [];
    /** @type {Set<string>} too long to be read at all */
    this.refused = new Set();
    /** @type {Set<string>} names of members that are not what they declare */
    this.broken = new Set();
  }

  /** @param {string} path @returns {boolean} */
  has(path) {
    return this.members.has(path);
  }

  /** Octets of a member, inflated, never more than it declares.
   * @param {string} path @returns {AsyncGenerator<Uint8Array>} */
  async *chunks(path) {
    const member = /** @type {Member} */ (this.members.get(path));
    if (this.refused.has(path)) return;
    if (member.method === STORED) yield* this.#stored(member);
    else if (member.method === DEFLATED) yield* this.#inflated(member);
  }

  /** A whole member of at most `limit` octets; longer ones are cut (and named elsewhere).
   * @param {string} path @param {number} limit @returns {Promise<Uint8Array>} */
  async read(path, limit) {
    const parts = [];
    let left = limit;
    for await (const chunk of this.chunks(path)) {
      parts.push(chunk.subarray(0, left));
      left -= parts[parts.length - 1].length;
      if (left <= 0) break;
    }
    return concat(...parts);
  }

  /** @param {Member} member @returns {AsyncGenerator<Uint8Array>} */
  async *#stored(member) {
    let [left, at] = [Math.min(member.packed, member.size), member.start];
    while (left > 0) {
      const chunk = await this.source.slice(at, Math.min(READ_BYTES, left));
      if (chunk.length === 0) return this.#hidden(member);
      yield chunk;
      left -= chunk.length;
      at += chunk.length;
    }
  }

  /** @param {Member} member @returns {AsyncGenerator<Uint8Array>} */
  async *#inflated(member) {
    if (member.size === 0) return this.#hidden(member);
    const packed = this.source.stream(member.start, member.packed);
    const reader = packed.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    /** @type {Uint8Array[]} */
    let held = [];
    let [room, heldBytes] = [member.size, 0];
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        held.push(value.subarray(0, room));
        heldBytes += value.length;
        room -= value.length;
        if (room < 0) break;
        if (heldBytes < READ_BYTES) continue;
        yield concat(...held);
        [held, heldBytes] = [[], 0];
      }
      if (held.length > 0) yield concat(...held);
      if (room !== 0) this.#hidden(member);
    } catch {
      this.#hidden(member); // not a stream, cut off, or something behind its end
      if (room === 0 && held.length > 0) yield concat(...held);
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  /** @param {Member} member */
  #hidden(member) {
    if (this.broken.has(member.name)) return;
    this.broken.add(member.name);
    const detail = "not the length that it declares";
    this.problems.push(problem("archive-hidden", member.name, detail));
  }
}

/** Members and problems of a ZIP file. @param {Blob} file @returns {Promise<Archive>} */
export async function openArchive(file) {
  const archive = new Archive(new Source(file));
  const { source, problems } = archive;
  const [end, directoryAt, directoryBytes, count] = await findEnd(source, problems);
  if (directoryBytes > MAX_DIRECTORY_BYTES || count > MAX_MEMBERS) {
    const detail = `${count} members, directory of ${directoryBytes} octets`;
    throw new ArchiveError(detail, "archive-limit");
  }
  if (directoryAt + directoryBytes !== end) {
    problems.push(problem("archive-hidden", "", "octets before the end of the directory"));
  }
  const listed = directory(await source.slice(directoryAt, directoryBytes), count);
  const window = new Window(source);
  for (const member of listed) await locate(window, member, problems);
  await checkExtents(window, listed, directoryAt, problems);
  for (const member of listed) problems.push(...judge(member));
  arrange(archive, listed);
  const limits = problems.filter((one) => one.reason === "archive-limit");
  const limited = new Set(limits.map((one) => one.where));
  for (const [path, member] of archive.members) {
    if (limited.has(member.name)) archive.refused.add(path);
  }
  return archive;
}

/**
 * @param {Source} source @param {Problem[]} problems
 * @returns {Promise<number[]>} offset of the end record; offset, length, members of the directory
 */
async function findEnd(source, problems) {
  const tailBytes = Math.min(source.size, END_BYTES + COMMENT_MAX);
  const tail = await source.slice(source.size - tailBytes, tailBytes);
  const view = new DataView(tail.buffer);
  let at = tail.length - 4;
  while (at >= 0 && view.getUint32(at, true) !== END_MARK) at -= 1;
  if (at < 0 || tail.length - at < END_BYTES) {
    const head = await source.slice(0, 4);
    if (equal(head, Uint8Array.of(0x50, 0x4b, 3, 4))) {
      throw new ArchiveError("the file ends before its directory", "archive-truncated");
    }
    throw new ArchiveError("not a ZIP file", "archive-unreadable");
  }
  const end = source.size - tailBytes + at;
  const [disk, first, here, count] = [4, 6, 8, 10].map((by) => view.getUint16(at + by, true));
  const [length, offset] = [12, 16].map((by) => view.getUint32(at + by, true));
  if (end + END_BYTES !== source.size) {
    problems.push(problem("archive-hidden", "", "octets after the end record"));
  }
  if ([disk, first, here, count].includes(FULL16) || [length, offset].includes(FULL32)) {
    return findEnd64(source, end);
  }
  if (disk || first || here !== count) {
    throw new ArchiveError("an archive of several parts", "archive-unreadable");
  }
  return [end, offset, length, count];
}

/** @param {Source} source @param {number} end @returns {Promise<number[]>} */
async function findEnd64(source, end) {
  const at = end - LOCATOR_BYTES;
  const locator = await source.view(at, LOCATOR_BYTES);
  const end64 = u64(locator, 8);
  const located = locator.getUint32(0, true) === LOCATOR_MARK;
  const record = located ? await source.view(end64, END64_BYTES) : undefined;
  if (record?.getUint32(0, true) !== END64_MARK || end64 + END64_BYTES !== at) {
    throw new ArchiveError("no ZIP64 end record", "archive-unreadable");
  }
  const [here, count, length, offset] = [24, 32, 40, 48].map((by) => u64(record, by));
  if (here !== count) throw new ArchiveError("an archive of several parts", "archive-unreadable");
  return [end64, offset, length, count];
}

/** @param {Uint8Array} data @param {number} count @returns {Member[]} */
function directory(data, count) {
  /** @type {Member[]} */
  const found = [];
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let at = 0;
  while (at + CENTRAL_BYTES <= data.length && found.length <= count) {
    if (view.getUint32(at, true) !== CENTRAL_MARK) break;
    const [made, version, flags, method, nameBytes, extraBytes, commentBytes] =
      [4, 6, 8, 10, 28, 30, 32].map((by) => view.getUint16(at + by, true));
    const [crc, packed, size, attributes, offset] =
      [16, 20, 24, 38, 42].map((by) => view.getUint32(at + by, true));
    const extraAt = at + CENTRAL_BYTES + nameBytes;
    const after = extraAt + extraBytes;
    const real = sizes64(data.subarray(extraAt, after), [size, packed, offset]);
    found.push({
      name: nameOf(data.subarray(at + CENTRAL_BYTES, extraAt)), method, flags, crc,
      size: real.values[0], packed: real.values[1], offset: real.values[2],
      attributes: made >> 8 ? attributes : 0,
      foreign: real.foreign || commentBytes > 0 || !VERSIONS.includes(version), start: 0,
    });
    at = after + commentBytes;
  }
  if (at !== data.length || found.length !== count) {
    throw new ArchiveError("the directory is malformed", "archive-unreadable");
  }
  return found;
}

/** @param {Uint8Array} data @returns {string} names that are not UTF-8 keep their bytes apart */
function nameOf(data) {
  return attempt(() => fromUtf8(data)) ?? Array.from(data, (byte) =>
    byte < 128 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`).join("");
}

/** Values with those of a ZIP64 field in place of all-ones; whether other fields are there.
 * @param {Uint8Array} extra @param {number[]} values */
function sizes64(extra, values) {
  const found = [...values];
  const view = new DataView(extra.buffer, extra.byteOffset, extra.length);
  let [foreign, at] = [false, 0];
  while (at + 4 <= extra.length) {
    const [kind, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const end = Math.min(at + 4 + length, extra.length);
    let from = at + 4;
    at += 4 + length;
    if (kind !== 1) {
      foreign = true;
      continue;
    }
    found.forEach((value, number) => {
      if (value !== FULL32 || end - from < 8) return;
      found[number] = u64(view, from);
      from += 8;
    });
  }
  return { values: found, foreign: foreign || at !== extra.length };
}

/** Find the start of the member's data; local and central header must agree.
 * @param {Window} window @param {Member} member @param {Problem[]} problems */
async function locate(window, member, problems) {
  const view = await window.view(member.offset, LOCAL_BYTES);
  const [version, flags, method, nameBytes, extraBytes] =
    [4, 6, 8, 26, 28].map((by) => view.getUint16(by, true));
  const [mark, crc, packed32, size32] = [0, 14, 18, 22].map((by) => view.getUint32(by, true));
  const rest = await window.exactly(member.offset + LOCAL_BYTES, nameBytes + extraBytes);
  const { values, foreign } = sizes64(rest.subarray(nameBytes), [size32, packed32, 0]);
  const name = nameOf(rest.subarray(0, nameBytes));
  const same = mark === LOCAL_MARK && name === member.name && flags === member.flags
    && method === member.method;
  const told = crc === member.crc && values[1] === member.packed && values[0] === member.size;
  const later = (flags & DESCRIPTOR_FLAG) !== 0 && crc === 0;
  if (!same || foreign || !VERSIONS.includes(version) || !(told || later)) {
    problems.push(problem("archive-hidden", member.name, "its two headers disagree"));
  }
  member.start = member.offset + LOCAL_BYTES + nameBytes + extraBytes;
}

/** Members lie one after the other, from the first octet to the directory.
 * @param {Window} window @param {Member[]} members @param {number} directoryAt
 * @param {Problem[]} problems */
async function checkExtents(window, members, directoryAt, problems) {
  const ordered = [...members].sort((a, b) => a.offset - b.offset);
  let at = 0;
  for (const [number, member] of ordered.entries()) {
    const end = ordered[number + 1]?.offset ?? directoryAt;
    const fits = await isDescriptor(window, member, member.start + member.packed, end);
    if (member.offset !== at || !fits) {
      problems.push(problem("archive-hidden", member.name, "hidden or shared octets"));
    }
    at = end;
  }
}

/** @param {Window} window @param {Member} member @param {number} start @param {number} end */
async function isDescriptor(window, member, start, end) {
  if ((member.flags & DESCRIPTOR_FLAG) === 0 || start === end) return start === end;
  const length = end - start;
  if (![12, 16, 20, 24].includes(length)) return false;
  const view = await window.view(start, length);
  return [0, 4].some((skip) => {
    if (skip === 4 && view.getUint32(0, true) !== DESCRIPTOR_MARK) return false;
    if (view.byteLength - skip < 12 || view.getUint32(skip, true) !== member.crc) return false;
    const sizes = view.byteLength - skip === 12
      ? [view.getUint32(skip + 4, true), view.getUint32(skip + 8, true)]
      : view.byteLength - skip === 20 ? [u64(view, skip + 4), u64(view, skip + 12)] : [];
    return sizes[0] === member.packed && sizes[1] === member.size;
  });
}

/** What is wrong with a member by itself. @param {Member} member @returns {Problem[]} */
function judge(member) {
  const found = [];
  const type = (member.attributes >>> 16) & FILE_TYPE;
  if (type !== 0 && type !== REGULAR) {
    found.push(problem("archive-link", member.name, "not a regular file"));
  }
  const known = [STORED, DEFLATED].includes(member.method);
  if (!known || (member.flags & ~FLAGS) !== 0 || member.foreign) {
    found.push(problem("archive-method", member.name, "method, flags or extra field"));
  } else if (member.method === STORED && member.packed !== member.size) {
    found.push(problem("archive-method", member.name, "stored, but of two lengths"));
  }
  const inflated = member.size > MAX_INFLATION * Math.max(member.packed, 1);
  if (member.size > MAX_OBJECT_BYTES || (inflated && member.size > SMALL_BYTES)) {
    found.push(problem("archive-limit", member.name, "longer than anything here may be"));
  }
  return found;
}

/** Members by path; every name is `<bag>/path` of plain ASCII, once, also by case.
 * @param {Archive} archive @param {Member[]} listed */
function arrange(archive, listed) {
  const seen = new Set();
  for (const member of listed) {
    const slash = member.name.indexOf("/");
    const folder = slash < 0 ? member.name : member.name.slice(0, slash);
    const path = slash < 0 ? "" : member.name.slice(slash + 1);
    archive.folder = archive.folder || folder;
    const plain = path !== "" && folder === archive.folder && BAG_NAME.test(folder);
    const ascii = /^[ -~]*$/.test(path) && !path.includes("\\");
    if (!plain || !ascii || path.split("/").some((part) => ["", ".", ".."].includes(part))) {
      archive.problems.push(problem("archive-name", member.name, "a name not allowed"));
    }
    const folded = path.toLowerCase();
    if (seen.has(folded)) {
      archive.problems.push(problem("archive-duplicate", member.name, "a name twice"));
    } else {
      archive.members.set(path, member);
    }
    seen.add(folded);
  }
}
