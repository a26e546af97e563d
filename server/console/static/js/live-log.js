// <live-log data-stream data-rows data-position data-words>: entries of a mission as they change.
// The stream only says that something changed; the rows come from the server as the page has them.
// What is on the page changes at once, what is new waits behind a pill, so that nothing jumps.

const SILENT_MS = 40_000; // two and a half heartbeats
const RETRY_MS = 3_000;

class LiveLog extends HTMLElement {
  /** @type {Record<string, string>} */
  words = {};
  /** @type {HTMLElement} */
  list;
  /** @type {HTMLButtonElement} */
  pill;
  /** @type {HTMLElement} */
  connection;
  /** @type {Map<string, Element>} */
  fresh = new Map();
  position = 0;
  heardAt = 0;

  connectedCallback() {
    this.words = JSON.parse(this.dataset.words ?? "{}");
    this.list = /** @type {HTMLElement} */ (this.querySelector("[data-entries]"));
    this.pill = /** @type {HTMLButtonElement} */ (this.querySelector("[data-pill]"));
    this.connection = /** @type {HTMLElement} */ (this.querySelector("[data-connection]"));
    this.fresh.clear();
    this.position = Number(this.dataset.position ?? 0);
    this.heardAt = Date.now();
    this.pill.addEventListener("click", () => this.showFresh());
    if (this.dataset.stream) this.watch();
  }

  disconnectedCallback() {
    this.source?.close();
    clearInterval(this.clock);
    clearTimeout(this.again);
  }

  watch() {
    const mark = `${this.dataset.stream}?after=${this.position}`;
    this.source = new EventSource(mark);
    this.source.addEventListener("open", () => this.heard());
    this.source.addEventListener("beat", () => this.heard());
    this.source.addEventListener("entry", () => {
      this.heard();
      this.refresh();
    });
    this.source.addEventListener("end", () => this.end());
    this.source.addEventListener("error", () => this.lose());
    clearInterval(this.clock);
    this.clock = setInterval(() => this.tick(), 1000);
  }

  heard() {
    this.heardAt = Date.now();
    this.dataset.state = "connected";
    this.tick();
  }

  end() {
    this.source?.close();
    clearInterval(this.clock);
    this.dataset.state = "ended";
    this.say(this.words["live.ended"], true);
  }

  lose() {
    if (this.dataset.state === "ended") return;
    this.dataset.state = "lost";
    this.say(this.words["live.lost"], true);
    if (this.source?.readyState !== EventSource.CLOSED) return; // it comes back by itself
    clearTimeout(this.again);
    this.again = setTimeout(() => this.watch(), RETRY_MS);
  }

  /** How fresh the page is; a reader of screens is told only when the state changes. */
  tick() {
    if (this.dataset.state !== "connected") return;
    const silent = Date.now() - this.heardAt;
    if (silent > SILENT_MS) return this.lose();
    this.say(this.words["live.connected"], false);
    const ago = this.words["live.ago"].replace("{n}", String(Math.round(silent / 1000)));
    const lag = this.connection.querySelector("[data-lag]");
    if (lag) lag.textContent = ` · ${ago}`;
  }

  /** @param {string} text @param {boolean} bad */
  say(text, bad) {
    this.connection.classList.toggle("lost", bad);
    if (this.connection.dataset.said === text) return;
    this.connection.dataset.said = text;
    const lag = document.createElement("span");
    lag.dataset.lag = "";
    lag.setAttribute("aria-hidden", "true");
    this.connection.replaceChildren(text, lag);
  }

  /** Fetches what changed; calls that come meanwhile lead to one more. */
  async refresh() {
    if (this.busy) {
      this.wanted = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.wanted = false;
        await this.fetchRows();
      } while (this.wanted);
    } catch {
      this.again = setTimeout(() => this.refresh(), RETRY_MS);
    } finally {
      this.busy = false;
    }
  }

  async fetchRows() {
    const headers = { "HX-Request": "true" };
    const answer = await fetch(`${this.dataset.rows}?after=${this.position}`, { headers });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const rows = page.querySelector("[data-rows]");
    if (!(rows instanceof HTMLElement)) return;
    for (const row of [...rows.querySelectorAll(":scope > [data-entry]")].reverse()) this.take(row);
    const turn = Number(rows.dataset.turn);
    if (turn > this.position) {
      this.position = turn;
      this.wanted = true; // there may be more than one answer takes
    }
  }

  /** @param {Element} row */
  take(row) {
    const old = this.list.querySelector(`#${CSS.escape(row.id)}`);
    if (!old) {
      this.fresh.set(row.id, row);
      this.pill.textContent = this.words["live.pill"].replace("{n}", String(this.fresh.size));
      this.pill.hidden = false;
      return;
    }
    const typing = old.querySelector("details[open]");
    const focused = old.contains(document.activeElement);
    if (typing && typing.contains(document.activeElement)) {
      old.setAttribute("data-stale", ""); // somebody writes there; the server refuses a late answer
      return;
    }
    old.replaceWith(document.adoptNode(row));
    if (focused) /** @type {HTMLElement} */ (row).focus();
  }

  showFresh() {
    let newest = null;
    for (const row of this.fresh.values()) {
      newest = document.adoptNode(row);
      this.list.prepend(newest);
    }
    this.fresh.clear();
    this.pill.hidden = true;
    this.querySelector("[data-nothing]")?.remove();
    if (newest instanceof HTMLElement) newest.focus();
  }
}

customElements.define("live-log", LiveLog);
