/** Who vouches for a device key besides the server: a supervisor, or the hardware's maker. */
import { concat, equal, fromB64, fromB64url, utf8 } from "./bytes.js";
import { issuedBy, parseCertificate, rawKey } from "./certificates.js";
import { attempt } from "./errors.js";
import { dumpBytes, isObject } from "./jcs.js";
import { SIGNATURE_BYTES } from "./keys.js";

/** @typedef {import("./certificates.js").Certificate} Certificate */
/** @typedef {import("./keys.js").PublicKey} PublicKey */
/** @typedef {{type: string, key?: PublicKey, jkt?: string, certificate?: Certificate}} EnrolmentRoot */
/** @typedef {{facts: Record<string, any>, device: string, ep: number, key: PublicKey, at: number}}
 *   Claim `at` in microseconds */

const DOMAIN = utf8("tiezheng.vouch.v1\0");
const MAX_CERTIFICATES = 8;

/** Whether one of the pins vouches for the key.
 * @param {Claim} claim @param {EnrolmentRoot[]} roots @returns {Promise<boolean>} */
export async function isVouched(claim, roots) {
  for (const root of roots) {
    if (root.type === "device" && root.jkt === claim.key.thumbprint) return true;
    if (root.key !== undefined && (await supervised(claim, root.key))) return true;
    if (root.certificate !== undefined && (await attested(claim, root.certificate))) return true;
  }
  return false;
}

/** @param {Claim} claim @param {PublicKey} supervisor */
async function supervised({ facts, device, ep, key }, supervisor) {
  if (!isObject(facts.vouch)) return false;
  const { sig } = facts.vouch;
  const signature = attempt(() => fromB64url(sig, SIGNATURE_BYTES));
  if (signature === undefined) return false;
  const said = dumpBytes({ alg: key.alg, device, ep, jkt: key.thumbprint });
  return supervisor.verify(signature, concat(DOMAIN, said));
}

/** Certificates lead from the device key to the root, each valid at the time (RFC 5280 §6).
 * @param {Claim} claim @param {Certificate} root */
async function attested({ facts, key, at }, root) {
  const chain = certificates(facts.attestation);
  const first = chain.length > 0 ? rawKey(chain[0]) : undefined;
  if (first === undefined || !equal(first, key.raw)) return false;
  const ends = equal(chain[chain.length - 1].der, root.der);
  const issuers = ends ? chain.slice(1) : [...chain.slice(1), root];
  for (const [number, issuer] of issuers.entries()) {
    const one = chain[number];
    if (at < one.from || at > one.until || !(await issuedBy(one, issuer))) return false;
  }
  return true;
}

/** @param {unknown} value @returns {Certificate[]} */
function certificates(value) {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_CERTIFICATES) return [];
  const found = value.map((text) => {
    const der = fromB64(text, false);
    return der === undefined ? undefined : attempt(() => parseCertificate(der));
  });
  return found.every((one) => one !== undefined) ? /** @type {Certificate[]} */ (found) : [];
}
