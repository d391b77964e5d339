/** The sandbox's test cards, for the checkout and for an order that awaits its payment. */

import { el } from "./dom.js";

/** The name of the cards' radio buttons. */
export const TOKEN = "payment.token";

/** Radio buttons for `cards`, of which the one with the token `chosen` is checked. */
export function cardChoice(cards, chosen, id) {
  return el(
    "div",
    {
      class: "cards-to-pay",
      id,
      role: "group",
      "aria-label": "Test card",
      tabindex: "-1", // The error summary sends the focus here, as to a text field.
    },
    cards.map(({ token, name, effect }) =>
      el(
        "label",
        { class: "card-to-pay" },
        el("input", { type: "radio", name: TOKEN, value: token, checked: token === chosen }),
        el(
          "span",
          {},
          el("strong", {}, name),
          el("span", { class: "small" }, effect),
          token && el("code", {}, token),
        ),
      ),
    ),
  );
}
