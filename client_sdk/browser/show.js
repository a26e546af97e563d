/** The report as elements of the page; texts of the dossier are only ever text. */
import { REASON_WORDS, VERDICT_WORDS } from "./reasons.js";
import { push } from "./package.js";
import { levelOf } from "./verdicts.js";
import { CHECK_WORDS, OUTCOME_WORDS, PAGE_WORDS, placeWord, word } from "./words.js";

/** @typedef {import("./words.js").Lang} Lang */
/** @typedef {import("./page.js").Result} Result */
/** @typedef {import("./report.js").Report} Report */

const SHOWN_MAX = 20;

/**
 * @param {string} tag @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children @returns {HTMLElement}
 */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {HTMLElement} place @param {Result} result @param {Lang} lang */
export function showReport(place, result, lang) {
  const { report } = result;
  const verdict = element("div", { class: "verdict", "data-verdict": report.verdict },
    element("strong", {}, report.verdict),
    element("p", {}, word(VERDICT_WORDS, report.verdict, lang)));
  const title = (/** @type {string} */ name) => element("h2", {}, word(PAGE_WORDS, name, lang));
  place.replaceChildren(
    verdict, facts(result, lang),
    title("checks"), checks(report, lang),
    title("findings"), findings(report, lang),
    element("p", { class: "scope" }, word(PAGE_WORDS, "scope", lang)),
  );
}

/** @param {Result} result @param {Lang} lang */
function facts({ report: { about }, dossierName, trustName, trustDigest }, lang) {
  const list = element("dl");
  const add = (/** @type {string} */ name, /** @type {string} */ value) => list.append(
    element("dt", {}, word(PAGE_WORDS, name, lang)), element("dd", {}, value));
  add("fileName", dossierName);
  add("trustFile", `${trustName} ${trustDigest}`);
  if (about.case) {
    add("case", about.case.no);
    add("recipient", about.export.recipient);
    add("purpose", about.export.purpose);
    add("made", about.export.made);
  }
  if (about.log) {
    add("log", `${about.log.origin} ${about.log.size} ${about.log.root}`);
    const cosigned = Object.entries(about.log.cosigned).map(([name, at]) => `${name} ${at}`);
    add("witnesses", cosigned.join(", ") || "-");
  }
  if (about.entries !== undefined) {
    add("counts", `${about.entries} / ${about.disclosed} / ${about.objects}`);
  }
  return list;
}

/** @param {Report} report @param {Lang} lang */
function checks(report, lang) {
  return element("ol", { class: "checks" }, ...report.checks.map(({ check, outcome, reasons }) => {
    const why = reasons.map((reason) =>
      element("li", {}, word(REASON_WORDS, reason, lang), " ", element("code", {}, reason)));
    return element("li", { "data-check": check, "data-outcome": outcome },
      element("span", { class: "outcome" }, word(OUTCOME_WORDS, outcome, lang)), " ",
      word(CHECK_WORDS, check, lang),
      ...(why.length > 0 ? [element("ul", {}, ...why)] : []));
  }));
}

/** @param {Report} report @param {Lang} lang */
function findings(report, lang) {
  if (report.findings.length === 0) return element("p", {}, word(PAGE_WORDS, "noFindings", lang));
  /** @type {Map<string, import("./report.js").Report["findings"]>} */
  const kinds = new Map();
  for (const one of report.findings) push(kinds, one.reason, one);
  const ordered = [...kinds].sort(([a], [b]) => levelOf(b) - levelOf(a));
  return element("ul", { class: "findings" }, ...ordered.map(([reason, all]) => {
    const shown = all.slice(0, SHOWN_MAX).map(({ where, detail }) => {
      const told = [placeWord(where, lang), lang === "zh" ? "" : detail].filter((text) => text);
      return element("li", {}, told.join(": ") || "-");
    });
    if (all.length > SHOWN_MAX) {
      shown.push(element("li", {}, `${word(PAGE_WORDS, "more", lang)} ${all.length - SHOWN_MAX}`));
    }
    return element("li", { "data-reason": reason, "data-level": all[0].level },
      element("strong", {}, word(REASON_WORDS, reason, lang)), " ", element("code", {}, reason),
      element("ul", {}, ...shown));
  }));
}
