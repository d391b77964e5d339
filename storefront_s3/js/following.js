/** Follows an order on its page. */

import { ApiProblem, ApiUnreachable } from "./api.js";
import { hasEnded } from "./order_state.js";
import { poll } from "./polling.js";

/**
 * Other services' last events reach the timeline after the order has ended. The timeline counts as
 * complete once this many readings in a row found it unchanged.
 */
const QUIET_READINGS = 3;

/**
 * Reads the order repeatedly until nothing more will happen to it, or `left` aborts. `hurry()`
 * starts again at short intervals: something is about to happen.
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
      page.show({ order, events });
      return quietReadings >= QUIET_READINGS;
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
