"use strict";
// Rows of published results: which are chosen, which are on a front, in which order. Rows are numbers in typed arrays;
// what does not depend on a choice is made once: costs, orders.
const labels = data.labels, values = data.values, total = data.id.length;
const once = (make) => { const known = new Map(); return (name) => known.get(name) ?? known.set(name, make(name)).get(name); };
const levelCount = (name) => labels[name].levels.length;
const codes = Object.fromEntries(Object.keys(labels).map((name) =>
  [name, Int32Array.from(labels[name].codes, (code) => code ?? levelCount(name))]));  // one more: none
const label = (name, row) => labels[name].levels[codes[name][row]] ?? "";
const lower = once(() => data.directory.map((directory) => directory.toLowerCase()));

// The rows that have what is chosen: {column: level}, and a part of their path.
function filtered(choices, path) {
  const asked = Object.entries(choices).filter(([, level]) => level !== "").map(([name, level]) => [codes[name], labels[name].levels.indexOf(level)]);
  const part = path.toLowerCase(), found = new Int32Array(total);
  let count = 0;
  for (let row = 0; row < total; row += 1)
    if (asked.every(([column, code]) => column[row] === code) && (!part || lower("")[row].includes(part))) found[count++] = row;
  return found.subarray(0, count);
}
function marked(rows) {
  const mask = new Uint8Array(total);
  for (const row of rows) mask[row] = 1;
  return mask;
}

// A figure in cost form, not a number where there is none.
const costs = once((name) => {
  const sign = metrics.get(name).direction === "maximize" ? -1 : 1;
  return Float64Array.from(values[name], (value) => value === null ? NaN : sign * value);
});
// All rows that have two figures, by the first and then by the second.
const ordered = once((axes) => {
  const [first, second] = axes.split("|").map(costs);
  return Int32Array.from(data.id.keys()).filter((row) => first[row] === first[row] && second[row] === second[row])
    .sort((a, b) => first[a] - first[b] || second[a] - second[b] || a - b);
});

// Numbers rows by what some columns of codes, each with how many there are, tell apart: [number by row, how many].
function numbered(rows, columns) {
  const found = new Int32Array(total).fill(-1), known = new Map();
  for (const row of rows) {
    let key = 0;
    for (const [column, size] of columns) key = key * size + column[row];
    let number = known.get(key);
    if (number === undefined) known.set(key, number = known.size);
    found[row] = number;
  }
  return [found, known.size];
}
const column = (name) => [codes[name], levelCount(name) + 1];

// The measure of accuracy of each row whose group has several; the same for all others.
function measures(rows, groups, count) {
  const [own, size] = column("accuracy_metric"), none = size - 1, first = new Int32Array(count).fill(none), several = new Uint8Array(count);
  for (const row of rows) {
    const group = groups[row];
    if (own[row] === none) continue;
    if (first[group] === none) first[group] = own[row]; else if (first[group] !== own[row]) several[group] = 1;
  }
  return [own.map((code, row) => groups[row] >= 0 && several[groups[row]] ? code : 0), size];
}
const images = once(() => {
  const levels = new Map([...new Set(data.images)].map((number, place) => [number, place]));
  return [Int32Array.from(data.images, (number) => levels.get(number)), levels.size];
});

// The groups of the rows that compare, each with its front, the largest first. Tasks and scenarios never mix, nor
// measures of accuracy, nor accuracies on different numbers of images: as dse.results.front.cut has it.
function fronts(rows, x, y, by) {
  const valid = labels.validity.levels.indexOf("VALID"), across = costs(x), up = costs(y);
  const [kinds, kindCount] = numbered(rows, ["task", "scenario", ...(by === "" ? [] : by.split(","))].map(column));
  const apart = [[kinds, kindCount], measures(rows, kinds, kindCount), ...(x === "accuracy" || y === "accuracy" ? [images("")] : [])];
  const compared = rows.filter((row) => codes.validity[row] === valid && across[row] === across[row] && up[row] === up[row]);
  const [groupOf, count] = numbered(compared, apart);
  const groups = Array.from({ length: count }, () => ({ rows: [], front: [], least: Infinity, across: NaN }));
  for (const row of compared) groups[groupOf[row]].rows.push(row);
  for (const row of ordered(`${x}|${y}`)) {
    if (groupOf[row] < 0) continue;
    const group = groups[groupOf[row]];
    if (up[row] < group.least) { group.least = up[row]; group.across = across[row]; group.front.push(row); }
    else if (up[row] === group.least && across[row] === group.across) group.front.push(row);
  }
  return groups.sort((a, b) => b.rows.length - a.rows.length);
}
const groupName = ({ rows: [row] }, by) => by === "" ? "" : by.split(",").map((name) => label(name, row) || "-").join(", ");
const groupKind = ({ rows: [row] }) => `${label("task", row)}, ${label("scenario", row)}`;

// All rows by a column or a figure, those without one last.
const sortedAll = once((asked) => {
  const sign = asked.startsWith("-") ? -1 : 1, name = asked.replace(/^-/, ""), none = labels[name] ? levelCount(name) : null;
  const found = values[name] ?? codes[name] ?? data[name], isKnown = (row) => found[row] !== none;
  const compare = name === "directory" ? (a, b) => found[a] < found[b] ? -1 : found[a] > found[b] ? 1 : 0 : (a, b) => found[a] - found[b];
  const all = Int32Array.from(data.id.keys());
  return [...all.filter(isKnown).sort((a, b) => sign * compare(a, b) || a - b), ...all.filter((row) => !isKnown(row))];
});
const sorted = (mask, name, up) => sortedAll((up ? "" : "-") + name).filter((row) => mask[row]);

// The points of one's own studies that may stand beside some of these rows: of the same task, scenario and images.
function beside(rows, x, y) {
  if (data.studies.length === 0) return [];
  const { task, scenario } = data.studied, judged = x === "accuracy" || y === "accuracy";
  const rivals = rows.filter((row) => label("task", row) === task && label("scenario", row) === scenario);
  const known = new Set(Array.from(rivals, (row) => data.images[row]));
  return data.studies.flatMap((study) => study.trial.map((trial, place) => ({ study, trial, place })))
    .filter(({ study, place }) => study.values[x] && study.values[y] && rivals.length > 0 &&
      (!judged || study.rival_images[place] !== null && known.has(study.rival_images[place])));
}

// What a dot of the chart is, for its tip.
function described(row) {
  return `row ${data.id[row]}: ${label("model", row)}; ${label("system", row)}; ${label("submitter", row)}, ${label("round", row)}`;
}
