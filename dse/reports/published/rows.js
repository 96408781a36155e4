"use strict";
// Rows of published results: which are chosen, which are on a front, in which order.
const labels = data.labels, values = data.values, total = data.id.length;
const lower = data.directory.map((directory) => directory.toLowerCase());
const all = Array.from({ length: total }, (_, row) => row);
const label = (name, row) => labels[name].codes[row] === null ? "" : labels[name].levels[labels[name].codes[row]];

// The rows that have what is chosen: {column: level}, and a part of their path.
function filtered(choices, path) {
  const asked = Object.entries(choices).filter(([, level]) => level !== "")
    .map(([name, level]) => [labels[name].codes, labels[name].levels.indexOf(level)]);
  const part = path.toLowerCase();
  return all.filter((row) => asked.every(([codes, code]) => codes[row] === code) && (!part || lower[row].includes(part)));
}

const cost = (name, row) => metrics.get(name).direction === "maximize" ? -values[name][row] : values[name][row];

// The rows of some that none of them dominates in two figures; equal ones stand beside each other.
function nondominated(rows, x, y) {
  const ordered = rows.map((row) => [cost(x, row), cost(y, row), row]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const front = [];
  let least = Infinity, across = NaN;
  for (const [a, b, row] of ordered) {
    if (b < least) { least = b; across = a; front.push(row); } else if (b === least && a === across) front.push(row);
  }
  return front;
}

// A number for each row that tells apart what some columns of codes tell apart.
function keyed(columns) {
  const sizes = columns.map((codes) => codes.reduce((most, code) => Math.max(most, code ?? 0), 0) + 2);
  return (row) => columns.reduce((key, codes, place) => key * sizes[place] + (codes[row] ?? sizes[place] - 1), 0);
}

function parted(rows, key) {
  const found = new Map();
  for (const row of rows) {
    const own = key(row), known = found.get(own);
    if (known) known.push(row); else found.set(own, [row]);
  }
  return [...found.values()];
}

// The rows of each measure of accuracy, where there are several.
function measured(rows) {
  const codes = labels.accuracy_metric.codes;
  const isOne = new Set(rows.map((row) => codes[row]).filter((code) => code !== null)).size < 2;
  return isOne ? [rows] : parted(rows, (row) => codes[row]);
}

// The groups of the rows that compare, each with its front, the largest first. Tasks and scenarios never mix, nor
// measures of accuracy, nor accuracies on different numbers of images: as dse.results.front.cut has it.
function fronts(rows, x, y, by) {
  const valid = labels.validity.levels.indexOf("VALID"), columns = by === "" ? [] : by.split(",");
  const judged = x === "accuracy" || y === "accuracy", names = ["task", "scenario", ...columns];
  const isCompared = (row) => labels.validity.codes[row] === valid && values[x][row] !== null && values[y][row] !== null;
  return parted(rows, keyed(names.map((name) => labels[name].codes))).flatMap(measured)
    .map((group) => group.filter(isCompared)).filter((group) => group.length > 0)
    .flatMap((group) => judged ? parted(group, (row) => data.images[row]) : [group])
    .sort((a, b) => b.length - a.length).map((group) => ({
      name: columns.map((name) => label(name, group[0]) || "-").join(", "),
      apart: [label("task", group[0]), label("scenario", group[0])].join(", "), rows: group, front: nondominated(group, x, y) }));
}

// The rows by a column or a figure, those without one last.
function sorted(rows, name, up) {
  const sign = up ? 1 : -1, column = values[name] ?? labels[name]?.codes ?? data[name];
  const compare = name === "directory" ? (a, b) => column[a] < column[b] ? -1 : column[a] > column[b] ? 1 : 0 : (a, b) => column[a] - column[b];
  const known = rows.filter((row) => column[row] !== null), rest = rows.filter((row) => column[row] === null);
  return [...known.sort((a, b) => sign * compare(a, b) || a - b), ...rest];
}

// The points of one's own studies that may stand beside some of these rows: of the same task, scenario and images.
function beside(rows, x, y) {
  const { task, scenario } = data.studied, judged = x === "accuracy" || y === "accuracy";
  const rivals = rows.filter((row) => label("task", row) === task && label("scenario", row) === scenario);
  const images = new Set(rivals.map((row) => data.images[row]));
  return data.studies.flatMap((study) => study.trial.map((trial, place) => ({ study, trial, place })))
    .filter(({ study, place }) => study.values[x] && study.values[y] && rivals.length > 0 &&
      (!judged || study.rival_images[place] !== null && images.has(study.rival_images[place])));
}

// What a dot of the chart is, for its tip.
function described(row) {
  return `row ${data.id[row]}: ${label("model", row)}; ${label("system", row)}; ${label("submitter", row)}, ${label("round", row)}`;
}
