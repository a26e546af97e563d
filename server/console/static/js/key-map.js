// The keys of a page: what carries data-key is pressed, followed, ticked or opened by that key.
// Everything works without them; they only save the way to the element.

const FIELDS = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

/** @param {EventTarget | null} target */
const typing = (target) => target instanceof Element && target.matches(FIELDS);

/** @param {Element} element */
const reachable = (element) =>
  element.matches("summary") || element.closest("details:not([open])") === null;

class KeyMap extends HTMLElement {
  connectedCallback() {
    document.addEventListener("keydown", this);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this);
  }

  /** @param {KeyboardEvent} event */
  handleEvent(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") return this.#away(event);
    if (typing(event.target) || event.repeat) return;
    const key = event.key.toLowerCase();
    if (key === " ") return this.#play(event);
    if (key === "/") return this.#focus(event, document.querySelector("#find"));
    const found = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(reachable);
    if (!found) return;
    event.preventDefault();
    this.#press(found);
  }

  /** @param {Element} element */
  #press(element) {
    if (element.matches("summary")) return this.#open(/** @type {HTMLDetailsElement} */ (element.parentElement));
    if (element instanceof HTMLInputElement && element.type === "radio") return this.#choose(element);
    if (element instanceof HTMLInputElement && element.type === "checkbox") {
      element.checked = !element.checked;
      element.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (element instanceof HTMLButtonElement && element.form) {
      element.form.requestSubmit(element);
    } else if (element instanceof HTMLElement) {
      element.click();
    }
  }

  /** A choice that says everything is sent; one that needs words waits for them. @param {HTMLInputElement} radio */
  #choose(radio) {
    radio.checked = true;
    const needs = radio.dataset.needs;
    if (needs) document.getElementById(needs)?.focus();
    else radio.form?.requestSubmit();
  }

  /** @param {HTMLDetailsElement} details */
  #open(details) {
    const others = details.parentElement?.querySelectorAll(":scope > details[open]") ?? [];
    for (const other of others) if (other instanceof HTMLDetailsElement && other !== details) other.open = false;
    details.open = !details.open;
    const first = details.open ? details.querySelector("input:not([type=hidden]), textarea, select") : null;
    /** @type {HTMLElement} */ (first ?? details.querySelector("summary")).focus();
    details.scrollIntoView({ block: "nearest" });
    const player = /** @type {HTMLMediaElement | null} */ (document.querySelector(".player video, .player audio"));
    const time = /** @type {HTMLInputElement | null} */ (details.querySelector("[data-time]"));
    if (details.open && player && time) time.value = player.currentTime.toFixed(1);
  }

  /** @param {KeyboardEvent} event */
  #play(event) {
    if (event.target instanceof Element && event.target.closest("a, button, summary, input, video, audio")) return;
    const player = /** @type {HTMLMediaElement | null} */ (document.querySelector(".player video, .player audio"));
    if (!player) return;
    event.preventDefault();
    if (player.paused) player.play().catch(() => {});
    else player.pause();
  }

  /** @param {KeyboardEvent} event @param {HTMLElement | null} element */
  #focus(event, element) {
    if (!element) return;
    event.preventDefault();
    element.focus();
  }

  /** Out of a field, and what was opened is closed. @param {KeyboardEvent} event */
  #away(event) {
    const open = event.target instanceof Element ? event.target.closest("details[open]") : null;
    if (open instanceof HTMLDetailsElement) {
      open.open = false;
      open.querySelector("summary")?.focus();
    } else if (typing(event.target)) {
      /** @type {HTMLElement} */ (event.target).blur();
    }
  }
}

customElements.define("key-map", KeyMap);
