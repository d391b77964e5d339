/** Pays for an order that awaits its payment: the time that is left, a card, and one button. */

import { CARD_LABELS, cardForm } from "../card_form.js";
import { el } from "../dom.js";
import { onSubmit, problemBox } from "../forms.js";
import { duration, price } from "../format.js";

const TIME_IS_UP = "The time to pay is up. A payment may now come too late.";
const TEXTS = {
  busy: "Paying…",
  labels: { ...CARD_LABELS, token: "Card" },
  wrong: "Please check your card",
  refused: "We couldn’t take the payment",
  safe: "This try has charged nothing.",
  lost: "Please press the button again. You pay only once, even if the first try reached us.",
};

/** A form for the order; `pay(token)` resolves once the shop has taken the card, or throws. */
export function paymentForm(order, pay) {
  const total = order.total_cents == null ? "" : price(order.total_cents, order.currency);
  const card = cardForm();
  const submit = el("button", { type: "submit", class: "button wide" }, `Pay ${total}`.trim());
  const form = el(
    "form",
    { novalidate: true, "aria-label": "Payment" },
    problemBox(),
    countdown(order.payment_due_at),
    card.content,
    submit,
  );
  onSubmit(form, submit, TEXTS, () => pay(card.read().token), { check: () => card.read().errors });
  return form;
}

/**
 * The time that is left. A screen reader does not read it out every second, but finds it beside the
 * card. Only the shop decides what is too late: this clock may be wrong.
 */
function countdown(dueAt) {
  const line = el("p", { class: "countdown", role: "timer" });
  const show = () => {
    const seconds = Math.ceil((Date.parse(dueAt) - Date.now()) / 1000);
    line.textContent =
      seconds > 0
        ? `Please pay within ${duration(seconds)}. After that we cancel the order, at no cost.`
        : TIME_IS_UP;
  };
  show();
  const ticking = setInterval(() => (line.isConnected ? show() : clearInterval(ticking)), 1000);
  return line;
}
