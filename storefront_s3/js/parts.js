/** Pieces that several views share. */

import { ApiProblem, ApiUnreachable } from "./api.js";
import * as basket from "./basket.js";
import { announce, drawing, el } from "./dom.js";
import { stock } from "./format.js";
import { drawingFor, tintFor } from "./illustrations.js";
import { poll } from "./polling.js";
import { signInFrom } from "./routes.js";
import * as session from "./session.js";

/** Shoppers look at a product for longer than at an order under way. */
const STOCK_DELAYS = { first: 3000, longest: 20_000 };

/** The product's picture on its tinted ground. */
export function picture(product) {
  return el(
    "div",
    { class: `picture tint-${tintFor(product)}` },
    drawing(drawingFor(product), "picture-art"),
  );
}

/**
 * "In stock", "Only 3 left", "Sold out": `{label, show(available)}`. `needs` are what can be used
 * only while there is something to sell.
 */
export function stockLabel(available, needs) {
  const label = el("p");
  const show = (left) => {
    const { text, tone } = stock(left);
    label.className = `stock ${tone}`;
    label.textContent = text;
    for (const control of needs) control.disabled = left <= 0;
  };
  show(available);
  return { label, show };
}

/** Keeps showing what is left: `read()` asks the shop now and then, until `signal` aborts. */
export function followStock(read, signal) {
  const step = async () => {
    try {
      await read();
    } catch (error) {
      // What was last known stays; the checkout looks again.
      if (!(signal.aborted || error instanceof ApiProblem || error instanceof ApiUnreachable)) {
        throw error;
      }
    }
    return false;
  };
  poll(step, signal, STOCK_DELAYS);
}

/** Puts units in the basket and says so. */
export function addToBasket(product, quantity) {
  basket.add(product.sku, quantity);
  announce(`${quantity} × ${product.name} added to your basket.`);
}

/**
 * Minus, number, plus. `onChange(quantity)` is called with a whole number from 1 to the basket's
 * maximum; anything else that is typed springs back to the last good one.
 */
export function quantityField(name, quantity, onChange) {
  let current = quantity;
  const input = el("input", {
    type: "number",
    inputmode: "numeric",
    min: 1,
    max: basket.MAX_QUANTITY,
    value: quantity,
    "aria-label": `Quantity of ${name}`,
    onchange: () => choose(input.valueAsNumber),
  });
  function choose(wanted) {
    if (Number.isInteger(wanted) && wanted >= 1) {
      current = Math.min(wanted, basket.MAX_QUANTITY);
      onChange(current);
    }
    input.value = current;
  }
  const step = (sign, by, words) => {
    const label = `${words} ${name}`;
    const onclick = () => choose(current + by);
    return el("button", { type: "button", "aria-label": label, onclick }, sign);
  };
  const [less, more] = [step("−", -1, "One less"), step("+", 1, "One more")];
  return el("div", { class: "quantity" }, less, input, more);
}

/** A message in place of a view's content, with links or buttons to go on. */
export function notice(art, heading, text, ...actions) {
  return el(
    "section",
    { class: "notice" },
    drawing(art, "notice-art"),
    el("h1", {}, heading),
    [text].flat().map((paragraph) => el("p", {}, paragraph)),
    el("p", { class: "actions" }, actions),
  );
}

/**
 * An invitation to sign in and come back, such as `invitation("to see …")`; who was signed in reads
 * that the session has ended.
 */
export function invitation(purpose) {
  const link = el("a", { href: signInFrom(location.hash) }, "Sign in");
  const ended = session.ending() === "expired" && "Your session has ended. ";
  return el("span", {}, ended, link, ` ${purpose}.`);
}
