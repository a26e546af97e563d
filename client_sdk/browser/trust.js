/** The trust file: what a verifier believes before it opens a dossier (docs/dossier-format.md §5). */
import { fromUtf8, lenientText } from "./bytes.js";
import { parsePem } from "./certificates.js";
import { FormatError, TrustError } from "./errors.js";
import { parseAny } from "./jcs.js";
import { PublicKey } from "./keys.js";
import { Members } from "./members.js";
import { Policy } from "./policies.js";
import { parseTime } from "./times.js";

const MAX_TRUST_BYTES = 4 * 2 ** 20;
const MAX_PINS = 4096;

/** @typedef {import("./vouching.js").EnrolmentRoot} EnrolmentRoot */
/** @typedef {ReturnType<typeof parsePem>} TimeRoots */
/** @typedef {{policy: Policy, eventKeys: [string, PublicKey][], enrolmentRoots: EnrolmentRoot[],
 *   timeRoots: TimeRoots | null, notBefore: number | null}} Trust pins; empty and null mean that
 *   nobody outside vouches for them */

/** Trust of a file: JSON when it begins with a brace, else a tlog-policy; TrustError.
 * @param {Uint8Array} data @returns {Trust} */
export function parseTrust(data) {
  if (data.length > MAX_TRUST_BYTES) throw new TrustError("the trust file is too long", "trust");
  try {
    if (!/^[ \t\n\r\v\f]*\{/.test(lenientText(data))) {
      const policy = Policy.parse(fromUtf8(data));
      return { policy, eventKeys: [], enrolmentRoots: [], timeRoots: null, notBefore: null };
    }
    return fromValue(parseAny(fromUtf8(data)));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new TrustError(error.message, error.code);
  }
}

/** @param {unknown} value @returns {Trust} */
function fromValue(value) {
  const members = new Members(value, "trust");
  if (members.count("v") !== 1) throw new FormatError("a trust file of another version", "trust");
  const policy = Policy.parse(members.text("policy", MAX_TRUST_BYTES));
  const eventKeys = each(members, "event_keys", eventKey);
  const enrolmentRoots = each(members, "enrolment_roots", enrolmentRoot);
  const pems = each(members, "tsa_roots", pemText);
  const notBefore = members.has("not_before") ? members.take("not_before") : null;
  members.done();
  return {
    policy, eventKeys, enrolmentRoots,
    timeRoots: pems.length > 0 ? parsePem(pems.join("")) : null,
    notBefore: notBefore === null ? null : parseTime(notBefore),
  };
}

/** @template T @param {Members} members @param {string} name @param {(value: unknown) => T} read
 * @returns {T[]} */
function each(members, name, read) {
  const value = members.has(name) ? members.take(name) : [];
  if (!Array.isArray(value) || value.length > MAX_PINS) {
    throw new FormatError(`${name} is a list`, "trust");
  }
  return value.map((item) => read(item));
}

/** @param {unknown} value @returns {[string, PublicKey]} */
function eventKey(value) {
  const members = new Members(value, "event_keys");
  /** @type {[string, PublicKey]} */
  const found = [members.text("kid", 64), PublicKey.fromJwk(members.mapping("jwk"))];
  members.done();
  return found;
}

/** @param {unknown} value @returns {EnrolmentRoot} */
function enrolmentRoot(value) {
  const members = new Members(value, "enrolment_roots");
  const type = members.choice("type", ["supervisor", "attestation", "device"]);
  /** @type {EnrolmentRoot} */
  const found = { type };
  if (type === "supervisor") found.key = PublicKey.fromJwk(members.mapping("jwk"));
  else if (type === "device") found.jkt = members.text("jkt", 64);
  else {
    const [certificate] = parsePem(members.text("pem", MAX_TRUST_BYTES)).roots;
    found.certificate = certificate;
  }
  members.done();
  return found;
}

/** @param {unknown} value @returns {string} */
function pemText(value) {
  if (typeof value !== "string") throw new FormatError("tsa_roots are PEM texts", "trust");
  return value.endsWith("\n") ? value : `${value}\n`;
}
