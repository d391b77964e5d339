/**
 * What happened to an order: in words (the timeline), or as the path that its saga took. The shopper
 * chooses, and finds the same choice on the next order.
 */

import { ApiProblem, ApiUnreachable } from "../api.js";
import { el } from "../dom.js";
import { poll } from "../polling.js";
import { record } from "../storage.js";

const VIEWS = { words: "In words", saga: "The saga" };
const remembered = record("localStorage", "sagashop.story", (view) => Object.hasOwn(VIEWS, view));

/**
 * The section with the two views: `{section, orderChanged}`. `readSaga(signal)` asks the shop for
 * the saga's path, and is called only while that is shown; `left` aborts when the shopper moves on.
 */
export function storyPanel(timeline, readSaga, left) {
  const sagaPlace = el("div", { class: "saga" });
  const section = el(
    "section",
    { class: "panel story", "aria-label": "What happened" },
    el("div", { class: "story-head" }, el("h2", {}, "What happened"), toggle(choose)),
    timeline,
    sagaPlace,
  );
  let loading = null;
  let following = new AbortController();

  function choose(view) {
    remembered.write(view);
    show(view);
  }

  function show(view) {
    section.dataset.view = view;
    timeline.hidden = view !== "words";
    sagaPlace.hidden = view !== "saga";
    following.abort();
    if (view === "saga") follow();
  }

  async function follow() {
    following = new AbortController();
    const signal = AbortSignal.any([left, following.signal]);
    let saga;
    try {
      loading ??= loadView();
      saga = await loading;
    } catch {
      loading = null;
      sagaPlace.replaceChildren(el("p", {}, "The graph could not be loaded. Please try again."));
      return;
    }
    if (signal.aborted) return;
    if (!sagaPlace.contains(saga.content[0])) sagaPlace.replaceChildren(...saga.content);
    const read = async () => {
      try {
        const path = await readSaga(signal);
        saga.show(path);
        return path.executions.at(-1).status !== "RUNNING";
      } catch (error) {
        if (signal.aborted || error instanceof ApiProblem || error instanceof ApiUnreachable) {
          return signal.aborted;
        }
        throw error;
      }
    };
    if (!(await read())) await poll(read, signal);
  }

  show(remembered.read() ?? "words");
  return {
    section,
    /** Something new is known of the order, so there may be of its saga. */
    orderChanged() {
      if (section.dataset.view !== "saga") return;
      following.abort();
      follow();
    },
  };
}

/** Loads the graph's code and its definition, which no other page needs. */
async function loadView() {
  const [{ sagaView }, response] = await Promise.all([import("./saga.js"), fetch("saga.json")]);
  if (!response.ok) throw new Error(`saga.json answered ${response.status}.`);
  return sagaView(await response.json());
}

function toggle(choose) {
  const chosen = remembered.read() ?? "words";
  return el(
    "fieldset",
    { class: "toggle" },
    el("legend", { class: "visually-hidden" }, "Show it"),
    Object.entries(VIEWS).map(([value, name]) =>
      el(
        "label",
        {},
        el("input", {
          type: "radio",
          name: "story",
          value,
          checked: value === chosen,
          onchange: () => choose(value),
        }),
        el("span", {}, name),
      ),
    ),
  );
}
