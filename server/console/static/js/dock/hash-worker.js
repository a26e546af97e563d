/** Hashes a file piece by piece, beside the page: `{id, file}` in, `{id, done}` and `{id, sha256}` out. */
import { hex, newSha256 } from "../../vendor/tz/bytes.js";

const PIECE_BYTES = 4 * 2 ** 20;

/** @param {{id: number, file: Blob}} task */
async function hash({ id, file }) {
  const digest = newSha256();
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    digest.update(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()));
    postMessage({ id, done: Math.min(file.size, at + PIECE_BYTES) });
  }
  postMessage({ id, sha256: hex(digest.digest()) });
}

addEventListener("message", (event) => {
  hash(event.data).catch((error) => postMessage({ id: event.data.id, error: String(error) }));
});
