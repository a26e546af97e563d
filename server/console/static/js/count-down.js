// How long something is still good, to the second: <count-down data-until data-words>.

class CountDown extends HTMLElement {
  /** @type {Record<string, string>} running, then over */
  words = JSON.parse(this.dataset.words ?? "{}");
  until = Date.parse(this.dataset.until ?? "");

  connectedCallback() {
    this.setAttribute("role", "timer");
    this.show();
    this.timer = setInterval(() => this.show(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  show() {
    const left = Math.max(0, Math.ceil((this.until - Date.now()) / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    const [running, over] = Object.values(this.words);
    this.textContent = left > 0 ? running.replace("{time}", clock) : over;
    if (left === 0) clearInterval(this.timer);
  }
}

customElements.define("count-down", CountDown);
