/** Typed reading of an object's members: each once; `done` refuses what nobody asked for. */
import { isSha256Hex } from "./bytes.js";
import { FormatError } from "./errors.js";
import { INT_LIMIT, isObject } from "./jcs.js";
import { parseTime } from "./times.js";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param {string} text @returns {number} Unicode characters (not UTF-16 units) */
function chars(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export class Members {
  /** @param {unknown} value @param {string} where @param {string} [code] of every refusal */
  constructor(value, where, code = "payload") {
    this.where = where;
    this.code = code;
    if (!isObject(value)) throw new FormatError(`${where} is an object`, code);
    this.left = new Map(Object.entries(value));
  }

  /** @param {string} name @param {string} expected @returns {never} */
  bad(name, expected) {
    throw new FormatError(`${this.where}.${name}: ${expected}`, this.code);
  }

  /** @param {string} name */
  has(name) {
    return this.left.has(name);
  }

  /** @param {string} name @returns {any} the raw member, which must be there */
  take(name) {
    if (!this.left.has(name)) {
      throw new FormatError(`${this.where}.${name} is missing`, this.code);
    }
    const value = this.left.get(name);
    this.left.delete(name);
    return value;
  }

  done() {
    const [name] = [...this.left.keys()].sort();
    if (name !== undefined) throw new FormatError(`${this.where}.${name} is unknown`, this.code);
  }

  /** @template T @param {string} name @param {(name: string) => T} read @returns {T | null} */
  optional(name, read) {
    return this.has(name) ? read(name) : null;
  }

  /** @param {string} name @param {number} [maxChars] @param {boolean} [empty] @returns {string} */
  text(name, maxChars = 256, empty = false) {
    const value = this.take(name);
    const fits = typeof value === "string" && (value !== "" || empty)
      && (value.length <= maxChars || chars(value) <= maxChars);
    return fits ? value : this.bad(name, `a text of at most ${maxChars} characters`);
  }

  /** @param {string} name @param {RegExp} pattern anchored @returns {string} */
  pattern(name, pattern) {
    const value = this.take(name);
    if (typeof value === "string" && pattern.test(value)) return value;
    return this.bad(name, "a text of another form is expected");
  }

  /** @param {string} name @param {readonly string[]} values @returns {string} */
  choice(name, values) {
    const value = this.take(name);
    return values.includes(value) ? value : this.bad(name, `one of ${values.join(", ")}`);
  }

  /** @param {string} name @param {number} [limit] @returns {number} */
  count(name, limit = INT_LIMIT) {
    const value = this.take(name);
    const fits = typeof value === "number" && value >= 0 && value < limit;
    return fits ? value : this.bad(name, "a non-negative integer");
  }

  /** @param {string} name @returns {string} */
  digest(name) {
    const value = this.take(name);
    return isSha256Hex(value) ? value : this.bad(name, "a SHA-256 in lower-case hexadecimal");
  }

  /** @param {string} name @returns {string} an RFC 3339 time, as the text it is */
  time(name) {
    const value = this.text(name);
    try {
      parseTime(value);
    } catch (error) {
      return this.bad(name, /** @type {Error} */ (error).message);
    }
    return value;
  }

  /** @param {string} name @returns {string} a UUID */
  id(name) {
    return this.pattern(name, UUID);
  }

  /** @param {string} name @returns {Record<string, any>} */
  mapping(name) {
    const value = this.take(name);
    return isObject(value) ? value : this.bad(name, "an object");
  }
}
