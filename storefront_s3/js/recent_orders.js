/**
 * The orders that were placed from this browser without an account, and those opened from a mail,
 * the newest first: `[{orderId, token}]`. The token opens the order.
 */

import { record } from "./storage.js";

const KEPT = 10;

const isOrder = (order) => typeof order?.orderId === "string" && typeof order.token === "string";

const stored = record(
  "localStorage",
  "sagashop.recent-orders",
  (value) => Array.isArray(value) && value.every(isOrder),
);

export function list() {
  return stored.read() ?? [];
}

/** The token of an order, or null where this browser has none. */
export function tokenOf(orderId) {
  return list().find((order) => order.orderId === orderId)?.token ?? null;
}

/** Remembers an order and its token. */
export function add(orderId, token) {
  const others = list().filter((order) => order.orderId !== orderId);
  stored.write([{ orderId, token }, ...others].slice(0, KEPT));
}

/** Forgets an order that the shop doesn't know any more. */
export function forget(orderId) {
  stored.write(list().filter((order) => order.orderId !== orderId));
}
