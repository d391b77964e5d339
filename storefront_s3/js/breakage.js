/**
 * Breaks one order on purpose, in sandbox stages: which ways there are, and how each is brought
 * about. Some are the simulated partners' rules (a card, a country), the others failures that the
 * shop arms for this one order.
 */

import { ApiProblem, ApiUnreachable } from "./api.js";

/** Orders whose correlation id begins so can be given failures of their own. */
const OWN_FAILURES = "sandbox-";

/** What a partner refuses or loses, by what is sent with the order. */
const BY_ORDER = [
  {
    name: "declined",
    title: "The card is declined",
    effect: "Nothing was charged; the stock is released.",
    change: (order) => ({ ...order, payment: { token: "tok_declined" } }),
  },
  {
    name: "lost_reply",
    title: "The bank’s reply is lost",
    effect: "The money was taken, so it is found and refunded.",
    change: (order) => ({ ...order, payment: { token: "tok_lost_reply" } }),
  },
  {
    name: "rejected",
    title: "The parcel is rejected",
    effect: "The payment is refunded, then the stock released.",
    change: (order) => ({
      ...order,
      shipping_address: { ...order.shipping_address, country: "XX" },
    }),
  },
];

/** What the shop can arm, in words; it offers them by name. */
const ARMED = {
  commit_fails: {
    title: "The stock can’t be committed",
    effect: "It fails after the charge: parcel, payment and stock are undone in reverse order.",
  },
  worker_killed: {
    title: "A worker is killed in the middle of a step",
    effect: "It dies after charging, before it says so. The step is tried again; you pay once.",
  },
  delivered_twice: {
    title: "A step is delivered twice",
    effect: "The charge comes in twice; you pay once.",
  },
};

/** The ways to break an order that is about to be placed: `[{name, title, effect}]`. */
export async function waysToBreakANewOrder(api, signal) {
  const armed = await waysToBreakAnOrder(api, signal);
  return armed.length > 0 ? [...BY_ORDER, ...armed] : [];
}

/** The ways to break an order under way; none outside sandbox stages, or where the shop is busy. */
export async function waysToBreakAnOrder(api, signal) {
  try {
    const offered = await api.listFailures(signal);
    return offered
      .filter(({ name }) => Object.hasOwn(ARMED, name))
      .map(({ name, step }) => ({ name, ...ARMED[name], step }));
  } catch (error) {
    if (signal.aborted || error instanceof ApiProblem || error instanceof ApiUnreachable) return [];
    throw error;
  }
}

/** The order as it has to be sent so that it breaks this way. */
export function broken(order, name) {
  return BY_ORDER.find((way) => way.name === name)?.change(order) ?? order;
}

/** Whether the shop has to arm this way, before the order gets to the step. */
export function hasToBeArmed(name) {
  return Object.hasOwn(ARMED, name);
}

/** A correlation id under which an order can be broken, however late that is decided. */
export function newCorrelationId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return OWN_FAILURES + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether an order with this correlation id can be broken. */
export function canBeBroken(correlationId) {
  return correlationId?.startsWith(OWN_FAILURES) ?? false;
}
