// <media-scrub>: the small picture of a film shows other moments of it, under a pointer, a finger or
// the arrow keys.  The sheet of pictures is fetched when it is first wanted.  Not to be put into a
// link: it is a slider.

/** @typedef {{columns: number, rows: number, tiles: number, times_ms: number[], duration_ms: number}} Index */

class MediaScrub extends HTMLElement {
  at = 0;

  connectedCallback() {
    if (this.dataset.ready) {
      return;
    }
    this.dataset.ready = "yes";
    const words = JSON.parse(this.dataset.words ?? "{}");
    const image = /** @type {HTMLImageElement} */ (this.querySelector("img"));
    this.tabIndex = 0;
    this.setAttribute("role", "slider");
    this.setAttribute("aria-label", image.alt);
    this.setAttribute("aria-description", words["media.scrub"] ?? "");
    this.setAttribute("aria-valuemin", "0");
    this.setAttribute("aria-valuemax", "0");
    this.setAttribute("aria-valuenow", "0");
    this.view = document.createElement("span");
    this.view.className = "media-tile";
    this.view.hidden = true;
    this.label = document.createElement("span");
    this.label.className = "media-tile-time";
    this.view.append(this.label);
    this.append(this.view);
    for (const name of ["pointerenter", "focus"]) {
      this.addEventListener(name, () => void this.#load());
    }
    this.addEventListener("pointermove", (event) => this.#point(event));
    this.addEventListener("pointerleave", () => this.#hide());
    this.addEventListener("blur", () => this.#hide());
    this.addEventListener("keydown", (event) => void this.#key(event));
  }

  async #load() {
    if (!this.loading) {
      this.loading = this.#fetch();
    }
    await this.loading;
  }

  async #fetch() {
    const answer = await fetch(this.dataset.index ?? "", { credentials: "same-origin" });
    if (!answer.ok) {
      return;
    }
    /** @type {Index} */
    const index = await answer.json();
    if (!index.tiles || !this.view) {
      return;
    }
    this.index = index;
    this.setAttribute("aria-valuemax", String(index.tiles - 1));
    this.rows = index.rows;
    this.view.style.backgroundImage = `url("${this.dataset.sheet}")`;
    this.view.style.backgroundSize = `${index.columns * 100}% ${this.rows * 100}%`;
  }

  /** @param {PointerEvent} event */
  #point(event) {
    if (this.index) {
      const place = this.getBoundingClientRect();
      const share = (event.clientX - place.left) / Math.max(1, place.width);
      this.#show(Math.floor(share * this.index.tiles));
    }
  }

  /** @param {KeyboardEvent} event */
  async #key(event) {
    /** @type {Record<string, (last: number) => number>} */
    const steps = {
      ArrowRight: () => this.at + 1, ArrowUp: () => this.at + 1,
      ArrowLeft: () => this.at - 1, ArrowDown: () => this.at - 1,
      PageUp: () => this.at + 5, PageDown: () => this.at - 5,
      Home: () => 0, End: (last) => last,
    };
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    await this.#load();
    if (this.index) {
      this.#show(this.view?.hidden ? this.at : step(this.index.tiles - 1));
    }
  }

  /** @param {number} wanted */
  #show(wanted) {
    if (!this.index || !this.view || !this.label || !this.rows) {
      return;
    }
    const { columns, tiles, times_ms: times } = this.index;
    this.at = Math.min(tiles - 1, Math.max(0, wanted));
    const across = columns > 1 ? ((this.at % columns) / (columns - 1)) * 100 : 0;
    const down = this.rows > 1 ? (Math.floor(this.at / columns) / (this.rows - 1)) * 100 : 0;
    this.view.style.backgroundPosition = `${across}% ${down}%`;
    this.view.hidden = false;
    const seconds = Math.floor(times[this.at] / 1000);
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.label.textContent = text;
    this.setAttribute("aria-valuenow", String(this.at));
    this.setAttribute("aria-valuetext", text);
    const detail = { ms: times[this.at] };
    this.dispatchEvent(new CustomEvent("media-scrub", { bubbles: true, detail }));
  }

  #hide() {
    if (this.view) {
      this.view.hidden = true;
    }
  }
}

customElements.define("media-scrub", MediaScrub);
