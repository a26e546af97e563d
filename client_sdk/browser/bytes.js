/** Bytes and their texts: strict base64, base64url, hexadecimal, UTF-8, and SHA-256. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { FormatError } from "./errors.js";

const ENCODER = new TextEncoder();
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });
const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const B64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const B64URL = /^[A-Za-z0-9_-]*$/;
const SHA256_HEX = /^[0-9a-f]{64}$/;
const HEX = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));
const VALUES = new Map([...STANDARD].map((char, n) => [char, n]));

/** @param {string} text @returns {Uint8Array} its UTF-8 */
export const utf8 = (text) => ENCODER.encode(text);

/** @param {Uint8Array} data @returns {string} text; FormatError when it is not UTF-8 */
export function fromUtf8(data) {
  try {
    return STRICT.decode(data);
  } catch {
    throw new FormatError("not UTF-8", "not-utf8");
  }
}

/** @param {Uint8Array} data @returns {string} text, with U+FFFD for what is not UTF-8 */
export const lenientText = (data) => LENIENT.decode(data);

/** @param {string} text @returns {boolean} whether it has no lone surrogates */
export const isUnicode = (text) => text.isWellFormed();

/** @param {...Uint8Array} parts @returns {Uint8Array} */
export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** @param {Uint8Array} a @param {Uint8Array} b @returns {boolean} */
export function equal(a, b) {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

/** @param {Uint8Array} data @returns {string} lower-case hexadecimal */
export function hex(data) {
  let out = "";
  for (const value of data) out += HEX[value];
  return out;
}

/** @param {string} text an even number of hexadecimal digits @returns {Uint8Array} */
export function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {Uint8Array} data @returns {string} standard base64 with padding (RFC 4648 §4) */
export function b64(data) {
  let out = "";
  for (let at = 0; at < data.length; at += 3) {
    const bits = (data[at] << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
    out += STANDARD[bits >> 18] + STANDARD[(bits >> 12) & 63];
    out += at + 1 < data.length ? STANDARD[(bits >> 6) & 63] : "=";
    out += at + 2 < data.length ? STANDARD[bits & 63] : "=";
  }
  return out;
}

/**
 * Bytes of standard base64.
 * @param {unknown} text
 * @param {boolean} [canonical] whether set spare bits are refused
 * @returns {Uint8Array | undefined} undefined for any other text
 */
export function fromB64(text, canonical = true) {
  if (typeof text !== "string" || !B64.test(text)) return undefined;
  const body = text.replace(/=+$/, "");
  const out = new Uint8Array(Math.floor((body.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const char of body) {
    bits = (bits << 6) | /** @type {number} */ (VALUES.get(char));
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[at++] = (bits >> held) & 255;
    }
  }
  if (canonical && bits & ((1 << held) - 1)) return undefined;
  return out;
}

/**
 * Bytes of base64url without padding; spare bits must be zero.
 * @param {unknown} text
 * @param {number} [sizeBytes] exact length that is demanded
 * @returns {Uint8Array}
 */
export function fromB64url(text, sizeBytes) {
  if (typeof text !== "string" || !B64URL.test(text) || text.length % 4 === 1) {
    throw new FormatError("not base64url without padding", "base64url");
  }
  const padded = text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat(-text.length & 3);
  const data = fromB64(padded);
  if (data === undefined) throw new FormatError("base64url with spare bits set", "base64url");
  if (sizeBytes !== undefined && data.length !== sizeBytes) {
    throw new FormatError(`${sizeBytes} bytes are expected`, "base64url-length");
  }
  return data;
}

/** @param {Uint8Array} data @returns {string} base64url without padding */
export function b64url(data) {
  return b64(data).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {unknown} text @returns {text is string} whether it is 64 lower-case digits */
export const isSha256Hex = (text) => typeof text === "string" && SHA256_HEX.test(text);

/** @param {...Uint8Array} parts @returns {Uint8Array} SHA-256 over them */
export function sha256(...parts) {
  const digest = nobleSha256.create();
  for (const part of parts) digest.update(part);
  return digest.digest();
}

/** A SHA-256 that grows, for what does not fit in memory. */
export const newSha256 = () => nobleSha256.create();

/** @param {Uint8Array} key @param {Uint8Array} data @returns {Uint8Array} HMAC-SHA256 */
export const hmacSha256 = (key, data) => hmac(nobleSha256, key, data);
