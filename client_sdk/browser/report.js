/** What a verification found, in the shape of `tiezheng verify --json`. */
import { hex } from "./bytes.js";
import { formatTime } from "./times.js";
import { CHECKS, LEVELS, levelOf, verdictOf } from "./verdicts.js";

/** @typedef {import("./package.js").Dossier} Dossier */
/** @typedef {import("./archive.js").Problem & {check: string}} Finding */
/** @typedef {ReturnType<typeof reportOf>} Report */

const REPORT_VERSION = 1;
const FAR_SECONDS = 10n ** 10n;

/** @param {Finding[]} findings @param {string[]} ran the checks that were made
 * @param {Record<string, any>} subject what the dossier says of itself */
export function reportOf(findings, ran, subject) {
  return {
    v: REPORT_VERSION,
    verdict: verdictOf(findings),
    checks: CHECKS.map((check) => outcome(check, findings, ran)),
    findings: findings.map(({ check, reason, where, detail }) =>
      ({ check, reason, level: LEVELS[levelOf(reason)], where, detail })),
    about: subject,
  };
}

/** @param {string} check @param {Finding[]} findings @param {string[]} ran */
function outcome(check, findings, ran) {
  const mine = findings.filter((one) => one.check === check).map((one) => one.reason);
  if (mine.length === 0) {
    return { check, outcome: ran.includes(check) ? "passed" : "not-run", reasons: [] };
  }
  const worst = Math.max(...mine.map(levelOf));
  const reasons = [...new Set(mine)].sort();
  return { check, outcome: worst === 0 ? "passed" : LEVELS[worst], reasons };
}

/** What the dossier says of itself; believe it only as far as the verdict goes.
 * @param {Dossier} dossier @returns {Record<string, any>} */
export function about(dossier) {
  const paths = [...dossier.archive.members.keys()];
  const sources = dossier.entries.flatMap((one) => (one.header === null ? [] : [one.header.src]));
  /** @type {Record<string, any>} */
  const found = {
    entries: dossier.entries.length,
    disclosed: dossier.entries.filter((entry) => entry.disclosed).length,
    objects: paths.filter((path) => path.startsWith("data/objects/")).length,
    devices: [...new Set(sources)].sort(),
  };
  if (dossier.judged !== undefined) {
    const { checkpoint: { origin, size, root }, cosigned } = dossier.judged;
    const times = [...cosigned].map(([name, at]) =>
      [name, formatTime(Number(at < FAR_SECONDS ? at : FAR_SECONDS) * 1e6)]);
    found.log = { origin, size: Number(size), root: hex(root), cosigned: Object.fromEntries(times) };
  }
  if (dossier.statement) {
    const { case: { id, no }, export: name, made, purpose, recipient } = dossier.statement;
    found.case = { id, no };
    found.export = { id: name, made, purpose, recipient };
  }
  return found;
}
