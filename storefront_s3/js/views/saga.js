/**
 * The saga of an order, as a graph and as a list of the states that it went through. Both show what
 * the shop says has happened, and nothing else.
 */

import { el, svg } from "../dom.js";
import { instant } from "../format.js";
import { layOut } from "../saga_layout.js";
import { edgeName, outcomeInWords, pathOf, timesInWords, toneOf } from "../saga_path.js";

const STATUSES = {
  RUNNING: "is running",
  SUCCEEDED: "succeeded",
  FAILED: "failed",
  ABORTED: "was stopped",
  TIMED_OUT: "timed out",
};
const GRAPH_LABEL = "The saga as a graph. The list of the states that it went through follows.";

/** `{content, show(saga)}`: the view of the state machine `definition` (saga.json). */
export function sagaView(definition) {
  const plan = layOut(definition);
  const known = new Map(plan.states.map((state) => [state.name, state]));
  const graph = graphOf(plan);
  const graphBox = scrolling("saga-graph", "Graph", graph.drawing, legend());
  const list = el("ol", { class: "timeline" });
  const summary = el("p", { class: "small" });
  const pathBox = scrolling("saga-path", "The states that it went through", summary, list);
  const runs = el("select", { onchange: () => draw() });
  const choice = el("label", { class: "saga-runs", hidden: true }, "Run of the saga ", runs);
  let executions = [];

  /** The runs are offered where there are several; the latest is shown until one is chosen. */
  function offer() {
    const names = executions.map(({ name }) => name);
    if (names.join() === [...runs.options].map(({ value }) => value).join()) return;
    const chosen = runs.selectedIndex === runs.options.length - 1 ? names.at(-1) : runs.value;
    runs.replaceChildren(...names.map((value, at) => el("option", { value }, `${at + 1}: ${value}`)));
    runs.value = names.includes(chosen) ? chosen : names.at(-1);
    choice.hidden = names.length < 2;
  }

  function draw() {
    const execution = executions.find(({ name }) => name === runs.value);
    const path = pathOf(execution);
    graph.show(path);
    summary.textContent = execution.status
      ? `Execution ${execution.name} ${STATUSES[execution.status]}.`
      : `There is no record of execution ${execution.name}.`;
    list.replaceChildren(...execution.states.map((visit) => entry(visit, known.get(visit.name))));
    const at = path.current ?? execution.states.at(-1)?.name;
    if (known.has(at)) bringIntoView(graphBox, graph.placeOf(known.get(at)));
  }

  return {
    content: [choice, el("div", { class: "saga-boxes" }, graphBox, pathBox)],
    show(saga) {
      if (JSON.stringify(executions) === JSON.stringify(saga.executions)) return;
      executions = saga.executions;
      offer();
      draw();
    },
  };
}

/** A box that scrolls, also from the keyboard. */
function scrolling(className, label, ...children) {
  const properties = { class: className, role: "region", "aria-label": label, tabindex: "0" };
  return el("div", properties, ...children);
}

/** `state` is undefined where an older run went through one that the saga no longer has. */
function entry(visit, state) {
  const { name, entered_at: enteredAt, exited_at: exitedAt } = visit;
  return el(
    "li",
    { class: toneOf(visit, state?.backwards) },
    el("p", {}, el("code", {}, name), ` ${outcomeInWords(visit)}`),
    el(
      "span",
      { class: "small" },
      state?.kind === "compensation" && "Compensation. ",
      exitedAt && [el("time", { datetime: enteredAt }, instant(enteredAt)), ", "],
      timesInWords(visit),
    ),
  );
}

/** Scrolls the box alone, never the page. */
function bringIntoView(box, { x, y }) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const [left, top] = [x - box.clientWidth / 2, y - box.clientHeight / 2];
  box.scrollTo({ left, top, behavior: calm ? "instant" : "smooth" });
}

/**
 * The drawing, with one group for each state and a line for each edge: `{drawing, show, placeOf}`.
 * `show(path)` marks what was done, `placeOf(state)` tells where a state is, in pixels.
 */
function graphOf({ width, height, states, edges }) {
  const lines = edges.map((edge) => ({ edge, line: lineOf(edge) }));
  const nodes = states.map((state) => ({ state, ...nodeOf(state) }));
  const box = { width, height, viewBox: `0 0 ${width} ${height}` };
  const drawing = svg(
    "svg",
    { class: "saga-drawing", role: "img", "aria-label": GRAPH_LABEL, ...box },
    lines.map(({ line }) => line),
    nodes.map(({ node }) => node),
  );
  return {
    drawing,
    placeOf({ x, y }) {
      const scale = drawing.clientWidth / width;
      return { x: x * scale, y: y * scale };
    },
    show({ visits, edges: taken, current }) {
      for (const { edge, line } of lines) {
        const isTaken = taken.has(edgeName(edge.from, edge.to));
        const tone = edge.kind === "failure" ? "bad" : edge.backwards ? "undo" : "good";
        line.setAttribute("class", `edge ${edge.kind} ${isTaken ? `taken ${tone}` : ""}`);
      }
      for (const { state, node, times } of nodes) {
        const visit = visits.get(state.name);
        const marks = visit ? `visited ${toneOf(visit, state.backwards)}` : "";
        const isCurrent = state.name === current ? "current" : "";
        node.setAttribute("class", `node ${state.kind} ${marks} ${isCurrent}`);
        times.textContent = visit ? timesInWords(visit) : "";
      }
    },
  };
}

function nodeOf({ name, comment, x, y, width, height }) {
  const times = svg("text", { class: "node-times", x, y: y + 15 });
  const node = svg(
    "g",
    {},
    svg("title", {}, comment),
    svg("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 10 }),
    svg("text", { class: "node-name", x, y: y - 3 }, name),
    times,
  );
  return { node, times };
}

/** A line through the points, rounded at each, and an arrowhead at its end. */
function lineOf({ points }) {
  const [first, ...rest] = points;
  const end = rest.at(-1);
  const bends = rest.slice(0, -1).map((point, at) => {
    const next = rest[at + 1];
    const middle = next === end ? end : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${at2(point)} ${at2(middle)}`;
  });
  const path = `M${at2(first)} ${bends.join(" ")} L${at2(end)}`;
  return svg("g", {}, svg("path", { d: path }), arrowhead(points.at(-2), end));
}

function arrowhead(from, { x, y }) {
  const degrees = (Math.atan2(y - from.y, x - from.x) * 180) / Math.PI;
  return svg("path", {
    class: "arrowhead",
    d: "M0 0 L-8 -4 L-8 4 Z",
    transform: `translate(${x} ${y}) rotate(${degrees})`,
  });
}

const at2 = ({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`;

function legend() {
  const marks = [
    ["good", "done"],
    ["undo", "done on the way back"],
    ["bad", "failed"],
    ["busy", "in progress"],
  ];
  return el(
    "ul",
    { class: "saga-legend small" },
    marks.map(([tone, words]) => el("li", { class: tone }, words)),
  );
}
