/** Checks of originals: bijection with the records, recordings in chunks. */
import { problem } from "./archive.js";
import { fromB64url, newSha256 } from "./bytes.js";
import { erasedObjects } from "./checks_case.js";
import { ENTRIES, OBJECTS, OBJECT_PATH, sorted } from "./dossier.js";
import { FormatError, attempt } from "./errors.js";
import { isObject } from "./jcs.js";
import { Members } from "./members.js";
import { ChunkTree } from "./merkle.js";
import { push } from "./package.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./archive.js").Problem} Problem */
/** @typedef {{id: string, chunks: number, size: number, root: string | null}} StreamMark */
/** @typedef {{entry: Entry, mark: StreamMark}} Marked */

const [OPEN, PROGRESS, CLOSE] = ["media.open", "media.progress", "media.close"];
const RECOVERED = "capture.recovered";
const STREAMED = [OPEN, PROGRESS, CLOSE];
const CHUNK_BYTES = 4 * 2 ** 20;
const MAX_NAME_BYTES = 4096;
const MIME = /^[a-z0-9][a-z0-9.+-]{0,63}\/[a-z0-9][a-z0-9.+-]{0,127}$/;

/** @param {unknown} value @returns {{sha256: string, size: number}} */
function objectRef(value) {
  const members = new Members(value, "obj");
  const name = fromB64url(members.text("name_b64", 2 * MAX_NAME_BYTES, true));
  if (name.length > MAX_NAME_BYTES) throw new FormatError("obj.name_b64 is too long", "payload");
  const found = { sha256: members.digest("sha256"), size: members.count("size") };
  members.pattern("mime", MIME);
  members.done();
  return found;
}

/** Objects that disclosed device records declare: digest → length and record.
 * @param {Dossier} dossier @returns {Map<string, {size: number, entry: Entry}>} */
function declaredObjects(dossier) {
  const found = new Map();
  for (const entry of dossier.entries) {
    const listed = entry.payload?.obj;
    if (entry.header === null || !Array.isArray(listed)) continue;
    for (const thing of listed) {
      const ref = attempt(() => objectRef(thing));
      if (ref !== undefined && !found.has(ref.sha256)) {
        found.set(ref.sha256, { size: ref.size, entry });
      }
    }
  }
  return found;
}

/** Every object belongs to a record, every declared object is here or said to be absent.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* objects(dossier) {
  const declared = declaredObjects(dossier);
  /** @type {Map<string, number>} */
  const there = new Map();
  for (const [path, member] of dossier.archive.members) {
    const match = OBJECT_PATH.exec(path);
    if (match !== null) there.set(match[1], member.size);
  }
  const backed = backedBy(dossier);
  const absent = new Map((dossier.statement?.absent ?? []).map((one) => [one.sha256, one]));
  for (const digest of dossier.archive.has(ENTRIES) ? sorted(there.keys()) : []) {
    if (!declared.has(digest)) {
      yield problem("object-undeclared", OBJECTS + digest, "no record here declares it");
    }
  }
  for (const [digest, { size, entry }] of declared) {
    const stated = absent.get(digest);
    const found = there.get(digest);
    if (found === undefined) {
      yield absentObject(backed, digest, entry, stated);
    } else if (stated !== undefined) {
      yield problem("redaction-false", OBJECTS + digest, "is there, declared as absent");
    } else if (found !== size) {
      const detail = `${found} octets, its record says ${size}`;
      yield problem("object-size", OBJECTS + digest, detail);
    }
  }
}

/** @param {Record<string, (digest: string) => boolean>} backed @param {string} digest
 * @param {Entry} entry
 * @param {import("./statement.js").Absent | undefined} stated @returns {Problem} */
function absentObject(backed, digest, entry, stated) {
  if (stated === undefined) return problem("object-absent", entry.where, `${digest} is not there`);
  const { why } = stated;
  if (backed[why](digest)) return problem(`object-${why}`, entry.where, `${digest}: ${why}`);
  return why === "erased"
    ? problem("erasure-unproven", entry.where, `${digest}: no such erasure`)
    : problem("redaction-false", entry.where, `${digest}: not ${why}`);
}

/** Whether the log backs a reason for an object's absence.
 * @param {Dossier} dossier @returns {Record<string, (digest: string) => boolean>} */
function backedBy(dossier) {
  const erased = erasedObjects(dossier);
  const arrived = new Set(dossier.events("evidence.verified").map((one) => one.facts.sha256));
  const tombstones = dossier.records("capture.deleted", "capture.lost");
  const deleted = new Set(tombstones.map((one) => one.member("ref").sha256));
  return {
    withheld: () => true,
    erased: (digest) => erased.has(digest),
    missing: (digest) => !arrived.has(digest),
    deleted: (digest) => deleted.has(digest),
  };
}

/** Recordings grow, are closed once, and their bytes are the ones bound while they ran.
 * @param {Dossier} dossier @returns {AsyncGenerator<Problem>} */
export async function* recordings(dossier) {
  /** @type {Map<string, Marked[]>} */
  const marks = new Map();
  for (const chain of dossier.chains.values()) {
    for (const entry of chain) {
      const mark = markOf(entry);
      if (mark !== undefined) push(marks, mark.id, { entry, mark });
    }
  }
  for (const [name, found] of marks) {
    const steps = found.filter(({ entry }) => STREAMED.includes(entry.act));
    if (steps.length > 0) yield* stepsOf(name, steps);
    for (const { entry } of found) {
      if (!STREAMED.includes(entry.act)) yield* bytesOf(dossier, entry, found);
    }
  }
}

/** @param {Entry} entry @returns {StreamMark | undefined} */
function markOf(entry) {
  const value = entry.payload?.stream ?? null;
  if (value === null) return undefined;
  return attempt(() => {
    const members = new Members(value, "stream");
    const mark = {
      id: members.id("id"), chunks: members.count("chunks"), size: members.count("size"),
      root: members.optional("root", (name) => members.digest(name)),
    };
    members.done();
    return mark;
  });
}

/** @param {string} name @param {Marked[]} steps @returns {Generator<Problem>} */
function* stepsOf(name, steps) {
  const where = `recording ${name}`;
  const acts = steps.map(({ entry }) => entry.act);
  const opened = acts.filter((act) => act === OPEN).length;
  const grows = steps.every(({ mark }, at) => {
    const before = steps[at - 1]?.mark;
    return before === undefined || before.chunks < mark.chunks
      || (before.chunks === mark.chunks && before.size <= mark.size);
  });
  if (acts[0] !== OPEN || opened > 1 || acts.slice(0, -1).includes(CLOSE) || !grows) {
    yield problem("recording-order", where, "its records are out of order");
  }
  const last = steps[steps.length - 1];
  if (last.entry.act !== CLOSE) {
    const detail = `not closed (record ${last.entry.seq}); ${last.mark.size} octets are proven`;
    yield problem("recording-interrupted", where, detail);
  }
  if (new Set(steps.map(({ entry }) => entry.member("t").boot)).size > 1) {
    yield problem("recording-reboot", where, "its device was started again meanwhile");
  }
}

/** Roots of the original's chunks against every root that was recorded.
 * @param {Dossier} dossier @param {Entry} capture @param {Marked[]} marks */
async function* bytesOf(dossier, capture, marks) {
  const listed = capture.payload?.obj;
  const first = Array.isArray(listed) ? listed.find(isObject) : undefined;
  const path = `${OBJECTS}${first?.sha256}`;
  if (!dossier.archive.has(path)) return;
  const chunker = new Chunker(marks.map(({ mark }) => mark.chunks));
  for await (const chunk of dossier.archive.chunks(path)) chunker.feed(chunk);
  const [whole, size] = [chunker.finish(), chunker.size];
  for (const { entry, mark } of marks) {
    if (mark.root === null) continue;
    if (capture.act === RECOVERED && entry !== capture && mark.size > size) {
      const detail = `${mark.size} octets were recorded, ${size} are left`;
      yield problem("recording-short", entry.where, detail);
      continue;
    }
    let known = chunker.roots.get(mark.chunks);
    if (entry.act !== PROGRESS) known = mark.size === size ? whole : undefined;
    if (known !== mark.root) {
      yield problem("recording-root", entry.where, "not the bytes that were recorded");
    }
  }
}

/** Cuts bytes into chunks and keeps the roots after the given numbers of chunks. */
export class Chunker {
  /** @param {number[]} marks @param {number} [chunkBytes] */
  constructor(marks, chunkBytes = CHUNK_BYTES) {
    this.tree = new ChunkTree();
    this.size = 0;
    /** @type {Map<number, string>} */
    this.roots = new Map();
    this.marks = new Set(marks);
    this.chunkBytes = chunkBytes;
    this.open = newSha256();
    this.filled = 0;
  }

  /** @param {Uint8Array} data */
  feed(data) {
    this.size += data.length;
    for (let rest = data; rest.length > 0;) {
      const part = rest.subarray(0, this.chunkBytes - this.filled);
      this.open.update(part);
      this.filled += part.length;
      rest = rest.subarray(part.length);
      if (this.filled === this.chunkBytes) this.#cut();
    }
  }

  /** @returns {string} root over all bytes, the last chunk short */
  finish() {
    if (this.filled > 0) this.#cut();
    return this.tree.root();
  }

  #cut() {
    this.tree.add(this.open.digest());
    if (this.marks.has(this.tree.chunks)) this.roots.set(this.tree.chunks, this.tree.root());
    this.open = newSha256();
    this.filled = 0;
  }
}
