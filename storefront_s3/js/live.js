/** Live updates of an order, over a WebSocket. */

import { pause } from "./polling.js";

/** Long enough for a cold start; then the shopper is better served by polling. */
const ANSWER_MS = 5_000;
/** A connection that has broken may look alive. To be sure, the order is asked for after silence. */
const SILENCE_MS = 60_000;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;

/**
 * Watches an order until `left` aborts, and connects again whenever the connection breaks.
 * `addressOf()` resolves to where to connect, or null if that cannot be.
 *
 * `onLive()` is called when updates begin to come, `onOrder(order)` with the order as it is then and
 * after every change, each version once, and `onLost()` when updates do not come any more.
 */
export async function watch(addressOf, orderId, left, { onLive, onOrder, onLost }) {
  let sequence = 0;
  let delay = FIRST_DELAY_MS;
  while (!left.aborted) {
    const address = await addressOf();
    if (address !== null && !left.aborted) {
      await connection(address, orderId, left, (message, isFirst) => {
        if (isFirst) {
          delay = FIRST_DELAY_MS;
          onLive();
        }
        if (message.sequence <= sequence) return;
        sequence = message.sequence;
        onOrder(message.order);
      });
    }
    if (left.aborted) return;
    onLost();
    // At random, so that the shoppers of a shop that was away do not all come back at once.
    await pause(delay * (0.5 + Math.random() / 2), left);
    delay = Math.min(2 * delay, LONGEST_DELAY_MS);
  }
}

/** Connects and subscribes; resolves when that has ended, for whatever reason. */
function connection(address, orderId, left, onMessage) {
  return new Promise((resolve) => {
    const socket = new WebSocket(address);
    const ended = new AbortController();
    let isFirst = true;
    let timer;

    const close = () => socket.close();
    function end() {
      if (ended.signal.aborted) return;
      ended.abort();
      clearTimeout(timer);
      // Closed while it connects, it would complain in the console.
      if (socket.readyState === WebSocket.CONNECTING) socket.addEventListener("open", close);
      else close();
      resolve();
    }
    function after(milliseconds, action) {
      clearTimeout(timer);
      timer = setTimeout(action, milliseconds);
    }
    function ask() {
      socket.send(JSON.stringify({ action: "subscribe", order_id: orderId }));
      after(ANSWER_MS, end);
    }
    function hear({ data }) {
      const message = JSON.parse(data);
      // Anything else says that there will be no updates.
      if (message.type !== "order") return end();
      after(SILENCE_MS, ask);
      onMessage(message, isFirst);
      isFirst = false;
    }

    const { signal } = ended;
    after(ANSWER_MS, end);
    socket.addEventListener("open", ask, { signal });
    socket.addEventListener("message", hear, { signal });
    socket.addEventListener("close", end, { signal });
    window.addEventListener("offline", end, { signal });
    left.addEventListener("abort", end, { signal });
  });
}
