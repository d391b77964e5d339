/**
 * The orders of the account that is signed in, a page at a time, and those that were placed from
 * this browser without one.
 */

import { ApiProblem, ApiUnreachable } from "../api.js";
import { el } from "../dom.js";
import { instant, price, units } from "../format.js";
import { statusTone } from "../order_state.js";
import { invitation, notice } from "../parts.js";
import * as recentOrders from "../recent_orders.js";
import * as session from "../session.js";

const OF_ACCOUNT = "to see the orders of your account";

export async function ordersView({ api, signal }) {
  const title = "Your orders";
  const isSignedIn = session.isSignedIn();
  const [own, guests] = await Promise.all([
    isSignedIn ? api.listOwnOrders(null, signal) : { orders: [], next_cursor: null },
    guestOrders(api, signal),
  ]);
  const listed = new Set(own.orders.map((order) => order.order_id));
  const others = guests.filter((order) => !listed.has(order.order_id));
  if (listed.size + others.length === 0) return { title, content: noOrders(isSignedIn) };
  const content = el(
    "div",
    {},
    el("h1", {}, title),
    !isSignedIn && el("p", {}, invitation(OF_ACCOUNT)),
    listed.size > 0 && [
      others.length > 0 && el("h2", {}, "Orders of your account"),
      pages(own, (cursor) => api.listOwnOrders(cursor, signal)),
    ],
    others.length > 0 && [
      el("h2", {}, "Orders of this browser"),
      el("ul", { class: "orders" }, others.map(orderItem)),
    ],
  );
  return { title, content };
}

function noOrders(isSignedIn) {
  const shop = el("a", { class: "button", href: "#/" }, "See the products");
  if (isSignedIn) return notice("parcel", "No orders yet", "What you order appears here.", shop);
  const text = ["Orders placed from this browser appear here.", invitation(OF_ACCOUNT)];
  return notice("parcel", "No orders yet", text, shop);
}

/** The orders that this browser has tokens of, the newest first. */
async function guestOrders(api, signal) {
  const found = await Promise.all(
    recentOrders.list().map(async ({ orderId }) => {
      try {
        return await api.getOrder(orderId, signal);
      } catch (error) {
        if (!(error instanceof ApiProblem && error.status === 404)) throw error;
        recentOrders.forget(orderId); // a local store was reset, or the token has expired
        return null;
      }
    }),
  );
  return found.filter(Boolean).sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
}

/** A list that a button continues, as long as there is more: `read(cursor)` gets the next page. */
function pages(first, read) {
  const list = el("ul", { class: "orders" }, first.orders.map(orderItem));
  if (first.next_cursor === null) return list;
  let cursor = first.next_cursor;
  const problem = el("p", { class: "field-error", role: "alert" });
  const more = el("button", { type: "button", class: "button quiet" }, "Show more");
  more.addEventListener("click", async () => {
    if (more.hasAttribute("aria-disabled")) return;
    more.setAttribute("aria-disabled", "true");
    problem.textContent = "";
    try {
      const page = await read(cursor);
      const items = page.orders.map(orderItem);
      list.append(...items);
      // Who pressed the button goes on reading with what it brought.
      items[0].querySelector("a").focus();
      cursor = page.next_cursor;
      if (cursor === null) more.remove();
    } catch (error) {
      if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
      problem.textContent = `The next orders could not be loaded. ${error.message}`;
    } finally {
      more.removeAttribute("aria-disabled");
    }
  });
  return [list, el("div", { class: "actions" }, more, problem)];
}

function orderItem(order) {
  const address = `#/orders/${encodeURIComponent(order.order_id)}`;
  const count = order.items.reduce((sum, { quantity }) => sum + quantity, 0);
  const hasTotal = order.total_cents != null;
  return el(
    "li",
    {},
    el("a", { href: address }, `Order of ${instant(order.created_at)}`),
    el("span", { class: "small" }, units(count)),
    el("span", { class: `badge ${statusTone(order)}` }, order.status_text.label),
    hasTotal && el("span", { class: "price" }, price(order.total_cents, order.currency)),
  );
}
