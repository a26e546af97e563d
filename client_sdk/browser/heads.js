/** A device's head as another device records it: `TZH1|device|ep|seq|hid|unix_ms|sig`. */
import { concat, fromB64url, utf8 } from "./bytes.js";
import { FormatError } from "./errors.js";
import { SIGNATURE_BYTES } from "./keys.js";
import { Members } from "./members.js";

const DOMAIN = utf8("tiezheng.head.v1\0");
const TEXT = new RegExp(
  "^(TZH1\\|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\\|([1-9][0-9]{0,8})\\|"
  + "(0|[1-9][0-9]{0,14})\\|([0-9a-f]{64})\\|(?:0|[1-9][0-9]{0,14}))\\|([A-Za-z0-9_-]{86})$",
);

/** @typedef {{claim: string, device: string, ep: number, seq: number, hid: string,
 *   sig: string}} Head */

/** Checked `head` of a `head.attest` payload; the signature is judged elsewhere.
 * @param {unknown} value @returns {Head} */
export function parseHead(value) {
  const members = new Members(value, "head");
  const text = members.text("text", 400);
  members.done();
  const found = TEXT.exec(text.trim());
  if (found === null) throw new FormatError("not the head of a device (TZH1|…)", "head-text");
  const [, claim, device, ep, seq, hid, sig] = found;
  fromB64url(sig, SIGNATURE_BYTES);
  return { claim, device, ep: Number(ep), seq: Number(seq), hid, sig };
}

/** Whether the device whose identity key this is showed the text.
 * @param {Head} head @param {import("./keys.js").PublicKey} key @returns {Promise<boolean>} */
export const shownBy = (head, key) =>
  key.verify(fromB64url(head.sig, SIGNATURE_BYTES), concat(DOMAIN, utf8(head.claim)));
