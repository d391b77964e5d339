/**
 * One order, followed to its end: its status, what can be done about it, its contents, and the
 * timeline of what happened.
 */

import { ApiProblem, ApiUnreachable } from "../api.js";
import * as basket from "../basket.js";
import { canBeBroken } from "../breakage.js";
import { announce, drawing, el } from "../dom.js";
import { follow } from "../following.js";
import { instant, price } from "../format.js";
import { awaitsPayment, canBeCancelled, eventTone, hasEnded, statusTone } from "../order_state.js";
import { invitation } from "../parts.js";
import * as session from "../session.js";
import { breakItPanel } from "./break_it.js";
import { cancellation } from "./cancellation.js";
import { paymentForm } from "./payment.js";
import { storyPanel } from "./story.js";
import { notFound } from "./trouble.js";

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
    return { title: "Unknown order", content: unknownOrder(orderId) };
  }
  const entryList = el("ol", { class: "timeline" });
  const story = storyPanel(entryList, (reading) => api.getSaga(orderId, reading), signal);
  const correlationId = events[0]?.correlation_id;
  const breakIt = breakItPanel(api, (name) => api.armFailure(correlationId, name), signal);
  const page = orderPage(orderId, names, entryList, story, breakIt, {
    pay: async (token) => {
      await api.payForOrder(orderId, token);
      announce("We received your card and are taking the payment.");
      following.hurry();
    },
    cancel: async () => {
      await api.cancelOrder(orderId);
      announce("Your order is being cancelled.");
      following.hurry();
    },
  });
  page.show({ order, events });
  const following = follow(api, orderId, page, signal, { order, events });
  return { title: `Order ${orderId}`, content: page.content };
}

/** There is none, or it is somebody else's: the shop does not tell which. */
function unknownOrder(orderId) {
  const none = `No order has the number “${orderId}”, or you may not open it.`;
  const link = "Please use the link in our mail.";
  const owner = "if it is an order of your account";
  const text = session.isSignedIn() ? [none, link] : [none, link, invitation(owner)];
  return notFound("We don’t know this order", text);
}

/** Names by SKU. The page works without them, so a failing catalogue doesn't hide the order. */
async function productNames(api, signal) {
  try {
    return new Map((await api.listProducts(signal)).map(({ sku, name }) => [sku, name]));
  } catch (error) {
    if (error instanceof ApiProblem || error instanceof ApiUnreachable) return new Map();
    throw error;
  }
}

function orderPage(orderId, names, entryList, story, breakIt, { pay, cancel }) {
  const heading = el("h1", { tabindex: "-1" }, "Your order");
  const statusBox = el("div", { class: "status", role: "status" });
  const actionRow = el("div", { class: "actions" });
  const paymentBox = panel("Pay for your order");
  const deliveryBox = panel("Delivery");
  const itemBox = panel("What you ordered");
  const content = el(
    "article",
    { class: "order" },
    el(
      "header",
      {},
      heading,
      el("p", { class: "small order-number" }, "Order number ", el("code", {}, orderId)),
    ),
    el("section", { "aria-label": "Status" }, statusBox, actionRow),
    paymentBox.section,
    deliveryBox.section,
    itemBox.section,
    story.section,
    breakIt.section,
  );
  /** Moves the focus to the page's heading when the element that has it is replaced. */
  const replace = (box, ...nodes) => {
    const hadFocus = box.contains(document.activeElement);
    box.replaceChildren(...nodes);
    if (hadFocus) heading.focus();
  };
  const showStatus = whenChanged((...state) => drawStatus(statusBox, ...state));
  const showActions = whenChanged((order) =>
    replace(actionRow, ...(order ? actionsFor(order) : [cancellation(cancel)])),
  );
  const showPayment = whenChanged((order) => {
    replace(paymentBox.body, ...(order ? [paymentForm(order, pay)] : []));
    paymentBox.section.hidden = !order;
  });
  const showDelivery = whenChanged((shipment) => {
    deliveryBox.body.replaceChildren(...(shipment ? [delivery(shipment)] : []));
    deliveryBox.section.hidden = !shipment;
  });
  const showItems = whenChanged((order) => itemBox.body.replaceChildren(itemTable(order, names)));
  const showTimeline = whenChanged((events) => entryList.replaceChildren(...events.map(entry)));
  const showSaga = whenChanged(story.orderChanged);
  const showBreakIt = whenChanged(breakIt.show);
  return {
    content,
    show({ order, events, hasContact = true }) {
      const { status, status_text, reason, items, total_cents, currency, payment_due_at } = order;
      showStatus({ tone: statusTone(order), ...status_text, reason: reason?.message }, hasContact);
      showActions(canBeCancelled(order) ? null : { status, items });
      showPayment(awaitsPayment(order) && { total_cents, currency, payment_due_at });
      showDelivery(order.shipment ?? null);
      showItems({ items, total_cents, currency });
      showTimeline(events);
      showSaga(order, events);
      showBreakIt(canBeCancelled(order) && canBeBroken(events[0]?.correlation_id));
    },
  };
}

/**
 * `draw`, called only when its arguments have changed: a screen reader reads out again what is
 * redrawn, and redrawing loses the focus.
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

/** A section with a heading of its own: `{section, body}`. */
function panel(heading, body = el("div")) {
  const properties = { class: "panel", "aria-label": heading };
  return { section: el("section", properties, el("h2", {}, heading), body), body };
}

function drawStatus(box, { tone, headline, detail, reason }, hasContact) {
  box.className = `status ${tone}`;
  const words = el(
    "div",
    {},
    el("p", { class: "headline" }, headline),
    [reason, detail].filter(Boolean).map((line) => el("p", {}, line)),
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

function delivery({ carrier, tracking_number: trackingNumber }) {
  return el(
    "dl",
    { class: "facts" },
    el("div", {}, el("dt", {}, "Carrier"), el("dd", {}, carrier)),
    el("div", {}, el("dt", {}, "Tracking number"), el("dd", {}, el("code", {}, trackingNumber))),
  );
}

/** The shop sets the prices; until it has, there are none. */
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
