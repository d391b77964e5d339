/** What forms have in common: fields, one submission at a time, and failures in words. */

import { ApiProblem, ApiUnreachable, SignedOut } from "./api.js";
import { el } from "./dom.js";
import { clearErrors, controlId, showFieldErrors, showProblem } from "./form_errors.js";
import { timeToRetry } from "./format.js";
import { signInFrom } from "./routes.js";

/** The box for what is wrong with a form, hidden until there is something. */
export function problemBox() {
  return el("div", { class: "form-problem", role: "alert", tabindex: "-1", hidden: true });
}

/** A labelled text field with the API's name; `properties` are the input's. */
export function field(name, label, properties, hint = null) {
  const id = controlId(name);
  const hintId = `${id}-hint`;
  return el(
    "div",
    { class: `field ${id}` },
    el("label", { for: id }, label),
    hint && el("p", { id: hintId, class: "small" }, hint),
    el("input", {
      id,
      name,
      type: "text",
      required: true,
      "aria-describedby": hint && hintId,
      ...properties,
    }),
  );
}

/** A field for a password, which can be shown while it is typed. */
export function passwordField(name, label, autocomplete, hint = null) {
  const content = field(name, label, { type: "password", autocomplete }, hint);
  const input = content.querySelector("input");
  const show = ({ target }) => (input.type = target.checked ? "text" : "password");
  const box = el("input", { type: "checkbox", onchange: show });
  content.append(
    el(
      "label",
      { class: "show-password" },
      box,
      "Show it",
      el("span", { class: "visually-hidden" }, ` (${label})`),
    ),
  );
  return content;
}

/** `[{field, message}]` of the required fields that are empty, in the words of the API. */
export function emptyFields(form) {
  return Array.from(form.querySelectorAll("[name][required]"))
    .filter((control) => control.value === "")
    .map(({ name }) => ({ field: name, message: "must not be empty" }));
}

/**
 * Sends a form when it is submitted, one time at a time: `send(fields)` gets what is typed, by name.
 * `texts` are the form's words: `busy` for its button meanwhile, `labels` of its fields, the headings
 * `wrong` for wrong fields and `refused` for any other refusal, `safe` for what the shopper need not
 * worry about, and `lost` for what to do when no answer came.
 *
 * `check()` finds what is wrong before anything is sent; `explain(error)` may show a failure in words
 * of its own, and then returns true.
 */
export function onSubmit(form, button, texts, send, { check, explain, labelOf } = {}) {
  const nameOf = labelOf ?? ((name) => texts.labels[name] ?? name);
  const wrongBeforehand = check ?? (() => emptyFields(form));
  let isSending = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending) return;
    clearErrors(form);
    const wrong = wrongBeforehand();
    if (wrong.length > 0) {
      showFieldErrors(form, texts.wrong, wrong, nameOf);
      return;
    }
    isSending = true;
    const words = button.textContent;
    // Not `disabled`: that would throw the keyboard focus away.
    button.setAttribute("aria-disabled", "true");
    button.textContent = texts.busy;
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      if (!explain?.(error)) explainFailure(form, error, texts, nameOf);
    } finally {
      isSending = false;
      button.removeAttribute("aria-disabled");
      button.textContent = words;
    }
  });
}

/** Says why the shop did not accept a form; what is no answer of the shop's is thrown again. */
function explainFailure(form, error, texts, nameOf) {
  const say = (heading, ...paragraphs) =>
    showProblem(form, heading, ...paragraphs.map((content) => el("p", {}, content)));
  if (error instanceof ApiUnreachable) {
    say("We couldn’t reach the shop", texts.lost);
  } else if (error instanceof SignedOut) {
    const link = el("a", { href: signInFrom(location.hash) }, "Sign in again");
    say("Your session has ended", [texts.safe, " ", link, "."]);
  } else if (!(error instanceof ApiProblem)) {
    throw error;
  } else if (error.errors.length > 0) {
    showFieldErrors(form, texts.wrong, error.errors, nameOf);
  } else if (error.status === 429) {
    say("That was too often", `${texts.safe} Please try again ${timeToRetry(error.retryAfter)}.`);
  } else {
    // After a failure of the shop's own, nobody knows whether it did what it was asked.
    say(texts.refused, error.message, error.status < 500 ? texts.safe : texts.lost);
  }
}
