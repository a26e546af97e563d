/**
 * Resumable uploads (tus 1.0.0): creation under an idempotency key, then pieces from the offset
 * that the server reports.  What it acknowledged is never sent again.
 */
import { b64, utf8 } from "../../vendor/tz/bytes.js";
import { Refused, persist } from "./api.js";

const PIECE_BYTES = 4 * 2 ** 20;
const TUS = { "Tus-Resumable": "1.0.0" };
const GONE = new Set([404, 410]);

/** @typedef {{place: string, name: string, mime: string, size: number, sha256: string,
 *   url?: string | null, offset: number}} Row */

/**
 * Bring one file to the server; may be called again after any interruption.
 * @param {import("./api.js").DeviceApi} api
 * @param {Row} row `url` and `offset` are kept up to date
 * @param {Blob} file
 * @param {{signal: AbortSignal, onOffset: (row: Row) => Promise<void> | void,
 *   onWait?: (refused: Refused, waitMs: number) => void}} how
 */
export async function upload(api, row, file, how) {
  const again = { signal: how.signal, onWait: how.onWait };
  for (;;) {
    try {
      await persist(() => standing(api, row), again);
      await how.onOffset(row);
      while (row.offset < row.size) {
        await persist(() => piece(api, row, file, how.signal), again);
        await how.onOffset(row);
      }
      return;
    } catch (error) {
      if (!(error instanceof Refused) || !(GONE.has(error.status) || error.status === 409)) throw error;
      if (error.status !== 409) row.url = null; // it expired: begin another, from the beginning
    }
  }
}

/** Where the upload stands; made when there is none. @param {import("./api.js").DeviceApi} api
 * @param {Row} row */
async function standing(api, row) {
  if (!row.url) {
    const response = await api.call("POST", "/uploads", {
      headers: {
        ...TUS,
        "Upload-Length": String(row.size),
        "Upload-Metadata": metadata(row),
        "Idempotency-Key": `dock-${row.sha256}`,
      },
    });
    const location = response.headers.get("Location") ?? "";
    row.url = new URL(location, document.baseURI).pathname;
  }
  const head = await api.call("HEAD", row.url, { headers: TUS });
  row.offset = offsetOf(head, row);
}

/** @param {import("./api.js").DeviceApi} api @param {Row} row @param {Blob} file
 * @param {AbortSignal} signal */
async function piece(api, row, file, signal) {
  // Read first: a card that was pulled out is no trouble of the line.
  const end = Math.min(row.size, row.offset + PIECE_BYTES);
  const body = await file.slice(row.offset, end).arrayBuffer();
  const headers = {
    ...TUS, "Upload-Offset": String(row.offset), "Content-Type": "application/offset+octet-stream",
  };
  try {
    const response = await api.call("PATCH", String(row.url), { headers, body, signal });
    row.offset = offsetOf(response, row);
  } catch (error) {
    // A cut piece may have arrived in part: the server says how far.
    if (error instanceof Refused && error.passing) {
      await standing(api, row).catch(() => undefined);
    }
    throw error;
  }
}

/** @param {Response} response @param {Row} row */
function offsetOf(response, row) {
  const offset = Number(response.headers.get("Upload-Offset"));
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > row.size) {
    throw new Refused(502, "upload-offset");
  }
  return offset;
}

/** @param {Row} row */
function metadata(row) {
  const pairs = { sha256: row.sha256, filename: row.name, filetype: row.mime };
  return Object.entries(pairs)
    .map(([name, text]) => (text ? `${name} ${b64(utf8(text))}` : name))
    .join(",");
}
