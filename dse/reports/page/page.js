"use strict";
// Ties the controls, the tables and Bokeh's charts together: one state, one selection.
(function () {
  const groups = { front: "front", represented: "stands behind a front point", dominated: "dominated",
    constraint: "outside the constraints", excluded: "excluded", ...(data.published ? { published: "published" } : {}) };
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
    fill(charts.docs, contents(now));
    await Bokeh.embed.embed_items(charts.docs, charts.items);
    sources = named(["configurations", "bars", "border", "published", "lines", "ranges", "percentiles"]);
    models = named(["scatter", "parallel", "table", "growth", "latency"]);
    sources.configurations.selected.properties.indices.change.connect(show);
    if (sources.percentiles) sources.percentiles.selected.properties.indices.change.connect(chosenCurve);
    addEventListener("ranges", ranged);
    if (matchMedia("(pointer: coarse)").matches)
      for (const { toolbar } of [models.scatter, models.parallel].filter(Boolean))
        for (const tool of toolbar.tools) if (tool.type === "BoxSelectTool") tool.active = false;
    paint(models);
    axis(models.scatter, "x", now.x, byId("log-x").checked);
    axis(models.scatter, "y", now.y, byId("log-y").checked);
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
