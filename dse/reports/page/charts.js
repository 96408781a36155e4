"use strict";
// What every page does with Bokeh's charts: the page's colours, an axis of a figure, data before anything is drawn.
const byId = (id) => document.getElementById(id);
const styles = getComputedStyle(document.documentElement), style = (name) => styles.getPropertyValue(name).trim();

const used = {};
function axis(plot, side, name, log) {
  const drawn = side === "x" ? plot.below[0] : plot.left[0], kind = log && metrics.has(name);
  if (used[side] === `${name} ${kind}`) return;
  const make = (type, options) => new (Bokeh.Models.get(type))(options);
  if (used[side] === undefined || used[side].endsWith("true") !== kind) {
    plot[`${side}_scale`] = make(kind ? "LogScale" : "LinearScale", {});
    drawn.ticker = kind ? make("LogTicker", { mantissas: [1, 2, 5], desired_num_ticks: 9 }) : make("BasicTicker", {});
    drawn.formatter = make("BasicTickFormatter", { use_scientific: false });
  }
  used[side] = `${name} ${kind}`;
  drawn.axis_label = title(name);
  const view = Bokeh.index.get_by_id(plot.id);
  if (view) view.reset_range();
}

function paint(models) {
  const text = style("--text"), line = style("--line"), blue = style("--blue");
  for (const model of Object.values(models).filter((model) => model.type === "Figure")) {
    if (model.toolbar_location !== null) model.toolbar_location = innerWidth < 600 ? "above" : "right";
    for (const each of [...model.below, ...model.left])
      each.setv({ axis_label_text_color: text, major_label_text_color: text, axis_line_color: line,
        major_tick_line_color: line, minor_tick_line_color: line, axis_label_text_font_style: "normal" });
    for (const grid of model.center) if (grid.type === "Grid") grid.grid_line_color = line;
    for (const { name, glyph, selection_glyph, nonselection_glyph } of model.renderers) {
      if (name === "ticks") glyph.text_color = text;
      for (const each of [glyph, selection_glyph, nonselection_glyph])
        if (name === "blue" && each && each.type) each.line_color = blue;
      if (name === "others") glyph.line_color = glyph.fill_color = style("--group-published");
    }
  }
}
const theme = (dark) => { document.documentElement.dataset.theme = dark ? "dark" : "light"; };
function themes(repaint) {
  const dark = matchMedia("(prefers-color-scheme: dark)"), isDark = () => document.documentElement.dataset.theme === "dark";
  byId("theme").addEventListener("click", () => repaint(!isDark()));
  dark.addEventListener("change", () => repaint(dark.matches));
  let before;
  addEventListener("beforeprint", () => { before = isDark(); repaint(false); });
  addEventListener("afterprint", () => repaint(before));
}

// Charts are added to the page in its order, each before somebody first looks at it; the library of the later ones with
// the first of these. Colours that are changed right after a chart was added are in its first drawing; its scales are not.
const charts = JSON.parse(byId("dse-charts").textContent), waiting = charts.docs.page.roots;
const chartNames = charts.items[0].root_ids.map((id) => charts.items[0].roots[id].slice("chart-".length));
async function openCharts(found) {
  fill(charts.docs, found);
  charts.docs.page.roots = [];
  await Bokeh.embed.embed_items(charts.docs, charts.items);
}
function addChart() {
  if (waiting.length < chartNames.length) for (const part of document.querySelectorAll("script[data-later]")) {
    part.replaceWith(Object.assign(document.createElement("script"), { textContent: part.textContent }));
  }
  Bokeh.documents[0].apply_json_patch({ events: [{ kind: "RootAdded", model: waiting.shift() }] });
}
async function addFirstChart(change) {
  const drawn = new Promise((done) => Bokeh.documents[0].idle.connect(done));
  addChart();
  change();
  await drawn;
}

// The sources are filled before anything is drawn: then it is drawn once.
function fill(node, found) {
  if (!node || typeof node !== "object") return;
  const name = node.name === "ColumnDataSource" && node.attributes && node.attributes.name;
  if (name && found[name]) { node.attributes.data = { type: "map", entries: Object.entries(found[name]) }; return; }
  for (const inner of Object.values(node)) fill(inner, found);
}

// The models of these names that are there.
const named = (names) => Object.fromEntries(names.map((name) => [name, Bokeh.documents[0].get_model_by_name(name)])
  .filter(([, model]) => model));

async function copy(button, text) {
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { prompt("To be copied", text); }
}
