/**
 * Docking a card with a browser: hash, match, sign, push, upload, receipts; no page in here.
 * A record is signed and kept before anything is sent, so a reload or a cut goes on where it was.
 */
import { DeviceApi, Refused, asPerson, pause, persist } from "./api.js";
import { localTime } from "./card.js";
import { Store } from "./store.js";
import { upload } from "./upload.js";
import { GENESIS, enrolmentProof, follow, makeKey, pin, readInvitation, seal, verified } from "./wire.js";
import { b64url, utf8 } from "../../vendor/tz/bytes.js";

const ASKED_AT_ONCE = 500;
const PUSHED_AT_ONCE = 200;
const POLL_MS = 1_500;
const LANES = ["photo", "document", "audio", "video"];
const NOT_RECORDED = { none: "not-recorded" };
const BOOT = crypto.randomUUID();

/** @typedef {import("./card.js").CardFile} CardFile */
/** @typedef {{place: string, relative: string, name: string, size: number, mtime: number,
 *   mime: string, media: string, sha256: string, state: string, batch: string, match?: any,
 *   officer?: string, caseNo?: string,
 *   seq?: number, url?: string | null, offset: number, problem?: string, receipt?: any}} Row */
/** @typedef {{onRow?: (row: Row) => void, onWait?: (refused: Refused, waitMs: number) => void}} Watch */

export class Dock {
  /** @param {Store} store @param {string} origin @param {any} self */
  constructor(store, origin, self) {
    this.store = store;
    this.origin = origin;
    this.self = self;
    this.api = self ? new DeviceApi(origin, self.key) : undefined;
  }

  /** @param {string} origin the server's own address @returns {Promise<Dock>} */
  static async open(origin) {
    const store = await Store.open();
    return new Dock(store, origin, await store.get("self", "device"));
  }

  /** Enrol this browser with a code that somebody typed or pasted. @param {string} text */
  async enrol(text) {
    const { code, address, fingerprint } = readInvitation(text);
    if (address && address.replace(/\/$/, "") !== this.origin) throw new Refused(400, "other-address");
    // Before the code is spent: is this the server that the code means?
    const keys = await pin((await asPerson("GET", "/server")).keys, fingerprint);
    const kept = await this.store.get("self", "pending");
    const pending = kept?.code === code ? kept : { name: "pending", code, key: await makeKey() };
    await this.store.put({ self: [pending] }); // a lost answer is asked for again with the same key
    const { key } = pending;
    const answer = await asPerson("POST", "/devices/enrol", {
      code, alg: "ES256", public_jwk: key.jwk, proof: await enrolmentProof(code, key), model: "browser",
    });
    const { device_id, court_id, court_name, ep } = answer;
    this.self = {
      name: "device", device_id, court_id, court_name, ep, seq: 0, head: GENESIS, key, keys,
    };
    this.api = new DeviceApi(this.origin, key);
    await this.store.put({ self: [this.self] });
    await navigator.storage?.persist?.();
  }

  /** Forget the device, its chain and its cards. */
  async forget() {
    await this.store.clear();
    this.self = undefined;
    this.api = undefined;
  }

  /** Rows of the card that is not finished yet. @returns {Promise<Row[]>} */
  async unfinished() {
    const rows = await this.store.all("files");
    const open = new Set(rows.filter((row) => row.state !== "receipted").map((row) => row.batch));
    return rows.filter((row) => open.has(row.batch));
  }

  /** Places of files that were captured before, with their rows. @returns {Promise<Map<string, Row>>} */
  async captured() {
    return new Map((await this.store.all("files")).map((row) => [row.place, row]));
  }

  /** Where files belong, by duty booking; `cases` are what a person said.
   * @param {Row[]} rows @param {string} camera id or empty @param {Map<string, string>} cases by place
   * @returns {Promise<Record<string, string>>} numbers of cases by id, to choose from */
  async match(rows, camera, cases = new Map()) {
    /** @type {Record<string, string>} */
    const numbers = {};
    for (let at = 0; at < rows.length; at += ASKED_AT_ONCE) {
      const some = rows.slice(at, at + ASKED_AT_ONCE);
      const files = some.map((row) => ({
        at: localTime(row.mtime), case_id: cases.get(row.place) ?? null,
      }));
      const body = { files, camera_id: camera || null };
      const answer = await persist(() => asPerson("POST", "/dock/matches", body));
      some.forEach((row, one) => {
        const match = answer.matches[one];
        row.match = match;
        row.officer = answer.officers[match.officer_id];
        row.caseNo = answer.cases[match.case_id];
      });
      Object.assign(numbers, answer.cases);
    }
    return numbers;
  }

  /** Sign a record for each file and keep all of it at once. @param {Row[]} rows */
  async capture(rows) {
    const chain = { ...this.self };
    const records = [];
    for (const row of rows) {
      const { record, seq } = await seal(chain, captureOf(row));
      row.seq = seq;
      row.state = "captured";
      records.push({ seq, record, state: "new" });
    }
    const files = rows.map((row) => ({ ...row }));
    await this.store.put({ self: [chain], records, files });
    this.self = chain;
  }

  /** A reading of the server's clock as a record: it dates what this browser signs. */
  async observeClock() {
    const t1 = Date.now();
    const statement = await this.device.post("/clock", { t1: String(t1) });
    const t4 = Date.now();
    const reading = await verified(statement, "clock", this.self.keys);
    if (reading?.device !== this.self.device_id || reading?.t1 !== String(t1)) return;
    const chain = { ...this.self };
    const payload = { ...base("clock.observed"), clock: { statement, t4: String(t4) } };
    const { record, seq } = await seal(chain, payload);
    await this.store.put({ self: [chain], records: [{ seq, record, state: "new" }] });
    this.self = chain;
  }

  /** @returns {DeviceApi} */
  get device() {
    if (this.api === undefined) throw new Error("not enrolled");
    return this.api;
  }

  /** Send what was signed and is not known to have arrived. @param {Watch} watch */
  async push(watch) {
    const known = await this.store.all("records");
    const head = await this.pushed(known.filter((one) => one.state === "new"), watch);
    // A server that was restored from a backup may have forgotten some: they are sent again, once.
    const forgotten = known.filter((one) => head && one.state === "sent" && one.seq > head.seq);
    await this.pushed(forgotten, watch);
    return known.filter((one) => one.state === "refused");
  }

  /** @param {any[]} records @param {Watch} watch @returns {Promise<{seq: number} | undefined>} */
  async pushed(records, watch) {
    let head;
    for (let at = 0; at < records.length; at += PUSHED_AT_ONCE) {
      const some = records.slice(at, at + PUSHED_AT_ONCE);
      const body = { records: some.map((one) => one.record) };
      const answer = await persist(() => this.device.post("/sync/push", body), watch);
      some.forEach((one, place) => {
        const result = answer.results[place];
        const good = ["accepted", "duplicate", "held"].includes(result.outcome);
        one.state = good ? "sent" : "refused";
        one.problem = result.problem?.type;
      });
      await this.store.put({ records: some });
      head = answer.head;
    }
    return head;
  }

  /** Note what the server has of these files. @param {Row[]} rows @param {Watch} watch */
  async askMissing(rows, watch) {
    for (let at = 0; at < rows.length; at += ASKED_AT_ONCE) {
      const some = rows.slice(at, at + ASKED_AT_ONCE);
      const objects = [...new Map(some.map((row) => [row.sha256, row])).values()]
        .map(({ sha256, size }) => ({ sha256, size_bytes: size }));
      const answer = await persist(() => this.device.post("/blobs/missing", { objects }), watch);
      const found = new Map(answer.objects.map((/** @type {any} */ one) => [one.sha256, one]));
      for (const row of some) note(row, found.get(row.sha256));
      await this.save(some, watch);
    }
  }

  /** Upload what is not there yet, small things first; one file at a time.
   * @param {Row[]} rows @param {Map<string, Blob>} files by place
   * @param {Watch & {signal: AbortSignal}} watch */
  async send(rows, files, watch) {
    const order = (/** @type {Row} */ row) => [LANES.indexOf(row.media), row.size];
    const waiting = rows.filter((row) => row.state === "captured" && files.has(row.place));
    waiting.sort((a, b) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1]);
    for (const row of waiting) {
      const file = /** @type {Blob} */ (files.get(row.place));
      const onOffset = () => this.save([row], watch);
      try {
        await upload(this.device, row, file, { ...watch, onOffset });
        row.state = "sent";
        row.problem = undefined;
      } catch (error) {
        watch.signal.throwIfAborted();
        if (stops(error)) throw error;
        if (error instanceof Refused) row.problem = error.slug;
        else files.delete(row.place); // the card is gone: it is asked for again
      }
      await this.save([row], watch);
    }
  }

  /** Fetch and verify receipts until every file has one. @param {Row[]} rows
   * @param {Watch & {signal: AbortSignal}} watch */
  async awaitReceipts(rows, watch) {
    for (;;) {
      await persist(() => this.fetchReceipts(rows, watch), watch);
      if (rows.every((row) => row.state !== "sent")) return;
      await pause(POLL_MS, watch.signal);
    }
  }

  /** @param {Row[]} rows @param {Watch} watch */
  async fetchReceipts(rows, watch) {
    const since = this.self.cursor ? `?since=${encodeURIComponent(this.self.cursor)}` : "";
    const answer = await this.device.get(`/receipts${since}`);
    const changed = [];
    for (const statement of answer.receipts) {
      const body = await this.trusted(statement);
      const row = body && rows.find((one) => fits(one, body, this.self));
      if (!row) continue;
      row.receipt = { ...statement, issued: body.issued, log_index: body.log_index, copies: body.copies };
      row.state = "receipted";
      changed.push(row);
    }
    this.self = { ...this.self, cursor: answer.cursor };
    await this.store.put({ self: [this.self], files: changed.map((row) => ({ ...row })) });
    changed.forEach((row) => watch.onRow?.(row));
    if (answer.has_more) await this.fetchReceipts(rows, watch);
  }

  /** The body of a receipt that a pinned key signed, or a key that one of them vouches for.
   * @param {import("./wire.js").Statement} statement */
  async trusted(statement) {
    if (!(statement.k in this.self.keys)) {
      const server = await asPerson("GET", "/server");
      this.self = { ...this.self, keys: await follow(this.self.keys, server.keys) };
    }
    return verified(statement, "rcpt", this.self.keys);
  }

  /** @param {Row[]} rows @param {Watch} watch */
  async save(rows, watch) {
    await this.store.put({ files: rows.map((row) => ({ ...row })) });
    rows.forEach((row) => watch.onRow?.(row));
  }
}

/** A row for a file that was hashed. @param {CardFile} file @param {string} sha256 @param {string} batch
 * @returns {Row} */
export function rowOf(file, sha256, batch) {
  const { place, relative, name, size, mtime, mime, media } = file;
  return { place, relative, name, size, mtime, mime, media, sha256, batch, state: "hashed", offset: 0 };
}

/** Trouble with the device itself: nothing else can go on. @param {unknown} error */
export const stops = (error) =>
  error instanceof Refused && (error.status === 401 || error.slug === "device-revoked");

/** @param {Row} row @param {any} found */
function note(row, found) {
  if (found?.state === "present") {
    row.state = "sent";
    row.offset = row.size;
  } else if (found?.state === "partial") {
    row.state = "captured";
    row.url = new URL(found.upload_url, document.baseURI).pathname;
    row.offset = found.offset;
  } else if (row.state === "sent") {
    Object.assign(row, { state: "captured", url: null, offset: 0 }); // it was there, and is not
  }
}

/** @param {Row} row @param {any} body @param {any} self */
const fits = (row, body, self) =>
  body.device === self.device_id && body.ep === self.ep && body.seq === row.seq
  && body.sha256 === row.sha256 && body.size === String(row.size);

/** @param {string} act */
function base(act) {
  return {
    act, who: null, case: null, mission: null, geo: NOT_RECORDED, obj: /** @type {any[]} */ ([]),
    t: { wall: localTime(Date.now()), mono: Math.floor(performance.now()), boot: BOOT, suspend: false },
  };
}

/** @param {Row} row @returns {Record<string, any>} */
function captureOf(row) {
  const { match } = row;
  const payload = {
    ...base("capture.recorded"),
    who: match.officer_id, case: match.case_id, mission: match.mission_id,
    obj: [{ sha256: row.sha256, size: row.size, mime: row.mime, name_b64: b64url(utf8(row.name)) }],
    media: row.media, match: match.match,
  };
  return match.camera_id ? { ...payload, captured_by: match.camera_id } : payload;
}
