/** The browser's formats against the fixed vectors that every verifier is held to. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fromHex, hex, utf8 } from "../../../client_sdk/browser/bytes.js";
import { FormatError } from "../../../client_sdk/browser/errors.js";
import { Inexact, dump, parse, parseAny } from "../../../client_sdk/browser/jcs.js";
import { caseTag, parseProof } from "../../../client_sdk/browser/leaves.js";
import { leafHash, verifyConsistency, verifyInclusion } from "../../../client_sdk/browser/merkle.js";
import { parseNote, parseVkey, verifiedBy } from "../../../client_sdk/browser/notes.js";
import { Policy } from "../../../client_sdk/browser/policies.js";
import { parseTime, timeOf } from "../../../client_sdk/browser/times.js";
import { parseTrust } from "../../../client_sdk/browser/trust.js";

const vectors = async (name) =>
  JSON.parse(await readFile(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));
const tlog = await vectors("tlog");
const jcs = await vectors("jcs");
const flipped = (hash) => Uint8Array.from(hash, (byte, at) => (at === 7 ? byte ^ 1 : byte));

test("the tag of a case and the hashes of leaves", () => {
  assert.equal(caseTag(fromHex(tlog.case.key), tlog.case.no), tlog.case.tag);
  for (const { text, hash } of tlog.leaves) assert.equal(hex(leafHash(utf8(text))), hash);
});

test("inclusion proofs hold, and no other leaf, index, root or length does", () => {
  for (const { index, size, proof } of tlog.inclusion) {
    const given = [fromHex(tlog.leaves[index].hash), BigInt(index), BigInt(size)];
    const [hashes, root] = [proof.map(fromHex), fromHex(tlog.roots[size])];
    verifyInclusion(...given, hashes, root);
    const wrong = [
      [flipped(given[0]), given[1], given[2], hashes, root],
      [given[0], given[2], given[2], hashes, root],
      [given[0], given[1], given[2], hashes, flipped(root)],
      [given[0], given[1], given[2], [...hashes, root], root],
      ...(hashes.length > 0 ? [[given[0], given[1], given[2], hashes.slice(1), root]] : []),
    ];
    for (const one of wrong) assert.throws(() => verifyInclusion(...one), FormatError);
  }
});

test("consistency proofs hold, and no bent one does", () => {
  for (const { old, new: size, proof } of tlog.consistency) {
    const [from, to] = [fromHex(tlog.roots[old]), fromHex(tlog.roots[size])];
    const hashes = proof.map(fromHex);
    const check = (...roots) => verifyConsistency(BigInt(old), roots[0], BigInt(size), roots[1], roots[2]);
    check(from, to, hashes);
    assert.throws(() => check(flipped(from), to, hashes), FormatError);
    if (old > 0) assert.throws(() => check(from, flipped(to), hashes), FormatError);
    assert.throws(() => check(from, to, [...hashes, to]), FormatError);
  }
});

test("verifier keys, notes, proofs and policies are read or refused", async () => {
  const log = parseVkey(tlog.vkeys.log);
  tlog.vkeys.witnesses.forEach(parseVkey);
  for (const text of tlog.notes.good) {
    assert.equal(parseNote(text).toText(), text);
    assert.equal(await verifiedBy(parseNote(text), log), true);
  }
  for (const text of tlog.proofs.good) assert.equal(parseProof(utf8(text)).index, 5n);
  const refusals = [
    [tlog.vkeys.refused, parseVkey], [tlog.notes.refused, parseNote],
    [tlog.proofs.refused, (text) => parseProof(utf8(text))],
    [tlog.policies.refused, (text) => Policy.parse(text)],
  ];
  for (const [texts, read] of refusals) {
    for (const text of texts) assert.throws(() => read(text), FormatError, JSON.stringify(text));
  }
});

test("a policy judges notes", async () => {
  const policy = Policy.parse(tlog.policies.good.text);
  for (const { note, log_ok, quorum_met } of tlog.policies.good.verdicts) {
    const { logOk, cosigned, refused } = await policy.judge(parseNote(note));
    const names = policy.witnesses.map(({ name }) => name);
    const met = policy.metBy(cosigned.keys()) && !refused.some((name) => names.includes(name));
    assert.deepEqual([logOk, met], [log_ok, quorum_met]);
  }
});

test("canonical JSON is read, and written as it was", () => {
  for (const { text, value } of jcs.good) {
    assert.equal(dump(parse(text)), text);
    assert.deepEqual(JSON.parse(text), value);
  }
  for (const { text } of jcs.bad) assert.throws(() => parse(text), FormatError, text);
  for (const bytes of jcs.bad_bytes_hex) assert.throws(() => parse(fromHex(bytes)), FormatError);
});

test("members are only those that the text names", () => {
  const value = parse('{"__proto__":1,"constructor":2}');
  assert.equal(value.toString, undefined);
  assert.equal(value.__proto__, 1);
  assert.ok(parseAny('{"v":1.0}').v instanceof Inexact);
  assert.throws(() => parseAny('{"v":1,"v":1}'), FormatError);
  assert.equal(parseAny('{"v":1,"v":2}', { twice: true }).v, 2);
});

test("times of the calendar, with offsets", () => {
  assert.equal(parseTime("1970-01-01T00:00:01.0000019Z"), 1_000_001);
  assert.equal(parseTime("2026-03-02T09:00:00+08:00"), parseTime("2026-03-02T01:00:00Z"));
  const none = ["2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "0000-01-01T00:00:00Z",
    "2026-01-01T00:00:00", "2026-01-01T00:00:00+24:00", "2026-01-01 00:00:00Z", null, 7];
  for (const text of none) assert.equal(timeOf(text), undefined, String(text));
});

test("trust files that cannot be used are refused", () => {
  const policy = tlog.policies.good.text;
  const file = (value) => utf8(JSON.stringify({ v: 1, policy, ...value }));
  assert.equal(parseTrust(utf8(policy)).eventKeys.length, 0);
  assert.equal(parseTrust(file({ not_before: "2026-01-01T00:00:00Z" })).enrolmentRoots.length, 0);
  const bad = [
    file({ v: 2 }), file({ extra: 1 }), file({ tsa_roots: ["nonsense"] }), file({ tsa_roots: [1] }),
    file({ event_keys: [{ kid: "a", jwk: { kty: "oct" } }] }), file({ not_before: "yesterday" }),
    file({ enrolment_roots: [{ type: "friend" }] }), utf8(`{"v":1,"v":1}`), utf8("{"), utf8(""),
  ];
  for (const data of bad) assert.throws(() => parseTrust(data), FormatError);
});
