// Suggested faces in <redact-editor>: asked for once, drawn dotted, taken only by a person's tick.

const TRIES = 60;
const PAUSE_MS = 1500;

/** Lay a frame over the picture. @param {HTMLElement} frame @param {(string | number)[]} places */
export function lay(frame, [x, y, w, h]) {
  Object.assign(frame.style, { left: `${x}%`, top: `${y}%`, width: `${w}%`, height: `${h}%` });
}

/**
 * Draw the suggestions that the page lists.
 * @param {HTMLElement} editor
 * @param {HTMLElement | undefined} cover
 * @param {(n: number) => string} named
 */
export function draw(editor, cover, named) {
  cover?.querySelectorAll(".suggested").forEach((one) => one.remove());
  editor.querySelectorAll("input[name=faces]").forEach((one, number) => {
    const input = /** @type {HTMLInputElement} */ (one);
    const { x, y, w, h } = input.dataset;
    const frame = document.createElement("div");
    frame.className = `redact-frame suggested${input.checked ? " blur" : ""}`;
    const name = document.createElement("span");
    name.textContent = named(number + 1);
    frame.append(name);
    lay(frame, [x ?? 0, y ?? 0, w ?? 0, h ?? 0]);
    cover?.append(frame);
  });
}

/**
 * Ask for suggestions and put them into the page when they have come.
 * @param {HTMLFormElement} form
 * @param {HTMLElement} editor
 */
export async function ask(form, editor) {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  button.disabled = true;
  let answer = await fetch(form.action, { method: "POST" });
  for (let tries = 0; answer.ok && tries < TRIES; tries += 1) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.querySelector("#faces");
    const failed = tries > 0 && found instanceof HTMLElement && found.dataset.failed;
    if (found && (failed || !found.querySelector("form"))) {
      editor.querySelector("#faces")?.replaceWith(found);
      return;
    }
    await new Promise((done) => setTimeout(done, PAUSE_MS));
    answer = await fetch(location.href);
  }
  button.disabled = false;
}
