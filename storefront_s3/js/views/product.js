/** One product. */

import { ApiProblem } from "../api.js";
import { el } from "../dom.js";
import { price } from "../format.js";
import { addToBasket, picture, quantityField, stockLabel } from "../parts.js";
import { notFound } from "./trouble.js";

export async function productView({ api, params: [sku], signal }) {
  let product;
  try {
    product = await api.getProduct(sku, signal);
  } catch (error) {
    if (!(error instanceof ApiProblem && error.status === 404)) throw error;
    const content = notFound("We don’t sell this", `No product has the number “${sku}”.`);
    return { title: "Unknown product", content };
  }
  return { title: product.name, content: page(product) };
}

function page(product) {
  const isSoldOut = product.available <= 0;
  let quantity = 1;
  return el(
    "article",
    { class: "product" },
    picture(product),
    el(
      "div",
      { class: "product-text" },
      el("p", { class: "back" }, el("a", { href: "#/" }, "All products")),
      el("h1", {}, product.name),
      el("p", { class: "price large" }, price(product.price_cents, product.currency)),
      stockLabel(product),
      el("p", { class: "lead" }, product.description),
      el(
        "div",
        { class: "buy" },
        !isSoldOut && quantityField(product.name, 1, (chosen) => (quantity = chosen)),
        el(
          "button",
          {
            type: "button",
            class: "button",
            disabled: isSoldOut,
            onclick: () => addToBasket(product, quantity),
          },
          "Add to basket",
        ),
        el("a", { href: "#/basket" }, "Go to the basket"),
      ),
      el("p", { class: "small" }, `Article number ${product.sku}`),
    ),
  );
}
