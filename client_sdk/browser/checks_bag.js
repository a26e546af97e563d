/** Checks of the container: ZIP, layout, bag, digests. Each gives its problems in order. */
import { STORED, problem } from "./archive.js";
import { equal, lenientText } from "./bytes.js";
import {
  BAGIT, BAGIT_TEXT, BAG_INFO, ENTRIES, MANIFEST, MAX_ENTRIES_BYTES, MAX_MANIFEST_BYTES,
  MAX_OBJECT_BYTES, MAX_PROOF_BYTES, MAX_REPORT_BYTES, OBJECTS, OBJECT_PATH, REPORTS, REQUIRED,
  TAG_MANIFEST, isAllowed, sorted,
} from "./dossier.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./archive.js").Problem} Problem */

const INFO = new RegExp(
  "^Bag-Software-Agent: ([^\\r\\n]{1,200})\\nBagging-Date: ([0-9]{4}-[0-9]{2}-[0-9]{2})\\n"
  + "External-Identifier: ([0-9a-f-]{36})\\nPayload-Oxum: ([0-9]{1,18})\\.([0-9]{1,9})\\n"
  + "Tiezheng-Dossier: 1\\n$", "u",
);

/** The file is one plain ZIP that hides nothing and links nowhere.
 * @param {Dossier} dossier @returns {Problem[]} */
export const archive = (dossier) => dossier.archive.problems;

/** Only files that a dossier may have, all it must have, none too long.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* layout(dossier) {
  for (const [path, member] of dossier.archive.members) {
    if (!isAllowed(path)) yield problem("file-unknown", path, "not a file of a dossier");
    if (member.size > limit(path)) {
      yield problem("archive-limit", path, "longer than such a file may be");
    }
    if (path.startsWith(OBJECTS) && member.method !== STORED) {
      yield problem("archive-method", path, "objects are stored, not compressed");
    }
  }
  for (const path of REQUIRED) {
    if (!dossier.archive.has(path)) {
      yield problem("file-missing", path, "a file that every dossier has");
    }
  }
}

/** @param {string} path @returns {number} */
function limit(path) {
  if (path.startsWith(OBJECTS)) return MAX_OBJECT_BYTES;
  if (path === ENTRIES) return MAX_ENTRIES_BYTES;
  if (path.startsWith(REPORTS)) return MAX_REPORT_BYTES;
  return [MANIFEST, TAG_MANIFEST].includes(path) ? MAX_MANIFEST_BYTES : MAX_PROOF_BYTES;
}

/** The bag is declared, and its manifests name exactly the files that are there.
 * @param {Dossier} dossier @returns {AsyncGenerator<Problem>} */
export async function* bag(dossier) {
  const { members } = dossier.archive;
  if (members.has(BAGIT) && !equal(await dossier.small(BAGIT), BAGIT_TEXT)) {
    yield problem("bag-declaration", BAGIT, "not a BagIt 1.0 declaration");
  }
  if (members.has(BAG_INFO)) yield* info(dossier, lenientText(await dossier.small(BAG_INFO)));
  const payload = new Set([...members.keys()].filter((path) => path.startsWith("data/")));
  const tags = new Set([...members.keys()].filter((path) =>
    !payload.has(path) && path !== TAG_MANIFEST));
  for (const [manifest, there] of /** @type {[string, Set<string>][]} */ (
    [[MANIFEST, payload], [TAG_MANIFEST, tags]])) {
    if (!members.has(manifest)) continue;
    const listed = dossier.manifests.get(manifest);
    if (!listed) {
      yield problem("manifest-form", manifest, "not a manifest in its one form");
      continue;
    }
    for (const path of sorted(there)) {
      if (!listed.has(path)) yield problem("manifest-unlisted", path, `not in ${manifest}`);
    }
    for (const path of sorted(listed.keys())) {
      if (!there.has(path)) {
        yield problem("manifest-absent", path, `named by ${manifest}, not there`);
      }
    }
  }
}

/** Whether the manifest names payload files that are not there. @param {Dossier} dossier */
export function hasAbsent(dossier) {
  const listed = dossier.manifests.get(MANIFEST);
  return [...(listed?.keys() ?? [])].some((path) => !dossier.archive.has(path));
}

/** Number and octets of the payload files. @param {Dossier} dossier @param {string} [but] */
export function payloadSum(dossier, but) {
  const mine = [...dossier.archive.members].filter(([path]) =>
    path.startsWith("data/") && path !== but);
  return { files: mine.length, octets: mine.reduce((sum, [, one]) => sum + one.size, 0) };
}

/** @param {Dossier} dossier @param {string} text @returns {Generator<Problem>} */
function* info(dossier, text) {
  const match = INFO.exec(text);
  if (match === null) {
    yield problem("bag-info", BAG_INFO, "not the lines of a dossier");
    return;
  }
  if (dossier.statement && match[3] !== dossier.statement.export) {
    yield problem("bag-info", BAG_INFO, "names another export");
  }
  if (hasAbsent(dossier)) return; // said by name already
  const { files, octets } = payloadSum(dossier);
  if (BigInt(match[4]) !== BigInt(octets) || Number(match[5]) !== files) {
    yield problem("bag-info", BAG_INFO, "Payload-Oxum does not add up");
  }
}

/** Every file has the digest of its manifest; an object also that of its name.
 * @param {Dossier} dossier @returns {Generator<Problem>} */
export function* digests(dossier) {
  for (const listed of dossier.manifests.values()) {
    for (const [path, digest] of listed ?? []) {
      const found = dossier.measures.get(path);
      if (found !== undefined && found.sha256 !== digest) {
        yield problem("digest", path, "its octets are not the ones of the manifest");
      }
    }
  }
  for (const [path, found] of dossier.measures) {
    const match = OBJECT_PATH.exec(path);
    if (match !== null && match[1] !== found.sha256) {
      yield problem("object-name", path, "its octets are not the ones of its name");
    }
  }
}
