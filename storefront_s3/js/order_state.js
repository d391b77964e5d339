/** What an order's state means for its page: what can be done, and how it is marked. */

const ENDED = ["COMPLETED", "CANCELLED", "NEEDS_ATTENTION"];

const TONES = { COMPLETED: "good", CANCELLED: "bad", NEEDS_ATTENTION: "warn" };

/** True once nothing more will happen to the order by itself. */
export function hasEnded(order) {
  return ENDED.includes(order.status);
}

/** True while a payment can be given. */
export function awaitsPayment(order) {
  return (
    order.status === "AWAITING_PAYMENT" && order.payment_due_at != null && !order.cancel_requested
  );
}

/** True while the shopper can still cancel the order. */
export function canBeCancelled(order) {
  return !hasEnded(order) && order.status !== "CANCELLING" && !order.cancel_requested;
}

/** How the order's status is marked: good, bad, warn, or busy while the shop works on it. */
export function statusTone(order) {
  return awaitsPayment(order) ? "warn" : (TONES[order.status] ?? "busy");
}

/** How an event of the timeline is marked: good, bad, warn or plain. */
export function eventTone(type) {
  if (/NeedsAttention$/.test(type)) return "warn";
  if (/(Failed|Declined|Rejected|Cancelled)$/.test(type)) return "bad";
  if (/(Completed|Captured|Reserved|Committed|Refunded|Created)$/.test(type)) return "good";
  return "plain";
}
