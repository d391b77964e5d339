/**
 * The orders placed from this browser, and those opened from a mail, newest first:
 * `[{orderId, placedAt, token}]` (ISO 8601, UTC). The token opens the order.
 */

import { record } from "./storage.js";

const KEPT = 10;

const isOrder = (order) =>
  typeof order?.orderId === "string" &&
  typeof order.token === "string" &&
  !Number.isNaN(Date.parse(order.placedAt));

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

/** Remembers an order and its token; of one that is already known, the token alone is replaced. */
export function add(orderId, token) {
  const known = list();
  const { placedAt } = known.find((order) => order.orderId === orderId) ?? {
    placedAt: new Date().toISOString(),
  };
  const others = known.filter((order) => order.orderId !== orderId);
  stored.write([{ orderId, placedAt, token }, ...others].slice(0, KEPT));
}

/** Forgets an order that the shop doesn't know any more. */
export function forget(orderId) {
  stored.write(list().filter((order) => order.orderId !== orderId));
}
