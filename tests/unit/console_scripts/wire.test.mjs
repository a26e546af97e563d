/** The dock page's wire formats, against the vectors that the SDK and the server are held to. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { mock, test } from "node:test";
import { fromHex } from "./static/vendor/tz/bytes.js";
import * as wire from "./static/js/dock/wire.js";

const vectors = async (name) => JSON.parse(await readFile(new URL(`./vectors/${name}.json`, import.meta.url), "utf8"));
const records = await vectors("records");
const statements = await vectors("statements");
const EC = { name: "ECDSA", namedCurve: "P-256" };

/** A key of the vectors as the page would hold it. */
async function deviceKey({ jwk, pem, thumbprint }) {
  const pkcs8 = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, EC, false, ["sign"]);
  return { privateKey, jwk, jkt: thumbprint };
}

/** Whether this key of the vectors signed the record, by Node's own check of wire.js' signature. */
async function isSigned(record, jwk) {
  const key = await crypto.subtle.importKey("jwk", jwk, EC, false, ["verify"]);
  const message = Buffer.concat([Buffer.from("tiezheng.hdr.v1\0"), Buffer.from(record.h)]);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, Buffer.from(record.sig, "base64url"), message);
}

test("thumbprints of keys are those of RFC 7638", () => {
  for (const { jwk, thumbprint } of [...records.chains.map((one) => one.key), ...statements.keys]) {
    assert.equal(wire.thumbprint(jwk), thumbprint);
  }
});

test("records are sealed byte for byte as the SDK seals them, one after another", async (t) => {
  const chains = records.chains.filter((one) => one.key.alg === "ES256");
  assert.ok(chains.length > 0);
  for (const { key, records: sealed } of chains) {
    const first = JSON.parse(sealed[0].wire.h);
    const chain = {
      device_id: first.src, ep: first.ep, seq: first.seq - 1, head: first.prev, key: await deviceKey(key),
    };
    for (const { wire: wanted, hid, payload } of sealed) {
      const random = mock.method(crypto, "getRandomValues", (into) => {
        into.set(fromHex(wanted.salt));
        return into;
      });
      const made = await wire.seal(chain, payload);
      random.mock.restore();
      const { sig: _ours, ...rest } = made.record;
      const { sig: _theirs, ...same } = wanted;
      assert.deepEqual(rest, same);
      assert.equal(made.hid, hid);
      assert.equal(await isSigned(made.record, key.jwk), true);
      assert.deepEqual([chain.seq, chain.head], [JSON.parse(wanted.h).seq, hid]);
    }
  }
  t.diagnostic(`${chains.length} chains`);
});

test("statements of the server are believed from their keys alone", async () => {
  const keys = Object.fromEntries(statements.keys.map(({ jwk, thumbprint }) => [thumbprint, jwk]));
  assert.ok(statements.statements.length > 0);
  for (const { kind, statement, body } of statements.statements) {
    assert.equal(JSON.stringify(await wire.verified(statement, kind, keys)), statement.s, kind);
    assert.ok(body);
    assert.equal(await wire.verified(statement, "clock-of-another", keys), undefined);
    assert.equal(await wire.verified({ ...statement, s: statement.s.replace("{", "{ ") }, kind, keys), undefined);
    assert.equal(await wire.verified(statement, kind, {}), undefined);
  }
});

test("a list of keys is pinned by its fingerprint and followed when a pinned key vouches", async () => {
  for (const list of statements.key_lists) {
    const current = JSON.parse(list.s).keys.filter((one) => one.purpose === "event" && one.until === null);
    const newest = current.sort((a, b) => (a.since < b.since ? -1 : 1)).at(-1);
    const fingerprint = wire.thumbprint(newest.jwk);
    const pinned = await wire.pin(list, fingerprint);
    assert.ok(newest.kid in pinned);
    await assert.rejects(wire.pin(list, "A".repeat(43)), /key-fingerprint/);
    await assert.rejects(wire.pin({ ...list, s: list.s.replace("2026", "2027") }, fingerprint), /key-list/);
  }
  const [before, after] = [statements.key_lists[0], statements.key_lists.at(-1)];
  const followed = await wire.follow(await wire.pin(before), after);
  const vouched = JSON.parse(after.s).keys.filter((one) => one.purpose === "event");
  assert.deepEqual(Object.keys(followed).sort(), vouched.map((one) => one.kid).sort());
  const strangers = await wire.follow({}, after);
  assert.deepEqual(strangers, {});
});

test("an enrolment's proof holds for the code and key of the vectors", async () => {
  for (const { code, key } of statements.enrolment) {
    const entry = statements.keys[key];
    if (entry.alg !== "ES256") continue;
    const proof = await wire.enrolmentProof(code, await deviceKey(entry));
    const shown = await crypto.subtle.importKey("jwk", entry.jwk, EC, false, ["verify"]);
    const message = Buffer.from(`tiezheng.enrol.v1\0${JSON.stringify({ code, jkt: entry.thumbprint })}`);
    const signature = Buffer.from(proof, "base64url");
    assert.equal(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, shown, signature, message), true);
  }
});

test("an invitation is a code, or the text of a QR", () => {
  assert.deepEqual(wire.readInvitation(" 7f3k-29qx "), { code: "7F3K-29QX" });
  const text = `TZE1|https://evidence.example|7F3K-29QX|${"A".repeat(43)}`;
  const read = { code: "7F3K-29QX", address: "https://evidence.example", fingerprint: "A".repeat(43) };
  assert.deepEqual(wire.readInvitation(text), read);
});

test("a key of the page cannot be taken out of it", async () => {
  const key = await wire.makeKey();
  assert.equal(key.privateKey.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("pkcs8", key.privateKey));
  assert.equal(wire.thumbprint(key.jwk), key.jkt);
});
