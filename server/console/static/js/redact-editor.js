// <redact-editor>: draws the rows of the redaction form over the picture, and lets them be drawn,
// moved and sized by pointer or by keys.  The rows are the truth: what is typed moves the frames, what
// is dragged fills the rows, and the form is sent as it would be without this script.

import { ask, draw, lay } from "./redact-faces.js";

const PLACES = ["x", "y", "w", "h"];
const STEP = 1; // percent
const SMALLEST = 0.5;
const CORNER_PX = 18;

/**
 * @typedef {{set: HTMLFieldSetElement, inputs: Record<string, HTMLInputElement | HTMLSelectElement>,
 *   frame?: HTMLElement, open: boolean}} Row
 */

class RedactEditor extends HTMLElement {
  /** @type {string[][]} states to go back to */
  past = [];
  /** @type {Row[]} */
  boxes = [];
  /** @type {Row[]} */
  mutes = [];

  connectedCallback() {
    this.words = JSON.parse(this.dataset.words ?? "{}");
    this.form = /** @type {HTMLFormElement} */ (this.querySelector("form#redact"));
    this.player = /** @type {HTMLMediaElement | null} */ (this.querySelector("video, audio"));
    this.boxes = this.#rows("box", PLACES.concat("how", "from", "to"));
    this.mutes = this.#rows("mute", ["from", "to"]);
    this.#cover();
    this.#tools();
    this.#listen();
    this.#suggest();
    this.#refresh();
    this.dataset.ready = "yes";
  }

  /** @param {string} key @param {Record<string, string | number>} [values] @returns {string} */
  #say(key, values = {}) {
    const text = this.words[`redact.${key}`] ?? key;
    return text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => String(values[name] ?? ""));
  }

  /** @param {string} kind @param {string[]} names @returns {Row[]} */
  #rows(kind, names) {
    const place = this.querySelector(`[data-rows="${kind}"]`);
    const sets = [...this.querySelectorAll(`fieldset[data-${kind}]`)];
    place?.append(...sets); // out of what is folded away without scripts
    place?.querySelector("details")?.remove();
    return sets.map((one, number) => {
      const set = /** @type {HTMLFieldSetElement} */ (one);
      /** @type {Row["inputs"]} */
      const inputs = {};
      for (const name of names) {
        const input = set.querySelector(`[name="${kind}${number}_${name}"]`);
        if (input) {
          inputs[name] = /** @type {HTMLInputElement} */ (input);
        }
      }
      const row = { set, inputs, open: false };
      this.#rowTools(row);
      return row;
    });
  }

  /** @param {Row} row */
  #rowTools(row) {
    const tools = document.createElement("div");
    if (this.player && row.inputs.from) {
      for (const name of ["from", "to"]) {
        tools.append(this.#button(`here_${name}`, () => {
          this.#remember();
          row.inputs[name].value = (this.player?.currentTime ?? 0).toFixed(2);
          this.#refresh();
        }));
      }
    }
    tools.append(this.#button("remove", () => this.#remove(row)));
    row.set.append(tools);
  }

  /** @param {string} word @param {() => void} act */
  #button(word, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = this.#say(word);
    button.addEventListener("click", act);
    return button;
  }

  // ------------------------------------------------------------------ state

  /** @param {Row} row */
  #filled(row) {
    const names = row.inputs.x ? PLACES : ["from", "to"];
    return names.some((name) => row.inputs[name].value !== "");
  }

  #fields() {
    return [...this.boxes, ...this.mutes].flatMap((row) => Object.values(row.inputs));
  }

  #state() {
    return this.#fields().map((one) => one.value);
  }

  #remember(state = this.#state()) {
    this.past.push(state);
  }

  #undo() {
    const state = this.past.pop();
    if (state) {
      this.#fields().forEach((one, at) => (one.value = state[at]));
      this.#refresh();
    }
  }

  /** @param {Row} row */
  #remove(row) {
    this.#remember();
    for (const [name, input] of Object.entries(row.inputs)) {
      input.value = name === "how" ? "fill" : "";
    }
    row.open = false;
    this.#refresh();
    this.addButton?.focus();
  }

  /** The next free box, with these places. @param {number[]} places @returns {Row | undefined} */
  #add(places) {
    const row = this.boxes.find((one) => !this.#filled(one));
    if (row) {
      this.#remember();
      row.open = true;
      this.#put(row, places);
    }
    return row;
  }

  /** @param {Row} row @param {number[]} places left, top, width, height in percent */
  #put(row, [x, y, w, h]) {
    const width = Math.min(100, Math.max(SMALLEST, w));
    const height = Math.min(100, Math.max(SMALLEST, h));
    const values = [Math.min(100 - width, Math.max(0, x)), Math.min(100 - height, Math.max(0, y)), width, height];
    PLACES.forEach((name, at) => (row.inputs[name].value = String(Number(values[at].toFixed(2)))));
    this.#refresh();
  }

  /** @param {Row} row @returns {number[]} */
  #places(row) {
    return PLACES.map((name) => Number(row.inputs[name].value) || 0);
  }

  // ------------------------------------------------------------------ the picture

  #cover() {
    const picture = this.querySelector(".redact-picture > img, video");
    if (!picture || !this.boxes.length) {
      return;
    }
    let frame = picture.closest(".redact-picture");
    if (!frame) {
      frame = document.createElement("span");
      frame.className = "redact-picture";
      picture.replaceWith(frame);
      frame.append(picture);
    }
    this.cover = document.createElement("div");
    this.cover.className = "redact-cover";
    frame.append(this.cover);
    this.cover.addEventListener("pointerdown", (event) => this.#point(event));
  }

  /** @param {PointerEvent} event @returns {number[]} */
  #at(event) {
    const place = /** @type {HTMLElement} */ (this.cover).getBoundingClientRect();
    const share = [(event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height];
    return share.map((one) => Math.min(100, Math.max(0, one * 100)));
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const frame = /** @type {HTMLElement} */ (event.target).closest(".redact-frame");
    const begun = this.#at(event);
    let row = this.boxes.find((one) => one.frame === frame);
    let sizes = !row;
    if (row && frame) {
      const edge = frame.getBoundingClientRect();
      sizes = edge.right - event.clientX < CORNER_PX && edge.bottom - event.clientY < CORNER_PX;
      this.#remember();
    } else if (this.drawing) {
      row = this.#add([...begun, SMALLEST, SMALLEST]);
    }
    if (!row || !this.cover) {
      return;
    }
    event.preventDefault();
    row.frame?.focus();
    const chosen = row;
    const before = this.#places(row);
    /** @param {PointerEvent} moved */
    const move = (moved) => {
      const [x, y] = this.#at(moved);
      const [dx, dy] = [x - begun[0], y - begun[1]];
      if (!frame) {
        this.#put(chosen, [Math.min(x, begun[0]), Math.min(y, begun[1]), Math.abs(dx), Math.abs(dy)]);
      } else if (sizes) {
        this.#put(chosen, [before[0], before[1], before[2] + dx, before[3] + dy]);
      } else {
        this.#put(chosen, [before[0] + dx, before[1] + dy, before[2], before[3]]);
      }
    };
    window.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) {
      window.addEventListener(name, () => window.removeEventListener("pointermove", move), { once: true });
    }
  }

  /** @param {KeyboardEvent} event @param {Row} row */
  #key(event, row) {
    /** @type {Record<string, number[]>} */
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const [x, y, w, h] = this.#places(row);
    const by = moves[event.key];
    if (by && !event.ctrlKey && !event.altKey && !event.metaKey) {
      this.#remember();
      this.#put(row, event.shiftKey ? [x, y, w + by[0], h + by[1]] : [x + by[0], y + by[1], w, h]);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.#remove(row);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Row} row @param {number} number @returns {HTMLElement} */
  #frame(row, number) {
    const frame = document.createElement("div");
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    const name = document.createElement("span");
    name.textContent = this.#say("box", { n: number + 1 });
    frame.setAttribute("aria-label", name.textContent);
    frame.append(name);
    frame.addEventListener("keydown", (event) => this.#key(event, row));
    frame.addEventListener("focus", () => row.set.classList.add("chosen"));
    frame.addEventListener("blur", () => row.set.classList.remove("chosen"));
    this.cover?.append(frame);
    return frame;
  }

  #suggest() {
    draw(this, this.cover, (n) => this.#say("suggestion", { n }));
  }

  // ------------------------------------------------------------------ all of it

  #tools() {
    const tools = document.createElement("div");
    tools.className = "redact-tools media-bar";
    tools.setAttribute("role", "group");
    tools.setAttribute("aria-label", this.#say("tools"));
    if (this.boxes.length) {
      this.addButton = this.#button("add", () => this.#add([35, 35, 30, 30])?.frame?.focus());
      const draw = this.#button("draw", () => {
        this.drawing = !this.drawing;
        draw.setAttribute("aria-pressed", String(this.drawing));
        this.cover?.classList.toggle("drawing", this.drawing);
      });
      draw.setAttribute("aria-pressed", "false");
      tools.append(this.addButton, draw);
    }
    if (this.mutes.length) {
      const mute = this.#button("add_mute", () => this.#addMute());
      this.addButton ??= mute;
      tools.append(mute);
    }
    this.undoButton = this.#button("undo", () => this.#undo());
    this.count = document.createElement("span");
    this.count.setAttribute("role", "status");
    const hint = document.createElement("p");
    hint.className = "fine";
    hint.textContent = this.#say("hint");
    tools.append(this.undoButton, this.count);
    const after = this.querySelector("media-view, .redact-picture");
    after?.after(tools, ...(this.boxes.length ? [hint] : []));
  }

  #addMute() {
    const row = this.mutes.find((one) => !this.#filled(one));
    if (row) {
      this.#remember();
      const now = this.player?.currentTime ?? 0;
      row.inputs.from.value = now.toFixed(2);
      row.inputs.to.value = (now + 5).toFixed(2);
      this.#refresh();
      row.inputs.from.focus();
    }
  }

  #listen() {
    const form = /** @type {HTMLFormElement} */ (this.form);
    let before = this.#state();
    form.addEventListener("focusin", () => (before = this.#state()));
    form.addEventListener("change", () => {
      this.#remember(before);
      before = this.#state();
      this.#refresh();
    });
    form.addEventListener("input", () => this.#refresh());
    this.addEventListener("media-time", () => this.#refresh());
    this.addEventListener("change", (event) => {
      if (/** @type {HTMLElement} */ (event.target).matches("[name=faces]")) {
        this.#suggest();
      }
    });
    this.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
        event.preventDefault();
        this.#undo();
      }
    });
    this.addEventListener("submit", (event) => {
      const sent = /** @type {HTMLFormElement} */ (event.target);
      if (sent !== form) {
        event.preventDefault();
        void ask(sent, this).then(() => this.#suggest());
      }
    });
  }

  #refresh() {
    const now = this.player?.currentTime ?? 0;
    this.boxes.forEach((row, number) => {
      const filled = this.#filled(row);
      row.set.hidden = !filled && !row.open;
      if (filled && this.cover) {
        row.frame ??= this.#frame(row, number);
        const from = Number(row.inputs.from?.value || 0);
        const to = Number(row.inputs.to?.value || Infinity);
        row.frame.className = `redact-frame ${row.inputs.how.value}`;
        row.frame.classList.toggle("elsewhere", now < from || now >= to);
        lay(row.frame, this.#places(row));
      }
      if (row.frame) {
        row.frame.hidden = !filled;
      }
    });
    this.mutes.forEach((row) => (row.set.hidden = !this.#filled(row)));
    const count = this.boxes.filter((row) => this.#filled(row)).length;
    const said = this.boxes.length ? this.#say("status_boxes", { n: count }) : "";
    if (this.count && this.count.textContent !== said) {
      this.count.textContent = said;
    }
    if (this.undoButton) {
      this.undoButton.disabled = !this.past.length;
    }
    this.#wave();
  }

  #wave() {
    const wave = /** @type {any} */ (this.querySelector("wave-form"));
    if (wave) {
      /** @param {Row} row @param {string} kind */
      const stretch = (row, kind) => ({
        kind,
        from_ms: Number(row.inputs.from?.value || 0) * 1000,
        to_ms: row.inputs.to?.value ? Number(row.inputs.to.value) * 1000 : null,
      });
      const boxes = this.boxes.filter((row) => this.#filled(row)).map((row) => stretch(row, "box"));
      const mutes = this.mutes.filter((row) => this.#filled(row)).map((row) => stretch(row, "mute"));
      wave.ranges = [...boxes, ...mutes];
    }
  }
}

customElements.define("redact-editor", RedactEditor);
