// <case-timeline>: lanes and entries of a window, with a cursor by mouse and keyboard.
import { moveCursor, onCursor } from "./cursor.js";

class CaseTimeline extends HTMLElement {
  first = 0;
  last = 0;
  /** @type {Record<string, string>} */
  words = {};
  clock = new Intl.DateTimeFormat();
  /** @type {HTMLElement[]} */
  lines = [];
  /** @type {HTMLElement[]} */
  entries = [];
  slider = document.createElement("input");
  out = document.createElement("output");

  connectedCallback() {
    this.first = Number(this.dataset.from);
    this.last = Number(this.dataset.to);
    this.words = JSON.parse(this.dataset.words ?? "{}");
    this.clock = new Intl.DateTimeFormat("sv-SE", {
      dateStyle: "short", timeStyle: "medium", timeZone: this.dataset.zone,
    });
    const tracks = /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".lane:not(.axis) .lane-track"));
    this.lines = [...tracks].map((track) => {
      const line = document.createElement("span");
      line.className = "cursor-line";
      line.hidden = true;
      track.append(line);
      track.addEventListener("click", (event) => this.point(event, track));
      return line;
    });
    this.entries = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#entries > li[data-at]"))];
    this.addSlider();
    this.list = document.getElementById("entries");
    this.list?.addEventListener("click", (event) => this.pick(event));
    this.stop = onCursor((cursor) => this.show(cursor));
    if (this.dataset.at) {
      this.show({ at: Number(this.dataset.at), item: null, from: this });
    }
  }

  disconnectedCallback() {
    this.stop?.();
  }

  addSlider() {
    const row = document.createElement("p");
    row.className = "cursor-row";
    const label = document.createElement("label");
    label.textContent = this.words["case.cursor"];
    label.htmlFor = "time-cursor";
    Object.assign(this.slider, { id: "time-cursor", type: "range", min: this.first, max: this.last });
    this.slider.step = String(Math.max(1000, Math.round((this.last - this.first) / 500)));
    this.slider.value = String(this.first);
    this.out.setAttribute("for", "time-cursor");
    this.out.setAttribute("aria-live", "off");
    row.append(label, this.slider, this.out);
    this.prepend(row);
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
  }

  /** @param {MouseEvent} event @param {Element} track */
  point(event, track) {
    const box = track.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const bar = event.target instanceof Element ? event.target.closest("[data-item]") : null;
    this.go(this.first + share * (this.last - this.first), /** @type {HTMLElement | null} */ (bar)?.dataset.item);
  }

  /** The cursor to a moment; what it is about is the recording that runs, else the last entry.
   * @param {number} at @param {string} [item] */
  go(at, item) {
    moveCursor(Math.round(at), item ?? this.nearest(at)?.dataset.item ?? null, this);
  }

  /** The last entry that is not later. @param {number} at */
  nearest(at) {
    let found = null;
    for (const entry of this.entries) {
      if (Number(entry.dataset.at) > at && found) {
        break;
      }
      found = entry;
    }
    return found;
  }

  /** @param {MouseEvent} event */
  pick(event) {
    const link = event.target instanceof Element ? event.target.closest("a.pick") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    const entry = /** @type {HTMLElement} */ (link.closest("li"));
    moveCursor(Number(entry.dataset.at), entry.dataset.item ?? null, this);
  }

  /** @param {import("./cursor.js").Cursor} cursor */
  show({ at, item, from }) {
    const share = Math.min(1, Math.max(0, (at - this.first) / (this.last - this.first)));
    for (const line of this.lines) {
      line.hidden = false;
      line.style.left = `${share * 100}%`;
    }
    this.slider.value = String(at);
    this.out.value = this.clock.format(at);
    this.slider.setAttribute("aria-valuetext", this.out.value);
    const current = this.entries.find((entry) => entry.dataset.item === item) ?? this.nearest(at);
    for (const entry of this.entries) {
      entry.toggleAttribute("aria-current", false);
    }
    current?.setAttribute("aria-current", "true");
    if (from !== this) {
      current?.scrollIntoView({ block: "nearest" });
    }
  }
}

customElements.define("case-timeline", CaseTimeline);
