/** Odd keys and signatures get one verdict, with the browser's cryptography and without it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, fromB64url, fromHex, hex, utf8 } from "../../../client_sdk/browser/bytes.js";
import { FormatError } from "../../../client_sdk/browser/errors.js";
import { COFACTORED, PublicKey, cofactorless, nobleP256 } from "../../../client_sdk/browser/keys.js";
import { HEADER_DOMAIN, headerId, parseHeader, payloadCommitment } from "../../../client_sdk/browser/leaves.js";

const ORDER = ed25519.Point.Fn.ORDER;
const little = (value) => fromHex(value.toString(16).padStart(64, "0")).reverse();

test("a signature that holds only times the cofactor is refused", async () => {
  const [key, signature, message] = ["key", "signature", "message"].map((name) => fromHex(COFACTORED[name]));
  assert.equal(cofactorless(key, signature, message), false);
  assert.equal(await PublicKey.of("Ed25519", key).verify(signature, message), false);
  // The library's own check multiplies by it, which is why it is not used.
  assert.equal(ed25519.verify(signature, message, key, { zip215: false }), true);
});

test("Ed25519: own check and the browser's agree on good and bent signatures", async () => {
  const secret = new Uint8Array(32).fill(7);
  const raw = ed25519.getPublicKey(secret);
  const message = utf8("虚构");
  const good = ed25519.sign(message, secret);
  const s = BigInt(`0x${hex(Uint8Array.from(good.slice(32)).reverse())}`);
  const unreduced = Uint8Array.from([...good.slice(0, 32), ...little(s + ORDER)]);
  const bent = Uint8Array.from(good, (byte, at) => (at === 3 ? byte ^ 1 : byte));
  const cases = [[good, true], [unreduced, false], [bent, false], [new Uint8Array(64), false]];
  for (const [signature, holds] of cases) {
    assert.equal(cofactorless(raw, signature, message), holds);
    assert.equal(await PublicKey.of("Ed25519", raw).verify(signature, message), holds);
  }
  assert.equal(await PublicKey.of("Ed25519", raw).verify(good.slice(1), message), false);
});

test("P-256: the library and the browser agree, also on high s and on zero", async () => {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const how = { name: "ECDSA", hash: "SHA-256" };
  const message = utf8("虚构");
  const signature = new Uint8Array(await crypto.subtle.sign(how, pair.privateKey, message));
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = BigInt(`0x${hex(signature.slice(32))}`);
  const other = Uint8Array.from([...signature.slice(0, 32), ...little(order - s).reverse()]);
  const key = PublicKey.of("ES256", raw);
  for (const [one, holds] of [[signature, true], [other, true], [new Uint8Array(64), false],
    [new Uint8Array(64).fill(255), false]]) {
    assert.equal(await key.verify(one, message), holds);
    assert.equal(nobleP256(raw, one, message), holds);
  }
});

test("points off the curve are no keys", () => {
  const off = new Uint8Array(65).fill(1);
  off[0] = 4;
  assert.throws(() => PublicKey.of("ES256", off), FormatError);
  assert.throws(() => PublicKey.of("Ed25519", little(2n)), FormatError);
});

test("public JWKs only, of the two kinds", async () => {
  const raw = ed25519.getPublicKey(new Uint8Array(32).fill(7));
  const jwk = PublicKey.of("Ed25519", raw).jwk();
  assert.ok(PublicKey.fromJwk({ ...jwk, alg: "EdDSA", use: "sig", key_ops: ["verify"] }));
  const bad = [null, { ...jwk, d: "AA" }, { ...jwk, y: "AA" }, { ...jwk, alg: "ES256" }, { ...jwk, use: "enc" },
    { ...jwk, key_ops: ["sign"] }, { ...jwk, x: `${jwk.x}=` }, { ...jwk, crv: "X25519" }];
  for (const one of bad) assert.throws(() => PublicKey.fromJwk(one), FormatError);
});

test("records of the vectors: ids, commitments and signatures", async () => {
  const url = new URL("../../vectors/records.json", import.meta.url);
   for (const { key, records } of JSON.parse(await readFile(url, "utf8")).chains) {
    const known = PublicKey.fromJwk(key.jwk);
    assert.equal(known.thumbprint, key.thumbprint);
    for (const { wire, hid } of records) {
      assert.equal(headerId(wire.h), hid);
      assert.equal(parseHeader(wire.h).pc, payloadCommitment(wire.p, fromHex(wire.salt)));
      const signed = concat(HEADER_DOMAIN, utf8(wire.h));
      assert.equal(await known.verify(fromB64url(wire.sig), signed), true);
    }
  }
});
