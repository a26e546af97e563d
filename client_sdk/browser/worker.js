/** The verification in a worker: files come in, progress and the report go out. */
import { FormatError } from "./errors.js";
import { verify } from "./verify.js";

/** @typedef {{dossier: Blob, trust: Blob, priors: Blob[]}} Job */
/** @typedef {{kind: "ready"} | {kind: "progress", step: string, done: number, total: number}
 *   | {kind: "report", report: import("./report.js").Report}
 *   | {kind: "unusable" | "broken", detail: string}} Message */

const PROGRESS_MS = 100;

/** Do a job; every message goes to `send`.
 * @param {Job} job @param {(message: Message) => void} send */
export async function work({ dossier, trust, priors }, send) {
  let [last, lastStep] = [0, ""];
  /** @type {import("./package.js").Progress} */
  const progress = (step, done, total) => {
    if (step === lastStep && Date.now() - last < PROGRESS_MS) return;
    [last, lastStep] = [Date.now(), step];
    send({ kind: "progress", step, done, total });
  };
  try {
    send({ kind: "report", report: await verify(dossier, trust, priors, progress) });
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    send({ kind: error instanceof FormatError ? "unusable" : "broken", detail: message });
  }
}

/** Answer jobs in a worker. @param {any} scope its global object */
export function serve(scope) {
  scope.onmessage = (/** @type {MessageEvent<Job>} */ event) =>
    work(event.data, (message) => scope.postMessage(message));
  scope.postMessage({ kind: "ready" });
}

/**
 * Do a job in a worker of this very script; where the browser does not allow one, on this thread.
 * @param {Job} job @param {(message: Message) => void} send
 */
export function start(job, send) {
  const here = () => work(job, send);
  let worker;
  let ready = false;
  try {
    const source = document.querySelector("script")?.textContent ?? "";
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    worker = new Worker(url);
  } catch {
    here();
    return;
  }
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    if (ready) send({ kind: "broken", detail: event.message });
    else here();
  };
  worker.onmessage = (/** @type {MessageEvent<Message>} */ { data }) => {
    if (data.kind === "ready") {
      ready = true;
      worker.postMessage(job);
      return;
    }
    if (data.kind !== "progress") worker.terminate();
    send(data);
  };
}
