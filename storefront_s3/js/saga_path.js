/** What an execution of the saga did, per state and per edge, and in words. */

import { duration, instant } from "./format.js";

/**
 * `{visits, edges, current}` of an execution as `GET /orders/{order_id}/saga` tells it. `visits` has
 * each state's last passage by its name; `edges` holds `from>to` for each edge that was taken.
 */
export function pathOf({ status, states }) {
  const visits = new Map(states.map((state) => [state.name, state]));
  const edges = new Set(states.slice(1).map(({ name }, at) => edgeName(states[at].name, name)));
  const current = status === "RUNNING" ? (states.at(-1)?.name ?? null) : null;
  return { visits, edges, current };
}

export const edgeName = (from, to) => `${from}>${to}`;

/** "done", "failed: PaymentDeclined", … */
export function outcomeInWords({ outcome, error }) {
  switch (outcome) {
    case "succeeded":
      return "done";
    case "failed":
      return error ? `failed: ${error}` : "failed";
    case "retrying":
      return error ? `to be tried again after ${error}` : "to be tried again";
    default:
      return "in progress";
  }
}

/** "0.24 s", "0.24 s, 3 attempts"; a state in progress tells since when, and no duration. */
export function timesInWords({ entered_at: enteredAt, exited_at: exitedAt, attempts }) {
  const time = exitedAt ? spent(enteredAt, exitedAt) : `since ${instant(enteredAt)}`;
  return attempts > 1 ? `${time}, ${attempts} attempts` : time;
}

function spent(from, to) {
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  return seconds < 60 ? `${seconds.toFixed(2)} s` : duration(Math.round(seconds));
}

/** How a passage is marked: good, undo (done, on the way back), bad, or busy. */
export function toneOf({ outcome }, backwards) {
  if (outcome === "failed") return "bad";
  if (outcome !== "succeeded") return "busy";
  return backwards ? "undo" : "good";
}
