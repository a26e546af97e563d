/** The dock page: `<card-dock data-origin data-words>` around the parts of its template. */
import { Refused } from "./api.js";
import { counterGaps, listed, walked } from "./card.js";
import { FileTable, fill, percent } from "./file-table.js";
import { Dock, rowOf, stops } from "./session.js";

const PARTS = ["unable", "elsewhere", "enrol", "choose", "work", "done"];

class CardDock extends HTMLElement {
  /** @type {Record<string, string>} */
  words = JSON.parse(this.dataset.words ?? "{}");
  /** @type {Map<string, Blob>} by place */
  files = new Map();
  /** @type {import("./session.js").Row[]} */
  rows = [];
  /** @type {Record<string, string>} numbers of cases by id, to choose from */
  cases = {};
  table = new FileTable(this.at("rows"), this.words);
  /** @type {AbortController | undefined} */
  running;
  /** @type {Promise<void> | undefined} */
  working;
  /** @type {any} a Dock, from `start` on */
  dock;

  connectedCallback() {
    this.listen();
    if (!globalThis.isSecureContext || !navigator.locks) return this.show("unable");
    navigator.locks.request("tiezheng-dock", { ifAvailable: true }, async (lock) => {
      if (lock === null) return this.show("elsewhere");
      await this.guarded(() => this.start());
      return new Promise(() => {}); // held as long as the page is open
    });
  }

  async start() {
    this.dock = await Dock.open(this.dataset.origin ?? location.origin);
    if (!this.dock.self) return this.show("enrol");
    this.at("device").textContent = this.dock.self.court_name;
    this.rows = await this.dock.unfinished();
    if (this.rows.length === 0) return this.show("choose");
    this.say("dock.resume");
    this.show("choose", "work");
    this.draw();
    await this.work(); // what needs no bytes goes on at once
  }

  /** @param {string} name @returns {any} */
  at(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  /** @param {...string} names */
  show(...names) {
    for (const name of PARTS) this.at(name).hidden = !names.includes(name);
  }

  /** @param {string} key @param {Record<string, unknown>} [values] */
  say(key, values = {}) {
    this.at("status").textContent = fill(this.words[key], values);
  }

  listen() {
    this.at("enrol-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.guarded(() => this.enrol());
    });
    const picker = this.at("pick");
    picker.hidden = !("showDirectoryPicker" in globalThis);
    this.at("folder-field").hidden = !picker.hidden;
    picker.addEventListener("click", () => this.guarded(() => this.pick()));
    for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (
      this.querySelectorAll("input[type=file]")
    )) {
      input.addEventListener("change", () => {
        const card = listed(input.files ?? []);
        input.value = ""; // the same card may be chosen again
        this.guarded(() => this.take(card));
      });
    }
    this.at("confirm").addEventListener("click", () => this.guarded(() => this.confirm()));
    this.at("pause").addEventListener("click", () => this.toggle());
    this.at("print").addEventListener("click", () => print());
    this.at("next").addEventListener("click", () => location.reload());
    this.at("forget").addEventListener("click", () =>
      this.guarded(async () => {
        await this.dock.forget();
        location.reload();
      }));
    this.at("case-for-all").addEventListener("change", (/** @type {any} */ event) =>
      this.guarded(() => this.tell(this.unmatched(), event.target.value)));
    this.at("rows").addEventListener("change", (/** @type {any} */ event) => {
      const row = this.rows.find((one) => one.place === this.table.placeOf(event.target));
      if (row) this.guarded(() => this.tell([row], event.target.value));
    });
  }

  /** @param {() => Promise<unknown>} step */
  async guarded(step) {
    try {
      await step();
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") return;
      await this.explain(error);
    }
  }

  /** @param {unknown} error */
  async explain(error) {
    const slug = error instanceof Refused ? error.slug : String(/** @type {any} */ (error).message);
    const named = `dock.trouble_${slug.replaceAll("-", "_")}`;
    const key = named in this.words ? named : "dock.trouble";
    this.at("trouble").hidden = false;
    this.at("trouble").textContent = fill(this.words[key], { what: slug });
    this.at("again").hidden = !stops(error);
  }

  async enrol() {
    await this.dock.enrol(this.at("code").value);
    location.reload();
  }

  async pick() {
    const folder = await /** @type {any} */ (globalThis).showDirectoryPicker({ mode: "read" });
    await this.take(await walked(folder));
  }

  /** Hash and match what is new; go on with what is not. @param {ReturnType<typeof listed>} card */
  async take({ files, passedOver }) {
    this.at("trouble").hidden = true;
    await this.stop();
    const known = await this.dock.captured();
    this.files = new Map(files.map((one) => [one.place, one.file]));
    const fresh = files.filter((one) => !known.has(one.place));
    const before = files.filter((one) => known.get(one.place)?.state === "receipted").length;
    const batch = this.rows[0]?.batch ?? crypto.randomUUID();
    const hashed = await this.hash(fresh, batch);
    this.rows = [...this.rows.filter((row) => row.state !== "hashed"), ...hashed];
    this.show("work");
    this.summarise(files, passedOver, before);
    if (hashed.length > 0) await this.match(hashed);
    this.draw();
    if (this.rows.length === 0) this.say("dock.nothing_new", { n: before });
    else await this.work();
  }

  /** @param {import("./card.js").CardFile[]} files @param {string} batch */
  async hash(files, batch) {
    const worker = new Worker(new URL("./hash-worker.js", import.meta.url), { type: "module" });
    const rows = [];
    try {
      for (const [number, file] of files.entries()) {
        const sha256 = await this.hashed(worker, number, file, files.length);
        rows.push(rowOf(file, sha256, batch));
      }
    } finally {
      worker.terminate();
    }
    return rows;
  }

  /** @param {Worker} worker @param {number} id @param {import("./card.js").CardFile} file
   * @param {number} total @returns {Promise<string>} */
  hashed(worker, id, file, total) {
    return new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message || "worker"));
      worker.onmessage = ({ data }) => {
        if (data.id !== id) return;
        if (data.error) reject(new Error("unreadable"));
        else if (data.sha256) resolve(data.sha256);
        else this.say("dock.hashing", { n: id + 1, total, percent: percent(data.done, file.size) });
      };
      worker.postMessage({ id, file: file.file });
    });
  }

  /** @param {import("./session.js").Row[]} rows @param {Map<string, string>} [cases] */
  async match(rows, cases) {
    Object.assign(this.cases, await this.dock.match(rows, this.at("camera").value, cases));
  }

  /** @param {import("./session.js").Row[]} rows @param {string} caseId */
  async tell(rows, caseId) {
    if (!caseId) return;
    await this.match(rows, new Map(rows.map((row) => [row.place, caseId])));
    this.draw();
  }

  unmatched() {
    return this.rows.filter((row) => row.state === "hashed" && !row.match?.complete);
  }

  ready() {
    return this.rows.filter((row) => row.state === "hashed" && row.match?.complete);
  }

  /** @param {{relative: string}[]} files @param {string[]} passedOver @param {number} before */
  summarise(files, passedOver, before) {
    const gaps = counterGaps(files.map((one) => one.relative));
    const lines = [
      ["dock.found", { n: files.length, before }, true],
      ["dock.passed_over", { n: passedOver.length }, passedOver.length > 0],
      ...gaps.map(([left, right]) => ["dock.gap", { left, right }, true]),
    ];
    const list = this.at("summary");
    list.replaceChildren(...lines.filter((line) => line[2]).map(([key, values]) => {
      const item = document.createElement("li");
      item.textContent = fill(this.words[/** @type {string} */ (key)], /** @type {any} */ (values));
      return item;
    }));
  }

  draw() {
    this.table.draw(this.rows, this.cases, this.files);
    const [ready, asks] = [this.ready().length, this.unmatched().length];
    this.at("confirm").hidden = ready === 0;
    this.at("confirm").textContent = fill(this.words["dock.confirm"], { n: ready });
    this.at("asks").hidden = asks === 0;
    this.at("asks-text").textContent = fill(this.words["dock.asks"], { n: asks });
    this.table.choices(this.at("case-for-all"), this.cases);
    const waiting = this.rows.filter((row) => row.state === "captured" && !this.files.has(row.place));
    this.at("wants-card").hidden = waiting.length === 0;
    if (waiting.length > 0) this.show("choose", "work");
    if (asks > 0) this.say("dock.asks", { n: asks });
    else if (ready > 0) this.say("dock.ready", { n: ready });
  }

  async confirm() {
    this.at("confirm").hidden = true;
    await this.dock.capture(this.ready());
    this.draw();
    await this.work();
  }

  toggle() {
    this.guarded(() => (this.running ? this.stop() : this.work()));
  }

  /** Stop sending where it is; what the server acknowledged is kept. */
  async stop() {
    this.running?.abort();
    await this.working?.catch(() => undefined);
  }

  /** Everything that is signed goes to the server; may be called at any time. */
  async work() {
    const signed = this.rows.filter((row) => row.seq !== undefined);
    if (this.running || signed.length === 0) return;
    this.running = new AbortController();
    this.working = this.bring(signed, this.running);
    await this.working;
  }

  /** @param {import("./session.js").Row[]} signed @param {AbortController} running */
  async bring(signed, running) {
    this.at("pause").hidden = false;
    this.at("pause").textContent = this.words["dock.pause"];
    const watch = {
      signal: running.signal,
      onRow: (/** @type {any} */ row) => this.progressed(row),
      onWait: (/** @type {Refused} */ _, /** @type {number} */ ms) =>
        this.say("dock.waiting", { n: Math.max(1, Math.round(ms / 1000)) }),
    };
    try {
      await this.run(signed, watch);
    } finally {
      this.running = undefined;
      this.at("pause").textContent = this.words["dock.go_on"];
    }
    this.finish();
  }

  /** @param {import("./session.js").Row[]} signed @param {any} watch */
  async run(signed, watch) {
    await this.dock.observeClock().catch((/** @type {unknown} */ error) => {
      if (stops(error)) throw error; // an older server, or no network: capture goes on without
    });
    const refused = await this.dock.push(watch);
    if (refused.length > 0) throw new Error("record-refused");
    const open = signed.filter((row) => row.state !== "receipted");
    if (open.length > 0) await this.dock.askMissing(open, watch);
    await this.dock.send(signed, this.files, watch);
    await this.dock.awaitReceipts(signed, watch);
  }

  /** @param {import("./session.js").Row} row */
  progressed(row) {
    this.table.update(row, this.files);
    const done = this.rows.filter((one) => one.state === "receipted").length;
    const [sent, size] = this.rows.reduce(
      ([a, b], one) => [a + (one.state === "sent" || one.state === "receipted" ? one.size : one.offset), b + one.size],
      [0, 0],
    );
    this.at("bar").value = size ? sent / size : 1;
    this.say("dock.progress", { done, total: this.rows.length, percent: percent(sent, size) });
  }

  finish() {
    this.draw();
    const left = this.rows.filter((row) => row.state !== "receipted").length;
    if (left > 0) return;
    this.at("pause").hidden = true;
    this.table.receipts(this.at("receipts"), this.rows);
    const { court_name: court, device_id: device } = this.dock.self;
    const time = new Date().toLocaleString(document.documentElement.lang);
    this.at("receipt-head").textContent = fill(this.words["dock.receipt_head"], { court, device, time });
    this.show("done");
    this.say("dock.safe", { n: this.rows.length });
    this.at("done").querySelector("h2").focus();
  }
}

customElements.define("card-dock", CardDock);
