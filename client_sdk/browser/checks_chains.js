/** Checks of the devices' chains: links, ranges, tickets, attested heads, clocks. */
import { problem } from "./archive.js";
import { hex, isSha256Hex } from "./bytes.js";
import { checkpointOf } from "./checks_log.js";
import { countUpTo } from "./counting.js";
import { FormatError, attempt } from "./errors.js";
import { parseHead, shownBy } from "./heads.js";
import { idText, isObject } from "./jcs.js";
import { GENESIS } from "./leaves.js";
import { placeOf } from "./model.js";
import { parseCheckpoint, parseNote } from "./notes.js";
import { timeOf } from "./times.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./archive.js").Problem} Problem */
/** @typedef {import("./statement.js").DeviceRange} DeviceRange */

const STEP_MICROS = 2e6;

/** Neighbours of a list. @template T @param {T[]} items @returns {[T, T][]} */
export const pairs = (items) => items.slice(1).map((after, at) => [items[at], after]);

/** No number is used twice, and neighbours are linked.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* deviceChains(dossier) {
  for (const chain of dossier.chains.values()) {
    for (const [before, after] of pairs(chain)) {
      if (before.seq === after.seq) {
        yield problem("chain-fork", after.where, `record ${after.seq} a second time`);
      } else if (after.seq === before.seq + 1 && after.header?.prev !== before.hid) {
        yield problem("chain-link", after.where, "does not continue the one before");
      }
      if (after.index < before.index) {
        yield problem("chain-late", before.where, "came after its successor");
      }
    }
  }
}

/** Declared ranges are there without a gap, and cover every record of the case.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* ranges(dossier) {
  if (!dossier.statement) return;
  for (const one of dossier.statement.devices) yield* range(dossier, one);
  for (const entry of dossier.caseEntries) {
    if (entry.header !== null && !dossier.inRange(entry)) {
      yield problem("range-undeclared", entry.where, "outside every declared range");
    }
  }
}

/** @param {Dossier} dossier @param {DeviceRange} one @returns {Generator<Problem>} */
function* range(dossier, one) {
  const where = `${one.src} ${one.first}–${one.last}`;
  const all = dossier.chains.get(placeOf(one.src, one.ep)) ?? [];
  const chain = all.filter(({ seq }) => one.first <= seq && seq <= one.last);
  if (chain.length === 0) {
    yield problem("chain-gap", where, "none of its records is there");
    return;
  }
  const there = [...new Set(chain.map(({ seq }) => seq))];
  const gaps = new Set(one.gaps.map(([first, last]) => `${first} ${last}`));
  let [missing, at] = [0, one.first];
  for (const seq of there.concat(one.last + 1)) {
    if (seq > at && !gaps.has(`${at} ${seq - 1}`)) missing += seq - at;
    at = seq + 1;
  }
  if (missing > 0) yield problem("chain-gap", where, `${missing} records are not there`);
  const released = dossier.events("record.released").some((entry) =>
    entry.subject === one.src && entry.facts.ep === one.ep);
  for (const [first, last] of one.gaps) {
    const filled = countUpTo(there, last) > countUpTo(there, first - 1);
    yield gapOf(`${one.src} ${first}–${last}`, released && !filled);
  }
  if (chain[0].seq === one.first && chain[0].header?.prev !== one.prev) {
    yield problem("range-head", where, "does not begin where it was declared to");
  }
  if (chain[chain.length - 1].hid !== one.head) {
    yield problem("range-head", where, "does not end in the declared head");
  }
}

/** A gap that a person let pass: the log says so, and nothing lies in it.
 * @param {string} where @param {boolean} holds @returns {Problem} */
function gapOf(where, holds) {
  return holds
    ? problem("chain-gap-declared", where, "never came; released by a person")
    : problem("chain-gap", where, "declared as a gap, but nobody released it");
}

/** Records extend the ticket that they name. @param {Dossier} dossier @returns {Generator<Problem>} */
export function* tickets(dossier) {
  const issued = new Map(dossier.events("ticket.issued").map((entry) => [entry.subject, entry]));
  for (const entry of dossier.entries) {
    const nonce = entry.payload?.ticket ?? null;
    if (entry.header === null || nonce === null) continue;
    const ticket = issued.get(idText(nonce));
    if (ticket === undefined) {
      yield problem("ticket-unknown", entry.where, "its ticket is not in the dossier");
    } else {
      yield* extended(dossier, entry, ticket);
    }
  }
}

/** @param {Dossier} dossier @param {Entry} entry @param {Entry} ticket @returns {Generator<Problem>} */
function* extended(dossier, entry, ticket) {
  const { facts } = ticket;
  const { src, ep } = /** @type {import("./leaves.js").Header} */ (entry.header);
  const seq = facts.seq;
  if (facts.device !== src || typeof seq !== "number" || seq >= entry.seq) {
    yield problem("ticket-mismatch", entry.where, "the ticket is not for this place");
    return;
  }
  const told = seq === 0
    ? GENESIS
    : dossier.record(src, ep, seq)?.hid ?? dossier.record(src, ep, seq + 1)?.header?.prev;
  if (told !== undefined && told !== facts.head) {
    yield problem("ticket-mismatch", entry.where, "does not extend the ticket's head");
  }
  if (ticket.index > entry.index) {
    yield problem("ticket-mismatch", entry.where, "older than its ticket");
  }
  const [expires, wall] = [timeOf(facts.expires), timeOf(entry.member("t").wall)];
  if (expires !== undefined && wall !== undefined && wall > expires) {
    yield problem("ticket-late", entry.where, "made after its ticket expired");
  }
}

/** Heads that other devices recorded, and closing records, agree with the chains.
 * @param {Dossier} dossier @returns {AsyncGenerator<Problem>} */
export async function* attestations(dossier) {
  for (const entry of dossier.records("head.attest")) {
    let head;
    try {
      head = parseHead(entry.payload?.head);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      yield problem("attestation-form", entry.where, error.message);
      continue;
    }
    const known = dossier.deviceKeys.lines.get(placeOf(head.device, head.ep));
    if (known !== undefined && !(await shownBy(head, known.keys[0]))) {
      // Then it binds nobody: anybody could have written it to discredit the device.
      yield problem("attestation-signature", entry.where, `not shown by ${head.device}`);
      continue;
    }
    const told = dossier.record(head.device, head.ep, head.seq);
    if (told !== undefined && told.hid !== head.hid) {
      const detail = `another device saw another record ${head.seq} of ${head.device}`;
      yield problem("attestation", told.where, detail);
    }
  }
  for (const entry of dossier.records("mission.closed")) {
    if (entry.member("closing").head !== entry.header?.prev) {
      yield problem("attestation", entry.where, "closes another head than its own");
    }
  }
}

/** Monotonic clocks never run backwards within a boot; beacons are not from the future.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* clocks(dossier) {
  for (const chain of dossier.chains.values()) {
    const shown = chain.filter((entry) => Object.keys(entry.member("t")).length > 0);
    for (const [before, after] of pairs(shown)) yield* ticked(before, after);
  }
  for (const entry of dossier.entries) yield* beacon(dossier, entry);
}

/** @param {Entry} before @param {Entry} after @returns {Generator<Problem>} */
function* ticked(before, after) {
  const [old, now] = [before.member("t"), after.member("t")];
  if (old.boot !== now.boot || typeof old.mono !== "number" || typeof now.mono !== "number") return;
  if (now.mono < old.mono) {
    yield problem("clock-backwards", after.where, "its clock ran backwards in one boot");
  }
  const [oldWall, newWall] = [timeOf(old.wall), timeOf(now.wall)];
  if (oldWall === undefined || newWall === undefined) return;
  if (Math.abs(newWall - oldWall - (now.mono - old.mono) * 1000) > STEP_MICROS) {
    yield problem("clock-step", after.where, "its wall clock was set");
  }
}

/** A checkpoint that a record or ticket knew is older than its own place in the log.
 * @param {Dossier} dossier @param {Entry} entry @returns {Generator<Problem>} */
function* beacon(dossier, entry) {
  const known = knownTree(entry);
  if (known === undefined) return;
  const { size, root } = known;
  if (size > BigInt(entry.index)) {
    yield problem("beacon-future", entry.where, `knew a tree of ${size}`);
    return;
  }
  const head = dossier.checkpoint;
  const earlier = head?.size === size ? head : checkpointOf(dossier.priorNotes.get(size));
  if (earlier !== undefined && hex(earlier.root) !== root) {
    yield problem("beacon-root", entry.where, `knew another tree of size ${size}`);
  }
}

/** @param {Entry} entry @returns {{size: bigint, root: string} | undefined} */
function knownTree(entry) {
  const cited = entry.facts.checkpoint;
  if (entry.act === "ticket.issued" && typeof cited === "string") {
    const found = attempt(() => parseCheckpoint(parseNote(cited).text));
    return found && { size: found.size, root: hex(found.root) };
  }
  const { nb } = entry.member("t");
  if (!isObject(nb) || typeof nb.size !== "number" || !isSha256Hex(nb.root)) return undefined;
  return { size: BigInt(nb.size), root: nb.root };
}
