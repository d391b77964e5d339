/**
 * Starts the shop and shows the view that the address names (`#/…`). A view is a function
 * `async ({api, params, signal, refresh}) => ({title, content})`; `signal` aborts when the shopper
 * moves on, and whatever the view throws is shown as a message with a way to try again.
 */

import { SignedOut, connect } from "./api.js";
import * as basket from "./basket.js";
import { discardDraft } from "./checkout_attempt.js";
import { readUrls } from "./config.js";
import { el, hideAnnouncement } from "./dom.js";
import { units } from "./format.js";
import * as recentOrders from "./recent_orders.js";
import { decode, match, signInFrom } from "./routes.js";
import * as session from "./session.js";
import { basketView } from "./views/basket.js";
import { productView } from "./views/product.js";
import { productsView } from "./views/products.js";
import { notFoundView, troubleView } from "./views/trouble.js";

/** By the routes' names. What the first page can do without is loaded when it is needed. */
const VIEWS = {
  products: productsView,
  product: productView,
  basket: basketView,
  checkout: async (visit) => (await import("./views/checkout.js")).checkoutView(visit),
  orders: async (visit) => (await import("./views/orders.js")).ordersView(visit),
  order: async (visit) => (await import("./views/order.js")).orderView(visit),
  signIn: async (visit) => (await import("./views/sign_in.js")).signInView(visit),
  register: async (visit) => (await import("./views/register.js")).registerView(visit),
  account: async (visit) => (await import("./views/account.js")).accountView(visit),
};
const UNKNOWN = { name: null, menu: null, params: [] };
/** The views that another tab's changes concern: of the basket, and of who is signed in. */
const OF_THE_BASKET = ["basket", "checkout"];
const OF_THE_ACCOUNT = ["checkout", "orders", "order", "signIn", "register", "account"];

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
  const { name, params, menu } = current();
  const view = VIEWS[name] ?? notFoundView;
  markMenu(menu);
  showAccount();
  let shown;
  try {
    api ??= connect(await readUrls(), recentOrders.tokenOf);
    shown = await view({ api, params, signal, refresh: () => show({ focus: true }) });
  } catch (error) {
    if (signal.aborted) return;
    // The session ended while the view was read: it says so, or shows what anybody may see.
    if (error instanceof SignedOut) return show({ focus });
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

function current() {
  return match(location.hash.slice(1) || "/") ?? UNKNOWN;
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

/** The menu's last entry leads to the account, or to where one signs in. */
function showAccount() {
  const link = document.getElementById("account-link");
  const isSignedIn = session.isSignedIn();
  link.textContent = isSignedIn ? "Account" : "Sign in";
  link.href = isSignedIn ? "#/account" : signInFrom(location.hash);
}

basket.onChange(({ elsewhere }) => {
  showBasketCount();
  if (elsewhere && OF_THE_BASKET.includes(current().name)) show({ focus: false });
});

session.onChange(({ elsewhere }) => {
  showAccount();
  // Whoever signs out leaves no address behind; whose session expired may go on.
  if (!session.isSignedIn() && session.ending() !== "expired") discardDraft();
  const { name } = current();
  // Nor can an order be followed any longer when its owner's session ends.
  const concerns = elsewhere ? OF_THE_ACCOUNT.includes(name) : name === "order";
  if (concerns) show({ focus: false });
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
