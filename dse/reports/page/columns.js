"use strict";
// What charts and table are drawn from, made of the page's JSON. Which configurations are on a front is looked up:
// dominance is decided where the page is made.
const columns = data.configurations;
const places = new Map(columns.trial.map((trial, index) => [trial, index]));
const compared = new Set(["front", "represented", "dominated"]);
const start = { x: data.objectives.length > 1 ? data.objectives[1].name : "trial", y: data.objectives[0].name };
const markers = { constraint: "square", excluded: "x" }, sizes = { front: 12, represented: 8, excluded: 8 };

const column = (name) => name === "trial" ? columns.trial : columns.values[name].map((value) => forPeople(name, value));

function configuration(index) {
  return data.parameters.filter((p) => columns.parameters[p.name][index] !== null)
    .map((p) => `${p.name}=${columns.parameters[p.name][index]}`).join(" ");
}

function figures(index) {
  return data.objectives.filter((o) => columns.values[o.name][index] !== null)
    .map((o) => words(o.name, columns.values[o.name][index])).join(", ");
}

function sure(index) {
  if (columns.standing[index] === "on") return "certain";
  const p = columns.p_front[index];
  return p === null ? "" : p > 0.99 ? ">99 %" : p < 0.01 ? "<1 %" : `${(100 * p).toFixed(0)} %`;
}

// The verdicts where the front is that of the study, or of two axes alone.
function membership(x, y, ofAxes) {
  const front = ofAxes && data.fronts[`${x}|${y}`];
  if (!front) return columns.verdict.slice();
  const on = new Set(front);
  return columns.verdict.map((verdict, i) => !compared.has(verdict) ? verdict : on.has(i) ? "front" : "dominated");
}

// The border of what is dominated in two figures.
function border(x, y) {
  const front = data.fronts[`${x}|${y}`];
  if (!front) return { x: [], y: [] };
  const xs = column(x), ys = column(y), sign = metrics.get(x).direction === "maximize" ? -1 : 1;
  const ordered = front.slice().sort((a, b) => (xs[a] - xs[b]) * sign);
  return { x: ordered.map((i) => xs[i]), y: ordered.map((i) => ys[i]) };
}

// A colour for each configuration by a parameter (p:NAME) or a figure (m:NAME), and what the colours mean.
function colours(by) {
  const last = data.palette.length - 1, at = (share) => data.palette[Math.round(last * share)];
  const name = by.slice(2);
  if (by.startsWith("p:")) {
    const levels = data.parameters.find((p) => p.name === name).levels;
    const found = new Map(levels.map((level, i) => [level, at(i / Math.max(levels.length - 1, 1))]));
    return { fill: columns.parameters[name].map((level) => found.get(level) ?? nobody), keys: [...found] };
  }
  if (!by.startsWith("m:")) return null;
  const scale = isLog(name) ? Math.log : (value) => value, known = columns.values[name].filter((value) => value !== null);
  const low = known.reduce((a, b) => Math.min(a, b)), high = known.reduce((a, b) => Math.max(a, b));
  const share = (value) => (scale(value) - scale(low)) / (scale(high) - scale(low) || 1);
  return { fill: columns.values[name].map((value) => value === null ? nobody : at(share(value))),
    keys: [[words(name, low), at(0)], [words(name, high), at(1)]] };
}

// What does not change with axes and colours: tips, and the cells of the table.
function cells() {
  const all = (of) => columns.trial.map((_, index) => of(index));
  const found = { trial: columns.trial, figures: all(figures), config: all(configuration), p_front: all(sure),
    repeats: columns.repeats, reason: columns.reason.map((reason) => reason ?? ""),
    also: columns.represents.map((trials) => trials.join(", ")) };
  for (const { name } of data.objectives) found[`m:${name}`] = column(name);
  for (const { name, levels } of data.parameters) {
    const numbers = levels.every((level) => level !== "" && !Number.isNaN(Number(level)));
    const read = numbers ? (level) => level === null ? NaN : Number(level) : (level) => level ?? "";
    found[`p:${name}`] = columns.parameters[name].map(read);
  }
  return found;
}

// Dots, and the bars of those that have some: `state` has the axes, the groups that are shown, and the colours.
function dots(state) {
  const { x, y, verdicts, shown, fill } = state;
  return { x: column(x), y: column(y), verdict: verdicts, fill,
    layer: verdicts.map((verdict) => !shown.has(verdict) ? "hidden" : verdict === "front" ? "front" : "below"),
    inside: fill.map((colour, i) => verdicts[i] === "represented" ? "transparent" : colour),
    marker: verdicts.map((verdict) => markers[verdict] ?? "circle"), size: verdicts.map((verdict) => sizes[verdict] ?? 6) };
}

function bars(state) {
  const { x, y, verdicts, shown, fill } = state, few = columns.trial.length <= 500;
  const found = { x0: [], x1: [], y0: [], y1: [], fill: [], strength: [] };
  const ends = (name, i) => name === "trial" || columns.low[name][i] === null ? null :
    [forPeople(name, columns.low[name][i]), forPeople(name, columns.high[name][i])];
  const xs = column(x), ys = column(y);
  verdicts.forEach((verdict, i) => {
    const strong = verdict === "front" || verdict === "represented";
    if (!shown.has(verdict) || !(strong || few)) return;
    for (const [across, up] of [[ends(x, i), [ys[i], ys[i]]], [[xs[i], xs[i]], ends(y, i)]]) {
      if (!across || !up) continue;
      found.x0.push(across[0]); found.x1.push(across[1]); found.y0.push(up[0]); found.y1.push(up[1]);
      found.fill.push(fill[i]); found.strength.push(strong ? 0.5 : 0.2);
    }
  });
  return found;
}

// A line over all parameters and objectives for each configuration; its heights do not change, its colour does.
let known;
const heights = () => known ??= makeHeights();
function makeHeights() {
  const axes = data.parallel.map((axis) => {
    if (axis.kind === "parameter") {
      const found = new Map(axis.ticks.map(([height, level]) => [level, height]));
      return columns.parameters[axis.name].map((level) => found.get(level === null ? "none" : level));
    }
    const scale = axis.log ? Math.log : (value) => value, low = scale(axis.low), span = scale(axis.high) - low || 1;
    return columns.values[axis.name].map((value) => value === null ? NaN : (scale(value) - low) / span);
  });
  const across = data.parallel.map((_, place) => place);
  return { px: columns.trial.map(() => across), py: columns.trial.map((_, i) => axes.map((axis) => axis[i])) };
}

// Published results that have both figures, where they are shown.
function published({ x, y, shown }) {
  const { values, result, id, verdict } = data.published, xs = values[x], ys = values[y];
  const found = xs && ys && shown.has("published") ? id.map((_, i) => i).filter((i) => xs[i] !== null && ys[i] !== null) : [];
  return { x: found.map((i) => forPeople(x, xs[i])), y: found.map((i) => forPeople(y, ys[i])),
    result: found.map((i) => result[i]), verdict: found.map((i) => verdict[i]) };
}
