/** The orders placed from this browser, newest first: `[{orderId, placedAt}]` (ISO 8601, UTC). */

import { record } from "./storage.js";

const KEPT = 10;

const isOrder = (order) =>
  typeof order?.orderId === "string" && !Number.isNaN(Date.parse(order.placedAt));

const stored = record(
  "localStorage",
  "sagashop.recent-orders",
  (value) => Array.isArray(value) && value.every(isOrder),
);

export function list() {
  return stored.read() ?? [];
}

/** Remembers an order; one that is already known (a repeated request) stays as it is. */
export function add(orderId) {
  const known = list();
  if (known.some((order) => order.orderId === orderId)) return;
  stored.write([{ orderId, placedAt: new Date().toISOString() }, ...known].slice(0, KEPT));
}

/** Forgets an order that the shop doesn't know any more. */
export function forget(orderId) {
  stored.write(list().filter((order) => order.orderId !== orderId));
}
