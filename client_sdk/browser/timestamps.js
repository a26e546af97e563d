/**
 * Trusted time (RFC 3161): a token counts when the chain of its certificate led to a pinned root at
 * the moment it names, when it is over the data, and when its certificate was not revoked.
 */
import * as asn1js from "asn1js";
import * as pkijs from "pkijs";
import {
  bufferOf, certificateOf, isForTimestamps, leadsToRoot, listedBy, reading, signed,
} from "./certificates.js";
import { equal, sha256 } from "./bytes.js";
import { FormatError, UnableError } from "./errors.js";

/** @typedef {import("./certificates.js").Certificate} Certificate */
/** @typedef {import("./trust.js").TimeRoots} TimeRoots */

const RESPONSE_BYTES_MAX = 64 * 1024;
const SHA256 = "2.16.840.1.101.3.4.2.1";
const DIGESTS = new Map([
  ["1.3.14.3.2.26", "SHA-1"], [SHA256, "SHA-256"],
  ["2.16.840.1.101.3.4.2.2", "SHA-384"], ["2.16.840.1.101.3.4.2.3", "SHA-512"],
]);
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const REASON_CODE = "2.5.29.21";
// Reasons after which what was signed before stays valid (RFC 3161 §4, 1): unspecified,
// affiliationChanged, superseded, cessationOfOperation.
const INNOCENT = [0, 3, 4, 5];

/** @param {string} message @param {string} code @returns {never} */
function refuse(message, code) {
  throw new FormatError(message, code);
}

/** @param {any} block @returns {Uint8Array} */
const octets = (block) => new Uint8Array(block.valueBlock.valueHexView);

/**
 * Judge a response over `message`; FormatError with codes token-format, token-status, token-hash,
 * token-imprint, token-chain, token-revoked.
 * @param {Uint8Array} response @param {Uint8Array} message @param {TimeRoots} roots
 * @returns {Promise<number>} the time, microseconds since 1970
 */
export async function openToken(response, message, roots) {
  const { data, info } = parsed(response);
  const imprint = info.messageImprint;
  if (imprint.hashAlgorithm.algorithmId !== SHA256) refuse("not over SHA-256", "token-hash");
  if (!equal(octets(imprint.hashedMessage), sha256(message))) {
    refuse("the token is over other data", "token-imprint");
  }
  const at = info.genTime.getTime() * 1000;
  const { signer, certificates } = signerOf(data);
  if (!(await isSigned(data, signer))) refuse("the token's signature does not hold", "token-chain");
  if (!(await leadsToRoot(signer, certificates, roots.roots, at)) || !isForTimestamps(signer)) {
    refuse("not an authority that is trusted", "token-chain");
  }
  await requireNotRevoked(signer, at, roots, certificates);
  return at;
}

/** @param {Uint8Array} response @returns {{data: any, info: any}} SignedData and TSTInfo */
function parsed(response) {
  try {
    return parsedOrThrow(response);
  } catch (error) {
    if (!(error instanceof FormatError) || error.code.startsWith("token-")) throw error;
    return refuse(error.message, "token-format");
  }
}

/** @param {Uint8Array} response */
function parsedOrThrow(response) {
  if (response.length > RESPONSE_BYTES_MAX) refuse("a response of that size is none", "token-format");
  const reply = reading(() => pkijs.TimeStampResp.fromBER(bufferOf(response)), "response");
  if (asn1js.fromBER(bufferOf(response)).offset !== response.length) {
    refuse("octets after the response", "token-format");
  }
  if (reply.status.status !== 0) refuse("the authority refused", "token-status");
  const token = /** @type {any} */ (reply.timeStampToken);
  if (token?.contentType !== SIGNED_DATA) refuse("no token", "token-format");
  const data = reading(() => new pkijs.SignedData({ schema: token.content }), "token");
  const content = data.encapContentInfo.eContent;
  if (data.encapContentInfo.eContentType !== TST_INFO || content === undefined) {
    return refuse("no TSTInfo", "token-format");
  }
  const info = reading(() => pkijs.TSTInfo.fromBER(bufferOf(contentOf(content))), "TSTInfo");
  return { data, info };
}

/** @param {any} content an octet string, perhaps in parts @returns {Uint8Array} */
const contentOf = (content) => new Uint8Array(content.getValue());

/** The certificate that signed, named by issuer and serial; and all in the token.
 * @param {any} data @returns {{signer: Certificate, certificates: Certificate[]}} */
function signerOf(data) {
  const embedded = (data.certificates ?? []).filter((/** @type {any} */ one) =>
    one instanceof pkijs.Certificate);
  const certificates = embedded.map((/** @type {any} */ one) => certificateOf(one));
  const sid = data.signerInfos.length === 1 ? data.signerInfos[0].sid : undefined;
  const named = (/** @type {Certificate} */ one) => sid instanceof pkijs.IssuerAndSerialNumber
    && equal(new Uint8Array(sid.issuer.toSchema().toBER()), one.issuer)
    && equal(octets(sid.serialNumber), one.serial);
  const signer = certificates.find(named);
  return signer === undefined
    ? refuse("the token lacks the certificate that signed it", "token-chain")
    : { signer, certificates };
}

/** Whether the signer signed the content (RFC 5652 §5.4).
 * @param {any} data @param {Certificate} signer @returns {Promise<boolean>} */
async function isSigned(data, signer) {
  const [info] = data.signerInfos;
  const hash = DIGESTS.get(info.digestAlgorithm.algorithmId);
  if (hash === undefined) throw new UnableError("a digest that this browser has not");
  const content = contentOf(data.encapContentInfo.eContent);
  let message = content;
  if (info.signedAttrs) {
    const said = info.signedAttrs.attributes.find((/** @type {any} */ one) =>
      one.type === MESSAGE_DIGEST);
    if (said === undefined || globalThis.crypto?.subtle === undefined) return unsigned();
    const digest = new Uint8Array(await crypto.subtle.digest(hash, bufferOf(content)));
    if (!equal(octets(said.values[0]), digest)) return false;
    message = new Uint8Array(info.signedAttrs.encodedValue);
  }
  const key = signer.parsed.subjectPublicKeyInfo;
  const engine = /** @type {any} */ (pkijs.getCrypto(true));
  return signed(() => engine.verifyWithPublicKey(
    bufferOf(message), info.signature, key, info.signatureAlgorithm, hash,
  ));
}

/** @returns {boolean} false with WebCrypto (no digest is stated); else it cannot be said */
function unsigned() {
  if (globalThis.crypto?.subtle === undefined) throw new UnableError("no WebCrypto");
  return false;
}

/** Neither the signer nor an authority between it and a root was revoked.
 * @param {Certificate} signer @param {number} at @param {TimeRoots} roots
 * @param {Certificate[]} certificates */
async function requireNotRevoked(signer, at, roots, certificates) {
  const known = [...roots.roots, ...certificates];
  for (const certificate of chainOf(signer, known)) {
    const issuers = known.filter((one) => equal(one.subject, certificate.issuer));
    for (const list of roots.revocations) {
      if (!equal(list.issuer, certificate.issuer) || !(await anyListed(list, issuers))) continue;
      const entry = (list.parsed.revokedCertificates ?? []).find((/** @type {any} */ one) =>
        equal(octets(one.userCertificate), certificate.serial));
      if (entry === undefined) continue;
      const before = at < entry.revocationDate.value.getTime() * 1000;
      if (!(isInnocent(entry) && before)) {
        refuse("the authority's certificate was revoked", "token-revoked");
      }
    }
  }
}

/** The signer and whoever may stand above it by name, without roots: all of a name, so that a
 * certificate put beside a revoked one does not hide it.
 * @param {Certificate} signer @param {Certificate[]} known @returns {Certificate[]} */
function chainOf(signer, known) {
  const chain = [signer];
  for (const one of chain) { // grows while it is walked
    const above = known.filter((other) => equal(other.subject, one.issuer)
      && !chain.some((there) => equal(there.der, other.der)));
    chain.push(...above);
  }
  return chain.filter((one) => !equal(one.issuer, one.subject));
}

/** @param {import("./certificates.js").RevocationList} list @param {Certificate[]} issuers */
async function anyListed(list, issuers) {
  for (const issuer of issuers) if (await listedBy(list, issuer)) return true;
  return false;
}

/** @param {any} entry @returns {boolean} */
function isInnocent(entry) {
  const reason = entry.crlEntryExtensions?.extensions?.find((/** @type {any} */ one) =>
    one.extnID === REASON_CODE);
  return INNOCENT.includes(reason?.parsedValue?.valueBlock?.valueDec);
}
