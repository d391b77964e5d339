/** The orders placed from this browser, with their current state. */

import { ApiProblem } from "../api.js";
import { el } from "../dom.js";
import { instant, price } from "../format.js";
import { statusTone } from "../order_state.js";
import { notice } from "../parts.js";
import * as recentOrders from "../recent_orders.js";

export async function ordersView({ api, signal }) {
  const title = "Your orders";
  const known = await Promise.all(recentOrders.list().map((order) => read(api, order, signal)));
  const orders = known.filter(Boolean);
  if (orders.length === 0) {
    const shop = el("a", { class: "button", href: "#/" }, "See the products");
    const text = "Orders placed from this browser appear here.";
    return { title, content: notice("parcel", "No orders yet", text, shop) };
  }
  const content = el(
    "div",
    {},
    el("h1", {}, title),
    el("p", { class: "small" }, "The latest orders placed from this browser."),
    el("ul", { class: "orders" }, orders.map(orderItem)),
  );
  return { title, content };
}

/** The order, or null where the shop no longer has it (a local store was reset). */
async function read(api, { orderId, placedAt }, signal) {
  try {
    return { ...(await api.getOrder(orderId, signal)), placedAt };
  } catch (error) {
    if (!(error instanceof ApiProblem && error.status === 404)) throw error;
    recentOrders.forget(orderId);
    return null;
  }
}

function orderItem(order) {
  const address = `#/orders/${encodeURIComponent(order.order_id)}`;
  const hasTotal = order.total_cents != null;
  return el(
    "li",
    {},
    el("a", { href: address }, `Order of ${instant(order.placedAt)}`),
    el("span", { class: `badge ${statusTone(order)}` }, order.status_text.label),
    hasTotal && el("span", { class: "price" }, price(order.total_cents, order.currency)),
  );
}
