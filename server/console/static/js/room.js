// The observers' room: entries as they come, the countdown, voices, replies. Without it the page
// works by reloading.

const RELOAD_MS = 1500;
const MINE_MS = 20_000;
const VOICE_MS = 120_000;
const VOICE_TYPES = ["audio/webm", "audio/mp4", "audio/ogg"];

/** @typedef {{position: number, entry_id: string, state: string, act: string, stage: string | null,
 *   happened_at: string | null, place: string | null, text: string | null, photos: string[]}} Entry */
/** @typedef {{stage: string | null, lag_seconds: number | null}} State */

/** Waits a little, not everybody the same. */
function reloadSoon() {
  setTimeout(() => location.reload(), RELOAD_MS * (0.5 + Math.random()));
}

/** @param {Element} root @param {string} slot @param {string | null} text */
function fill(root, slot, text) {
  const place = root.querySelector(`[data-slot="${slot}"]`);
  if (place) place.textContent = text ?? "";
}

class Room {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Record<string, string>} */
    this.words = JSON.parse(root.dataset.words ?? "{}");
    this.list = /** @type {HTMLElement} */ (root.querySelector("[data-entries]"));
    this.blank = /** @type {HTMLTemplateElement} */ (root.querySelector("[data-blank]"));
    this.pill = /** @type {HTMLButtonElement} */ (root.querySelector("[data-pill]"));
    this.lost = /** @type {HTMLElement} */ (root.querySelector("[data-lost]"));
    /** @type {Map<string, Entry>} */
    this.fresh = new Map();
    this.pill?.addEventListener("click", () => this.showFresh());
  }

  /** @param {string} key @param {Record<string, unknown>} [values] */
  say(key, values = {}) {
    return (this.words[`room.${key}`] ?? "").replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  watch() {
    const source = new EventSource(`/g/stream?after=${this.root.dataset.position}`);
    source.addEventListener("entry", (event) => this.take(JSON.parse(event.data)));
    source.addEventListener("state", (event) => this.move(JSON.parse(event.data)));
    source.addEventListener("end", () => {
      source.close();
      reloadSoon();
    });
    source.addEventListener("open", () => {
      this.lost.hidden = true;
    });
    source.addEventListener("error", () => {
      this.lost.textContent = this.say("lost");
      this.lost.hidden = false;
      if (source.readyState === EventSource.CLOSED) reloadSoon();
    });
  }

  /** What is on the page changes at once; what is new waits behind the pill. @param {Entry} entry */
  take(entry) {
    const old = document.getElementById(`e-${entry.entry_id}`);
    if (old) {
      this.write(old, entry);
      return;
    }
    this.fresh.set(entry.entry_id, entry);
    this.pill.textContent = this.say("pill", { n: this.fresh.size });
    this.pill.hidden = false;
  }

  showFresh() {
    const entries = [...this.fresh.values()].sort((a, b) => a.position - b.position);
    this.fresh.clear();
    this.pill.hidden = true;
    this.root.querySelector(".empty")?.remove();
    let newest = null;
    for (const entry of entries) {
      newest = this.made(entry);
      this.list.prepend(newest);
    }
    newest?.setAttribute("tabindex", "-1");
    newest?.focus();
  }

  /** @param {Entry} entry */
  made(entry) {
    const copy = /** @type {DocumentFragment} */ (this.blank.content.cloneNode(true));
    const item = /** @type {HTMLElement} */ (copy.querySelector(".entry"));
    for (const part of [item, ...item.querySelectorAll("[id], [for], [value]")]) {
      for (const name of ["id", "for", "value"]) {
        const value = part.getAttribute(name);
        if (value?.includes("ENTRY")) part.setAttribute(name, value.replace("ENTRY", entry.entry_id));
      }
    }
    prepareVoices(item, this);
    this.write(item, entry);
    return item;
  }

  /** @param {HTMLElement} item @param {Entry} entry */
  write(item, entry) {
    const released = entry.state === "released";
    item.className = `entry ${entry.state}`;
    item.dataset.position = String(entry.position);
    fill(item, "act", this.say(released ? `act_${entry.act}` : `state_${entry.state}`));
    fill(item, "happened_at", entry.happened_at);
    fill(item, "place", entry.place);
    fill(item, "text", released ? entry.text : this.say(`why_${entry.state}`));
    const photos = item.querySelector('[data-slot="photos"]');
    photos?.replaceChildren(...entry.photos.map((id) => this.photo(id)));
  }

  /** @param {string} id */
  photo(id) {
    const image = document.createElement("img");
    image.src = `/g/photo/${encodeURIComponent(id)}`;
    image.alt = this.say("photo_alt");
    image.loading = "lazy";
    image.draggable = false;
    return image;
  }

  /** @param {State} state */
  move(state) {
    const lag = this.root.querySelector("[data-lag]");
    if (lag && state.lag_seconds !== null) {
      lag.textContent = this.say("lag", { n: Math.round(state.lag_seconds / 60) });
    }
    const steps = [...this.root.querySelectorAll("[data-stage]")];
    const now = steps.findIndex((step) => /** @type {HTMLElement} */ (step).dataset.stage === state.stage);
    steps.forEach((step, place) => {
      step.className = place < now ? "done" : place === now ? "now" : "ahead";
      if (place === now) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
  }

  countDown() {
    const place = this.root.querySelector("[data-countdown]");
    const until = Date.parse(this.root.dataset.until ?? "");
    if (!place || Number.isNaN(until)) return;
    const show = () => {
      const seconds = Math.max(0, Math.floor((until - Date.now()) / 1000));
      const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
      const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
      place.textContent = this.say("left", { t: text });
    };
    show();
    setInterval(show, 1000);
  }

  /** Replies come without a reload. */
  refreshMine() {
    const place = this.root.querySelector("[data-mine]");
    setInterval(async () => {
      if (!place || document.hidden || place.contains(document.activeElement)) return;
      const answer = await fetch("/g/opinions", { headers: { "HX-Request": "true" } }).catch(() => null);
      if (!answer?.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const mine = page.querySelector("[data-mine]");
      if (mine) place.replaceChildren(...mine.childNodes);
    }, MINE_MS);
  }
}

/** Offers a recording in every form where the browser can make one. @param {ParentNode} root @param {Room} room */
function prepareVoices(root, room) {
  if (!navigator.mediaDevices?.getUserMedia || !("MediaRecorder" in window)) return;
  for (const part of root.querySelectorAll("[data-voice]")) prepareVoice(/** @type {HTMLElement} */ (part), room);
}

/** @param {HTMLElement} part @param {Room} room */
function prepareVoice(part, room) {
  const button = /** @type {HTMLButtonElement} */ (part.querySelector("[data-record]"));
  const told = /** @type {HTMLElement} */ (part.querySelector("[data-voice-state]"));
  const heard = /** @type {HTMLAudioElement} */ (part.querySelector("[data-heard]"));
  const input = /** @type {HTMLInputElement} */ (part.querySelector("input[type=file]"));
  /** @type {MediaRecorder | null} */
  let recorder = null;
  part.hidden = false;
  button.addEventListener("click", async () => {
    if (recorder) {
      recorder.stop();
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      recorder = record(stream, (file) => {
        recorder = null;
        const files = new DataTransfer();
        files.items.add(file);
        input.files = files.files;
        heard.src = URL.createObjectURL(file);
        heard.hidden = false;
        button.textContent = room.say("voice_record");
        told.textContent = room.say("voice_ready");
      });
      button.textContent = room.say("voice_stop");
      told.textContent = room.say("voice_running");
    } catch {
      told.textContent = room.say("voice_failed");
    }
  });
}

/** @param {MediaStream} stream @param {(file: File) => void} done */
function record(stream, done) {
  const type = VOICE_TYPES.find((one) => MediaRecorder.isTypeSupported(one)) ?? "";
  const recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 24_000 });
  /** @type {Blob[]} */
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  recorder.addEventListener("stop", () => {
    for (const track of stream.getTracks()) track.stop();
    done(new File(parts, "voice", { type }));
  });
  recorder.start();
  setTimeout(() => recorder.state === "recording" && recorder.stop(), VOICE_MS);
  return recorder;
}

/** While it waits the page only listens for the end of the waiting. */
function waitForStart() {
  const source = new EventSource("/g/stream");
  source.addEventListener("end", () => {
    source.close();
    reloadSoon();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) reloadSoon();
  });
}

/** A button that walks through the steps by itself. @param {HTMLElement} player */
function preparePlayer(player) {
  const words = JSON.parse(player.dataset.words ?? "{}");
  const next = /** @type {HTMLAnchorElement} */ (player.querySelector("[rel=next]"));
  const running = sessionStorage.getItem("replay") === "on" && next.search !== location.search;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words[running ? "room.pause" : "room.play"];
  button.addEventListener("click", () => {
    sessionStorage.setItem("replay", running ? "off" : "on");
    location.assign(running ? location.href : next.href);
  });
  player.append(button);
  if (running) setTimeout(() => sessionStorage.getItem("replay") === "on" && location.assign(next.href), 2500);
  else sessionStorage.setItem("replay", "off");
}

for (const mark of document.querySelectorAll("img[data-mark]")) {
  const image = /** @type {HTMLImageElement} */ (mark);
  setInterval(() => (image.src = `/g/mark.svg?n=${Math.floor(Date.now() / 60_000)}`), 60_000);
}
for (const hint of document.querySelectorAll(".no-script")) hint.remove();
const player = document.querySelector("[data-player]");
if (player) preparePlayer(/** @type {HTMLElement} */ (player));
const root = document.getElementById("room");
if (root?.dataset.phase === "waiting") {
  waitForStart();
} else if (root) {
  const room = new Room(root);
  prepareVoices(root, room);
  room.refreshMine();
  if (root.dataset.phase === "live") {
    room.watch();
    room.countDown();
  }
}
