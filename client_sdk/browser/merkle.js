/** Merkle tree of RFC 6962 §2.1: checking proofs (RFC 9162 §2.1.3.2 and §2.1.4.2). */
import { concat, equal, hex, sha256 } from "./bytes.js";
import { FormatError } from "./errors.js";

export const HASH_BYTES = 32;
export const MAX_SIZE = 2n ** 63n - 1n;
export const EMPTY_ROOT = sha256();
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** @param {Uint8Array} data @returns {Uint8Array} hash of one entry */
export const leafHash = (data) => sha256(LEAF, data);

/** @param {Uint8Array} left @param {Uint8Array} right @returns {Uint8Array} */
export const nodeHash = (left, right) => sha256(concat(NODE, left, right));

/** @param {string} message @param {string} code @returns {never} */
function refuse(message, code) {
  throw new FormatError(message, code);
}

/** @param {bigint} size */
function checkSize(size) {
  if (size < 0n || size > MAX_SIZE) refuse("a tree size is from 0 to 2**63 - 1", "proof-size");
}

/** @param {Uint8Array[]} hashes */
function checkHashes(hashes) {
  if (hashes.some((one) => one.length !== HASH_BYTES)) refuse("a hash has 32 bytes", "proof-hash");
}

/** Up to the level where the node is a right child. @param {bigint} at @param {bigint} last */
function climb(at, last) {
  while (at !== 0n && (at & 1n) === 0n) [at, last] = [at >> 1n, last >> 1n];
  return [at, last];
}

/**
 * Check that the entry with leaf hash `leaf` is number `index` of the tree; FormatError if not.
 * @param {Uint8Array} leaf @param {bigint} index @param {bigint} size
 * @param {Uint8Array[]} proof @param {Uint8Array} root
 */
export function verifyInclusion(leaf, index, size, proof, root) {
  checkHashes([leaf, root, ...proof]);
  checkSize(size);
  if (index < 0n || index >= size) refuse("the index is outside the tree", "proof-index");
  let [at, last, found] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if (last === 0n) refuse("the proof is too long", "proof-length");
    if ((at & 1n) === 1n || at === last) {
      found = nodeHash(sibling, found);
      [at, last] = climb(at, last);
    } else {
      found = nodeHash(found, sibling);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  if (last !== 0n) refuse("the proof is too short", "proof-length");
  if (!equal(found, root)) refuse("the proof leads to another root", "proof-root");
}

/**
 * Check that the new tree extends the old one; FormatError if not.
 * @param {bigint} oldSize @param {Uint8Array} oldRoot @param {bigint} newSize
 * @param {Uint8Array} newRoot @param {Uint8Array[]} proof
 */
export function verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof) {
  checkHashes([oldRoot, newRoot, ...proof]);
  checkSize(oldSize);
  checkSize(newSize);
  if (oldSize > newSize) refuse("the old tree is larger than the new one", "proof-size");
  const empty = [oldSize === 0n ? [oldRoot] : [], newSize === 0n ? [newRoot] : []].flat();
  if (!empty.every((root) => equal(root, EMPTY_ROOT))) {
    refuse("the empty tree has another root", "proof-root");
  }
  if (oldSize === 0n || oldSize === newSize) {
    if (proof.length > 0) refuse("no proof is due here", "proof-length");
    if (oldSize === newSize && !equal(oldRoot, newRoot)) {
      refuse("two roots for one size", "proof-fork");
    }
    return;
  }
  checkExtends(oldSize, oldRoot, newSize, newRoot, proof);
}

/**
 * @param {bigint} oldSize @param {Uint8Array} oldRoot @param {bigint} newSize
 * @param {Uint8Array} newRoot @param {Uint8Array[]} given
 */
function checkExtends(oldSize, oldRoot, newSize, newRoot, given) {
  if (given.length === 0) refuse("the proof is too short", "proof-length");
  const complete = (oldSize & (oldSize - 1n)) === 0n;
  const [first, ...rest] = complete ? [oldRoot, ...given] : given;
  let [at, last] = [oldSize - 1n, newSize - 1n];
  while ((at & 1n) === 1n) [at, last] = [at >> 1n, last >> 1n];
  let [oldFound, newFound] = [first, first];
  for (const item of rest) {
    if (last === 0n) refuse("the proof is too long", "proof-length");
    if ((at & 1n) === 1n || at === last) {
      [oldFound, newFound] = [nodeHash(item, oldFound), nodeHash(item, newFound)];
      [at, last] = climb(at, last);
    } else {
      newFound = nodeHash(newFound, item);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  if (last !== 0n) refuse("the proof is too short", "proof-length");
  if (!equal(oldFound, oldRoot)) refuse("the old tree is not a part of the new one", "proof-fork");
  if (!equal(newFound, newRoot)) refuse("the proof leads to another root", "proof-root");
}

/** Root over chunk hashes as they come, in memory that grows with their logarithm. */
export class ChunkTree {
  constructor() {
    this.chunks = 0;
    /** @type {[number, Uint8Array][]} */
    this.peaks = [];
  }

  /** @param {Uint8Array} chunkHash SHA-256 of the next chunk */
  add(chunkHash) {
    let [size, node] = [1, leafHash(chunkHash)];
    while (this.peaks.length > 0 && this.peaks[this.peaks.length - 1][0] === size) {
      const [, left] = /** @type {[number, Uint8Array]} */ (this.peaks.pop());
      [size, node] = [2 * size, nodeHash(left, node)];
    }
    this.peaks.push([size, node]);
    this.chunks += 1;
  }

  /** @returns {string} root in hexadecimal */
  root() {
    if (this.peaks.length === 0) return hex(EMPTY_ROOT);
    return hex(this.peaks.map(([, node]) => node).reduceRight((right, left) => nodeHash(left, right)));
  }
}
