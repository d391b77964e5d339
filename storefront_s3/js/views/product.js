/** One product. */

import { ApiProblem } from "../api.js";
import { el } from "../dom.js";
import { price } from "../format.js";
import { addToBasket, followStock, picture, quantityField, stockLabel } from "../parts.js";
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
  const { content, showStock } = page(product);
  followStock(async () => showStock((await api.getProduct(sku, signal)).available), signal);
  return { title: product.name, content };
}

/** `{content, showStock(available)}`. */
function page(product) {
  let quantity = 1;
  const buy = el(
    "button",
    { type: "button", class: "button", onclick: () => addToBasket(product, quantity) },
    "Add to basket",
  );
  const stock = stockLabel(product.available, [buy]);
  const content = el(
    "article",
    { class: "product" },
    picture(product),
    el(
      "div",
      { class: "product-text" },
      el("p", { class: "back" }, el("a", { href: "#/" }, "All products")),
      el("h1", {}, product.name),
      el("p", { class: "price large" }, price(product.price_cents, product.currency)),
      stock.label,
      el("p", { class: "lead" }, product.description),
      el(
        "div",
        { class: "buy" },
        quantityField(product.name, 1, (chosen) => (quantity = chosen)),
        buy,
        el("a", { href: "#/basket" }, "Go to the basket"),
      ),
      el("p", { class: "small" }, `Article number ${product.sku}`),
    ),
  );
  return { content, showStock: stock.show };
}
