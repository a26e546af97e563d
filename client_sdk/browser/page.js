/** The page: choose files, verify, show the report, switch the language. */
import { hex, sha256 } from "./bytes.js";
import { showReport } from "./show.js";
import { PAGE_WORDS, word } from "./words.js";
import { start } from "./worker.js";

/** @typedef {import("./words.js").Lang} Lang */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {{report: Report, dossierName: string, trustName: string, trustDigest: string}} Result */

const STEPS = new Map([
  ["digests", "stepDigests"], ["entries", "stepEntries"], ["keys", "stepKeys"], ["checks", "stepChecks"],
]);

/** @param {string} id @returns {any} */
const part = (id) => document.getElementById(id);

/** State of the page; `render` puts it on the screen. */
class Page {
  constructor() {
    /** @type {Lang} */
    this.lang = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
    /** @type {Result | undefined} */
    this.result = undefined;
    /** @type {{name: string, detail: string} | undefined} */
    this.trouble = undefined;
    this.step = "";
    this.busy = false;
  }

  /** @param {string} name @returns {string} */
  word(name) {
    return word(PAGE_WORDS, name, this.lang);
  }

  render() {
    document.documentElement.lang = this.lang === "zh" ? "zh-Hans" : "en";
    document.title = this.word("title");
    for (const element of document.querySelectorAll("[data-word]")) {
      element.textContent = this.word(element.getAttribute("data-word") ?? "");
    }
    part("verify").disabled = this.busy;
    part("verify").textContent = this.word(this.busy ? "again" : "verify");
    part("working").hidden = !this.busy;
    part("step").textContent = this.step ? this.word(this.step) : "";
    part("trouble").hidden = this.trouble === undefined;
    part("trouble").textContent = this.trouble
      ? `${this.word(this.trouble.name)} ${this.trouble.detail}` : "";
    part("result").hidden = this.result === undefined;
    if (this.result !== undefined) showReport(part("report"), this.result, this.lang);
  }

  switchLanguage() {
    this.lang = this.lang === "zh" ? "en" : "zh";
    this.render();
  }

  async verify() {
    const [dossier] = part("dossier").files;
    const [trust] = part("trust").files;
    if (dossier === undefined || trust === undefined || this.busy) return;
    Object.assign(this, { busy: true, result: undefined, trouble: undefined, step: "stepOpen" });
    this.render();
    part("bar").removeAttribute("value");
    const job = { dossier, trust, priors: [...part("priors").files] };
    start(job, (message) => this.hear(message, dossier, trust));
  }

  /** @param {import("./worker.js").Message} message @param {File} dossier @param {File} trust */
  async hear(message, dossier, trust) {
    if (message.kind === "progress") {
      this.step = STEPS.get(message.step) ?? "stepOpen";
      part("step").textContent = this.word(this.step);
      part("bar").max = Math.max(message.total, 1);
      part("bar").value = message.done;
      return;
    }
    if (message.kind === "report") {
      const trustDigest = hex(sha256(new Uint8Array(await trust.arrayBuffer())));
      const { report } = message;
      this.result = { report, dossierName: dossier.name, trustName: trust.name, trustDigest };
    } else if (message.kind !== "ready") {
      this.trouble = { name: message.kind, detail: message.detail };
    }
    this.busy = false;
    this.render();
    part(this.result === undefined ? "trouble" : "result").focus();
  }

  download() {
    if (this.result === undefined) return;
    const link = document.createElement("a");
    const text = `${JSON.stringify(this.result.report, null, 1)}\n`;
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `${this.result.dossierName.replace(/\.zip$/i, "")}-report.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

/** Connect the page's parts. */
export function startPage() {
  const page = new Page();
  part("language").addEventListener("click", () => page.switchLanguage());
  part("form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    page.verify();
  });
  part("download").addEventListener("click", () => page.download());
  part("print").addEventListener("click", () => window.print());
  page.render();
}
