/** Shown when a view cannot be: the reason in plain words, and a way to continue. */

import { ApiProblem, ApiUnreachable } from "../api.js";
import { ConfigProblem } from "../config.js";
import { el } from "../dom.js";
import { notice } from "../parts.js";

const MISTYPED = "The address may be mistyped, or the page has moved.";

export async function notFoundView() {
  return { title: "Page not found", content: notFound("There is no page here") };
}

/** What the address names does not exist in the shop. */
export function notFound(heading, text = MISTYPED) {
  const shop = el("a", { class: "button", href: "#/" }, "See the products");
  return notice("parcel", heading, text, shop);
}

/** Any error that a view threw; `retry` shows the view again. */
export function troubleView(error, retry) {
  const { heading, text } = explain(error);
  const again = el("button", { type: "button", class: "button", onclick: retry }, "Try again");
  return { title: heading, content: notice("cable", heading, text, again) };
}

function explain(error) {
  if (error instanceof ConfigProblem) {
    return {
      heading: "This shop isn’t set up yet",
      text: [
        "It doesn’t know where its API is. Publish the shop again to fix this.",
        error.message,
      ],
    };
  }
  if (error instanceof ApiUnreachable) {
    return {
      heading: "We can’t reach the shop",
      text: "Please check your connection. If that is fine, the shop may be having a short break.",
    };
  }
  // A bug of ours also goes to the console, so that somebody can find it.
  if (!(error instanceof ApiProblem)) console.error(error);
  return { heading: "Something went wrong", text: error.message };
}
