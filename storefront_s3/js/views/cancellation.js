/** Cancels an order: a button, and a question that asks for confirmation. */

import { ApiProblem, ApiUnreachable } from "../api.js";
import { el } from "../dom.js";

const QUESTION =
  "Cancel this order? We put the items back on sale and refund what you have paid.";

/** The button with its question; `cancel()` resolves once the shop has agreed, or throws. */
export function cancellation(cancel) {
  const box = el("div", { class: "cancellation" });
  const problem = el("p", { class: "field-error", role: "alert" });
  const button = (text, look, onclick) =>
    el("button", { type: "button", class: `button ${look}`, onclick }, text);

  const ask = button("Cancel the order", "quiet", () => {
    problem.textContent = "";
    box.replaceChildren(question);
    // The harmless answer has the focus, so that pressing Enter twice cancels nothing.
    keep.focus();
  });
  const backOut = () => {
    box.replaceChildren(problem, ask);
    ask.focus();
  };
  const keep = button("No, keep it", "quiet", backOut);
  const agree = button("Yes, cancel it", "danger", async () => {
    if (agree.hasAttribute("aria-disabled")) return;
    agree.setAttribute("aria-disabled", "true");
    try {
      await cancel();
    } catch (error) {
      backOut();
      problem.textContent = explain(error);
    } finally {
      agree.removeAttribute("aria-disabled");
    }
  });
  const question = el(
    "div",
    {
      class: "question",
      role: "group",
      "aria-labelledby": "cancel-question",
      onkeydown: ({ key }) => key === "Escape" && backOut(),
    },
    el("p", { id: "cancel-question" }, QUESTION),
    el("p", { class: "actions" }, keep, agree),
  );

  box.append(problem, ask);
  return box;
}

function explain(error) {
  if (error instanceof ApiUnreachable) {
    return "We couldn’t reach the shop. Please try again: the order is cancelled only once.";
  }
  if (error instanceof ApiProblem) return error.message;
  throw error;
}
