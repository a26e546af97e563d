/** Random reading of a file (Blob), a slice at a time. */
import { ArchiveError } from "./errors.js";

const WINDOW_BYTES = 2 ** 18;

/** @param {DataView} view @param {number} at @returns {number} a 64-bit number, little-endian */
export const u64 = (view, at) => Number(view.getBigUint64(at, true));

/** @param {Uint8Array} data @returns {DataView} */
const viewOf = (data) => new DataView(data.buffer, data.byteOffset, data.length);

/** @param {number} at @param {number} size the file's length */
function checkPlace(at, size) {
  if (at < 0) throw new ArchiveError("a record before the file", "archive-unreadable");
  if (at > size) throw new ArchiveError("a record beyond the file's end", "archive-truncated");
}

/** @param {Uint8Array} data @param {number} length @returns {Uint8Array} */
function whole(data, length) {
  if (data.length === length) return data;
  throw new ArchiveError("the file ends within a record", "archive-truncated");
}

/** A file. */
export class Source {
  /** @param {Blob} file */
  constructor(file) {
    this.file = file;
    this.size = file.size;
  }

  /** At most `length` octets from `at`. @param {number} at @param {number} length */
  async slice(at, length) {
    return new Uint8Array(await this.file.slice(at, at + length).arrayBuffer());
  }

  /** Exactly `length` octets from `at`. @param {number} at @param {number} length */
  async exactly(at, length) {
    checkPlace(at, this.size);
    return whole(await this.slice(at, length), length);
  }

  /** @param {number} at @param {number} length @returns {Promise<DataView>} */
  async view(at, length) {
    return viewOf(await this.exactly(at, length));
  }

  /** Octets as a stream. @param {number} at @param {number} length */
  stream(at, length) {
    return this.file.slice(at, at + length).stream();
  }
}

/** The same for many small reads that lie near each other. */
export class Window {
  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    this.from = 0;
    this.data = new Uint8Array();
  }

  /** @param {number} at @param {number} length @returns {Promise<Uint8Array>} */
  async exactly(at, length) {
    checkPlace(at, this.source.size);
    if (at < this.from || at + length > this.from + this.data.length) {
      this.from = at;
      this.data = await this.source.slice(at, Math.max(WINDOW_BYTES, length));
    }
    return whole(this.data.subarray(at - this.from, at - this.from + length), length);
  }

  /** @param {number} at @param {number} length @returns {Promise<DataView>} */
  async view(at, length) {
    return viewOf(await this.exactly(at, length));
  }
}
