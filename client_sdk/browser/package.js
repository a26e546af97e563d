/** An opened dossier with everything that several checks look at, each part read once. */
import { fromHex } from "./bytes.js";
import {
  CHECKPOINT, MANIFEST, MAX_MANIFEST_BYTES, MAX_PROOF_BYTES, PRIOR_PATH, TAG_MANIFEST, parseManifest,
} from "./dossier.js";
import { FormatError, attempt } from "./errors.js";
import { DeviceKeys, EventKeys, deviceKeys, eventKeys } from "./keyring.js";
import { caseTag } from "./leaves.js";
import { measure, placeOf, readEntries } from "./model.js";
import { parseNote } from "./notes.js";
import { parseStatement } from "./statement.js";

/** @typedef {import("./archive.js").Archive} Archive */
/** @typedef {import("./dossier.js").Manifest} Manifest */
/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./notes.js").Note} Note */
/** @typedef {import("./policies.js").Judged} Judged */
/** @typedef {import("./statement.js").Statement} Statement */
/** @typedef {import("./trust.js").Trust} Trust */
/** @typedef {{entry: Entry, statement: Statement | null, problem: string | null}} Exported */
/** @typedef {(step: string, done: number, total: number) => void} Progress */

const EXPORT_ACT = "custody.exported";

/** What the checks get; `open` fills it. */
export class Dossier {
  /** @param {Archive} archive @param {Trust} trust @param {Note[]} priors kept from earlier */
  constructor(archive, trust, priors) {
    this.archive = archive;
    this.trust = trust;
    this.priors = priors;
    /** @type {Map<string, {sha256: string, size: number}>} digest and length of every file */
    this.measures = new Map();
    /** @type {Map<string, Manifest | null>} null where the form is wrong */
    this.manifests = new Map();
    /** @type {Note | undefined} */
    this.note = undefined;
    /** @type {Judged | undefined} what the policy says of the note */
    this.judged = undefined;
    /** @type {Map<bigint, Note>} notes under proof/prior/ by the size that their name says */
    this.priorNotes = new Map();
    /** @type {Entry[]} by ascending index */
    this.entries = [];
    /** @type {import("./archive.js").Problem[]} */
    this.entryProblems = [];
    /** @type {Map<bigint, Entry>} by log index */
    this.at = new Map();
    /** @type {Map<string, Entry[]>} disclosed server events by kind */
    this.acts = new Map();
    /** @type {Map<string, Entry[]>} device records by source, in order of `seq` (then of index) */
    this.chains = new Map();
    /** @type {Map<string, Entry>} device record by source, generation and number; the first */
    this.places = new Map();
    /** @type {Exported | null} the newest export event, whose statement describes this dossier */
    this.exported = null;
    /** @type {Statement | null} */
    this.statement = null;
    /** @type {string | null} the case's tag by the statement, else the one of the export */
    this.tag = null;
    /** @type {Entry[]} entries of the case by their number in it (then index) */
    this.caseEntries = [];
    /** @type {Map<string, import("./statement.js").DeviceRange>} */
    this.ranges = new Map();
    this.eventKeys = new EventKeys();
    this.deviceKeys = new DeviceKeys();
  }

  /** @param {Archive} archive @param {Trust} trust @param {Note[]} priors
   * @param {Progress} progress @returns {Promise<Dossier>} */
  static async open(archive, trust, priors, progress) {
    const dossier = new Dossier(archive, trust, priors);
    await dossier.#measure(progress);
    await dossier.#readManifests();
    await dossier.#readNotes();
    progress("entries", 0, 1);
    const { items, problems } = await readEntries(archive);
    dossier.entries = items;
    dossier.entryProblems = problems;
    dossier.at = new Map(items.map((entry) => [BigInt(entry.index), entry]));
    dossier.acts = dossier.#acts();
    dossier.chains = dossier.#chains();
    dossier.places = dossier.#places();
    dossier.exported = dossier.#exported();
    dossier.statement = dossier.exported?.statement ?? null;
    dossier.tag = dossier.#tag();
    dossier.caseEntries = dossier.#caseEntries();
    dossier.ranges = new Map((dossier.statement?.devices ?? []).map((one) =>
      [placeOf(one.src, one.ep), one]));
    progress("keys", 0, 1);
    dossier.eventKeys = await eventKeys(dossier);
    dossier.deviceKeys = await deviceKeys(dossier);
    return dossier;
  }

  /** @param {Progress} progress */
  async #measure(progress) {
    const total = [...this.archive.members.values()].reduce((sum, one) => sum + one.size, 0);
    let done = 0;
    this.measures = await measure(this.archive, (octets) => {
      done += octets;
      progress("digests", done, total);
    });
  }

  async #readManifests() {
    for (const path of [MANIFEST, TAG_MANIFEST]) {
      const there = this.archive.has(path);
      const data = there ? await this.archive.read(path, MAX_MANIFEST_BYTES) : new Uint8Array();
      this.manifests.set(path, attempt(() => parseManifest(data)) ?? null);
    }
  }

  async #readNotes() {
    const data = await this.small(CHECKPOINT);
    this.note = attempt(() => parseNote(data));
    if (this.note !== undefined) {
      try {
        this.judged = await this.trust.policy.judge(this.note);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }
    for (const path of this.archive.members.keys()) {
      const match = PRIOR_PATH.exec(path);
      if (match?.[2] !== "checkpoint") continue;
      const text = await this.small(path);
      const note = attempt(() => parseNote(text));
      if (note !== undefined) this.priorNotes.set(BigInt(match[1]), note);
    }
  }

  /** A proof or tag file; empty when it is not there. @param {string} path */
  async small(path) {
    return this.archive.has(path) ? this.archive.read(path, MAX_PROOF_BYTES) : new Uint8Array();
  }

  /** The checkpoint, whoever signed it (a check of its own judges that). */
  get checkpoint() {
    return this.judged?.checkpoint;
  }

  #acts() {
    /** @type {Map<string, Entry[]>} */
    const found = new Map();
    for (const entry of this.entries) {
      if (entry.header === null && entry.act) push(found, entry.act, entry);
    }
    return found;
  }

  /** @param {string} act @returns {Entry[]} disclosed server events of this kind, by index */
  events(act) {
    return this.acts.get(act) ?? [];
  }

  #chains() {
    /** @type {Map<string, Entry[]>} */
    const found = new Map();
    for (const entry of this.entries) {
      if (entry.header !== null) push(found, placeOf(entry.header.src, entry.header.ep), entry);
    }
    for (const chain of found.values()) chain.sort((a, b) => a.seq - b.seq || a.index - b.index);
    return found;
  }

  #places() {
    /** @type {Map<string, Entry>} */
    const found = new Map();
    for (const [place, chain] of this.chains) {
      for (const entry of chain) {
        const name = `${place} ${entry.seq}`;
        if (!found.has(name)) found.set(name, entry);
      }
    }
    return found;
  }

  /** @param {string} src @param {number} ep @param {number} seq @returns {Entry | undefined} */
  record(src, ep, seq) {
    return this.places.get(`${placeOf(src, ep)} ${seq}`);
  }

  /** @returns {Exported | null} */
  #exported() {
    const entry = this.events(EXPORT_ACT).at(-1);
    if (entry === undefined) return null;
    try {
      return { entry, statement: parseStatement(entry.facts), problem: null };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { entry, statement: null, problem: error.message };
    }
  }

  #tag() {
    if (this.statement) return caseTag(fromHex(this.statement.case.key), this.statement.case.no);
    return this.exported?.entry.case?.ct ?? null;
  }

  /** Whether the log files the entry under the dossier's case. @param {Entry} entry */
  inCase(entry) {
    return entry.case !== null && entry.case.ct === this.tag;
  }

  #caseEntries() {
    const mine = this.entries.filter((entry) => this.inCase(entry));
    return mine.sort((a, b) => (a.case?.cs ?? 0) - (b.case?.cs ?? 0) || a.index - b.index);
  }

  /** Disclosed device records of these kinds, by index. @param {...string} acts */
  records(...acts) {
    return this.entries.filter((one) => one.header !== null && acts.includes(one.act));
  }

  /** Whether the record is within its declared range. @param {Entry} entry */
  inRange(entry) {
    if (entry.header === null) return false;
    const range = this.ranges.get(placeOf(entry.header.src, entry.header.ep));
    return range !== undefined && range.first <= entry.seq && entry.seq <= range.last;
  }
}

/** @template T @param {Map<string, T[]>} map @param {string} name @param {T} item */
export function push(map, name, item) {
  const list = map.get(name);
  if (list === undefined) map.set(name, [item]);
  else list.push(item);
}
