// One cursor in time and one chosen item, shared by timeline, map and media.

/** @typedef {{at: number, item: string | null, from: Element}} Cursor */

export const CURSOR = "tz-cursor";

/** Tell everybody on the page where the cursor is now, and keep it in the address.
 * @param {number} at Unix milliseconds
 * @param {string | null} item
 * @param {Element} from who moved it */
export function moveCursor(at, item, from) {
  document.dispatchEvent(new CustomEvent(CURSOR, { detail: { at, item, from } }));
  const here = new URL(location.href);
  here.searchParams.set("at", new Date(at).toISOString());
  if (item) {
    here.searchParams.set("item", item);
  }
  history.replaceState(history.state, "", here);
}

/** @param {(cursor: Cursor) => void} hear
 * @returns {() => void} stops listening */
export function onCursor(hear) {
  const listener = (/** @type {Event} */ event) => hear(/** @type {CustomEvent<Cursor>} */ (event).detail);
  document.addEventListener(CURSOR, listener);
  return () => document.removeEventListener(CURSOR, listener);
}
