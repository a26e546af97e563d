// <wave-form>: how loud a recording is, along its length.  A slider over the player beside it; can
// jump over silence; draws stretches (muted, marked) and markers that are handed to it.
//
// `ranges` = [{from_ms, to_ms, kind}], `markers` = [{at_ms}]; data-peaks is the address of the peaks.

const STEP_S = 5;
const PAGE_S = 30;
const LEAD_MS = 150;

/** @typedef {{duration_ms: number, peaks: number[], silences_ms?: [number, number][]}} Peaks */
/** @typedef {{from_ms: number | null, to_ms: number | null, kind?: string}} Stretch */

class WaveForm extends HTMLElement {
  /** @type {Stretch[]} */
  #ranges = [];
  /** @type {{at_ms: number}[]} */
  #markers = [];

  set ranges(given) {
    this.#ranges = given;
    this.#draw();
  }

  get ranges() {
    return this.#ranges;
  }

  set markers(given) {
    this.#markers = given;
    this.#draw();
  }

  get markers() {
    return this.#markers;
  }

  connectedCallback() {
    if (this.dataset.ready) {
      return;
    }
    this.dataset.ready = "yes";
    this.words = JSON.parse(this.dataset.words ?? "{}");
    this.#ranges = JSON.parse(this.dataset.ranges ?? "[]");
    this.#markers = JSON.parse(this.dataset.markers ?? "[]");
    const view = this.closest("media-view") ?? document;
    this.player = /** @type {HTMLMediaElement | null} */ (view.querySelector("video, audio"));
    this.canvas = document.createElement("canvas");
    this.slider = document.createElement("div");
    this.slider.className = "media-wave-slider";
    this.slider.tabIndex = 0;
    this.slider.setAttribute("role", "slider");
    this.slider.setAttribute("aria-label", this.words["media.wave"] ?? "");
    this.slider.setAttribute("aria-valuemin", "0");
    this.slider.append(this.canvas);
    this.append(this.slider);
    this.#skipper();
    this.#listen();
    void this.#load();
  }

  async #load() {
    const answer = await fetch(this.dataset.peaks ?? "", { credentials: "same-origin" });
    if (!answer.ok) {
      this.hidden = true;
      return;
    }
    /** @type {Peaks} */
    this.peaks = await answer.json();
    this.dataset.loaded = "yes";
    this.#draw();
  }

  #skipper() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "no-print";
    button.textContent = this.words?.["media.skip_silence"] ?? "";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      this.skips = !this.skips;
      button.setAttribute("aria-pressed", String(this.skips));
    });
    this.append(button);
  }

  get #lengthMs() {
    const known = this.player?.duration;
    return known && Number.isFinite(known) ? known * 1000 : (this.peaks?.duration_ms ?? 0);
  }

  get #placeMs() {
    return (this.player?.currentTime ?? 0) * 1000;
  }

  /** @param {number} ms */
  #seek(ms) {
    if (this.player) {
      this.player.currentTime = Math.min(this.#lengthMs, Math.max(0, ms)) / 1000;
      this.#draw();
    }
  }

  #listen() {
    const { slider, player } = this;
    if (!slider) {
      return;
    }
    for (const name of ["timeupdate", "seeked", "loadedmetadata", "durationchange"]) {
      player?.addEventListener(name, () => this.#moved());
    }
    /** @param {PointerEvent} event */
    const point = (event) => {
      const place = slider.getBoundingClientRect();
      this.#seek(((event.clientX - place.left) / Math.max(1, place.width)) * this.#lengthMs);
    };
    slider.addEventListener("pointerdown", (event) => {
      slider.setPointerCapture(event.pointerId);
      point(event);
    });
    slider.addEventListener("pointermove", (event) => {
      if (slider.hasPointerCapture(event.pointerId)) {
        point(event);
      }
    });
    slider.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(slider);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    /** @type {Record<string, number>} */
    const steps = {
      ArrowRight: STEP_S, ArrowUp: STEP_S, ArrowLeft: -STEP_S, ArrowDown: -STEP_S,
      PageUp: PAGE_S, PageDown: -PAGE_S, Home: -Infinity, End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.#seek(this.#placeMs + step * 1000);
  }

  #moved() {
    const silence = this.peaks?.silences_ms?.find(
      ([from, to]) => this.#placeMs > from + LEAD_MS && this.#placeMs < to - 2 * LEAD_MS,
    );
    if (this.skips && silence && this.player && !this.player.paused) {
      this.#seek(silence[1] - LEAD_MS);
    }
    this.#draw();
  }

  #draw() {
    const { canvas, slider } = this;
    const pen = canvas?.getContext("2d");
    if (!canvas || !slider || !pen) {
      return;
    }
    const scale = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = slider;
    [canvas.width, canvas.height] = [width * scale, height * scale];
    pen.scale(scale, scale);
    const style = getComputedStyle(this);
    /** @param {string} name */
    const colour = (name) => style.getPropertyValue(name).trim();
    const length = this.#lengthMs || 1;
    /** @param {number} ms */
    const at = (ms) => (ms / length) * width;
    this.#bars(pen, colour("--muted"), width, height);
    for (const one of this.#ranges) {
      const [from, to] = [at(one.from_ms ?? 0), at(one.to_ms ?? length)];
      pen.fillStyle = colour(one.kind === "mute" ? "--bad" : "--warn");
      pen.globalAlpha = 0.35;
      pen.fillRect(from, 0, to - from, height);
      pen.globalAlpha = 1;
      pen.fillRect(from, 0, to - from, 3);
    }
    pen.fillStyle = colour("--link");
    for (const one of this.#markers) {
      pen.fillRect(at(one.at_ms) - 1, 0, 2, height);
      pen.fillRect(at(one.at_ms) - 4, 0, 8, 6);
    }
    pen.fillStyle = colour("--mark");
    pen.fillRect(at(this.#placeMs) - 1, 0, 2, height);
    slider.setAttribute("aria-valuemax", String(Math.round(length / 1000)));
    slider.setAttribute("aria-valuenow", String(Math.round(this.#placeMs / 1000)));
    slider.setAttribute("aria-valuetext", `${(this.#placeMs / 1000).toFixed(1)} s`);
  }

  /** @param {CanvasRenderingContext2D} pen @param {string} colour @param {number} width @param {number} height */
  #bars(pen, colour, width, height) {
    const peaks = this.peaks?.peaks ?? [];
    pen.fillStyle = colour;
    for (let x = 0; x < width; x += 3) {
      const from = Math.floor((x / width) * peaks.length);
      const to = Math.max(from + 1, Math.floor(((x + 3) / width) * peaks.length));
      const loud = Math.max(0, ...peaks.slice(from, to)) / 1000;
      const tall = Math.max(1, loud * height);
      pen.fillRect(x, (height - tall) / 2, 2, tall);
    }
  }
}

customElements.define("wave-form", WaveForm);
