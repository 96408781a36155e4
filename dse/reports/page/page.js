"use strict";
// Fills Bokeh's sources from the page's JSON and ties controls, table and charts together. Which configurations are on
// a front is looked up: dominance is decided where the page is made.
(function () {
  const data = JSON.parse(document.getElementById("dse-data").textContent);
  const columns = data.configurations, count = columns.trial.length;
  const metrics = new Map(data.metrics.map((metric) => [metric.name, metric]));
  const compared = new Set(["front", "represented", "dominated"]);
  const groups = { front: "front", represented: "stands behind a front point", dominated: "dominated",
    constraint: "outside the constraints", excluded: "excluded" };
  const byId = (id) => document.getElementById(id);
  const styles = getComputedStyle(document.documentElement);
  const places = new Map(columns.trial.map((trial, index) => [trial, index]));
  const start = { x: data.objectives.length > 1 ? data.objectives[1].name : "trial", y: data.objectives[0].name };
  const isLog = (name) => metrics.has(name) && metrics.get(name).scale === "ratio";
  let source, border, percentiles, models;

  const shown = (name, value) => value === null ? null : value * metrics.get(name).factor;
  function words(name, value) {
    const metric = metrics.get(name), number = value * metric.factor;
    return `${metric.digits === null ? Number(number.toPrecision(6)) : number.toFixed(metric.digits)} ${metric.shown_in}`.trim();
  }
  const column = (name) => name === "trial" ? columns.trial : columns.values[name].map((value) => shown(name, value));
  const ends = (name, which) => name === "trial" ? columns.trial : columns[which][name].map((end, i) =>
    shown(name, end === null ? columns.values[name][i] : end));
  function title(name) {
    if (name === "trial") return "trial";
    const metric = metrics.get(name), better = metric.direction === "maximize" ? "higher" : "lower";
    return `${metric.title}${metric.shown_in ? ` [${metric.shown_in}]` : ""}, ${better} is better`;
  }

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

  function lines() {
    const xs = data.parallel.map((_, place) => place);
    const heights = data.parallel.map((axis) => {
      if (axis.kind === "parameter") {
        const found = new Map(axis.ticks.map(([height, level]) => [level, height]));
        return columns.parameters[axis.name].map((level) => found.get(level === null ? "none" : level));
      }
      const scale = axis.log ? Math.log : (v) => v, low = scale(axis.low), span = scale(axis.high) - low || 1;
      return columns.values[axis.name].map((value) => value === null ? NaN : (scale(value) - low) / span);
    });
    return { px: columns.trial.map(() => xs), py: columns.trial.map((_, i) => heights.map((axis) => axis[i])) };
  }

  function colours(by) {
    const palette = (levels) => new Map(levels.map((level, i) => [level, data.palette[Math.round(
      i * (data.palette.length - 1) / Math.max(levels.length - 1, 1))]]));
    if (by.startsWith("p:")) {
      const name = by.slice(2), found = palette(data.parameters.find((p) => p.name === name).levels);
      return { fill: columns.parameters[name].map((level) => found.get(level) ?? "#8a8f98"), keys: [...found] };
    }
    if (by.startsWith("m:")) {
      const name = by.slice(2), scale = isLog(name) ? Math.log : (v) => v;
      const known = columns.values[name].filter((v) => v !== null), low = Math.min(...known), high = Math.max(...known);
      const at = (v) => data.palette[Math.round((data.palette.length - 1) * (scale(v) - scale(low)) / (scale(high) - scale(low) || 1))];
      return { fill: columns.values[name].map((v) => v === null ? "#8a8f98" : at(v)),
        keys: [[words(name, low), at(low)], [words(name, high), at(high)]] };
    }
    return null;
  }
  const groupColour = (group) => styles.getPropertyValue(`--group-${group}`).trim();

  function membership(x, y) {
    if (byId("members").value === "study" || x === y || x === "trial" || y === "trial") return columns.verdict.slice();
    const front = new Set(data.fronts[`${x}|${y}`]);
    return columns.verdict.map((verdict, i) => !compared.has(verdict) ? verdict : front.has(i) ? "front" : "dominated");
  }

  function steps(x, y, verdicts) {
    if (x === "trial" || y === "trial" || x === y) return { x: [], y: [] };
    const xs = column(x), ys = column(y), up = metrics.get(x).direction === "maximize";
    const front = data.fronts[`${x}|${y}`].slice().sort((a, b) => (xs[a] - xs[b]) * (up ? -1 : 1));
    return { x: front.map((i) => xs[i]), y: front.map((i) => ys[i]) };
  }

  function draw() {
    const x = byId("axis-x").value, y = byId("axis-y").value, verdicts = membership(x, y);
    const colour = colours(byId("colour").value);
    const on = new Set([...document.querySelectorAll("#keys input:checked")].map((box) => box.value));
    const found = { ...source.data, x: column(x), y: column(y), x0: ends(x, "low"), x1: ends(x, "high"),
      y0: ends(y, "low"), y1: ends(y, "high"), verdict: verdicts, group: verdicts.map((v) => on.has(v) ? v : "hidden"),
      fill: colour ? colour.fill : verdicts.map((v) => groupColour(v) || "#888888") };
    for (const name of ["x", "y", "x0", "x1", "y0", "y1"])
      found[name] = found[name].map((value) => value === null ? NaN : value);
    source.data = found;
    models.table.view.change.emit();  // the table looks at which rows there are, not at what is in them
    border.data = steps(x, y, verdicts);
    scale("x", x, byId("log-x").checked);
    scale("y", y, byId("log-y").checked);
    for (const label of document.querySelectorAll("#keys label[data-group]")) {
      const group = label.dataset.group, number = verdicts.filter((v) => v === group).length;
      label.querySelector("b").textContent = String(number);
      label.hidden = number === 0;
    }
    const legend = byId("levels");
    legend.replaceChildren(...(colour ? colour.keys : []).map(([level, fill]) => {
      const item = document.createElement("span"), dot = document.createElement("span");
      dot.className = "swatch";
      dot.style.background = dot.style.borderColor = fill;
      item.append(dot, ` ${level} `);
      return item;
    }));
    byId("keys").dataset.front = String(verdicts.filter((v) => v === "front").length);
  }

  const used = { x: null, y: null };
  function scale(side, name, log) {
    const plot = models.scatter, axis = side === "x" ? plot.below[0] : plot.left[0];
    axis.axis_label = title(name);
    const kind = log && name !== "trial";
    if (used[side] !== kind) {
      used[side] = kind;
      const make = (type, options) => new (Bokeh.Models.get(type))(options || {});
      plot[`${side}_scale`] = make(kind ? "LogScale" : "LinearScale");
      axis.ticker = kind ? make("LogTicker", { mantissas: [1, 2, 5], desired_num_ticks: 9 }) : make("BasicTicker");
      axis.formatter = make("BasicTickFormatter", { use_scientific: false });
    }
    plot[`${side}_range`].have_updated_interactively = false;
    const view = Bokeh.index.get_by_id ? Bokeh.index.get_by_id(plot.id) : null;
    if (view && view.reset_range) view.reset_range();
  }

  function choose(indices) {
    const active = document.activeElement;
    source.selected.indices = [...new Set(indices)];
    if (active && active !== document.activeElement) active.focus({ preventScroll: true });  // the table takes it
  }
  function show() {
    const indices = source.selected.indices, chosen = new Set(indices.map((i) => columns.trial[i]));
    for (const row of document.querySelectorAll("#front-table tbody tr")) {
      const is = chosen.has(Number(row.dataset.trial));
      row.classList.toggle("chosen-row", is);
      row.querySelector("button").setAttribute("aria-pressed", String(is));
    }
    if (percentiles) {
      percentiles.selected.indices = percentiles.data.trial.flatMap((trial, i) => chosen.has(trial) ? [i] : []);
    }
    const i = indices[0];
    byId("chosen").textContent = indices.length === 0 ? "Nothing is chosen." : indices.length > 1 ?
      `${indices.length} configurations are chosen.` :
      `Trial ${columns.trial[i]}, ${source.data.verdict[i]}: ${figures(i)}; ${configuration(i)}` +
      (columns.reason[i] ? `; ${columns.reason[i]}` : "") + ".";
  }

  function frontTable() {
    const body = document.querySelector("#front-table tbody");
    for (const row of body.rows) {
      const cell = row.cells[0], button = document.createElement("button");
      button.type = "button";
      button.textContent = cell.textContent;
      button.setAttribute("aria-label", `trial ${cell.textContent}: mark it`);
      cell.replaceChildren(button);
      row.addEventListener("click", () => {
        const place = places.get(Number(row.dataset.trial)), now = source.selected.indices;
        choose(now.includes(place) ? now.filter((i) => i !== place) : [...now, place]);
      });
    }
    for (const head of document.querySelectorAll("#front-table th[data-column]")) {
      const button = document.createElement("button"), at = Number(head.dataset.column);
      button.type = "button";
      button.append(...head.childNodes);
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of head.parentNode.cells) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const value = (row) => Number(row.cells[at].dataset.value);
        body.append(...[...body.rows].sort((a, b) => (value(a) - value(b)) * (up ? 1 : -1)));
      });
    }
  }

  function paint() {
    const get = (name) => styles.getPropertyValue(name).trim(), text = get("--text"), line = get("--line");
    for (const model of Object.values(models)) {
      if (model.type !== "Figure") continue;
      model.background_fill_color = model.border_fill_color = null;
      model.outline_line_color = null;
      if (model.toolbar_location !== null) model.toolbar_location = innerWidth < 600 ? "above" : "right";
      for (const axis of [...model.below, ...model.left]) {
        for (const name of ["axis_label_text_color", "major_label_text_color"]) axis[name] = text;
        axis.axis_label_text_font_style = "normal";
        for (const name of ["axis_line_color", "major_tick_line_color", "minor_tick_line_color"]) axis[name] = line;
      }
      for (const grid of model.center) if ("grid_line_color" in grid) grid.grid_line_color = line;
      for (const renderer of model.renderers) {
        if (renderer.name === "ticks") renderer.glyph.text_color = text;
        if (renderer.name === "blue")
          for (const glyph of [renderer.glyph, renderer.selection_glyph, renderer.nonselection_glyph])
            if (glyph && glyph.type) glyph.line_color = get("--blue");
      }
    }
    draw();
  }
  function theme(dark) { document.documentElement.dataset.theme = dark ? "dark" : "light"; }

  function controls() {
    const option = (value, label) => new Option(label, value);
    const axes = [...data.metrics.map((m) => [m.name, m.title]), ["trial", "trial"]];
    byId("axis-x").append(...axes.map(([name, label]) => option(name, label)));
    byId("axis-y").append(...axes.map(([name, label]) => option(name, label)));
    byId("colour").append(option("", "verdict"), ...data.parameters.filter((p) => p.levels.length > 1)
      .map((p) => option(`p:${p.name}`, p.name)), ...data.metrics.map((m) => option(`m:${m.name}`, m.title)));
    const boxes = Object.entries(groups).map(([group, what]) => {
      const label = document.createElement("label"), box = document.createElement("input");
      const dot = document.createElement("span"), number = document.createElement("b");
      box.type = "checkbox"; box.checked = true; box.value = group;
      dot.className = `swatch ${group}`;
      label.dataset.group = group;
      label.append(box, dot, number, ` ${what}`);
      box.addEventListener("change", draw);
      return label;
    });
    const levels = document.createElement("span");
    levels.id = "levels";
    byId("keys").append(...boxes, levels);
    const reset = () => {
      byId("axis-x").value = start.x; byId("axis-y").value = start.y; byId("members").value = "study";
      byId("log-x").checked = isLog(start.x); byId("log-y").checked = isLog(start.y); byId("colour").value = "";
    };
    reset();
    for (const side of ["x", "y"]) {
      byId(`axis-${side}`).addEventListener("change", (event) => {
        byId(`log-${side}`).checked = isLog(event.target.value);
        const same = byId("axis-x").value === start.x && byId("axis-y").value === start.y;
        byId("members").value = same ? "study" : "axes";
        draw();
      });
      byId(`log-${side}`).addEventListener("change", draw);
    }
    byId("members").addEventListener("change", draw);
    byId("colour").addEventListener("change", draw);
    byId("reset").addEventListener("click", () => { reset(); choose([]); draw(); });
    byId("theme").addEventListener("click", () => {
      theme(document.documentElement.dataset.theme !== "dark");
      paint();
    });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => { theme(dark.matches); paint(); });
    let before;
    addEventListener("beforeprint", () => { before = document.documentElement.dataset.theme; theme(false); paint(); });
    addEventListener("afterprint", () => { theme(before === "dark"); paint(); });
  }

  function begin() {
    const doc = Bokeh.documents[0];
    const named = (name) => doc.get_model_by_name(name);
    source = named("configurations"); border = named("border"); percentiles = named("percentiles");
    models = Object.fromEntries(["scatter", "parallel", "table", "growth", "latency"]
      .map((name) => [name, named(name)]).filter(([, model]) => model));
    const numbers = (levels) => levels.every((level) => level !== "" && !Number.isNaN(Number(level)));
    const fixed = { trial: columns.trial, figures: columns.trial.map((_, i) => figures(i)),
      config: columns.trial.map((_, i) => configuration(i)), p_front: columns.trial.map((_, i) => sure(i)),
      repeats: columns.repeats, reason: columns.reason.map((reason) => reason ?? ""),
      also: columns.represents.map((trials) => trials.join(", ")), ...lines() };
    for (const metric of data.metrics)
      fixed[`m:${metric.name}`] = column(metric.name).map((value) => value === null ? NaN : value);
    for (const { name, levels } of data.parameters) {
      const read = numbers(levels) ? (level) => level === null ? NaN : Number(level) : (level) => level ?? "";
      fixed[`p:${name}`] = columns.parameters[name].map(read);
    }
    for (const name of ["x", "y", "x0", "x1", "y0", "y1"]) fixed[name] = new Array(count).fill(NaN);
    for (const name of ["group", "fill", "verdict"]) fixed[name] = new Array(count).fill("");
    source.data = fixed;
    source.selected.properties.indices.change.connect(show);
    if (percentiles) percentiles.selected.properties.indices.change.connect(() => {
      const own = percentiles.selected.indices.map((i) => places.get(percentiles.data.trial[i]));
      const now = source.selected.indices.filter((i) => percentiles.data.trial.includes(columns.trial[i]));
      if (own.length !== now.length || own.some((i) => !now.includes(i))) choose(own);
    });
    if (matchMedia("(pointer: coarse)").matches)
      for (const tool of models.scatter.toolbar.tools) if (tool.type === "BoxSelectTool") tool.active = false;
    frontTable();
    paint();
    show();
    document.body.dataset.ready = "yes";
  }

  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  document.body.classList.add("scripted");
  controls();
  (function wait() {
    const doc = window.Bokeh && Bokeh.documents[0];
    if (doc && doc.get_model_by_name("configurations")) begin(); else requestAnimationFrame(wait);
  })();
})();
