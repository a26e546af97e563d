/**
 * Verification keys: ES256 (P-256, RFC 7518 §3.4) and Ed25519 (RFC 8032), and the same verdict on
 * odd keys and signatures everywhere: points are canonical, on the curve and not of low order, and
 * Ed25519 is checked without the cofactor, comparing the encoding of R (as OpenSSL does).
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { b64url, concat, equal, fromB64url, fromHex, hex, sha256 } from "./bytes.js";
import { FormatError } from "./errors.js";
import { dumpBytes, isObject } from "./jcs.js";

export const SIGNATURE_BYTES = 64;
export const ES256 = "ES256";
export const ED25519 = "Ed25519";
const COORDINATE_BYTES = 32;
const OPTIONAL = ["alg", "ext", "key_ops", "kid", "use"];
const JOSE = { [ES256]: "ES256", [ED25519]: "EdDSA" };
const P = 2n ** 255n - 19n;
const ORDER = ed25519.Point.Fn.ORDER;
const Y_ORDER_8 = little(
  fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
);
const LOW_ORDER_Y = new Set([0n, 1n, P - 1n, Y_ORDER_8, P - Y_ORDER_8]);
// A signature that holds only where the cofactor is multiplied away: s·B = R + k·A + T, T of order 8.
export const COFACTORED = {
  key: "95dac3648b55e144c90f6f728735710a0963b91a5cea71887e382c478156e20d",
  signature: "1dd960b291c53514fece1341fc0dcd8a648b3934c2c533666f737a654ff1e1bf"
    + "70c34db8dc2dc092e0799db784efaa0f17c0ecf81c22b439f98120948dd4bd07",
  message: "7469657a68656e67",
};

/** @param {Uint8Array} data @returns {bigint} little-endian number */
function little(data) {
  return BigInt(`0x${hex(Uint8Array.from(data).reverse())}`);
}

/** @param {string} message @param {string} [code] @returns {never} */
function refuse(message, code = "key-format") {
  throw new FormatError(message, code);
}

/** @param {Uint8Array} raw refuses non-canonical, off-curve and low-order points */
function checkEd25519(raw) {
  const y = raw.length === COORDINATE_BYTES ? little(raw) & (2n ** 255n - 1n) : P;
  if (y >= P) refuse("not an encoded Ed25519 point");
  if (LOW_ORDER_Y.has(y)) refuse("Ed25519 point of low order", "key-low-order");
  try {
    ed25519.Point.fromBytes(raw, false);
  } catch {
    refuse("not on the Ed25519 curve");
  }
}

/** @param {Uint8Array} raw */
function checkP256(raw) {
  if (raw.length !== 2 * COORDINATE_BYTES + 1) refuse("not an uncompressed P-256 point");
  try {
    p256.Point.fromBytes(raw).assertValidity();
  } catch {
    refuse("not a point of ES256");
  }
}

/** @type {Map<string, PublicKey>} */
const known = new Map();

export class PublicKey {
  /** @param {string} alg @param {Uint8Array} raw Ed25519: 32 bytes; ES256: 65, uncompressed */
  constructor(alg, raw) {
    if (alg === ED25519) checkEd25519(raw);
    else checkP256(raw);
    this.alg = alg;
    this.raw = raw;
    this.thumbprint = b64url(sha256(dumpBytes(this.jwk())));
    /** @type {Promise<CryptoKey> | undefined} */
    this.imported = undefined;
  }

  /** The one object of a key. @param {string} alg @param {Uint8Array} raw @returns {PublicKey} */
  static of(alg, raw) {
    const name = `${alg} ${hex(raw)}`;
    const found = known.get(name) ?? new PublicKey(alg, raw);
    if (known.size > 4096) known.clear();
    known.set(name, found);
    return found;
  }

  /** Key of a public JWK (RFC 7517, RFC 8037). @param {any} jwk @returns {PublicKey} */
  static fromJwk(jwk) {
    if (!isObject(jwk)) refuse("a JWK is an object");
    if ("d" in jwk) refuse("the JWK holds a private key", "key-private");
    const edwards = jwk.kty === "OKP" && jwk.crv === "Ed25519";
    if (!edwards && !(jwk.kty === "EC" && jwk.crv === "P-256")) {
      refuse("only EC P-256 and OKP Ed25519 keys", "key-kind");
    }
    const alg = edwards ? ED25519 : ES256;
    const coordinates = edwards ? ["x"] : ["x", "y"];
    checkMembers(jwk, alg, coordinates);
    const parts = coordinates.map((name) => fromB64url(jwk[name], COORDINATE_BYTES));
    return PublicKey.of(alg, edwards ? parts[0] : concat(Uint8Array.of(4), ...parts));
  }

  /** The required members only (RFC 7638 §3.2). @returns {Record<string, string>} */
  jwk() {
    if (this.alg === ED25519) return { crv: "Ed25519", kty: "OKP", x: b64url(this.raw) };
    const half = 1 + COORDINATE_BYTES;
    const [x, y] = [this.raw.slice(1, half), this.raw.slice(half)];
    return { crv: "P-256", kty: "EC", x: b64url(x), y: b64url(y) };
  }

  /** @param {PublicKey | undefined} other @returns {boolean} */
  equals(other) {
    return other !== undefined && this.alg === other.alg && equal(this.raw, other.raw);
  }

  /** Whether `signature` (64 raw bytes) over `message` is this key's.
   * @param {Uint8Array} signature @param {Uint8Array} message @returns {Promise<boolean>} */
  async verify(signature, message) {
    if (signature.length !== SIGNATURE_BYTES) return false;
    return this.alg === ED25519
      ? this.verifyEd25519(signature, message)
      : this.verifyP256(signature, message);
  }

  /** @param {Uint8Array} signature @param {Uint8Array} message */
  async verifyEd25519(signature, message) {
    if (!(await nativeEd25519())) return cofactorless(this.raw, signature, message);
    this.imported ??= importKey(this.raw, { name: "Ed25519" });
    return crypto.subtle.verify("Ed25519", await this.imported, own(signature), own(message));
  }

  /** @param {Uint8Array} signature @param {Uint8Array} message */
  async verifyP256(signature, message) {
    if (globalThis.crypto?.subtle === undefined) return nobleP256(this.raw, signature, message);
    this.imported ??= importKey(this.raw, { name: "ECDSA", namedCurve: "P-256" });
    const how = { name: "ECDSA", hash: "SHA-256" };
    return crypto.subtle.verify(how, await this.imported, own(signature), own(message));
  }
}

/** Bytes as WebCrypto's types want them: nothing here lies in shared memory.
 * @param {Uint8Array} data */
const own = (data) => /** @type {Uint8Array<ArrayBuffer>} */ (data);

/** @param {Uint8Array} raw @param {any} algorithm @returns {Promise<CryptoKey>} */
const importKey = (raw, algorithm) =>
  crypto.subtle.importKey("raw", own(raw), algorithm, false, ["verify"]);

/** @param {Record<string, any>} jwk @param {string} alg @param {string[]} coordinates */
function checkMembers(jwk, alg, coordinates) {
  const allowed = ["kty", "crv", ...coordinates, ...OPTIONAL];
  if (Object.keys(jwk).some((name) => !allowed.includes(name))) {
    refuse("the JWK has members that are not of a public signing key");
  }
  const jose = JOSE[/** @type {keyof typeof JOSE} */ (alg)];
  if ("alg" in jwk && ![jose, alg].includes(jwk.alg)) {
    refuse("the JWK's alg is of another kind", "key-kind");
  }
  const operations = "key_ops" in jwk ? jwk.key_ops : ["verify"];
  const fits = Array.isArray(operations) && operations.includes("verify");
  if (("use" in jwk && jwk.use !== "sig") || !fits) {
    refuse("the JWK is not for verifying", "key-use");
  }
}

/**
 * Ed25519 without the cofactor (RFC 8032 §5.1.7, last sentence of step 3): the encoding of
 * s·B − k·A is R. The key was checked before.
 * @param {Uint8Array} key @param {Uint8Array} signature @param {Uint8Array} message
 * @returns {boolean}
 */
export function cofactorless(key, signature, message) {
  const [r, s] = [signature.slice(0, 32), little(signature.slice(32))];
  if (s >= ORDER) return false;
  const k = little(sha512(concat(r, key, message))) % ORDER;
  const point = ed25519.Point.fromBytes(key, false);
  const found = ed25519.Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k));
  return equal(found.toBytes(), r);
}

/** @param {Uint8Array} key @param {Uint8Array} signature @param {Uint8Array} message */
export function nobleP256(key, signature, message) {
  try {
    return p256.verify(signature, message, key, { lowS: false });
  } catch {
    return false; // r or s out of range
  }
}

/** @type {Promise<boolean> | undefined} */
let native;

/** Whether the browser has Ed25519 and checks it as we do; else the slower way is taken. */
function nativeEd25519() {
  native ??= probe();
  return native;
}

/** @returns {Promise<boolean>} */
async function probe() {
  if (globalThis.crypto?.subtle === undefined) return false;
  try {
    const key = await importKey(fromHex(COFACTORED.key), { name: "Ed25519" });
    const [signature, message] = [fromHex(COFACTORED.signature), fromHex(COFACTORED.message)];
    return !(await crypto.subtle.verify("Ed25519", key, own(signature), own(message)));
  } catch {
    return false;
  }
}
