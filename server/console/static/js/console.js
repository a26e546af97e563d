// What every page has: choices that apply at once, and the same address for a reload.

for (const select of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("form.look select"))) {
  const apply = /** @type {HTMLButtonElement} */ (select.form?.querySelector("button:not([name])"));
  apply.hidden = true;
  select.addEventListener("change", () => select.form?.requestSubmit(apply));
}

// What was said once is not said again after a reload.
const here = new URL(location.href);
if (here.searchParams.has("said")) {
  here.searchParams.delete("said");
  here.searchParams.delete("n");
  history.replaceState(history.state, "", here);
}

// Forms that ask before they act: the question stands in data-confirm, in the reader's language.
document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const submitter = /** @type {SubmitEvent} */ (event).submitter;
  const question = submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
  }
});
