// <media-view>: a photo that can be enlarged and turned, or a film or sound with finer steps than
// the browser's own controls.  Everything that a pointer does, a button and a key do as well.
//
// Tells where playback is by the event "media-time" {ms}; `seek(ms)` moves it.

const ZOOM_MAX = 16;
const STEP_PX = 60;
const JUMP_S = 10;
const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4];
const FRAMES_PER_SECOND = 25;

/** @param {number} seconds @returns {string} 1:02.3 */
export function clock(seconds) {
  const tenths = Math.max(0, Math.floor(seconds * 10 + 1e-6));
  const minutes = Math.floor(tenths / 600);
  return `${minutes}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

class MediaView extends HTMLElement {
  connectedCallback() {
    if (this.dataset.ready) {
      return;
    }
    this.dataset.ready = "yes";
    /** @type {Record<string, string>} */
    this.words = JSON.parse(this.dataset.words ?? "{}");
    this.bar = document.createElement("div");
    this.bar.className = "media-bar no-print";
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", this.say("toolbar"));
    this.#hint(this.dataset.kind === "photo" ? "hint_photo" : "hint_player");
    if (this.dataset.kind === "photo") {
      this.#photo();
    } else {
      this.#player();
    }
  }

  /** @param {string} key @returns {string} */
  say(key) {
    return this.words?.[`media.${key}`] ?? key;
  }

  /** Move playback. @param {number} ms */
  seek(ms) {
    if (this.player) {
      const length = Number.isFinite(this.player.duration) ? this.player.duration : ms / 1000;
      this.player.currentTime = Math.min(Math.max(0, ms / 1000), length);
    }
  }

  /** @param {string} key */
  #hint(key) {
    const hint = document.createElement("p");
    hint.className = "fine no-print";
    hint.textContent = this.say(key);
    this.append(hint);
  }

  /**
   * @param {string} key word of its name
   * @param {string} sign what it shows
   * @param {() => void} act
   */
  #button(key, sign, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.setAttribute("aria-label", this.say(key));
    button.title = this.say(key);
    button.addEventListener("click", act);
    this.bar?.append(button);
  }

  // ------------------------------------------------------------------ photo

  #photo() {
    const image = /** @type {HTMLImageElement} */ (this.querySelector("img"));
    const stage = document.createElement("div");
    stage.className = "media-stage";
    stage.tabIndex = 0;
    stage.setAttribute("role", "group");
    stage.setAttribute("aria-label", image.alt);
    image.replaceWith(stage);
    stage.append(image);
    this.prepend(/** @type {HTMLElement} */ (this.bar), stage);
    const at = { zoom: 1, turn: 0, x: 0, y: 0 };
    const level = document.createElement("output");
    const preview = image.src;
    let full = false;

    const show = () => {
      image.style.transform =
        `translate(${at.x}px, ${at.y}px) rotate(${at.turn}deg) scale(${at.zoom * this.#fit(image, at.turn)})`;
      level.textContent = `${Math.round(at.zoom * 100)} %`;
      if (at.zoom > 1 && !full && this.dataset.full) {
        full = true;
        image.addEventListener("error", () => (image.src = preview), { once: true });
        image.src = this.dataset.full;
      }
    };
    /** @param {number} factor */
    const zoom = (factor) => {
      const before = at.zoom;
      at.zoom = Math.min(ZOOM_MAX, Math.max(1, at.zoom * factor));
      const ratio = at.zoom === 1 ? 0 : at.zoom / before;
      [at.x, at.y] = [at.x * ratio, at.y * ratio];
      show();
    };
    /** @param {number} degrees */
    const turn = (degrees) => {
      at.turn = (at.turn + degrees + 360) % 360;
      show();
    };
    /** @param {number} x @param {number} y */
    const move = (x, y) => {
      const reach = { x: (stage.clientWidth * at.zoom) / 2, y: (stage.clientHeight * at.zoom) / 2 };
      at.x = Math.min(reach.x, Math.max(-reach.x, at.x + x));
      at.y = Math.min(reach.y, Math.max(-reach.y, at.y + y));
      show();
    };
    const reset = () => {
      Object.assign(at, { zoom: 1, turn: 0, x: 0, y: 0 });
      show();
    };
    this.#button("zoom_in", "+", () => zoom(1.5));
    this.#button("zoom_out", "−", () => zoom(1 / 1.5));
    this.#button("fit", "⤢", reset);
    this.#button("turn_left", "↺", () => turn(-90));
    this.#button("turn_right", "↻", () => turn(90));
    this.bar?.append(level);
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: reset,
      "[": () => turn(-90), "]": () => turn(90),
      ArrowLeft: () => move(STEP_PX, 0), ArrowRight: () => move(-STEP_PX, 0),
      ArrowUp: () => move(0, STEP_PX), ArrowDown: () => move(0, -STEP_PX),
    };
    this.#listen(keys, () => at.zoom === 1);
    stage.addEventListener("pointerdown", (event) => {
      if (at.zoom > 1) {
        stage.setPointerCapture(event.pointerId);
      }
    });
    stage.addEventListener("pointermove", (event) => {
      if (stage.hasPointerCapture(event.pointerId)) {
        move(event.movementX, event.movementY);
      }
    });
    stage.addEventListener("wheel", (event) => {
      if (event.ctrlKey) {
        event.preventDefault();
        zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2);
      }
    }, { passive: false });
    show();
  }

  /** A picture on its side must still fit the stage. @param {HTMLImageElement} image @param {number} turn */
  #fit(image, turn) {
    const { clientWidth: width, clientHeight: height } = image;
    return turn % 180 && width && height ? Math.min(width / height, height / width) : 1;
  }

  // ------------------------------------------------------------------ film and sound

  #player() {
    const player = /** @type {HTMLMediaElement} */ (this.querySelector("video, audio"));
    this.player = player;
    const isFilm = player instanceof HTMLVideoElement;
    const frame = 1 / (Number(this.dataset.fps) || FRAMES_PER_SECOND);
    /** @param {number} seconds */
    const jump = (seconds) => this.seek((player.currentTime + seconds) * 1000);
    /** @param {number} count */
    const step = (count) => {
      player.pause();
      jump(count * frame);
    };
    const place = document.createElement("span");
    place.className = "media-place";
    const speed = this.#speeds(player);
    this.#button("jump_back", "«", () => jump(-JUMP_S));
    if (isFilm) {
      this.#button("frame_back", "‹", () => step(-1));
      this.#button("frame_on", "›", () => step(1));
    }
    this.#button("jump_on", "»", () => jump(JUMP_S));
    this.bar?.append(speed, place);
    player.after(/** @type {HTMLElement} */ (this.bar));
    const told = () => {
      const length = Number.isFinite(player.duration) ? ` / ${clock(player.duration)}` : "";
      place.textContent = clock(player.currentTime) + length;
      const detail = { ms: Math.round(player.currentTime * 1000) };
      this.dispatchEvent(new CustomEvent("media-time", { bubbles: true, detail }));
    };
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) {
      player.addEventListener(name, told);
    }
    /** @param {number} by */
    const faster = (by) => {
      const now = SPEEDS.indexOf(player.playbackRate);
      player.playbackRate = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, now + by))];
    };
    const toggle = () => (player.paused ? void player.play() : player.pause());
    this.#listen({
      k: toggle, K: toggle, j: () => jump(-JUMP_S), J: () => jump(-JUMP_S),
      l: () => jump(JUMP_S), L: () => jump(JUMP_S),
      ",": () => step(-1), ".": () => step(1), "[": () => faster(-1), "]": () => faster(1),
    }, () => false);
    told();
  }

  /** @param {HTMLMediaElement} player */
  #speeds(player) {
    const select = document.createElement("select");
    select.setAttribute("aria-label", this.say("speed"));
    for (const one of SPEEDS) {
      select.append(new Option(`${one}×`, String(one), one === 1, one === 1));
    }
    select.addEventListener("change", () => (player.playbackRate = Number(select.value)));
    player.addEventListener("ratechange", () => (select.value = String(player.playbackRate)));
    return select;
  }

  /**
   * Keys while something of this element has the focus.
   * @param {Record<string, () => void>} keys
   * @param {() => boolean} idle arrows are the page's while there is nothing to move
   */
  #listen(keys, idle) {
    this.addEventListener("keydown", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      const taken = event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented;
      if (taken || target.matches("input, select, textarea")) {
        return;
      }
      const act = keys[event.key];
      if (act && !(event.key.startsWith("Arrow") && idle())) {
        event.preventDefault();
        event.stopPropagation();
        act();
      }
    });
  }
}

customElements.define("media-view", MediaView);
