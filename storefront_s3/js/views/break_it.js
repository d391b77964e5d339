/** "Break it": how an order is broken on purpose, to watch the store undo it. */

import { ApiProblem, ApiUnreachable } from "../api.js";
import { waysToBreakAnOrder } from "../breakage.js";
import { announce, el } from "../dom.js";

/** The name of the radio buttons. */
export const BREAK_IT = "break-it";
const NOTHING = { name: "", title: "Nothing", effect: "The order goes as it should." };

/** Part of the checkout's form: nothing, or one of the `ways`; closed until it is wanted. */
export function breakItField(ways, chosen = "") {
  if (ways.length === 0) return null;
  return el(
    "details",
    { class: "break-it", open: chosen !== "" },
    el("summary", {}, "Break it"),
    el(
      "fieldset",
      {},
      el("legend", {}, "What goes wrong with this order?"),
      choice([NOTHING, ...ways], chosen),
    ),
  );
}

/**
 * The section of an order under way: `{section, show(isOpen)}`. It stays hidden where nothing can be
 * broken. `arm(name)` resolves once the shop has taken note, or throws.
 */
export function breakItPanel(api, arm, signal) {
  const section = el("section", { class: "panel", "aria-label": "Break it", hidden: true });
  let ways = null;
  return {
    section,
    async show(isOpen) {
      if (isOpen && ways === null) {
        ways = [];
        ways = await waysToBreakAnOrder(api, signal);
        if (ways.length > 0) section.append(el("h2", {}, "Break it"), form(ways, arm));
      }
      section.hidden = !isOpen || ways.length === 0;
    },
  };
}

function form(ways, arm) {
  const problem = el("p", { class: "field-error", role: "alert" });
  const content = el(
    "form",
    {},
    el("p", {}, "Choose what goes wrong, then watch the store deal with it."),
    el(
      "fieldset",
      {},
      el("legend", { class: "visually-hidden" }, "What goes wrong?"),
      choice(ways, ways[0].name),
    ),
    problem,
    el("button", { type: "submit", class: "button danger" }, "Break it"),
  );
  content.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const name = new FormData(content).get(BREAK_IT);
    try {
      await arm(name);
      announce(`It breaks when it gets to ${ways.find((way) => way.name === name).step}.`);
    } catch (error) {
      if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
      problem.textContent = "That didn’t reach the shop. Please try again.";
    }
  });
  return content;
}

function choice(ways, chosen) {
  return el(
    "div",
    { class: "options" },
    ways.map(({ name, title, effect, step }) =>
      el(
        "label",
        { class: "option" },
        el("input", { type: "radio", name: BREAK_IT, value: name, checked: name === chosen }),
        el(
          "span",
          {},
          el("strong", {}, title),
          el("span", { class: "small" }, effect),
          step && el("code", {}, step),
        ),
      ),
    ),
  );
}
