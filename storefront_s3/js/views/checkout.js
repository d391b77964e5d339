/**
 * Checkout: address, card, and the one button that places the order. The API validates the order,
 * so form and API cannot disagree; what it finds wrong is shown at the fields. The card is checked
 * here, since the API never gets it.
 */

import { ApiProblem, SignedOut } from "../api.js";
import * as basket from "../basket.js";
import { broken, hasToBeArmed, newCorrelationId, waysToBreakANewOrder } from "../breakage.js";
import { CARD_LABELS, cardForm } from "../card_form.js";
import * as attempt from "../checkout_attempt.js";
import { countries } from "../countries.js";
import { announce, el } from "../dom.js";
import { controlId, showProblem } from "../form_errors.js";
import { emptyFields, field, onSubmit, problemBox } from "../forms.js";
import { price, timeToRetry } from "../format.js";
import { invitation } from "../parts.js";
import { ESTIMATE_NOTE, estimate, withProducts } from "../priced.js";
import * as recentOrders from "../recent_orders.js";
import { signInFrom } from "../routes.js";
import * as session from "../session.js";
import { emptyBasket } from "./basket.js";
import { BREAK_IT, breakItField } from "./break_it.js";

/** Text fields by API name: label, the browser's autofill name, input type. */
const TEXT_FIELDS = {
  email: ["Email", "email", "email"],
  "shipping_address.street": ["Street and number", "address-line1", "text"],
  "shipping_address.city": ["City", "address-level2", "text"],
  "shipping_address.state": ["State or region", "address-level1", "text"],
  "shipping_address.zip_code": ["ZIP or postal code", "postal-code", "text"],
};
const COUNTRY = "shipping_address.country";
const OTHER_LABELS = { ...CARD_LABELS, [COUNTRY]: "Country", "payment.token": "Card" };
/** The name of the radio buttons that say when the order is paid. */
const PAYMENT = "payment";
const AS_GUEST = "to find this order in your account, or order as a guest";
const TEXTS = {
  busy: "Placing your order…",
  wrong: "Please check your order",
  refused: "The shop couldn’t take your order",
  safe: "Nothing was ordered or charged, and your basket is safe.",
  lost:
    "Your basket is safe. Please press the button again in a moment. Your order is placed only " +
    "once, even if the first try has reached us.",
};

export async function checkoutView({ api, signal }) {
  const title = "Checkout";
  if (basket.count() === 0) return { title, content: emptyBasket() };
  const [products, ways, account] = await Promise.all([
    api.listProducts(signal),
    waysToBreakANewOrder(api, signal),
    session.isSignedIn() ? api.getAccount(signal) : null,
  ]);
  const pricedLines = withProducts(basket.lines(), products);
  const content = el(
    "div",
    {},
    el("h1", {}, title),
    el("p", {}, account ? `You order as ${account.name}.` : invitation(AS_GUEST)),
    el(
      "div",
      { class: "checkout" },
      orderForm(api, pricedLines, ways, account, signal),
      orderSummary(pricedLines),
    ),
  );
  return { title, content };
}

function orderForm(api, pricedLines, ways, account, signal) {
  const typed = attempt.readDraft();
  const draft = { ...typed, email: typed.email || account?.email };
  const payment = paymentField(draft);
  const submit = el("button", { type: "submit", class: "button wide" }, "Place the order");
  const form = el(
    "form",
    {
      novalidate: true,
      "aria-label": "Checkout",
      oninput: () => attempt.saveDraft(Object.fromEntries(new FormData(form))),
    },
    problemBox(),
    el("fieldset", {}, el("legend", {}, "Contact"), textField("email", draft)),
    el(
      "fieldset",
      { class: "address" },
      el("legend", {}, "Delivery address"),
      Object.keys(TEXT_FIELDS)
        .filter((name) => name !== "email")
        .map((name) => textField(name, draft)),
      countryField(draft),
    ),
    payment.content,
    breakItField(ways, draft[BREAK_IT]),
    submit,
    el("p", { class: "small" }, "However often you press it, one checkout places one order."),
  );
  const send = async (fields) => {
    const order = broken(orderFrom(fields, payment.read().token), fields[BREAK_IT]);
    // In a sandbox, every order is placed so that it can still be broken on its own page.
    const correlationId = ways.length > 0 ? newCorrelationId() : null;
    if (hasToBeArmed(fields[BREAK_IT])) await api.armFailure(correlationId, fields[BREAK_IT]);
    const isGuest = !session.isSignedIn();
    const placed = await api.placeOrder(order, attempt.keyFor(order), correlationId);
    // An account's order is opened by who signs in to it, and by nobody else in this browser.
    if (isGuest) recentOrders.add(placed.order_id, placed.order_token);
    finish(placed.order_id, order.items, signal);
  };
  onSubmit(form, submit, TEXTS, send, {
    check: () => [...emptyFields(form), ...payment.read().errors],
    explain: (error) => signal.aborted || explain(error, form),
    labelOf: (name) => labelOf(name, pricedLines),
  });
  return form;
}

/** The order exists: its items must not be sent again. A shopper who went elsewhere stays there. */
function finish(orderId, items, signal) {
  attempt.finish();
  basket.takeOut(items);
  if (signal.aborted) announce("Your order is placed. You can find it under Orders.");
  // Replaces the checkout in the history: the way back leads to the shop, not to a spent form.
  else location.replace(`#/orders/${encodeURIComponent(orderId)}`);
}

/** Whether a failure has been shown in the checkout's own words. */
function explain(error, form) {
  if (error instanceof SignedOut) {
    const advice = [
      "Nothing was ordered or charged. ",
      el("a", { href: signInFrom(location.hash) }, "Sign in again"),
      " to order with your account, or press the button again to order as a guest.",
    ];
    showProblem(form, "Your session has ended", el("p", {}, advice));
    return true;
  }
  if (error instanceof ApiProblem && error.code === "UNPAID_ORDERS") {
    const advice = [
      "Nothing was ordered. Please pay this one now, or pay or cancel one of ",
      el("a", { href: "#/orders" }, "your orders"),
      `. Otherwise, try again ${timeToRetry(error.retryAfter)}.`,
    ];
    showProblem(form, "Too many of your orders wait for their payment", el("p", {}, advice));
    return true;
  }
  if (error instanceof ApiProblem && error.status === 409) {
    attempt.renewKey();
    const advice = [
      "This checkout was already sent with other contents. Please look at ",
      el("a", { href: "#/orders" }, "your orders"),
      " first; to place this one as well, press the button again.",
    ];
    showProblem(form, "There may be an order already", el("p", {}, advice));
    return true;
  }
  return false;
}

/** "Email", "Card number", or for `items[0].quantity` the product whose line it is. */
function labelOf(name, pricedLines) {
  const [, index, what] = name.match(/^items\[(\d+)\](?:\.(\w+))?$/) ?? [];
  const line = pricedLines[index];
  if (line) return `${line.product?.name ?? line.sku} in your basket: ${what ?? "line"}`;
  return TEXT_FIELDS[name]?.[0] ?? OTHER_LABELS[name] ?? name;
}

/** The body of POST /orders, from what is typed; without a token, of an order that is paid later. */
function orderFrom(fields, token) {
  const text = (name) => (fields[name] ?? "").trim();
  return {
    items: basket.lines().map(({ sku, quantity }) => ({ sku, quantity })),
    email: text("email"),
    shipping_address: {
      street: text("shipping_address.street"),
      city: text("shipping_address.city"),
      state: text("shipping_address.state"),
      zip_code: text("shipping_address.zip_code"),
      country: text(COUNTRY),
    },
    payment: token === null ? null : { token },
  };
}

function textField(name, draft) {
  const [label, autocomplete, type] = TEXT_FIELDS[name];
  return field(name, label, { type, autocomplete, value: draft[name] });
}

function countryField(draft) {
  const id = controlId(COUNTRY);
  const chosen = draft[COUNTRY] ?? new Intl.Locale(navigator.language).region;
  return el(
    "div",
    { class: `field ${id}` },
    el("label", { for: id }, "Country"),
    el(
      "select",
      { id, name: COUNTRY, autocomplete: "country", required: true },
      el("option", { value: "" }, "Choose a country"),
      countries().map(({ code, name }) =>
        el("option", { value: code, selected: code === chosen }, name),
      ),
    ),
  );
}

/** Pay now by card, or later: `{content, read()}`; `read` returns a null token for later. */
function paymentField(draft) {
  const card = cardForm();
  const isLater = () => content.querySelector(":checked").value === "later";
  const showCard = () => (card.content.hidden = isLater());
  const option = (value, title, effect) =>
    el(
      "label",
      { class: "option" },
      el("input", {
        type: "radio",
        name: PAYMENT,
        value,
        checked: value === (draft[PAYMENT] ?? "now"),
        onchange: showCard,
      }),
      el("span", {}, el("strong", {}, title), el("span", { class: "small" }, effect)),
    );
  const content = el(
    "fieldset",
    {},
    el("legend", {}, "Payment"),
    el(
      "div",
      { class: "options" },
      option("now", "Pay now", "With a card."),
      option("later", "Pay later", "We set your items aside; you pay on the order’s page."),
    ),
    card.content,
  );
  showCard();
  return { content, read: () => (isLater() ? { token: null, errors: [] } : card.read()) };
}

function orderSummary(pricedLines) {
  return el(
    "aside",
    { class: "sum", "aria-label": "Your order" },
    el("h2", {}, "Your order"),
    el(
      "ul",
      { class: "sum-lines" },
      pricedLines.map(({ sku, quantity, product }) =>
        el(
          "li",
          {},
          el("span", {}, `${quantity} × ${product?.name ?? `${sku} (no longer sold)`}`),
          product &&
            el("span", { class: "price" }, price(quantity * product.price_cents, product.currency)),
        ),
      ),
    ),
    el(
      "p",
      { class: "sum-line" },
      el("span", {}, "Estimated total"),
      el("span", { class: "price large" }, estimate(pricedLines)),
    ),
    el("p", { class: "small" }, ESTIMATE_NOTE),
    el("p", {}, el("a", { href: "#/basket" }, "Change the basket")),
  );
}
