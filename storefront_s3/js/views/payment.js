/** Pays for an order that awaits its payment: the time that is left, a card, and one button. */

import { ApiProblem, ApiUnreachable } from "../api.js";
import { TOKEN, cardChoice } from "../card_choice.js";
import { el } from "../dom.js";
import { clearErrors, showProblem } from "../form_errors.js";
import { duration, price } from "../format.js";
import { TEST_CARDS } from "../test_cards.js";

const TIME_IS_UP = "The time to pay is up. A payment may now come too late.";

/** A form for the order; `pay(token)` resolves once the shop has taken the card, or throws. */
export function paymentForm(order, pay) {
  const total = order.total_cents == null ? "" : price(order.total_cents, order.currency);
  const submit = el("button", { type: "submit", class: "button wide" }, `Pay ${total}`.trim());
  const form = el(
    "form",
    { novalidate: true, "aria-label": "Payment" },
    el("div", { class: "form-problem", role: "alert", tabindex: "-1", hidden: true }),
    countdown(order.payment_due_at),
    el("p", { class: "small" }, "Sandbox test cards: each plays one scenario; no real money moves."),
    cardChoice(TEST_CARDS, TEST_CARDS[0].token),
    submit,
  );

  let isSending = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    submit.setAttribute("aria-disabled", "true");
    clearErrors(form);
    try {
      await pay(new FormData(form).get(TOKEN));
    } catch (error) {
      explain(error, form);
    } finally {
      isSending = false;
      submit.removeAttribute("aria-disabled");
    }
  });
  return form;
}

/**
 * The time that is left. A screen reader does not read it out every second, but finds it beside the
 * cards. Only the shop decides what is too late: this clock may be wrong.
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

function explain(error, form) {
  if (error instanceof ApiUnreachable) {
    const advice =
      "Please press the button again. You pay only once, even if the first try reached us.";
    showProblem(form, "We couldn’t reach the shop", el("p", {}, advice));
  } else if (error instanceof ApiProblem) {
    const [first] = error.errors;
    showProblem(form, "We couldn’t take the payment", el("p", {}, first?.message ?? error.message));
  } else {
    throw error;
  }
}
