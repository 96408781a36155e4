"use strict";
// The page's JSON, and how its figures are said.
const data = JSON.parse(document.getElementById("dse-data").textContent);
const metrics = new Map(data.metrics.map((metric) => [metric.name, metric]));
const nobody = "#8a8f98";  // the colour of what nobody can tell

const isLog = (name) => metrics.has(name) && metrics.get(name).scale === "ratio";
const forPeople = (name, value) => value === null ? NaN : value * metrics.get(name).factor;

function words(name, value) {
  const metric = metrics.get(name), number = value * metric.factor;
  return `${metric.digits === null ? Number(number.toPrecision(6)) : number.toFixed(metric.digits)} ${metric.shown_in}`.trim();
}

function title(name) {
  if (!metrics.has(name)) return name;
  const metric = metrics.get(name), better = metric.direction === "maximize" ? "higher" : "lower";
  return `${metric.title}${metric.shown_in ? ` [${metric.shown_in}]` : ""}, ${better} is better`;
}
