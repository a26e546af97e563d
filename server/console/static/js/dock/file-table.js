/** The dock's tables: files with their match and progress, and the receipts at the end. */

/** @typedef {import("./session.js").Row} Row */

/** A text with its `{names}` filled in. @param {string} text @param {Record<string, unknown>} values */
export const fill = (text, values) =>
  text.replace(/\{([a-z]+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

/** @param {number} part @param {number} whole @returns {number} */
export const percent = (part, whole) => (whole > 0 ? Math.floor((100 * part) / whole) : 100);

/** @param {string} name @param {string} [text] */
function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

export class FileTable {
  /** @param {HTMLElement} body @param {Record<string, string>} words */
  constructor(body, words) {
    this.body = body;
    this.words = words;
    /** @type {Map<string, {line: HTMLElement, state: HTMLElement}>} */
    this.lines = new Map();
  }

  /** @param {Row[]} rows @param {Record<string, string>} cases to choose from
   * @param {Map<string, Blob>} files */
  draw(rows, cases, files) {
    this.lines.clear();
    this.body.replaceChildren(...rows.map((row) => this.line(row, cases, files)));
  }

  /** @param {HTMLElement} control @returns {string | undefined} */
  placeOf(control) {
    return control.closest("tr")?.dataset.place;
  }

  /** @param {Row} row @param {Record<string, string>} cases @param {Map<string, Blob>} files */
  line(row, cases, files) {
    const line = element("tr");
    line.dataset.place = row.place;
    const head = element("th", row.relative);
    head.setAttribute("scope", "row");
    const state = element("td");
    const why = String(row.match?.reason ?? "").replaceAll("-", "_");
    const cells = [
      head,
      element("td", new Date(row.mtime).toLocaleString(document.documentElement.lang)),
      element("td", row.officer ?? "–"),
      this.caseCell(row, cases),
      element("td", this.words[`dock.why_${why}`] ?? "–"),
      state,
    ];
    line.append(...cells);
    this.lines.set(row.place, { line, state });
    this.update(row, files);
    return line;
  }

  /** @param {Row} row @param {Record<string, string>} cases */
  caseCell(row, cases) {
    const match = row.match ?? {};
    if (row.state !== "hashed" || match.complete) return element("td", row.caseNo ?? "–");
    const cell = element("td");
    const select = /** @type {HTMLSelectElement} */ (element("select"));
    select.setAttribute("aria-label", fill(this.words["dock.case_of"], { name: row.relative }));
    const own = (match.case_choices ?? []).map((/** @type {string} */ id) => [id, cases[id]]);
    this.choices(select, own.length > 0 ? Object.fromEntries(own) : cases);
    cell.append(select);
    return cell;
  }

  /** @param {HTMLSelectElement} select @param {Record<string, string>} cases */
  choices(select, cases) {
    const empty = element("option", this.words["dock.choose_case"]);
    empty.setAttribute("value", "");
    const options = Object.entries(cases).map(([id, name]) => {
      const option = element("option", name);
      option.setAttribute("value", id);
      return option;
    });
    select.replaceChildren(empty, ...options);
  }

  /** @param {Row} row @param {Map<string, Blob>} files */
  update(row, files) {
    const found = this.lines.get(row.place);
    if (found) found.state.textContent = this.stateOf(row, files);
  }

  /** @param {Row} row @param {Map<string, Blob>} files */
  stateOf(row, files) {
    if (row.problem) return fill(this.words["dock.state_problem"], { what: row.problem });
    if (row.state === "hashed") return this.words[row.match?.complete ? "dock.state_new" : "dock.state_asks"];
    if (row.state === "sent") return this.words["dock.state_sent"];
    if (row.state === "receipted") return this.words["dock.state_receipted"];
    if (!files.has(row.place)) return this.words["dock.state_card"];
    return fill(this.words["dock.state_sending"], { percent: percent(row.offset, row.size) });
  }

  /** @param {HTMLElement} body @param {Row[]} rows */
  receipts(body, rows) {
    body.replaceChildren(...rows.map((row) => {
      const line = element("tr");
      const head = element("th", `#${row.seq}`);
      head.setAttribute("scope", "row");
      const digest = element("td");
      digest.append(element("code", row.sha256));
      line.append(
        head, element("td", row.relative), element("td", row.size.toLocaleString()), digest,
        element("td", row.officer ?? "–"), element("td", row.caseNo ?? "–"),
        element("td", new Date(row.receipt.issued).toLocaleString(document.documentElement.lang)),
      );
      return line;
    }));
  }
}
