/** Check of custody: who held an item, who offered and took it, who fetched it. */
import { problem } from "./archive.js";
import { idText } from "./jcs.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./archive.js").Problem} Problem */
/** @typedef {{holder: string | null, sha256: string | null, offer: Entry | null}} Item */

const BUILT_ON = ["custody-early", "custody-holder", "custody-offer"];

/** Items by id; officers of the records by header id. */
class Custody {
  /** @param {Map<string, string | null>} officers */
  constructor(officers) {
    this.officers = officers;
    /** @type {Map<string, Item>} */
    this.items = new Map();
  }

  /** Follow one event of the case. @param {Entry} entry @returns {Generator<Problem>} */
  *take(entry) {
    if (entry.act === "evidence.verified") this.#verified(entry);
    else if (entry.act === "custody.offered") yield* this.#offered(entry);
    else if (["custody.accepted", "custody.declined"].includes(entry.act)) yield* this.#answered(entry);
    else if (entry.act === "custody.downloaded") yield* this.#downloaded(entry);
  }

  /** The bytes of an item came: the officer of its record holds it. @param {Entry} entry */
  #verified({ facts, subject }) {
    const holder = this.officers.get(idText(facts.hid)) ?? null;
    const item = this.items.get(subject) ?? { holder, sha256: null, offer: null };
    this.items.set(subject, item);
    item.sha256 = idText(facts.sha256);
  }

  /** Only the holder offers, one offer at a time. @param {Entry} entry @returns {Generator<Problem>} */
  *#offered(entry) {
    const item = this.items.get(entry.subject);
    const giver = entry.facts.from;
    if (item === undefined || item.sha256 === null) {
      yield problem("custody-early", entry.where, "no such item yet");
      return;
    }
    if (giver !== entry.member("by").user) {
      yield problem("custody-actor", entry.where, "offered in another's name");
    } else if (item.holder !== null && giver !== item.holder) {
      yield problem("custody-holder", entry.where, `offered by ${giver}, not its holder`);
    }
    if (item.offer !== null) {
      yield problem("custody-offer", entry.where, "while another offer is open");
    }
    item.offer = entry;
  }

  /** Only an open offer is answered, and only by whom it was made to.
   * @param {Entry} entry @returns {Generator<Problem>} */
  *#answered(entry) {
    const item = this.items.get(entry.subject);
    const offer = item?.offer ?? null;
    if (item === undefined || offer === null || entry.facts.offer !== offer.hid) {
      yield problem("custody-offer", entry.where, "answers no open offer");
      return;
    }
    const taker = offer.facts.to;
    if (entry.member("by").user !== taker) {
      yield problem("custody-actor", entry.where, "answered by another than was asked");
    }
    item.offer = null;
    if (entry.act === "custody.accepted") item.holder = idText(taker);
  }

  /** Bytes are fetched after they came, and are the item's.
   * @param {Entry} entry @returns {Generator<Problem>} */
  *#downloaded(entry) {
    const item = this.items.get(entry.subject);
    const sha256 = entry.facts.sha256 ?? null;
    if (item === undefined || item.sha256 === null) {
      yield problem("custody-early", entry.where, "fetched before its bytes came");
    } else if (sha256 !== null && sha256 !== item.sha256) {
      yield problem("custody-early", entry.where, "other bytes than the item's");
    }
  }
}

/** Every item passes from holder to holder by an offer that is accepted.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* custody(dossier) {
  const officers = new Map();
  for (const entry of dossier.entries) {
    const who = entry.payload?.who;
    if (entry.header !== null) officers.set(entry.hid, typeof who === "string" ? who : null);
  }
  const state = new Custody(officers);
  // A stub, or the chain of another case, may hide what a later event builds on.
  const blind = dossier.caseEntries.some((one) => one.header === null && !one.disclosed);
  const moved = dossier.events("evidence.rebound").length > 0;
  for (const entry of dossier.entries) {
    if (entry.header !== null) continue;
    for (const found of state.take(entry)) {
      const early = found.reason === "custody-early";
      const unclear = BUILT_ON.includes(found.reason) && (blind || (moved && early));
      yield unclear ? problem("custody-unclear", found.where, found.detail) : found;
    }
  }
  for (const [name, item] of state.items) {
    if (item.offer !== null) yield problem("custody-open", `item ${name}`, "offered, not yet answered");
  }
}
