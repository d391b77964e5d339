/** What an order's state means for the shopper who placed it. */

const ENDED = ["COMPLETED", "CANCELLED", "NEEDS_ATTENTION"];

/** Each status: how it is marked, and its words, short and long. */
const STATUS = {
  PENDING: {
    tone: "busy",
    label: "In progress",
    headline: "We’re preparing your order",
    text: "We are checking the stock and taking your payment. This usually takes a second or two.",
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
    text: "Thank you! It is paid, and the goods are yours.",
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

const REASONS = {
  OUT_OF_STOCK: "There were not enough units left of something that you ordered.",
  UNKNOWN_PRODUCT: "We no longer sell something that you ordered.",
  PAYMENT_DECLINED: "Your bank declined the payment.",
  INTERNAL_ERROR: "Something failed on our side. We are sorry.",
};

/** True once nothing more will happen to the order by itself. */
export function hasEnded(order) {
  return ENDED.includes(order.status);
}

/** `{tone, label, headline, text}` of the order's status; one that is new to us is in progress. */
export function statusWords(order) {
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
  const wasNeverCharged = happened("StockReservationFailed") || happened("PaymentDeclined");
  return wasNeverCharged || isSettled ? "You were not charged." : null;
}

/** Good, bad or neutral: how an event of the timeline is marked. */
export function eventTone(type) {
  if (/NeedsAttention$/.test(type)) return "warn";
  if (/(Failed|Declined|Cancelled)$/.test(type)) return "bad";
  if (/(Completed|Captured|Reserved|Committed|Refunded)$/.test(type)) return "good";
  return "plain";
}
