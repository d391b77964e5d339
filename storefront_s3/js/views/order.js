/** One order, followed to its end: status in words, contents, and the timeline of what happened. */

import { ApiProblem, ApiUnreachable } from "../api.js";
import * as basket from "../basket.js";
import { drawing, el } from "../dom.js";
import { instant, price } from "../format.js";
import { eventTone, hasEnded, moneyWords, reasonWords, statusWords } from "../order_words.js";
import { poll } from "../polling.js";
import { notFound } from "./trouble.js";

/**
 * Other services' last events reach the timeline after the order has ended: it is complete once it
 * has stayed the same for this many readings.
 */
const QUIET_READINGS = 3;

export async function orderView({ api, params: [orderId], signal }) {
  let order, events, names;
  try {
    [order, events, names] = await Promise.all([
      api.getOrder(orderId, signal),
      api.getTimeline(orderId, signal),
      productNames(api, signal),
    ]);
  } catch (error) {
    if (!(error instanceof ApiProblem && error.status === 404)) throw error;
    const text = `No order has the number “${orderId}”. Please check the link.`;
    return { title: "Unknown order", content: notFound("We don’t know this order", text) };
  }
  const page = orderPage(orderId, names);
  page.show({ order, events });
  follow(api, orderId, page, signal, { order, events });
  return { title: `Order ${orderId}`, content: page.content };
}

/** Names by SKU. An order stands without them, so a catalogue that fails doesn't hide the order. */
async function productNames(api, signal) {
  try {
    return new Map((await api.listProducts(signal)).map(({ sku, name }) => [sku, name]));
  } catch (error) {
    if (error instanceof ApiProblem || error instanceof ApiUnreachable) return new Map();
    throw error;
  }
}

function follow(api, orderId, page, signal, { order, events }) {
  let known = JSON.stringify([order, events]);
  let quietReadings = 0;
  return poll(async () => {
    try {
      [order, events] = await Promise.all([
        api.getOrder(orderId, signal),
        api.getTimeline(orderId, signal),
      ]);
    } catch (error) {
      if (signal.aborted) return true;
      if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
      page.show({ order, events, hasContact: false });
      return false;
    }
    const now = JSON.stringify([order, events]);
    quietReadings = hasEnded(order) && now === known ? quietReadings + 1 : 0;
    known = now;
    const isSettled = quietReadings >= QUIET_READINGS;
    page.show({ order, events, isSettled });
    return isSettled;
  }, signal);
}

function orderPage(orderId, names) {
  const statusBox = el("div", { class: "status", role: "status" });
  const actionRow = el("p", { class: "actions" });
  const itemBox = el("div");
  const entryList = el("ol", { class: "timeline" });
  const content = el(
    "article",
    { class: "order" },
    el(
      "header",
      {},
      el("h1", {}, "Your order"),
      el("p", { class: "small order-number" }, "Order number ", el("code", {}, orderId)),
    ),
    el("section", { "aria-label": "Status" }, statusBox, actionRow),
    panel("What you ordered", itemBox),
    panel("What happened", entryList),
  );
  const showStatus = whenChanged((...state) => drawStatus(statusBox, ...state));
  const showActions = whenChanged((order) => actionRow.replaceChildren(...actionsFor(order)));
  const showItems = whenChanged((order) => itemBox.replaceChildren(itemTable(order, names)));
  const showTimeline = whenChanged((events) => entryList.replaceChildren(...events.map(entry)));
  return {
    content,
    show({ order, events, isSettled = false, hasContact = true }) {
      const { status, reason, items, total_cents, currency } = order;
      showStatus({ status, reason }, moneyWords(order, events, isSettled), hasContact);
      showActions({ status, items });
      showItems({ items, total_cents, currency });
      showTimeline(events);
    },
  };
}

/**
 * `draw`, called only when its arguments are others than before: what is drawn anew is read out
 * again by a screen reader, and loses the focus.
 */
function whenChanged(draw) {
  let last;
  return (...state) => {
    const now = JSON.stringify(state);
    if (now === last) return;
    last = now;
    draw(...state);
  };
}

function panel(heading, content) {
  return el("section", { class: "panel", "aria-label": heading }, el("h2", {}, heading), content);
}

function drawStatus(box, order, money, hasContact) {
  const { tone, headline, text } = statusWords(order);
  box.className = `status ${tone}`;
  const lines = [reasonWords(order), money, text].filter(Boolean);
  const words = el(
    "div",
    {},
    el("p", { class: "headline" }, headline),
    lines.map((line) => el("p", {}, line)),
    !hasContact && el("p", {}, "We’ve lost contact with the shop and keep trying."),
  );
  box.replaceChildren(drawing(`status-${tone}`, "status-art"), words);
}

function actionsFor(order) {
  if (order.status === "CANCELLED") {
    const refill = () => {
      for (const { sku, quantity } of order.items) basket.add(sku, quantity);
      location.hash = "#/basket";
    };
    const properties = { type: "button", class: "button quiet", onclick: refill };
    return [el("button", properties, "Put it back in the basket")];
  }
  return hasEnded(order) ? [el("a", { class: "button quiet", href: "#/" }, "Keep shopping")] : [];
}

/** Prices are the shop's; until it has confirmed them there are none. */
function itemTable(order, names) {
  const money = (amount) => (amount == null ? "—" : price(amount, order.currency));
  return el(
    "table",
    { class: "items" },
    el(
      "thead",
      {},
      el("tr", {}, ["Product", "Quantity", "Price"].map((name) => el("th", { scope: "col" }, name))),
    ),
    el(
      "tbody",
      {},
      order.items.map(({ sku, name, quantity, unit_price_cents: unitPrice }) =>
        el(
          "tr",
          {},
          el("td", {}, name ?? names.get(sku) ?? sku),
          el("td", {}, String(quantity)),
          el("td", {}, money(unitPrice == null ? null : unitPrice * quantity)),
        ),
      ),
    ),
    el(
      "tfoot",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "row", colspan: 2 }, "Total"),
        el("td", { class: "price" }, money(order.total_cents)),
      ),
    ),
  );
}

function entry({ type, summary, occurred_at: occurredAt }) {
  return el(
    "li",
    { class: eventTone(type) },
    el("p", {}, summary),
    el("time", { datetime: occurredAt, class: "small" }, instant(occurredAt)),
  );
}
