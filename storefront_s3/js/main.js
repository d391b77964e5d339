/**
 * Starts the shop and shows the view that the address names (`#/…`). A view is a function
 * `async ({api, params, signal, refresh}) => ({title, content})`; `signal` aborts when the shopper
 * moves on, and whatever the view throws is shown as a message with a way to try again.
 */

import { connect } from "./api.js";
import * as basket from "./basket.js";
import { readUrls } from "./config.js";
import { el, hideAnnouncement } from "./dom.js";
import { units } from "./format.js";
import * as recentOrders from "./recent_orders.js";
import { basketView } from "./views/basket.js";
import { ordersView } from "./views/orders.js";
import { productView } from "./views/product.js";
import { productsView } from "./views/products.js";
import { notFoundView, troubleView } from "./views/trouble.js";

/** Views that the first page can do without. */
const checkoutView = async (visit) => (await import("./views/checkout.js")).checkoutView(visit);
const orderView = async (visit) => (await import("./views/order.js")).orderView(visit);

/** Address, view, and the entry of the main menu that it belongs to. */
const ROUTES = [
  [/^#\/$/, productsView, "products"],
  [/^#\/products\/([^/]+)$/, productView, "products"],
  [/^#\/basket$/, basketView, "basket"],
  [/^#\/checkout$/, checkoutView, "basket"],
  [/^#\/orders$/, ordersView, "orders"],
  [/^#\/orders\/([^/]+)$/, orderView, "orders"],
];

const main = document.getElementById("main");
let api = null;
let visit = new AbortController();

/** Shows the current address's view; `focus` moves the reader to it, as a new page would. */
async function show({ focus }) {
  visit.abort();
  visit = new AbortController();
  const { signal } = visit;
  main.setAttribute("aria-busy", "true");
  keepToken();
  const { view, params, menu } = match(location.hash || "#/");
  markMenu(menu);
  let shown;
  try {
    api ??= connect(await readUrls(), recentOrders.tokenOf);
    shown = await view({ api, params, signal, refresh: () => show({ focus: true }) });
  } catch (error) {
    if (signal.aborted) return;
    shown = troubleView(error, () => show({ focus: true }));
  }
  if (signal.aborted) return;
  document.title = `${shown.title} · sagashop`;
  main.replaceChildren(shown.content);
  main.removeAttribute("aria-busy");
  if (focus) focusHeading();
}

/** A mail's link carries the order's token: keeps it, and takes it out of the address. */
function keepToken() {
  const found = location.hash.match(/^(#\/orders\/([^/?]+))\?token=([\w.-]+)$/);
  if (!found) return;
  const [, address, orderId, token] = found;
  recentOrders.add(decode(orderId), token);
  history.replaceState(null, "", address);
}

function match(hash) {
  for (const [pattern, view, menu] of ROUTES) {
    const found = hash.match(pattern);
    if (found) return { view, menu, params: found.slice(1).map(decode) };
  }
  return { view: notFoundView, menu: null, params: [] };
}

/** A mistyped address may hold a lone `%`; it then stands for itself. */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function focusHeading() {
  window.scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function markMenu(current) {
  for (const link of document.querySelectorAll("[data-route]")) {
    if (link.dataset.route === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function showBasketCount() {
  const count = basket.count();
  const badge = document.getElementById("basket-count");
  badge.hidden = count === 0;
  badge.replaceChildren(
    el("span", { "aria-hidden": "true" }, String(count)),
    el("span", { class: "visually-hidden" }, `(${units(count)})`),
  );
}

basket.onChange(({ elsewhere }) => {
  showBasketCount();
  if (elsewhere && /^#\/(basket|checkout)$/.test(location.hash)) show({ focus: false });
});

// The hash is the route, so links within a page (`href="#email"`) move the focus by hand.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]:not([href^="#/"])');
  if (!link) return;
  event.preventDefault();
  document.getElementById(link.getAttribute("href").slice(1)).focus();
});

window.addEventListener("hashchange", () => {
  hideAnnouncement();
  show({ focus: true });
});
showBasketCount();
show({ focus: false });
