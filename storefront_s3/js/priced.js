/** Basket lines beside the catalogue's products: names, prices and an estimate of the total. */

import { price } from "./format.js";

export const ESTIMATE_NOTE = "The final price comes from the shop when you order.";

/** `[{sku, quantity, product}]`; `product` is undefined where the shop has stopped selling it. */
export function withProducts(lines, products) {
  const bySku = new Map(products.map((product) => [product.sku, product]));
  return lines.map((line) => ({ ...line, product: bySku.get(line.sku) }));
}

/** What these lines cost by today's catalogue, such as "$59.80". */
export function estimate(pricedLines) {
  const known = pricedLines.filter((line) => line.product);
  const total = known.reduce((sum, line) => sum + line.quantity * line.product.price_cents, 0);
  return price(total, known[0]?.product.currency ?? "USD");
}
