"use strict";
// Ranges on axes of the parallel coordinates: a box over some axes sets theirs, one over no axis takes all away.
const ranges = new Map();

function setRanges({ x0, x1, y0, y1 }) {
  const over = data.parallel.map((_, place) => place).filter((place) => x0 <= place && place <= x1);
  if (over.length === 0) ranges.clear();
  for (const place of over) ranges.set(place, [y0, y1]);
}

// The configurations that are in every range; none where there is no range.
function withinRanges() {
  const asked = [...ranges], isWithin = (line) => asked.every(([place, [low, high]]) => low <= line[place] && line[place] <= high);
  return asked.length === 0 ? [] : heights().py.flatMap((line, i) => isWithin(line) ? [i] : []);
}

function rangeBoxes() {
  const found = [...ranges], of = (each) => found.map(each);
  return { left: of(([place]) => place - 0.05), right: of(([place]) => place + 0.05), bottom: of(([, [low]]) => low), top: of(([, [, high]]) => high) };
}
