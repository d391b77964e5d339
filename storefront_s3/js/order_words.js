/** What an order's state means for the shopper who placed it. */

const ENDED = ["COMPLETED", "CANCELLED", "NEEDS_ATTENTION"];

/** Each status: how it is marked, and its words, short and long. */
const STATUS = {
  PENDING: {
    tone: "busy",
    label: "In progress",
    headline: "We’re preparing your order",
    text: "We set the items aside and see to the payment. This usually takes a second or two.",
  },
  AWAITING_PAYMENT: {
    tone: "warn",
    label: "Awaiting payment",
    headline: "Your order waits for your payment",
    text: "The items are set aside for you.",
  },
  PAID: {
    tone: "busy",
    label: "Paid",
    headline: "Your payment is in",
    text: "We are finishing your order.",
  },
  COMPLETED: {
    tone: "good",
    label: "Completed",
    headline: "Your order is complete",
    text: "Thank you! It is paid, and the goods are on their way to you.",
  },
  CANCELLED: {
    tone: "bad",
    label: "Cancelled",
    headline: "Your order was cancelled",
    text: "",
  },
  NEEDS_ATTENTION: {
    tone: "warn",
    label: "With our team",
    headline: "A person is looking after your order",
    text:
      "Something went wrong that we could not put right by ourselves, so we have told our team. " +
      "You need do nothing, and please don’t pay again. If you write to us, quote the order number " +
      "above.",
  },
};

/** Open orders about which is decided: the saga is about to act on it. */
const DECIDED = {
  tone: "busy",
  label: "In progress",
  headline: "We’re working on your order",
  text: "This usually takes a second or two.",
};
const CANCELLING = {
  tone: "busy",
  label: "Being cancelled",
  headline: "We’re cancelling your order",
  text: "What was done for it is being undone.",
};

const REASONS = {
  OUT_OF_STOCK: "There were not enough units left of something that you ordered.",
  UNKNOWN_PRODUCT: "We no longer sell something that you ordered.",
  PAYMENT_DECLINED: "Your bank declined the payment.",
  PAYMENT_EXPIRED: "It was not paid in time, so the items went back on sale.",
  SHIPMENT_REJECTED: "No carrier delivers to your address.",
  CANCELLED_BY_CUSTOMER: "You asked us to cancel it.",
  INTERNAL_ERROR: "Something failed on our side. We are sorry.",
};

/** True once nothing more will happen to the order by itself. */
export function hasEnded(order) {
  return ENDED.includes(order.status);
}

/** True while a payment can be given. */
export function awaitsPayment(order) {
  return order.status === "AWAITING_PAYMENT" && order.payment_due_at != null;
}

/** True while the shopper can still call the order off. */
export function canBeCancelled(order) {
  return !hasEnded(order) && !order.cancel_requested;
}

/** `{tone, label, headline, text}` of the order's status; one that is new to us is in progress. */
export function statusWords(order) {
  if (order.cancel_requested && !hasEnded(order)) return CANCELLING;
  if (order.status === "AWAITING_PAYMENT" && !awaitsPayment(order)) return DECIDED;
  return STATUS[order.status] ?? STATUS.PENDING;
}

/** Why the order was cancelled, or null. */
export function reasonWords(order) {
  if (!order.reason) return null;
  return REASONS[order.reason.code] ?? order.reason.message;
}

/**
 * What became of the money of a cancelled order, or null while that isn't certain: the payment's
 * events reach the order's timeline a moment after the order has ended (`isSettled`: no more come).
 */
export function moneyWords(order, events, isSettled) {
  if (order.status !== "CANCELLED") return null;
  const happened = (type) => events.some((event) => event.type === type);
  if (happened("PaymentRefunded")) return "Your money was refunded in full.";
  if (happened("PaymentCaptured")) return "Your refund is on its way.";
  const wasNeverCharged =
    happened("StockReservationFailed") ||
    happened("PaymentDeclined") ||
    order.reason?.code === "PAYMENT_EXPIRED";
  return wasNeverCharged || isSettled ? "You were not charged." : null;
}

/** Good, bad or neutral: how an event of the timeline is marked. */
export function eventTone(type) {
  if (/NeedsAttention$/.test(type)) return "warn";
  if (/(Failed|Declined|Rejected|Cancelled)$/.test(type)) return "bad";
  if (/(Completed|Captured|Reserved|Committed|Refunded|Created)$/.test(type)) return "good";
  return "plain";
}
