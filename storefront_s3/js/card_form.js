/**
 * The fields of a payment card, and the sandbox's test cards, which fill them in. What is typed here
 * stays here: the fields have no names, so that nothing that saves or sends a form has them, and
 * the shop gets a token.
 */

import { codeLength, digitsOf, expiryOf, grouped, tokenize } from "./card.js";
import { announce, el } from "./dom.js";
import { controlId } from "./form_errors.js";
import { TEST_CARDS } from "./test_cards.js";

/** The fields' labels, by the names that errors have. */
export const CARD_LABELS = {
  "card.number": "Card number",
  "card.expiry": "Expiry date",
  "card.code": "Security code",
  "card.name": "Name on the card",
};

const LABELS_BY_ID = new Map(
  Object.entries(CARD_LABELS).map(([field, label]) => [controlId(field), label]),
);
const SANDBOX =
  "Test cards: each plays one scenario, and no real money moves. Choose one to fill it in.";

/** `{content, read()}`; `read` returns `{token, errors}`, as `tokenize` does. */
export function cardForm() {
  const number = control("card.number", "cc-number", { inputmode: "numeric", maxlength: 23 });
  const expiry = control("card.expiry", "cc-exp", { inputmode: "numeric", placeholder: "MM / YY" });
  const code = control("card.code", "cc-csc", { inputmode: "numeric", maxlength: 4 });
  const name = control("card.name", "cc-name", {});
  formatAsTyped(number, grouped);
  formatAsTyped(expiry, expiryOf);
  const buttons = TEST_CARDS.map((card) => ({ card, button: testCard(card, () => fill(card)) }));

  function fill(card) {
    number.value = grouped(card.number);
    expiry.value = expiryOf(`12/${new Date().getFullYear() + 3}`);
    code.value = "1234".slice(0, codeLength(card.number));
    name.value = "Ada Lovelace";
    markChosen();
    announce(`Filled in: ${card.name}.`);
  }
  function markChosen() {
    const digits = digitsOf(number.value);
    for (const { card, button } of buttons) {
      button.setAttribute("aria-pressed", String(card.number === digits));
    }
  }
  markChosen();
  number.addEventListener("input", markChosen);

  const content = el(
    "div",
    { class: "card-form" },
    [number, expiry, code, name].map((input) =>
      el(
        "div",
        { class: `field ${input.id}` },
        el("label", { for: input.id }, LABELS_BY_ID.get(input.id)),
        input,
      ),
    ),
    el(
      "div",
      { class: "test-cards", role: "group", "aria-labelledby": "test-cards" },
      el("p", { id: "test-cards", class: "small" }, SANDBOX),
      buttons.map(({ button }) => button),
    ),
  );
  const read = () =>
    tokenize(
      { number: number.value, expiry: expiry.value, code: code.value, name: name.value },
      new Date(),
    );
  return { content, read };
}

function control(field, autocomplete, properties) {
  const id = controlId(field);
  return el("input", { id, type: "text", autocomplete, required: true, ...properties });
}

function testCard({ number, name, effect }, onclick) {
  return el(
    "button",
    { type: "button", class: "test-card", onclick },
    el("strong", {}, name),
    el("span", { class: "small" }, effect),
    el("code", {}, grouped(number)),
  );
}

/** Formats a field while it is typed in; the caret stays after the same digit. */
function formatAsTyped(control, format) {
  control.addEventListener("input", ({ inputType }) => {
    // Deleting backwards must not put back what was deleted.
    if (inputType?.startsWith("delete")) return;
    const before = digitsOf(control.value.slice(0, control.selectionStart)).length;
    const isAtEnd = control.selectionStart === control.value.length;
    control.value = format(control.value);
    let caret = isAtEnd ? control.value.length : 0;
    for (let seen = 0; seen < before && caret < control.value.length; caret += 1) {
      if (/\d/.test(control.value[caret])) seen += 1;
    }
    control.setSelectionRange(caret, caret);
  });
}
