/** Checks of the case: its chain, the export's statement, what is not disclosed. */
import { problem } from "./archive.js";
import { hasAbsent, payloadSum } from "./checks_bag.js";
import { pairs } from "./checks_chains.js";
import { countUpTo } from "./counting.js";
import { ENTRIES, MANIFEST, manifestDigest } from "./dossier.js";
import { idText, isFilled } from "./jcs.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./archive.js").Problem} Problem */

/** Entries of the case are 1 to m, each linked to the one before, up to the stated head.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* caseChain(dossier) {
  const chain = dossier.caseEntries;
  let expected = 1;
  for (const entry of chain) {
    const number = entry.case?.cs ?? 0;
    if (number !== expected) {
      yield problem("case-gap", entry.where, `number ${number}, ${expected} is due`);
    }
    expected = number + 1;
  }
  for (const [before, after] of pairs(chain)) {
    if (after.case?.cp !== before.leafHex) {
      yield problem("case-link", after.where, "does not continue the case");
    }
    if (after.index < before.index) {
      yield problem("case-link", after.where, "before its predecessor in the log");
    }
  }
  if (!dossier.statement) return;
  const { length, head } = dossier.statement.case;
  if (chain.findLast((one) => one.case?.cs === length)?.leafHex !== head) {
    yield problem("case-head", "case", `entry ${length} of the case is not the stated one`);
  }
}

/** What the log files under the case names this case, and the other way round.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* caseBinding(dossier) {
  if (!dossier.statement) return;
  const { id } = dossier.statement.case;
  const moved = movedIn(dossier);
  for (const entry of dossier.entries) {
    const { payload, hid, where } = entry;
    if (payload === null) continue;
    const mine = dossier.inCase(entry);
    if (mine !== (payload.case === id)) {
      yield problem("case-foreign", where, "payload and log name different cases");
    } else if (!mine && isFilled(payload.obj) && !moved.has(hid)) {
      yield problem("case-foreign", where, "originals of another case");
    }
  }
}

/** Header ids of records whose evidence was rebound into the case, as the case's chain says.
 * @param {Dossier} dossier @returns {Set<string>} */
function movedIn(dossier) {
  const rebound = dossier.events("evidence.rebound").filter((one) => dossier.inCase(one));
  const items = new Set(rebound.map((one) => one.subject));
  const arrivals = dossier.events("evidence.verified").filter((one) => items.has(one.subject));
  return new Set(arrivals.map((one) => idText(one.facts.hid)));
}

/** The export's entry ends the case and commits to the files that are here.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* statement(dossier) {
  const { exported } = dossier;
  if (!exported) {
    yield problem("statement-missing", "", "no export event with its payload");
    return;
  }
  const { entry, statement: found } = exported;
  if (found === null) {
    yield problem("statement-form", entry.where, exported.problem ?? "");
    return;
  }
  if (!dossier.inCase(entry)) {
    yield problem("case-tag", entry.where, "the case's key does not make its tag");
  } else if (dossier.caseEntries.at(-1) !== entry) {
    yield problem("statement-place", entry.where, "entries of the case lie after it");
  } else if (entry.subject !== found.export) {
    yield problem("statement-place", entry.where, "states another export");
  }
  const listed = dossier.manifests.get(MANIFEST) ?? null;
  if (listed !== null && manifestDigest(listed) !== found.manifest) {
    yield problem("statement-manifest", entry.where, "other files than were exported");
  }
  const { files, octets } = payloadSum(dossier, ENTRIES);
  const complete = listed !== null && !hasAbsent(dossier);
  if (complete && (found.files !== files || found.size !== octets)) {
    yield problem("statement-manifest", entry.where, "other numbers than were exported");
  }
}

/** A payload is missing only where the statement says so, and erasures are in the log.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* disclosure(dossier) {
  if (!dossier.statement) return;
  const [withheld, proven] = [new Spans(dossier.statement.withheld), erasedHids(dossier)];
  for (const entry of dossier.entries) {
    const found = disclosed(dossier, entry, withheld.has(entry.index), proven);
    if (found !== undefined) yield found;
  }
}

/** Whether a number lies in one of many spans, asked many times. */
class Spans {
  /** @param {{first: number, last: number}[]} spans */
  constructor(spans) {
    /** @type {number[]} */
    this.firsts = [];
    /** @type {number[]} the largest so far */
    this.lasts = [];
    for (const { first, last } of [...spans].sort((a, b) => a.first - b.first)) {
      this.firsts.push(first);
      this.lasts.push(Math.max(last, this.lasts.at(-1) ?? last));
    }
  }

  /** @param {number} number @returns {boolean} */
  has(number) {
    const at = countUpTo(this.firsts, number);
    return at > 0 && number <= this.lasts[at - 1];
  }
}

/** @param {Dossier} dossier @param {Entry} entry @param {boolean} hidden declared as withheld
 * @param {Set<string>} proven @returns {Problem | undefined} */
function disclosed(dossier, entry, hidden, proven) {
  const [mine, erased] = [dossier.inCase(entry), dossier.statement?.erased.has(entry.index)];
  if (entry.disclosed) {
    const lie = erased || (hidden && mine);
    return lie ? problem("redaction-false", entry.where, "is there, declared as not") : undefined;
  }
  if (erased) {
    return proven.has(entry.hid)
      ? problem("erasure-declared", entry.where, "lawfully erased")
      : problem("erasure-unproven", entry.where, "no such erasure");
  }
  if (mine && hidden) return problem("redaction-declared", entry.where, "not disclosed");
  if (mine) return problem("redaction-silent", entry.where, "left out, and nothing says so");
  const stray = !dossier.inRange(entry);
  return stray ? problem("stub-stray", entry.where, "belongs to nothing here") : undefined;
}

/** Header ids of records that erasure events name. @param {Dossier} dossier */
export const erasedHids = (dossier) => named(dossier, "hids");

/** Digests of objects that erasure events name. @param {Dossier} dossier */
export const erasedObjects = (dossier) =>
  new Set([...named(dossier, "sha256"), ...named(dossier, "unlinked")]);

/** @param {Dossier} dossier @param {string} member @returns {Set<string>} */
function named(dossier, member) {
  return new Set(dossier.events("evidence.erased").flatMap(({ facts }) => {
    const value = facts[member];
    return Array.isArray(value) ? value.map(idText) : [];
  }));
}
