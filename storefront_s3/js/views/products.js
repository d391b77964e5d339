/** The catalogue, with a search. */

import { el } from "../dom.js";
import { price } from "../format.js";
import { addToBasket, followStock, picture, stockLabel } from "../parts.js";

const PROMISE =
  "If any step of your order fails, we undo the steps before it and refund your money.";

export async function productsView({ api, signal }) {
  const products = await api.listProducts(signal);
  const cards = products.map(card);
  const bySku = new Map(cards.map((each) => [each.sku, each]));
  followStock(async () => {
    for (const { sku, available } of await api.listProducts(signal)) {
      bySku.get(sku)?.showStock(available);
    }
  }, signal);
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
      ? [
          search(cards),
          el("ul", { class: "cards" }, cards.map(({ item }) => item)),
        ]
      : el("p", {}, "The shelves are empty at the moment. Please come back later."),
  );
  return { title: "Products", content };
}

/** Shows the cards that have every word of what is typed, and says how many there are. */
function search(cards) {
  const found = el("p", { class: "small", role: "status" });
  const find = ({ target }) => {
    const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { item, text } of cards) item.hidden = !words.every((word) => text.includes(word));
    const count = cards.filter(({ item }) => !item.hidden).length;
    found.textContent = words.length > 0 ? foundInWords(count) : "";
  };
  return el(
    "search",
    { class: "search" },
    el("label", { for: "search", class: "visually-hidden" }, "Search products"),
    el("input", {
      id: "search",
      type: "search",
      placeholder: "Search products",
      autocomplete: "off",
      oninput: find,
    }),
    found,
  );
}

function foundInWords(count) {
  if (count === 0) return "Nothing found. Try fewer or other words.";
  return count === 1 ? "1 product found" : `${count} products found`;
}

/** `{sku, text, item, showStock(available)}`; `text` is what a search looks through. */
function card(product) {
  const { sku, name, description } = product;
  const add = el(
    "button",
    {
      type: "button",
      class: "button quiet",
      "aria-label": `Add to basket: ${name}`,
      onclick: () => addToBasket(product, 1),
    },
    "Add to basket",
  );
  const stock = stockLabel(product.available, [add]);
  const item = el(
    "li",
    { class: "card" },
    picture(product),
    el(
      "h3",
      {},
      el("a", { href: `#/products/${encodeURIComponent(sku)}`, class: "card-link" }, name),
    ),
    el("p", { class: "card-text" }, description),
    el(
      "div",
      { class: "card-facts" },
      el("p", { class: "price" }, price(product.price_cents, product.currency)),
      stock.label,
    ),
    add,
  );
  const text = `${name} ${description} ${sku}`.toLowerCase();
  return { sku, text, item, showStock: stock.show };
}
