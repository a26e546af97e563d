// <media-pane>: shows the chosen item; a player moves the cursor and follows it.
import { moveCursor, onCursor } from "./cursor.js";

const FOLLOW_MS = 1500;

class MediaPane extends HTMLElement {
  /** @type {Record<string, string>} */
  words = {};
  /** @type {HTMLElement} */
  body;
  /** @type {string | null} */
  item = null;
  start = NaN;
  /** @type {HTMLMediaElement | null} */
  player = null;

  connectedCallback() {
    this.words = JSON.parse(this.dataset.words ?? "{}");
    this.body = /** @type {HTMLElement} */ (this.querySelector(".media-pane-body"));
    this.item = this.dataset.item ?? null;
    this.attach();
    this.stop = onCursor((cursor) => this.show(cursor));
  }

  disconnectedCallback() {
    this.stop?.();
    this.asking?.abort();
  }

  attach() {
    const shown = /** @type {HTMLElement | null} */ (this.body.querySelector(".media-body"));
    this.start = Number(shown?.dataset.at ?? NaN);
    this.player = this.body.querySelector("video, audio");
    this.player?.addEventListener("timeupdate", () => this.played());
  }

  played() {
    if (this.player && !this.player.paused) {
      moveCursor(Math.round(this.start + this.player.currentTime * 1000), this.item, this);
    }
  }

  /** @param {import("./cursor.js").Cursor} cursor */
  show({ at, item, from }) {
    if (from === this) {
      return;
    }
    if (item && item !== this.item) {
      this.load(item, at);
      return;
    }
    this.seek(at);
  }

  /** @param {number} at Unix milliseconds */
  seek(at) {
    const seconds = (at - this.start) / 1000;
    const player = this.player;
    if (!player || !(seconds >= 0 && seconds <= (player.duration || 0))) {
      return;
    }
    if (Math.abs(player.currentTime - seconds) * 1000 > FOLLOW_MS) {
      player.currentTime = seconds;
    }
  }

  /** @param {string} item @param {number} at Unix milliseconds */
  async load(item, at) {
    this.asking?.abort();
    this.asking = new AbortController();
    this.item = item;
    this.body.textContent = this.words["case.media_wait"];
    try {
      const answer = await fetch(`${this.dataset.base}/${item}`, {
        headers: { "HX-Request": "true" }, signal: this.asking.signal,
      });
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      this.body.innerHTML = await answer.text();
      this.attach();
      this.player?.addEventListener("loadedmetadata", () => this.seek(at), { once: true });
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) {
        this.body.textContent = this.words["case.media_failed"];
      }
    }
  }
}

customElements.define("media-pane", MediaPane);
