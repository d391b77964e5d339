/**
 * Shows what is wrong with a form: a summary at the top, which takes the focus and links to the
 * fields, and each message at its field. Fields have the API's names (`shipping_address.city`).
 */

import { el } from "./dom.js";

/** The id of the control for an API field; an id with dots or brackets would be hard to select. */
export function controlId(field) {
  return `field-${field.replace(/\W+/g, "-")}`;
}

/**
 * Shows `errors` (`[{field, message}]`) in a form that has a `.form-problem` box. `nameOf(field)`
 * is the field's label. Errors of fields that the form doesn't have are shown only in the summary.
 */
export function showFieldErrors(form, heading, errors, nameOf) {
  clearErrors(form);
  const items = errors.map(({ field, message }) => {
    const sentence = asSentence(nameOf(field), message);
    const control = form.querySelector(`#${controlId(field)}`);
    if (!control) return el("li", {}, sentence);
    mark(control, sentence);
    return el("li", {}, el("a", { href: `#${control.id}` }, sentence));
  });
  showProblem(form, heading, el("ul", {}, items));
}

/** Shows a problem of the form as a whole. */
export function showProblem(form, heading, ...content) {
  const box = form.querySelector(".form-problem");
  box.replaceChildren(el("h2", {}, heading), ...content);
  box.hidden = false;
  box.focus();
  box.scrollIntoView({ block: "nearest" });
}

/** Removes all messages. */
export function clearErrors(form) {
  form.querySelector(".form-problem").hidden = true;
  for (const message of form.querySelectorAll(".field-error")) message.remove();
  for (const control of form.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    describe(control, (ids) => ids.filter((id) => id !== errorId(control)));
  }
}

const errorId = (control) => `${control.id}-error`;

/** Changes which elements describe a control; a hint may be among them. */
function describe(control, change) {
  const ids = (control.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean);
  const changed = change(ids).join(" ");
  if (changed) control.setAttribute("aria-describedby", changed);
  else control.removeAttribute("aria-describedby");
}

function mark(control, sentence) {
  const id = errorId(control);
  // A field can have two errors; the later one joins the first.
  const shown = control.parentElement.querySelector(`#${id}`);
  if (shown) {
    shown.append(` ${sentence}`);
    return;
  }
  control.before(el("p", { class: "field-error", id }, sentence));
  control.setAttribute("aria-invalid", "true");
  describe(control, (ids) => [id, ...ids]);
}

/** The API says "must not be empty"; with the field's name in front that is a sentence. */
function asSentence(name, message) {
  const sentence = /^[a-z]/.test(message) ? `${name} ${message}` : message;
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
