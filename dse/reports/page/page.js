"use strict";
// Ties the controls, the tables and Bokeh's charts together: one state, one selection.
(function () {
  const byId = (id) => document.getElementById(id);
  const styles = getComputedStyle(document.documentElement), style = (name) => styles.getPropertyValue(name).trim();
  const groups = { front: "front", represented: "stands behind a front point", dominated: "dominated",
    constraint: "outside the constraints", excluded: "excluded" };
  const charts = JSON.parse(byId("dse-charts").textContent), fixed = cells();
  let sources, models;

  function state() {
    const x = byId("axis-x").value, y = byId("axis-y").value, colour = colours(byId("colour").value);
    const verdicts = membership(x, y, byId("members").value === "axes");
    const shown = new Set([...document.querySelectorAll("#keys input:checked")].map((box) => box.value));
    const own = Object.fromEntries(Object.keys(groups).map((group) => [group, style(`--group-${group}`)]));
    const fill = colour ? colour.fill : verdicts.map((verdict) => own[verdict] ?? nobody);
    return { x, y, verdicts, shown, fill, keys: colour ? colour.keys : [] };
  }
  function contents(now) {
    const drawn = dots(now);
    return { configurations: { ...fixed, ...drawn }, bars: bars(now), border: border(now.x, now.y) };
  }
  const lines = ({ fill, layer, verdict }) => ({ ...heights(), fill, layer, verdict, trial: fixed.trial,
    figures: fixed.figures, config: fixed.config, p_front: fixed.p_front, also: fixed.also, reason: fixed.reason });

  function legend(now) {
    for (const label of document.querySelectorAll("#keys label[data-group]")) {
      const number = now.verdicts.filter((verdict) => verdict === label.dataset.group).length;
      label.querySelector("b").textContent = String(number);
      label.hidden = number === 0;
    }
    byId("levels").replaceChildren(...now.keys.map(([level, fill]) => {
      const item = document.createElement("span"), dot = document.createElement("span");
      dot.className = "swatch";
      dot.style.background = dot.style.borderColor = fill;
      item.append(dot, ` ${level} `);
      return item;
    }));
  }

  function draw() {
    const now = state(), found = contents(now);
    for (const name of ["configurations", "bars", "border"]) sources[name].data = found[name];
    axis("x", now.x, byId("log-x").checked);
    axis("y", now.y, byId("log-y").checked);
    legend(now);
    for (const each of Object.values(below)) each.isOld = true;
    renew();
  }

  // What is further down costs nothing before somebody looks at it.
  const below = {
    parallel: { isOld: true, isSeen: false, renew: () => { sources.lines.data = lines(dots(state())); } },
    table: { isOld: false, isSeen: false, renew: () => models.table.view.change.emit() },  // it sees new rows, not cells
  };
  function renew() {
    for (const each of Object.values(below).filter(({ isOld, isSeen }) => isOld && isSeen)) {
      each.isOld = false;
      each.renew();
    }
  }
  function watch() {
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) below[target.id.slice("chart-".length)].isSeen = isIntersecting;
      renew();
    }, { rootMargin: "300px" });
    for (const name of Object.keys(below).filter((name) => models[name])) observer.observe(byId(`chart-${name}`));
    addEventListener("beforeprint", () => { for (const name in below) below[name].isSeen = name in models; renew(); });
  }

  const used = {};
  function axis(side, name, log) {
    const plot = models.scatter, drawn = side === "x" ? plot.below[0] : plot.left[0], kind = log && name !== "trial";
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

  function choose(indices) {
    const active = document.activeElement;
    sources.configurations.selected.indices = [...new Set(indices)];
    if (active && active !== document.activeElement) active.focus({ preventScroll: true });  // the table takes it
  }
  function show() {
    const indices = sources.configurations.selected.indices, chosen = new Set(indices.map((i) => columns.trial[i]));
    for (const row of document.querySelectorAll("#front-table tbody tr")) {
      const is = chosen.has(Number(row.dataset.trial));
      row.classList.toggle("chosen-row", is);
      row.querySelector("button").setAttribute("aria-pressed", String(is));
    }
    if (sources.percentiles)
      sources.percentiles.selected.indices = sources.percentiles.data.trial.flatMap((trial, i) => chosen.has(trial) ? [i] : []);
    const i = indices[0], reason = columns.reason[i] ? `; ${columns.reason[i]}` : "";
    byId("chosen").textContent = indices.length === 0 ? "Nothing is chosen." : indices.length > 1 ?
      `${indices.length} configurations are chosen.` :
      `Trial ${columns.trial[i]}, ${sources.configurations.data.verdict[i]}: ${figures(i)}; ${configuration(i)}${reason}.`;
  }
  function chosenCurve() {
    const { data: { trial }, selected } = sources.percentiles, now = sources.configurations.selected.indices;
    const own = selected.indices.map((i) => places.get(trial[i])), known = new Set(trial.map((each) => places.get(each)));
    if (own.length !== now.filter((i) => known.has(i)).length || own.some((i) => !now.includes(i))) choose(own);
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
        const place = places.get(Number(row.dataset.trial)), now = sources.configurations.selected.indices;
        choose(now.includes(place) ? now.filter((i) => i !== place) : [...now, place]);
      });
    }
    const heads = [...document.querySelectorAll("#front-table th[data-column]")];
    for (const head of heads) {
      const button = document.createElement("button"), value = (row) => Number(row.cells[head.dataset.column].dataset.value);
      button.type = "button";
      button.append(...head.childNodes);
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        body.append(...[...body.rows].sort((a, b) => (value(a) - value(b)) * (up ? 1 : -1)));
      });
    }
  }

  function paint() {
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
      }
    }
  }
  const theme = (dark) => { document.documentElement.dataset.theme = dark ? "dark" : "light"; };
  const repaint = (dark) => { theme(dark); paint(); draw(); };

  function controls() {
    const axes = [...data.metrics.map((metric) => [metric.name, metric.title]), ["trial", "trial"]];
    for (const id of ["axis-x", "axis-y"]) byId(id).append(...axes.map(([name, label]) => new Option(label, name)));
    byId("colour").append(new Option("verdict", ""),
      ...data.parameters.filter((p) => p.levels.length > 1).map((p) => new Option(p.name, `p:${p.name}`)),
      ...data.metrics.filter((m) => columns.values[m.name].some((value) => value !== null))
        .map((m) => new Option(m.title, `m:${m.name}`)));
    const boxes = Object.entries(groups).map(([group, what]) => {
      const [label, box, dot, number] = ["label", "input", "span", "b"].map((tag) => document.createElement(tag));
      Object.assign(box, { type: "checkbox", checked: true, value: group });
      dot.className = `swatch ${group}`;
      label.dataset.group = group;
      label.append(box, dot, number, ` ${what}`);
      box.addEventListener("change", draw);
      return label;
    });
    byId("keys").append(...boxes, Object.assign(document.createElement("span"), { id: "levels" }));
    const reset = () => {
      for (const side of ["x", "y"]) {
        byId(`axis-${side}`).value = start[side];
        byId(`log-${side}`).checked = isLog(start[side]);
      }
      byId("members").value = "study"; byId("colour").value = "";
      for (const box of document.querySelectorAll("#keys input")) box.checked = true;
    };
    reset();
    for (const side of ["x", "y"]) byId(`axis-${side}`).addEventListener("change", (event) => {
      byId(`log-${side}`).checked = isLog(event.target.value);
      const same = byId("axis-x").value === start.x && byId("axis-y").value === start.y;
      byId("members").value = same ? "study" : "axes";
    });
    for (const id of ["axis-x", "axis-y", "log-x", "log-y", "members", "colour"]) byId(id).addEventListener("change", draw);
    byId("reset").addEventListener("click", () => { reset(); choose([]); draw(); });
  }
  function themes() {
    const dark = matchMedia("(prefers-color-scheme: dark)"), isDark = () => document.documentElement.dataset.theme === "dark";
    byId("theme").addEventListener("click", () => repaint(!isDark()));
    dark.addEventListener("change", () => repaint(dark.matches));
    let before;
    addEventListener("beforeprint", () => { before = isDark(); repaint(false); });
    addEventListener("afterprint", () => repaint(before));
  }

  // The sources are filled before anything is drawn: then it is drawn once.
  function fill(node, found) {
    if (!node || typeof node !== "object") return;
    const name = node.name === "ColumnDataSource" && node.attributes && node.attributes.name;
    if (name && found[name]) { node.attributes.data = { type: "map", entries: Object.entries(found[name]) }; return; }
    for (const inner of Object.values(node)) fill(inner, found);
  }
  async function begin() {
    const now = state();
    fill(charts.docs, contents(now));
    await Bokeh.embed.embed_items(charts.docs, charts.items);
    const named = (name) => Bokeh.documents[0].get_model_by_name(name), known = (names) => Object.fromEntries(
      names.map((name) => [name, named(name)]).filter(([, model]) => model));
    sources = known(["configurations", "bars", "border", "lines", "percentiles"]);
    models = known(["scatter", "parallel", "table", "growth", "latency"]);
    sources.configurations.selected.properties.indices.change.connect(show);
    if (sources.percentiles) sources.percentiles.selected.properties.indices.change.connect(chosenCurve);
    if (matchMedia("(pointer: coarse)").matches)
      for (const tool of models.scatter.toolbar.tools) if (tool.type === "BoxSelectTool") tool.active = false;
    paint();
    axis("x", now.x, byId("log-x").checked);
    axis("y", now.y, byId("log-y").checked);
    legend(now);
    frontTable();
    themes();
    watch();
    show();
    document.body.dataset.ready = "yes";
  }

  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  document.body.classList.add("scripted");
  controls();
  begin();
})();
