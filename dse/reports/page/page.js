"use strict";
// Ties the controls, the tables and Bokeh's charts together: one state, one selection.
(function () {
  const groups = { front: "front", represented: "stands behind a front point", dominated: "dominated",
    constraint: "outside the constraints", excluded: "excluded", ...(data.published ? { published: "published" } : {}) };
  const fixed = cells();
  let sources = {}, models = {};

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
    return { configurations: { ...fixed, ...drawn }, bars: bars(now), border: border(now.x, now.y),
      ...(data.published ? { published: published(now) } : {}) };
  }
  const lines = ({ fill, layer, verdict }) => ({ ...heights(), fill, layer, verdict, trial: fixed.trial,
    figures: fixed.figures, config: fixed.config, p_front: fixed.p_front, also: fixed.also, reason: fixed.reason });

  function legend(now) {
    const others = data.published ? data.published.id.length : 0;
    for (const label of document.querySelectorAll("#keys label[data-group]")) {
      const { group } = label.dataset, number = group === "published" ? others : now.verdicts.filter((verdict) => verdict === group).length;
      label.querySelector("b").textContent = String(number);
      label.hidden = number === 0;
    }
    const lacking = [now.x, now.y].filter((name) => data.published && !data.published.values[name]).map(title);
    if (data.published) byId("beside").textContent = lacking.length ? `None is drawn on these axes: they have no ${lacking.join(" and no ")}.` : "";
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
    for (const name in found) sources[name].data = found[name];
    axis(models.scatter, "x", now.x, byId("log-x").checked);
    axis(models.scatter, "y", now.y, byId("log-y").checked);
    legend(now);
    for (const name in renewals) old.add(name);
    renew();
  }

  // What is further down costs nothing before somebody looks at it.
  const renewals = { parallel: () => { sources.lines.data = lines(dots(state())); },
    table: () => models.table.view.change.emit() };  // it sees new rows, not cells
  const old = new Set(["parallel"]), seen = new Set();
  function renew() {
    for (const name of chartNames.filter((each) => seen.has(each) && old.delete(each))) renewals[name]();
  }
  function watch() {
    const addSeen = () => { while (chartNames.some((name) => seen.has(name) && !models[name])) add(); renew(); };
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target.id.slice("chart-".length));
      addSeen();
    }, { rootMargin: "300px" });
    for (const name of chartNames.slice(1)) observer.observe(byId(`chart-${name}`));
    addEventListener("beforeprint", () => { for (const name of chartNames) seen.add(name); addSeen(); });
  }
  function add() {
    addChart();
    met();
    if (sources.percentiles) show();
  }
  // A chart that has just been added, and its sources.
  function met() {
    const before = models;
    sources = named(["configurations", "bars", "border", "published", "lines", "ranges", "percentiles"]);
    models = named(chartNames);
    const fresh = Object.fromEntries(Object.entries(models).filter(([name]) => !before[name]));
    paint(fresh);
    if (fresh.latency) sources.percentiles.selected.properties.indices.change.connect(chosenCurve);
    if (matchMedia("(pointer: coarse)").matches)
      for (const { toolbar } of Object.values(fresh).filter((model) => model.toolbar))
        for (const tool of toolbar.tools) if (tool.type === "BoxSelectTool") tool.active = false;
  }

  function choose(indices) {
    const active = document.activeElement;
    sources.configurations.selected.indices = [...new Set(indices)];
    if (active && active !== document.activeElement) active.focus({ preventScroll: true });  // the table takes it
  }
  // A box over axes of the lines: what is in all of their ranges is chosen, until something else is.
  let isRanged = false;
  function ranged({ detail }) {
    if (detail.type !== "rect") return;
    setRanges(detail);
    isRanged = true;
    choose(withinRanges());
    isRanged = false;
    sources.ranges.data = rangeBoxes();
  }
  function show() {
    if (!isRanged && ranges.size > 0) { ranges.clear(); sources.ranges.data = rangeBoxes(); }
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
      `${indices.length} configurations are chosen${ranges.size ? `, by ${[...ranges.keys()].map((place) => data.parallel[place].title).join(" and ")}` : ""}.` :
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

  const repaint = (dark) => { theme(dark); paint(models); draw(); };

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
  async function begin() {
    const now = state();
    await openCharts(contents(now));
    await addFirstChart(met);
    axis(models.scatter, "x", now.x, byId("log-x").checked);
    axis(models.scatter, "y", now.y, byId("log-y").checked);
    sources.configurations.selected.properties.indices.change.connect(show);
    addEventListener("ranges", ranged);
    legend(now);
    frontTable();
    for (const button of document.querySelectorAll("[data-copies]"))
      button.addEventListener("click", () => copy(button, byId(button.dataset.copies).textContent));
    themes(repaint);
    watch();
    show();
    document.body.dataset.ready = "yes";
  }

  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  document.body.classList.add("scripted");
  controls();
  begin();
})();
