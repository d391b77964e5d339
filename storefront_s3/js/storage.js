/**
 * JSON in the browser's storage. What is stored may be missing, damaged or forbidden (private
 * windows). The shop then keeps it in memory, for as long as the page is open.
 */

/**
 * A named record. `area` is "localStorage" (kept) or "sessionStorage" (this tab, until it closes).
 * `isValid` guards against what an older version, or somebody else, has stored there.
 */
export function record(area, name, isValid) {
  let unsaved = null;
  return {
    name,
    /** The stored value, or null. */
    read() {
      try {
        const value = JSON.parse(window[area].getItem(name));
        return isValid(value) ? value : unsaved;
      } catch {
        return unsaved;
      }
    },
    /** Stores a value; null removes the record. */
    write(value) {
      unsaved = null;
      try {
        if (value === null) window[area].removeItem(name);
        else window[area].setItem(name, JSON.stringify(value));
      } catch {
        unsaved = value;
      }
    },
  };
}
