/**
 * Checkout: address, test card, and the one button that places the order. Only the API validates the
 * order, so form and API cannot disagree; what it finds wrong is shown at the fields.
 */

import { ApiProblem, ApiUnreachable } from "../api.js";
import * as basket from "../basket.js";
import { broken, hasToBeArmed, newCorrelationId, waysToBreakANewOrder } from "../breakage.js";
import { TOKEN, cardChoice } from "../card_choice.js";
import * as attempt from "../checkout_attempt.js";
import { countries } from "../countries.js";
import { announce, el } from "../dom.js";
import { clearErrors, controlId, showFieldErrors, showProblem } from "../form_errors.js";
import { price } from "../format.js";
import { ESTIMATE_NOTE, estimate, withProducts } from "../priced.js";
import * as recentOrders from "../recent_orders.js";
import { PAY_LATER, TEST_CARDS } from "../test_cards.js";
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
const OTHER_NAMES = { [COUNTRY]: "Country", [TOKEN]: "Test card" };

export async function checkoutView({ api, signal }) {
  const title = "Checkout";
  if (basket.count() === 0) return { title, content: emptyBasket() };
  const [products, ways] = await Promise.all([
    api.listProducts(signal),
    waysToBreakANewOrder(api, signal),
  ]);
  const pricedLines = withProducts(basket.lines(), products);
  const content = el(
    "div",
    {},
    el("h1", {}, title),
    el(
      "div",
      { class: "checkout" },
      orderForm(api, pricedLines, ways, signal),
      orderSummary(pricedLines),
    ),
  );
  return { title, content };
}

function orderForm(api, pricedLines, ways, signal) {
  const draft = attempt.readDraft();
  const submit = el("button", { type: "submit", class: "button wide" }, "Place the order");
  const form = el(
    "form",
    {
      novalidate: true,
      "aria-label": "Checkout",
      oninput: () => attempt.saveDraft(fieldsOf(form)),
    },
    el("div", { class: "form-problem", role: "alert", tabindex: "-1", hidden: true }),
    el("fieldset", {}, el("legend", {}, "Contact"), textField("email", draft)),
    el(
      "fieldset",
      { class: "address" },
      el("legend", {}, "Delivery address"),
      Object.keys(TEXT_FIELDS)
        .filter((field) => field !== "email")
        .map((field) => textField(field, draft)),
      countryField(draft),
    ),
    cardField(draft),
    breakItField(ways, draft[BREAK_IT]),
    submit,
    el("p", { class: "small" }, "However often you press it, one checkout places one order."),
  );

  let isSending = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    // Not `disabled`: that would throw the keyboard focus away.
    submit.setAttribute("aria-disabled", "true");
    submit.textContent = "Placing your order…";
    clearErrors(form);
    try {
      const fields = fieldsOf(form);
      const order = broken(orderFrom(fields), fields[BREAK_IT]);
      // In a sandbox, every order is placed so that it can still be broken on its own page.
      const correlationId = ways.length > 0 ? newCorrelationId() : null;
      if (hasToBeArmed(fields[BREAK_IT])) await api.armFailure(correlationId, fields[BREAK_IT]);
      const key = attempt.keyFor(order);
      finish(await api.placeOrder(order, key, correlationId), order.items, signal);
    } catch (error) {
      if (!signal.aborted) explain(error, form, pricedLines);
    } finally {
      isSending = false;
      submit.removeAttribute("aria-disabled");
      submit.textContent = "Place the order";
    }
  });
  return form;
}

/** The order exists: its items must not be sent again. A shopper who went elsewhere stays there. */
function finish({ order_id: orderId, order_token: token }, items, signal) {
  attempt.finish();
  basket.takeOut(items);
  recentOrders.add(orderId, token);
  if (signal.aborted) announce("Your order is placed. You can find it under Orders.");
  // Replaces the checkout in the history: the way back leads to the shop, not to a spent form.
  else location.replace(`#/orders/${encodeURIComponent(orderId)}`);
}

function explain(error, form, pricedLines) {
  if (error instanceof ApiUnreachable) {
    const advice =
      "Please check your connection and press the button again. Your order is placed only once, " +
      "even if the first try has reached us.";
    showProblem(form, "We couldn’t reach the shop", el("p", {}, advice));
  } else if (error instanceof ApiProblem && error.errors.length > 0) {
    const nameOf = (field) => nameOfField(field, pricedLines);
    showFieldErrors(form, "Please check your order", error.errors, nameOf);
  } else if (error instanceof ApiProblem && error.status === 409) {
    attempt.renewKey();
    const advice = [
      "This checkout was already sent with other contents. Please look at ",
      el("a", { href: "#/orders" }, "your orders"),
      " first; to place this one as well, press the button again.",
    ];
    showProblem(form, "There may be an order already", el("p", {}, advice));
  } else if (error instanceof ApiProblem) {
    const advice =
      "Your basket is safe. Please press the button again in a moment; your order is placed only " +
      "once.";
    const paragraphs = [error.message, advice].map((text) => el("p", {}, text));
    showProblem(form, "The shop couldn’t take your order", ...paragraphs);
  } else {
    throw error;
  }
}

/** "Email", "Test card", or for `items[0].quantity` the product whose line it is. */
function nameOfField(field, pricedLines) {
  const [, index, what] = field.match(/^items\[(\d+)\](?:\.(\w+))?$/) ?? [];
  const line = pricedLines[index];
  if (line) return `${line.product?.name ?? line.sku} in your basket: ${what ?? "line"}`;
  return TEXT_FIELDS[field]?.[0] ?? OTHER_NAMES[field] ?? field;
}

/** What is typed and chosen: `{"shipping_address.city": "Lyon", …}`. */
function fieldsOf(form) {
  return Object.fromEntries(new FormData(form));
}

/** The body of POST /orders. */
function orderFrom(fields) {
  const text = (field) => (fields[field] ?? "").trim();
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
    payment: text(TOKEN) === PAY_LATER.token ? null : { token: text(TOKEN) },
  };
}

function textField(field, draft) {
  const [label, autocomplete, type] = TEXT_FIELDS[field];
  const id = controlId(field);
  return el(
    "div",
    { class: `field ${id}` },
    el("label", { for: id }, label),
    el("input", { id, name: field, type, autocomplete, required: true, value: draft[field] }),
  );
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

function cardField(draft) {
  const chosen = draft[TOKEN] ?? TEST_CARDS[0].token;
  return el(
    "fieldset",
    {},
    el("legend", {}, "Payment"),
    el("p", { class: "small" }, "Sandbox test cards: each plays one scenario; no real money moves."),
    cardChoice([...TEST_CARDS, PAY_LATER], chosen, controlId(TOKEN)),
  );
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
