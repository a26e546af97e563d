// The release desk by keys: J and K go from entry to entry, H, E, R, W decide on the one in focus.
// Forms are sent without leaving the page; without this script they are sent as they stand.

const FIELDS = "input, textarea, select, [contenteditable]";
const KEYS = new Set(["h", "e", "r", "w"]);
const log = /** @type {any} */ (document.querySelector("live-log[data-desk]"));

const rows = () => /** @type {HTMLElement[]} */ ([...log.querySelectorAll("[data-entries] > [data-entry]")]);
const current = () => document.activeElement?.closest("[data-entry]") ?? null;

/** @param {number} step */
function go(step) {
  const all = rows();
  const here = current();
  const at = here ? all.indexOf(/** @type {HTMLElement} */ (here)) : -1;
  const next = here ? at + step : step > 0 ? 0 : all.length - 1;
  const row = all[Math.max(0, Math.min(all.length - 1, next))];
  row?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

/** @param {string} key */
function act(key) {
  const found = current()?.querySelector(`[data-row-key="${key}"]`);
  if (found instanceof HTMLButtonElement) found.form?.requestSubmit(found);
  else if (found instanceof HTMLElement) openForm(/** @type {HTMLDetailsElement} */ (found.closest("details")));
  return Boolean(found);
}

/** @param {HTMLDetailsElement} details */
function openForm(details) {
  details.open = true;
  const first = details.querySelector("textarea, input:not([type=hidden])");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = /** @type {Element} */ (event.target);
  const open = target.closest("details[open]");
  if (event.key === "Escape" && open instanceof HTMLDetailsElement) {
    open.open = false;
    /** @type {HTMLElement | null} */ (open.closest("[data-entry]"))?.focus();
    return;
  }
  if (target.matches(FIELDS) || event.repeat) return;
  const key = event.key.toLowerCase();
  let done = true;
  if (key === "j") go(1);
  else if (key === "k") go(-1);
  else if (key === "n") log.showFresh();
  else if (key === "?") toggleHelp();
  else if (KEYS.has(key)) done = act(key);
  else done = false;
  if (done) event.preventDefault();
}

function toggleHelp() {
  const help = /** @type {HTMLDetailsElement} */ (document.getElementById("keys"));
  help.open = !help.open;
  help.scrollIntoView({ block: "nearest" });
}

/** @param {SubmitEvent} event */
async function send(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches("[data-decide]") || event.defaultPrevented) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const row = /** @type {HTMLElement} */ (form.closest("[data-entry]"));
  row.focus();
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(/** @type {any} */ (body)),
    headers: { "HX-Request": "true" },
  }).catch(() => null);
  if (!answer) return form.submit();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const place = /** @type {HTMLElement} */ (document.getElementById("refused"));
  const refusal = page.querySelector("#refused > *");
  if (!answer.ok && !refusal) return location.reload();
  place.replaceChildren(...(refusal ? [document.adoptNode(refusal)] : []));
  const said = document.getElementById("said");
  const done = page.querySelector(".said");
  if (said && done) said.replaceChildren(document.adoptNode(done));
  for (const details of row.querySelectorAll("details[open]")) /** @type {HTMLDetailsElement} */ (details).open = false;
  await log.refresh();
}

if (log) {
  document.addEventListener("keydown", pressed);
  log.addEventListener("submit", send);
}
