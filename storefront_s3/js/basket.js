/**
 * The basket: `[{sku, quantity}]` in localStorage, one line per SKU, shared by all tabs. It holds
 * no names and no prices: these come from the catalogue each time they are shown.
 */

import { record } from "./storage.js";

/** More of one product than this is probably a typing error; the order API takes up to 1000. */
export const MAX_QUANTITY = 99;

const isLine = (line) =>
  typeof line?.sku === "string" && Number.isInteger(line.quantity) && line.quantity > 0;

const stored = record(
  "localStorage",
  "sagashop.basket",
  (value) => Array.isArray(value) && value.every(isLine),
);
const listeners = new Set();

/** The lines, in the order in which they were added. */
export function lines() {
  return stored.read() ?? [];
}

/** How many units there are in all lines. */
export function count() {
  return lines().reduce((sum, line) => sum + line.quantity, 0);
}

/** Adds units of a product, to its line where it has one. */
export function add(sku, quantity = 1) {
  const line = lines().find((each) => each.sku === sku);
  setQuantity(sku, (line?.quantity ?? 0) + quantity);
}

/** Sets a line's quantity (made to fit 1 to MAX_QUANTITY), adding the line where there is none. */
export function setQuantity(sku, quantity) {
  const wanted = { sku, quantity: Math.min(Math.max(quantity, 1), MAX_QUANTITY) };
  const rest = lines();
  const at = rest.findIndex((line) => line.sku === sku);
  if (at < 0) rest.push(wanted);
  else rest[at] = wanted;
  save(rest);
}

/** Takes a line out. */
export function remove(sku) {
  save(lines().filter((line) => line.sku !== sku));
}

/** Takes out what was ordered; what was added since the order was sent stays. */
export function takeOut(ordered) {
  const taken = new Map(ordered.map((line) => [line.sku, line.quantity]));
  const left = lines().map(({ sku, quantity }) => ({
    sku,
    quantity: quantity - (taken.get(sku) ?? 0),
  }));
  save(left.filter((line) => line.quantity > 0));
}

/** Calls `listener({elsewhere})` after each change; `elsewhere` tells whether another tab made it. */
export function onChange(listener) {
  listeners.add(listener);
}

function save(changed) {
  stored.write(changed);
  tell(false);
}

function tell(elsewhere) {
  for (const listener of listeners) listener({ elsewhere });
}

window.addEventListener("storage", ({ key }) => {
  // A null key: the other tab has cleared the whole storage.
  if (key === stored.name || key === null) tell(true);
});
