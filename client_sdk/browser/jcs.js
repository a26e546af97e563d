/**
 * Restricted canonical JSON (RFC 8785): null, booleans, texts, arrays, objects with ASCII keys and
 * integers below 2**53. Own parser, since `JSON.parse` forgives a key that is named twice.
 *
 * Objects have no prototype, so that a member is there only if the text names it. `parseAny` reads
 * what people write; numbers that are not such integers become `Inexact`, which no check accepts.
 */
import { fromUtf8, isUnicode, utf8 } from "./bytes.js";
import { FormatError } from "./errors.js";

/** @typedef {{[name: string]: any}} JsonObject */
/** @typedef {null | boolean | number | string | Inexact | any[] | JsonObject} Json */

export const INT_LIMIT = 2 ** 53;
const MAX_BYTES = 1 << 20;
const MAX_DEPTH = 32;
const LENIENT_DEPTH = 900;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\x00-\x1f]*/y;
const ASCII = /^[\x00-\x7f]*$/;
const ESCAPES = new Map([
  ['"', '"'], ["\\", "\\"], ["/", "/"], ["b", "\b"],
  ["f", "\f"], ["n", "\n"], ["r", "\r"], ["t", "\t"],
]);
const WORDS = new Map([["true", true], ["false", false], ["null", null]]);

/** A number outside the restricted form. */
export class Inexact {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/** @param {string} message @param {string} [code] @returns {never} */
function refuse(message, code = "not-json") {
  throw new FormatError(message, code);
}

class Parser {
  /** @param {string} text @param {{strict: boolean, twice: boolean, depth: number}} rules */
  constructor(text, rules) {
    this.text = text;
    this.at = 0;
    this.rules = rules;
  }

  /** @returns {Json} the only value of the text */
  whole() {
    const found = this.value(this.rules.depth);
    this.space();
    if (this.at !== this.text.length) refuse("more than one value");
    return found;
  }

  space() {
    SPACE.lastIndex = this.at;
    SPACE.test(this.text);
    this.at = SPACE.lastIndex;
  }

  /** @param {number} depth levels that are left @returns {Json} */
  value(depth) {
    this.space();
    const char = this.text[this.at];
    if (char === '"') return this.string();
    if (char === "{" || char === "[") {
      if (depth === 0) refuse("nested too deeply", "too-deep");
      return char === "{" ? this.object(depth - 1) : this.array(depth - 1);
    }
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  /** @returns {Json} */
  number() {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) return refuse("not JSON");
    this.at = NUMBER.lastIndex;
    const fine = !match[1] && !match[2] && Number.isSafeInteger(Number(match[0]));
    if (fine) return Number(match[0]) + 0;
    if (this.rules.strict) refuse("integers below 2**53 only", "float");
    return new Inexact(match[0]);
  }

  /** @returns {string} */
  string() {
    let out = "";
    this.at += 1;
    for (;;) {
      PLAIN.lastIndex = this.at;
      PLAIN.test(this.text);
      out += this.text.slice(this.at, PLAIN.lastIndex);
      this.at = PLAIN.lastIndex;
      const char = this.text[this.at];
      if (char === '"') break;
      if (char !== "\\") refuse("a text without its end");
      out += this.escape();
    }
    this.at += 1;
    if (this.rules.strict && !isUnicode(out)) refuse("lone surrogate", "surrogate");
    return out;
  }

  /** @returns {string} */
  escape() {
    const char = this.text[this.at + 1];
    if (char === "u") {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) refuse("a malformed escape");
      this.at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const found = ESCAPES.get(char);
    if (found === undefined) return refuse("a malformed escape");
    this.at += 2;
    return found;
  }

  /** @param {number} depth @returns {Json[]} */
  array(depth) {
    /** @type {Json[]} */
    const out = [];
    this.items("]", () => out.push(this.value(depth)));
    return out;
  }

  /** @param {number} depth @returns {JsonObject} */
  object(depth) {
    /** @type {JsonObject} */
    const out = Object.create(null);
    this.items("}", () => {
      this.space();
      if (this.text[this.at] !== '"') refuse("a key is a text");
      const name = this.string();
      if (!this.rules.twice && name in out) refuse("a key is named twice", "duplicate-key");
      if (this.rules.strict && !ASCII.test(name)) refuse("keys are ASCII", "key-not-ascii");
      this.space();
      if (this.text[this.at] !== ":") refuse("a key without its value");
      this.at += 1;
      out[name] = this.value(depth);
    });
    return out;
  }

  /** @param {string} end @param {() => void} item */
  items(end, item) {
    this.at += 1;
    this.space();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      item();
      this.space();
      const char = this.text[this.at++];
      if (char === end) return;
      if (char !== ",") refuse("a comma or an end is expected");
    }
  }
}

/** @param {string} text @returns {string} escaped as RFC 8785 §3.2.2.2 says */
function quote(text) {
  return JSON.stringify(text);
}

/** @param {any} value @returns {string} canonical text of a value of the restricted form */
export function dump(value) {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(dump).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${quote(name)}:${dump(value[name])}`).join(",")}}`;
  }
  return String(value);
}

/** @param {any} value @returns {Uint8Array} canonical UTF-8 */
export const dumpBytes = (value) => utf8(dump(value));

/**
 * Value of a text that must already be canonical.
 * @param {string | Uint8Array} source
 * @param {number} [maxBytes]
 * @returns {Json}
 */
export function parse(source, maxBytes = MAX_BYTES) {
  const text = checked(source, maxBytes);
  const value = new Parser(text, { strict: true, twice: false, depth: MAX_DEPTH }).whole();
  if (dump(value) !== text) refuse("valid JSON, but not in canonical form", "not-canonical");
  return value;
}

/** `parse` for an object. @param {string | Uint8Array} source @param {number} [maxBytes] */
export function parseObject(source, maxBytes = MAX_BYTES) {
  const value = parse(source, maxBytes);
  if (!isObject(value)) refuse("an object is expected", "not-object");
  return /** @type {JsonObject} */ (value);
}

/**
 * Any JSON. @param {string} text @param {{twice?: boolean}} [rules] whether the last of two keys
 * of one name counts (else it is refused)
 * @returns {Json}
 */
export function parseAny(text, { twice = false } = {}) {
  return new Parser(text, { strict: false, twice, depth: LENIENT_DEPTH }).whole();
}

/** @param {unknown} value @returns {value is JsonObject} */
export function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    && !(value instanceof Inexact);
}

/** A member where an id is due, as a text; anything else gets one that no id has.
 * @param {any} value @returns {string} */
export const idText = (value) => (typeof value === "string" ? value : `\0${dump(value ?? null)}`);

/** Whether there is anything in a value. @param {any} value @returns {boolean} */
export function isFilled(value) {
  return isObject(value) ? Object.keys(value).length > 0
    : Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** @param {string | Uint8Array} source @param {number} maxBytes @returns {string} */
function checked(source, maxBytes) {
  if (source.length > maxBytes) refuse("too long", "too-long");
  if (typeof source !== "string") return fromUtf8(source);
  if (!isUnicode(source)) refuse("lone surrogate", "surrogate");
  if (source.length * 3 > maxBytes && utf8(source).length > maxBytes) refuse("too long", "too-long");
  return source;
}
