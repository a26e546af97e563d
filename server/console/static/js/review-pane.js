// The desk of review: forms and links of the pane fetch the next pane instead of a whole page.
// Without it they are ordinary forms and links.

const PAGE_WORDS = ["said", "n", "done"];

class ReviewDesk extends HTMLElement {
  #busy = false;
  /** @type {Record<string, string>} */
  #words = {};

  connectedCallback() {
    this.#words = JSON.parse(this.dataset.words ?? "{}");
    this.addEventListener("submit", this);
    this.addEventListener("click", this);
    window.addEventListener("popstate", () => location.reload());
  }

  /** @param {Event} event */
  handleEvent(event) {
    const swap = event.target instanceof Element ? event.target.closest("[data-swap]") : null;
    if (!swap || event.defaultPrevented) return;
    if (event instanceof SubmitEvent && swap instanceof HTMLFormElement) {
      event.preventDefault();
      const body = new URLSearchParams(/** @type {any} */ (new FormData(swap, event.submitter)));
      this.#go(swap.action, { method: "POST", body });
    } else if (event instanceof MouseEvent && swap instanceof HTMLAnchorElement) {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
      event.preventDefault();
      this.#go(swap.href, {});
    }
  }

  /** One request at a time: a key that comes too early means an item nobody has seen. */
  async #go(/** @type {string} */ address, /** @type {RequestInit} */ how) {
    if (this.#busy) return;
    this.#busy = true;
    const pane = this.#part("review-pane");
    pane.setAttribute("aria-busy", "true");
    try {
      const answer = await this.#ask(address, "review-pane", how);
      if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
        location.assign(answer.url);
        return;
      }
      pane.innerHTML = await answer.text();
      this.#remember(answer.url);
      this.#follow(answer.url);
      /** @type {HTMLElement | null} */ (pane.querySelector("[role=alert], [data-focus]"))?.focus();
      pane.scrollIntoView({ block: "nearest" });
      this.dispatchEvent(new CustomEvent("desk-shown", { bubbles: true }));
    } catch {
      this.#say(this.#words["review.offline"]);
    } finally {
      pane.removeAttribute("aria-busy");
      this.#busy = false;
    }
  }

  /** The list beside it: what was decided, what is shown; fetched when the item lies beyond it. */
  async #follow(/** @type {string} */ address) {
    const pane = this.#part("review-pane");
    const list = this.#part("review-list");
    const marks = pane.querySelector("[data-marks-of]");
    const done = marks instanceof HTMLElement ? list.querySelector(`[data-row="${marks.dataset.marksOf}"] [data-marks]`) : null;
    if (done && marks) done.innerHTML = marks.innerHTML;
    const article = pane.querySelector("article[data-item]");
    const item = article instanceof HTMLElement ? article.dataset.item : undefined;
    if (!item) return;
    if (!list.querySelector(`[data-row="${item}"]`)) {
      const answer = await this.#ask(address, "review-list", {});
      if (!answer.ok) return;
      list.innerHTML = await answer.text();
    }
    for (const row of list.querySelectorAll("[data-row]")) {
      const here = row instanceof HTMLElement && row.dataset.row === item;
      row.toggleAttribute("aria-current", here);
      if (here) row.setAttribute("aria-current", "true");
      const box = row.querySelector("input[type=checkbox]");
      if (here) box?.setAttribute("data-key", "x");
      else box?.removeAttribute("data-key");
      if (here) row.scrollIntoView({ block: "nearest" });
    }
  }

  /** @param {string} address @param {string} part @param {RequestInit} how */
  #ask(address, part, how) {
    const headers = { "HX-Request": "true", "HX-Target": part };
    return fetch(address, { ...how, headers, credentials: "same-origin" });
  }

  /** @param {string} address */
  #remember(address) {
    const url = new URL(address);
    for (const name of PAGE_WORDS) url.searchParams.delete(name);
    if (url.pathname.endsWith("/decide") || url.pathname.endsWith("/undo")) return; // a refusal
    history.replaceState(null, "", url);
  }

  /** @param {string | undefined} words */
  #say(words) {
    const said = document.createElement("p");
    said.className = "alert";
    said.setAttribute("role", "alert");
    said.textContent = words ?? "";
    this.#part("review-pane").prepend(said);
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.querySelector(`[data-part="${name}"]`));
  }
}

customElements.define("review-desk", ReviewDesk);
