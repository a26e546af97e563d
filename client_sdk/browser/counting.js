/** Searching in ascending numbers. */

/** How many of these ascending numbers are at most `limit`.
 * @param {number[]} ascending @param {number} limit @returns {number} */
export function countUpTo(ascending, limit) {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
