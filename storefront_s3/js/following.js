/** Follows an order on its page. */

import { ApiProblem, ApiUnreachable } from "./api.js";
import { hasEnded } from "./order_words.js";
import { poll } from "./polling.js";

/**
 * Other services' last events reach the timeline after the order has ended: it is complete once it
 * has stayed the same for this many readings.
 */
const QUIET_READINGS = 3;

/**
 * Reads the order again and again until nothing more will happen to it, or `left` aborts. `hurry()`
 * reads at short intervals once more: something is about to happen.
 */
export function follow(api, orderId, page, left, { order, events }) {
  let known = JSON.stringify([order, events]);
  let current;

  function start() {
    current = new AbortController();
    const signal = AbortSignal.any([left, current.signal]);
    let quietReadings = 0;
    poll(async () => {
      try {
        [order, events] = await Promise.all([
          api.getOrder(orderId, signal),
          api.getTimeline(orderId, signal),
        ]);
      } catch (error) {
        if (signal.aborted) return true;
        if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
        page.show({ order, events, hasContact: false });
        return false;
      }
      const now = JSON.stringify([order, events]);
      quietReadings = hasEnded(order) && now === known ? quietReadings + 1 : 0;
      known = now;
      const isSettled = quietReadings >= QUIET_READINGS;
      page.show({ order, events, isSettled });
      return isSettled;
    }, signal);
  }

  start();
  return {
    hurry() {
      current.abort();
      start();
    },
  };
}
