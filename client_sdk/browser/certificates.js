/** X.509 certificates and revocation lists (RFC 5280): reading, and who issued whom. */
import * as pkijs from "pkijs";
import { equal, fromB64 } from "./bytes.js";
import { FormatError, UnableError } from "./errors.js";

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
// Extensions whose meaning is looked at, or that limit nothing that is asked here.
const KNOWN_CRITICAL = [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, "2.5.29.17", "2.5.29.32"];
const CERT_SIGN_BIT = 0x04;
const P256_POINT_BYTES = 65;
const KEY_KINDS = { ec: "1.2.840.10045.2.1", ed25519: "1.3.101.112", p256: "1.2.840.10045.3.1.7" };
const PEM = /-----BEGIN (X509 CRL|CERTIFICATE)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----/g;

/** @typedef {{der: Uint8Array, parsed: any, subject: Uint8Array, issuer: Uint8Array,
 *   serial: Uint8Array, from: number, until: number}} Certificate times in microseconds */
/** @typedef {{parsed: any, issuer: Uint8Array}} RevocationList */

/** Bytes of a copy of their own. @param {Uint8Array} data @returns {ArrayBuffer} */
export const bufferOf = (data) => /** @type {ArrayBuffer} */ (Uint8Array.from(data).buffer);

/** @param {any} name a distinguished name @returns {Uint8Array} its DER */
const nameBytes = (name) => new Uint8Array(name.toSchema().toBER());

/** Result of a pkijs reading, whose errors are of many kinds. @template T
 * @param {() => T} read @param {string} what @returns {T} */
export function reading(read, what) {
  try {
    return read();
  } catch (error) {
    throw new FormatError(`${what}: ${/** @type {Error} */ (error).message}`, "asn1");
  }
}

/** @param {Uint8Array} der @returns {Certificate} */
export function parseCertificate(der) {
  return certificateOf(reading(() => pkijs.Certificate.fromBER(bufferOf(der)), "certificate"), der);
}

/** @param {any} parsed @param {Uint8Array} [der] @returns {Certificate} */
export function certificateOf(parsed, der) {
  return {
    der: der ?? new Uint8Array(parsed.toSchema().toBER()),
    parsed,
    subject: nameBytes(parsed.subject),
    issuer: nameBytes(parsed.issuer),
    serial: new Uint8Array(parsed.serialNumber.valueBlock.valueHexView),
    from: parsed.notBefore.value.getTime() * 1000,
    until: parsed.notAfter.value.getTime() * 1000,
  };
}

/** Certificates and revocation lists of one PEM text.
 * @param {string} text @returns {{roots: Certificate[], revocations: RevocationList[]}} */
export function parsePem(text) {
  /** @type {Certificate[]} */
  const roots = [];
  /** @type {RevocationList[]} */
  const revocations = [];
  for (const [, kind, body] of text.matchAll(PEM)) {
    const der = fromB64(body.replace(/\s+/g, ""));
    if (der === undefined) throw new FormatError("not certificates in PEM", "roots");
    if (kind === "CERTIFICATE") roots.push(parseCertificate(der));
    else revocations.push(parseRevocations(der));
  }
  if (roots.length === 0) throw new FormatError("not certificates in PEM", "roots");
  return { roots, revocations };
}

/** @param {Uint8Array} der @returns {RevocationList} */
function parseRevocations(der) {
  const list = () => pkijs.CertificateRevocationList.fromBER(bufferOf(der));
  const parsed = reading(list, "revocation list");
  return { parsed, issuer: nameBytes(parsed.issuer) };
}

/** @param {Certificate} certificate @param {string} id @returns {any} */
export function extension(certificate, id) {
  return certificate.parsed.extensions?.find((/** @type {any} */ one) => one.extnID === id);
}

/** Raw public key: Ed25519 32 bytes, P-256 point 65. @param {Certificate} certificate */
export function rawKey(certificate) {
  const { algorithm, subjectPublicKey } = certificate.parsed.subjectPublicKeyInfo;
  const raw = new Uint8Array(subjectPublicKey.valueBlock.valueHexView);
  if (algorithm.algorithmId === KEY_KINDS.ed25519) return raw;
  const curve = algorithm.algorithmParams?.valueBlock?.toString?.();
  const p256 = algorithm.algorithmId === KEY_KINDS.ec && curve === KEY_KINDS.p256;
  return p256 && raw.length === P256_POINT_BYTES ? raw : undefined;
}

/** Whether a certificate authority issued it directly (RFC 5280 §4.2.1.9).
 * @param {Certificate} one @param {Certificate} issuer @returns {Promise<boolean>} */
export async function issuedBy(one, issuer) {
  const limits = extension(issuer, BASIC_CONSTRAINTS)?.parsedValue;
  if (limits?.cA !== true || !equal(one.issuer, issuer.subject)) return false;
  return signed(() => one.parsed.verify(issuer.parsed));
}

/** Whether a list is signed by this certificate's key.
 * @param {RevocationList} list @param {Certificate} issuer @returns {Promise<boolean>} */
export async function listedBy(list, issuer) {
  const publicKeyInfo = issuer.parsed.subjectPublicKeyInfo;
  return signed(() => list.parsed.verify({ publicKeyInfo }));
}

/** Outcome of a signature check; UnableError where the browser has not the algorithm.
 * @param {() => Promise<boolean>} check @returns {Promise<boolean>} */
export async function signed(check) {
  if (globalThis.crypto?.subtle === undefined) throw new UnableError("no WebCrypto");
  try {
    return (await check()) === true;
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    if (name === "NotSupportedError" || /unsupported|not supported/i.test(message)) {
      throw new UnableError(message);
    }
    return false;
  }
}

/** Whether the certificate is for timestamps, and says so critically (RFC 3161 §2.3).
 * @param {Certificate} certificate @returns {boolean} */
export function isForTimestamps(certificate) {
  const usage = extension(certificate, EXTENDED_KEY_USAGE);
  return usage?.critical === true && usage.parsedValue?.keyPurposes?.includes(TIME_STAMPING) === true;
}

/**
 * Whether certificates lead from `leaf` to a pinned root, each valid at the time (RFC 5280 §6).
 * @param {Certificate} leaf @param {Certificate[]} others @param {Certificate[]} roots
 * @param {number} at microseconds @param {number} [below] authorities between this and the leaf
 * @returns {Promise<boolean>}
 */
export async function leadsToRoot(leaf, others, roots, at, below = 0) {
  if (at < leaf.from || at > leaf.until || !plainExtensions(leaf)) return false;
  const pinned = roots.some((root) => equal(root.der, leaf.der));
  if (pinned && equal(leaf.subject, leaf.issuer)) return true;
  if (below > 8) return false;
  const used = (/** @type {Certificate} */ one) => !equal(one.der, leaf.der);
  for (const issuer of [...roots, ...others].filter(used)) {
    if (!maySign(issuer, below) || !(await issuedBy(leaf, issuer))) continue;
    if (await leadsToRoot(issuer, others, roots, at, below + 1)) return true;
  }
  return false;
}

/** @param {Certificate} certificate @returns {boolean} nothing critical that is not understood */
function plainExtensions(certificate) {
  const all = certificate.parsed.extensions ?? [];
  return all.every((/** @type {any} */ one) => !one.critical || KNOWN_CRITICAL.includes(one.extnID));
}

/** @param {Certificate} issuer @param {number} below @returns {boolean} */
function maySign(issuer, below) {
  const usage = extension(issuer, KEY_USAGE)?.parsedValue?.valueBlock?.valueHexView;
  if (usage !== undefined && (usage[0] & CERT_SIGN_BIT) === 0) return false;
  const limit = extension(issuer, BASIC_CONSTRAINTS)?.parsedValue?.pathLenConstraint;
  return typeof limit !== "number" || below <= limit;
}
