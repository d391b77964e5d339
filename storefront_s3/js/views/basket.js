/** The basket: quantities, removal, and what it will cost by today's prices. */

import * as basket from "../basket.js";
import { announce, el } from "../dom.js";
import { price, shortage } from "../format.js";
import { notice, picture, quantityField } from "../parts.js";
import { ESTIMATE_NOTE, estimate, withProducts } from "../priced.js";

export async function basketView({ api, signal, refresh }) {
  const title = "Your basket";
  if (basket.count() === 0) return { title, content: emptyBasket() };
  const products = await api.listProducts(signal);
  const total = el("output", { class: "price large" });
  const priceAll = () => withProducts(basket.lines(), products);
  const showTotal = () => total.replaceChildren(estimate(priceAll()));
  showTotal();
  const content = el(
    "div",
    {},
    el("h1", {}, title),
    el("ul", { class: "lines" }, priceAll().map((line) => lineItem(line, showTotal, refresh))),
    el(
      "section",
      { class: "sum", "aria-label": "Total" },
      el("p", { class: "sum-line" }, el("span", {}, "Estimated total"), total),
      el("p", { class: "small" }, ESTIMATE_NOTE),
      el(
        "p",
        { class: "actions" },
        el("a", { class: "button", href: "#/checkout" }, "Check out"),
        el("a", { class: "button quiet", href: "#/" }, "Keep shopping"),
      ),
    ),
  );
  return { title, content };
}

export function emptyBasket() {
  const shop = el("a", { class: "button", href: "#/" }, "See the products");
  const text = "What you put in it stays here, even when you close the page.";
  return notice("basket", "Your basket is empty", text, shop);
}

function lineItem({ sku, quantity, product }, showTotal, refresh) {
  const name = product?.name ?? sku;
  const remove = el(
    "button",
    {
      type: "button",
      class: "link",
      onclick: () => {
        basket.remove(sku);
        announce(`${name} removed from your basket.`);
        refresh();
      },
    },
    "Remove",
    el("span", { class: "visually-hidden" }, ` ${name}`),
  );
  if (!product) {
    const gone = el("p", { class: "line-name" }, `${sku} is no longer sold.`);
    return el("li", { class: "line" }, gone, remove);
  }
  const amount = el("p", { class: "price" });
  const warning = el("p", { class: "stock bad", role: "status" });
  const showLine = (chosen) => {
    amount.textContent = price(chosen * product.price_cents, product.currency);
    warning.textContent = shortage(chosen, product.available);
  };
  showLine(quantity);
  return el(
    "li",
    { class: "line" },
    picture(product),
    el(
      "div",
      { class: "line-name" },
      el("a", { href: `#/products/${encodeURIComponent(sku)}` }, name),
      el("p", { class: "small" }, `${price(product.price_cents, product.currency)} each`),
      warning,
    ),
    quantityField(name, quantity, (chosen) => {
      basket.setQuantity(sku, chosen);
      showLine(chosen);
      showTotal();
    }),
    amount,
    remove,
  );
}
