/** Polls with growing delays, and pauses while the tab is hidden. */

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 3000;
const GROWTH = 1.4;

/**
 * Calls `step()` until it returns true or `signal` aborts; the next delay starts when it is done.
 * Delays grow from the first to the longest one, in milliseconds.
 */
export async function poll(step, signal, { first = FIRST_DELAY_MS, longest = LONGEST_DELAY_MS } = {}) {
  let delay = first;
  while (!signal.aborted) {
    await pause(delay, signal);
    await visible(signal);
    if (signal.aborted || (await step())) return;
    delay = Math.min(delay * GROWTH, longest);
  }
}

/** Resolves after so long, or as soon as `signal` aborts. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function visible(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
    signal.addEventListener("abort", resolve, { once: true });
  });
}
