/** Follows an order on its page: by live updates, and by polling whenever those do not come. */

import { ApiProblem, ApiUnreachable } from "./api.js";
import { watch } from "./live.js";
import { hasEnded } from "./order_state.js";
import { poll } from "./polling.js";

/**
 * Other services' events reach the timeline a moment after the order has changed, the last ones
 * after it has ended. The timeline counts as complete when it has not changed for so long.
 */
const QUIET_MS = 2_000;
/** After an update, the timeline follows at once. */
const AFTER_UPDATE = { first: 200 };

/**
 * Follows the order until nothing more will happen to it, or `left` aborts. `hurry()` says that
 * something is about to happen.
 */
export function follow(api, orderId, page, left, { order, events }) {
  const ended = new AbortController();
  const signal = AbortSignal.any([left, ended.signal]);
  let isLive = false;
  let reading = new AbortController();

  /** Reads the timeline until it is complete; and the order, until that has ended, if not live. */
  function read(delays) {
    reading.abort();
    reading = new AbortController();
    const current = AbortSignal.any([signal, reading.signal]);
    let quietSince = Date.now();
    poll(
      async () => {
        const before = JSON.stringify([order, events]);
        try {
          const found = await Promise.all([
            isLive ? order : api.getOrder(orderId, current),
            api.getTimeline(orderId, current),
          ]);
          if (current.aborted) return true;
          [order, events] = found;
        } catch (error) {
          if (current.aborted) return true;
          if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
          page.show({ order, events, hasContact: isLive });
          return false;
        }
        page.show({ order, events });
        if (before !== JSON.stringify([order, events])) quietSince = Date.now();
        const isQuiet = Date.now() - quietSince >= QUIET_MS;
        if (isQuiet && hasEnded(order)) ended.abort();
        return isQuiet && (isLive || hasEnded(order));
      },
      current,
      delays,
    );
  }

  const updates = {
    onLive() {
      isLive = true;
      read(AFTER_UPDATE);
    },
    onOrder(latest) {
      order = latest;
      page.show({ order, events });
      read(AFTER_UPDATE);
    },
    onLost() {
      if (!isLive) return;
      isLive = false;
      read();
    },
  };
  read();
  if (!hasEnded(order)) watch(() => api.liveAddress(orderId), orderId, signal, updates);
  return {
    hurry() {
      if (!isLive) read();
    },
  };
}
