/** RFC 3339 times as microseconds since 1970 (exact until the year 2255). */
import { FormatError } from "./errors.js";

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

/** @param {string} [detail] @returns {never} */
function refuse(detail = "not a time of the calendar") {
  throw new FormatError(detail, "time-format");
}

/**
 * @param {unknown} text with an offset; digits past a microsecond are cut
 * @returns {number} microseconds since 1970 UTC
 */
export function parseTime(text) {
  const match = typeof text === "string" ? RFC3339.exec(text) : null;
  if (match === null) return refuse("not an RFC 3339 time with an offset");
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const [ahead, behind] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (year < 1 || hour > 23 || minute > 59 || second > 59 || ahead > 23 || behind > 59) refuse();
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) refuse();
  const offset = (ahead * 60 + behind) * (match[8] === "-" ? -1 : 1);
  const seconds = date.getTime() / 1000 + hour * 3600 + (minute - offset) * 60 + second;
  return seconds * 1e6 + Number((match[7] ?? "").slice(0, 6).padEnd(6, "0"));
}

/** @param {unknown} text @returns {number | undefined} `parseTime`, undefined when it is none */
export function timeOf(text) {
  try {
    return parseTime(text);
  } catch {
    return undefined;
  }
}

/** @param {number} micros @returns {string} RFC 3339 in UTC with milliseconds and `Z` */
export const formatTime = (micros) => new Date(Math.floor(micros / 1000)).toISOString();
