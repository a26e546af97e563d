/**
 * The wire formats of a device that a browser needs: records (client_sdk/protocol/records.py),
 * enrolment and request proofs, and the server's signed statements.  The key never leaves
 * WebCrypto: it is made there, not extractable, and only used to sign.
 */
import { b64url, concat, fromB64url, hex, sha256, utf8 } from "../../vendor/tz/bytes.js";
import { dump, dumpBytes, parseObject } from "../../vendor/tz/jcs.js";

export const GENESIS = "0".repeat(64);
const EC = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const SALT_BYTES = 32;
const JTI_BYTES = 16;
const PAYLOAD = utf8("tiezheng.pl.v1\0");
const HEADER = utf8("tiezheng.hdr.v1\0");
const ENROL = utf8("tiezheng.enrol.v1\0");
const SUCCESSION = utf8("tiezheng.succ.v1\0");
const INVITATION = /^TZE1\|(https?:\/\/[^|\s]{1,200})\|([0-9A-Za-z-]{4,64})\|([0-9A-Za-z_-]{43})$/;

/** @typedef {{privateKey: CryptoKey, jwk: Record<string, string>, jkt: string}} DeviceKey */
/** @typedef {{h: string, p: string, salt: string, sig: string}} WireRecord */
/** @typedef {{s: string, sig: string, k: string}} Statement */
/** @typedef {{device_id: string, ep: number, seq: number, head: string, key: DeviceKey}} Chain */

/** A new key of this browser. @returns {Promise<DeviceKey>} */
export async function makeKey() {
  const pair = await crypto.subtle.generateKey(EC, false, ["sign", "verify"]);
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk = /** @type {Record<string, string>} */ ({ crv, kty, x, y });
  return { privateKey: pair.privateKey, jwk, jkt: thumbprint(jwk) };
}

/** RFC 7638. @param {any} jwk the required members only @returns {string} */
export const thumbprint = (jwk) => b64url(sha256(dumpBytes(jwk)));

/** @param {DeviceKey} key @param {Uint8Array} message @returns {Promise<string>} base64url r‖s */
async function sign(key, message) {
  return b64url(new Uint8Array(await crypto.subtle.sign(SIGNING, key.privateKey, own(message))));
}

/** @param {Uint8Array} data */
const own = (data) => /** @type {Uint8Array<ArrayBuffer>} */ (data);

/** What somebody typed or pasted: a bare code, or the text of an enrolment QR.
 * @param {string} text @returns {{code: string, address?: string, fingerprint?: string}} */
export function readInvitation(text) {
  const found = INVITATION.exec(text.trim());
  if (found === null) return { code: text.trim().toUpperCase() };
  return { code: found[2], address: found[1], fingerprint: found[3] };
}

/** Proof that this browser holds the key, for one code. @param {string} code @param {DeviceKey} key */
export const enrolmentProof = (code, key) =>
  sign(key, concat(ENROL, dumpBytes({ code, jkt: key.jkt })));

/**
 * Seal a payload as the next record of a chain; the chain's place moves on.
 * @param {Chain} chain @param {Record<string, any>} payload
 * @returns {Promise<{record: WireRecord, seq: number, hid: string}>}
 */
export async function seal(chain, payload) {
  const p = dump(payload);
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const header = {
    v: 1, src: chain.device_id, ep: chain.ep, seq: chain.seq + 1, prev: chain.head,
    pc: hex(sha256(PAYLOAD, salt, utf8(p))),
  };
  const h = dump(header);
  const signed = concat(HEADER, utf8(h));
  const hid = hex(sha256(signed));
  const record = { h, p, salt: hex(salt), sig: await sign(chain.key, signed) };
  chain.seq = header.seq;
  chain.head = hid;
  return { record, seq: header.seq, hid };
}

/** A DPoP proof for one request (RFC 9449). @param {DeviceKey} key @param {string} method
 * @param {string} address without query @param {string | null} nonce @param {string | null} token */
export async function requestProof(key, method, address, nonce, token) {
  /** @type {Record<string, any>} */
  const claims = {
    jti: b64url(crypto.getRandomValues(new Uint8Array(JTI_BYTES))),
    htm: method, htu: address, iat: Math.floor(Date.now() / 1000),
  };
  if (nonce) claims.nonce = nonce;
  if (token) claims.ath = b64url(sha256(utf8(token)));
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: key.jwk };
  const signed = [header, claims].map((one) => b64url(utf8(JSON.stringify(one)))).join(".");
  return `${signed}.${await sign(key, utf8(signed))}`;
}

// ------------------------------------------------------------------ the server's statements

/** @param {any} jwk @param {Uint8Array} signature @param {Uint8Array} message */
async function holds(jwk, signature, message) {
  const edwards = jwk.kty === "OKP";
  const how = edwards ? { name: "Ed25519" } : EC;
  const key = await crypto.subtle.importKey("jwk", jwk, how, false, ["verify"]).catch(() => {
    throw new Error("no-verification"); // an old browser: it must not call anything safe
  });
  return crypto.subtle.verify(edwards ? how : SIGNING, key, own(signature), own(message));
}

/** Body of a statement that one of `keys` signed as `kind`; undefined for any other.
 * @param {Statement} statement @param {string} kind @param {Record<string, any>} keys by id
 * @returns {Promise<Record<string, any> | undefined>} */
export async function verified(statement, kind, keys) {
  const jwk = keys[statement.k];
  if (jwk === undefined) return undefined;
  const message = concat(utf8(`tiezheng.${kind}.v1\0`), utf8(statement.s));
  const good = await holds(jwk, fromB64url(statement.sig, 64), message);
  return good ? parseObject(statement.s) : undefined;
}

/** The server's event keys by id, when the list is signed by one of them and is the one that the
 * code's fingerprint means. @param {Statement} statement @param {string} [fingerprint]
 * @returns {Promise<Record<string, any>>} */
export async function pin(statement, fingerprint) {
  const entries = eventKeys(statement);
  const keys = Object.fromEntries(entries.map((one) => [one.kid, one.jwk]));
  if ((await verified(statement, "keys", keys)) === undefined) throw new Error("key-list");
  const current = entries.filter((one) => one.until === null).sort(bySince).at(-1);
  if (fingerprint && (!current || thumbprint(current.jwk) !== fingerprint)) {
    throw new Error("key-fingerprint");
  }
  return keys;
}

/** Pinned keys, and those of a newer list that a pinned one vouches for.
 * @param {Record<string, any>} pinned @param {Statement} statement */
export async function follow(pinned, statement) {
  const keys = { ...pinned };
  let waiting = eventKeys(statement).filter((one) => !(one.kid in keys));
  for (let reached = true; reached && waiting.length > 0;) {
    reached = false;
    for (const one of waiting) {
      const before = one.by ? keys[one.by] : undefined;
      const claim = { kid: one.kid, purpose: one.purpose, jwk: one.jwk, since: one.since };
      const message = concat(SUCCESSION, dumpBytes(claim));
      if (before && one.sig && (await holds(before, fromB64url(one.sig, 64), message))) {
        keys[one.kid] = one.jwk;
        reached = true;
      }
    }
    waiting = waiting.filter((one) => !(one.kid in keys));
  }
  return keys;
}

/** @param {Statement} statement @returns {any[]} */
const eventKeys = (statement) =>
  parseObject(statement.s).keys.filter((/** @type {any} */ one) => one.purpose === "event");

/** @param {any} a @param {any} b */
const bySince = (a, b) => (a.since < b.since ? -1 : 1);
