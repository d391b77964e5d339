/** The catalogue. */

import { el } from "../dom.js";
import { price } from "../format.js";
import { addToBasket, picture, stockLabel } from "../parts.js";

const PROMISE =
  "If any step of your order fails, we undo the steps before it and refund your money.";

export async function productsView({ api, signal }) {
  const products = await api.listProducts(signal);
  const content = el(
    "div",
    {},
    el(
      "section",
      { class: "hero" },
      el("h1", {}, "A good desk, easy to order"),
      el("p", {}, PROMISE),
    ),
    el("h2", { class: "visually-hidden" }, "All products"),
    products.length > 0
      ? el("ul", { class: "cards" }, products.map(card))
      : el("p", {}, "The shelves are empty at the moment. Please come back later."),
  );
  return { title: "Products", content };
}

function card(product) {
  const address = `#/products/${encodeURIComponent(product.sku)}`;
  return el(
    "li",
    { class: "card" },
    picture(product),
    el("h3", {}, el("a", { href: address, class: "card-link" }, product.name)),
    el("p", { class: "card-text" }, product.description),
    el(
      "div",
      { class: "card-facts" },
      el("p", { class: "price" }, price(product.price_cents, product.currency)),
      stockLabel(product),
    ),
    el(
      "button",
      {
        type: "button",
        class: "button quiet",
        "aria-label": `Add to basket: ${product.name}`,
        disabled: product.available <= 0,
        onclick: () => addToBasket(product, 1),
      },
      "Add to basket",
    ),
  );
}
