/**
 * Places the saga's states: steps run down, and what undoes them runs back up beside them. The
 * graph is saga.json's, which is written from the deployed state machine.
 */

import { Graph, layout } from "../vendor/dagre/dagre.esm.js";

/** The width of a letter, in the size that styles.css gives a state's name. */
const LETTER = 7.9;
const HEIGHT = 46;
const SPACING = { nodesep: 22, ranksep: 30, edgesep: 12, marginx: 12, marginy: 12 };
/** Heavy edges are straight ones: the way that most orders go, before the way back. */
const WEIGHT = { next: 20, undoing: 6, failure: 1 };

/**
 * Returns `{width, height, states: [{name, kind, comment, backwards, x, y, width, height}], edges:
 * [{from, to, kind, backwards, points}]}`; `backwards` marks what belongs to the way back.
 */
export function layOut({ states, edges }) {
  const turns = turningPoints(states, edges);
  const undoing = undoingStates(edges, turns);
  const isBackwards = ({ from, to }) => undoing.has(from) && undoing.has(to);
  const lines = withoutDoubles(edges);
  // Every step may turn back. One such edge puts the way back where the steps end; so many lanes
  // side by side would push the steps apart.
  const turnsBack = ({ to }) => turns.has(to);
  const lastTurn = lines.findLast(turnsBack);

  const graph = new Graph().setGraph({ ...SPACING });
  for (const { name } of states) {
    graph.setNode(name, { width: name.length * LETTER + 24, height: HEIGHT });
  }
  // The last edges first: what dagre meets first, it places more centrally.
  for (const edge of lines.toReversed()) {
    if (turnsBack(edge) && edge !== lastTurn) continue;
    const [upper, lower] = isBackwards(edge) ? [edge.to, edge.from] : [edge.from, edge.to];
    const weight = WEIGHT[isBackwards(edge) ? "undoing" : edge.kind];
    graph.setEdge(upper, lower, { weight });
  }
  layout(graph);

  const pointsOf = (edge) => {
    if (turnsBack(edge)) return curveBetween(graph.node(edge.from), graph.node(edge.to));
    if (isBackwards(edge)) return graph.edge(edge.to, edge.from).points.toReversed();
    return graph.edge(edge.from, edge.to).points;
  };
  const { width, height } = graph.graph();
  return {
    width,
    height,
    states: states.map((state) => ({
      ...state,
      ...graph.node(state.name),
      backwards: undoing.has(state.name),
    })),
    edges: lines.map((edge) => ({
      ...edge,
      points: pointsOf(edge),
      backwards: isBackwards(edge),
    })),
  };
}

/** Where failed steps lead, and from where a compensation is reached: the states that turn back. */
function turningPoints(states, edges) {
  const compensations = states.filter(({ kind }) => kind === "compensation");
  const failed = edges.filter(({ kind }) => kind === "failure").map(({ to }) => to);
  const leadsBack = (name) => {
    const reached = reachable(edges, [name]);
    return compensations.some((compensation) => reached.has(compensation.name));
  };
  return new Set(failed.filter(leadsBack));
}

/** The states from the turning points on, but for those that the way forward leads to as well. */
function undoingStates(edges, turns) {
  const undoing = reachable(edges, turns);
  const isEntrance = ({ from, to, kind }) =>
    kind === "next" && !undoing.has(from) && undoing.has(to) && !turns.has(to);
  for (const { to } of edges.filter(isEntrance)) undoing.delete(to);
  return undoing;
}

/** All states to which edges of the kind `next` lead, with the first ones. */
function reachable(edges, first) {
  const seen = new Set(first);
  for (const name of seen) {
    for (const { from, to, kind } of edges) if (from === name && kind === "next") seen.add(to);
  }
  return seen;
}

/** Where a failure leads to the same state as success, one line says so. */
function withoutDoubles(edges) {
  const isDouble = ({ from, to, kind }) =>
    kind === "failure" &&
    edges.some((other) => other.from === from && other.to === to && other.kind === "next");
  return edges.filter((edge) => !isDouble(edge));
}

/** From the side of one state that faces the other one, across and down to that one's side. */
function curveBetween(from, to) {
  const side = to.x < from.x ? -1 : 1;
  const start = { x: from.x + (side * from.width) / 2, y: from.y };
  const end = { x: to.x - (side * to.width) / 2, y: to.y };
  const lane = end.x - side * 20;
  return [start, { x: lane, y: start.y }, { x: lane, y: end.y }, end];
}
