"use strict";
// Ties controls, chart and table of published results to one state, which the page's address keeps.
(function () {
  const pageRows = 50, mostDots = 4000;
  const about = ["model", "device", "submitter", "round", "system", "scenario", "task"];
  const controls = { ...Object.fromEntries(data.choices.map((name) => [name, `choose-${name}`])),
    path: "path", y: "axis-y", x: "axis-x", by: "by" };
  const verdicts = ["not compared", "dominated", "front"];
  let sources, models, now, sort = { name: "id", up: true }, first = 0, chosen = null;

  // The state as an address has it: what differs from the first view.
  function initial() {
    const axes = data.axes[data.start.scenario];
    const view = { ...Object.fromEntries(data.choices.map((name) => [name, data.start[name] ?? ""])), path: "",
      y: axes[0], x: axes[1], by: "device,round" };
    return { ...view, logy: isLog(view.y), logx: isLog(view.x), sort: "id" };
  }
  function current() {
    const view = Object.fromEntries(Object.entries(controls).map(([name, id]) => [name, byId(id).value]));
    return { ...view, logy: byId("log-y").checked, logx: byId("log-x").checked, sort: (sort.up ? "" : "-") + sort.name };
  }
  function address() {
    const before = initial(), differing = Object.entries(current()).filter(([name, value]) => String(value) !== String(before[name]));
    return `#${new URLSearchParams(differing.map(([name, value]) => [name, String(value)]))}`;
  }
  function restore() {
    const view = initial(), asked = new URLSearchParams(location.hash.slice(1));
    for (const name of Object.keys(view)) {
      if (!asked.has(name)) continue;
      const value = asked.get(name), select = controls[name] && byId(controls[name]);
      const known = !select || select.tagName !== "SELECT" || [...select.options].some((option) => option.value === value);
      if (known) view[name] = name.startsWith("log") ? value === "true" : value;
    }
    for (const [name, id] of Object.entries(controls)) byId(id).value = view[name];
    for (const side of ["x", "y"]) byId(`log-${side}`).checked = view[`log${side}`];
    const name = view.sort.replace(/^-/, "");
    sort = heads().includes(name) ? { name, up: !view.sort.startsWith("-") } : { name: "id", up: true };
  }

  // What is drawn: the rows that are chosen, the groups among them, their colours.
  function view() {
    const asked = current(), rows = filtered(Object.fromEntries(data.choices.map((name) => [name, asked[name]])), asked.path);
    const groups = fronts(rows, asked.x, asked.y, asked.by), verdict = new Uint8Array(total), place = new Int32Array(total);
    const several = new Set(groups.map(groupKind)).size > 1;
    let onFront = 0, drawn = 0, drawnFronts = 0;  // of the fronts those of the largest groups
    groups.forEach((group, rank) => {
      for (const row of group.rows) { verdict[row] = 1; place[row] = rank; }
      for (const row of group.front) verdict[row] = 2;
      onFront += group.front.length;
      if (drawnFronts === rank && drawn + group.front.length <= mostDots) { drawn += group.front.length; drawnFronts += 1; }
    });
    const compared = groups.flatMap((group) => group.rows);
    return { ...asked, rows, groups, verdict, place, several, compared, onFront, drawnFronts, mask: marked(rows), own: beside(compared, asked.x, asked.y) };
  }
  const fillOf = (rank) => data.palette[rank] ?? nobody;
  const numbers = (rows, name) => rows.map((row) => forPeople(name, values[name][row]));
  function dots(rows) {
    return { x: numbers(rows, now.x), y: numbers(rows, now.y), row: rows, fill: rows.map((row) => fillOf(now.place[row])) };
  }
  // Of very many that are dominated an even part is drawn: more would lie on one another, and take their time.
  function thinned(rows) {
    const share = Math.min(1, mostDots / rows.length);
    return rows.filter((_, place) => Math.floor((place + 1) * share) > Math.floor(place * share));
  }
  function contents() {
    const drawn = now.groups.slice(0, now.drawnFronts), lines = drawn.filter((group) => group.front.length > 1).slice(0, 100);
    const figures = (name) => now.own.map(({ study, place }) => forPeople(name, study.values[name][place]));
    return {
      below: dots(thinned(now.compared.filter((row) => now.verdict[row] === 1))), front: dots(drawn.flatMap((group) => group.front)),
      borders: { xs: lines.map(({ front }) => stairs(front, now.x, false)), ys: lines.map(({ front }) => stairs(front, now.y, true)),
        fill: lines.map((group) => fillOf(now.place[group.rows[0]])) },
      own: { x: figures(now.x), y: figures(now.y), study: now.own.map(({ study }) => study.title), trial: now.own.map(({ trial }) => trial),
        config: now.own.map(({ study, place }) => study.configuration[place]),
        fill: now.own.map(({ study }) => data.studies.indexOf(study) ? style("--surface") : style("--text")),
        line: now.own.map(() => style("--text")) } };
  }
  // The border of what a front dominates: across first, then up.
  const stairs = (front, name, late) => front.flatMap((row, place) => {
    const value = forPeople(name, values[name][row]);
    if (place === front.length - 1) return [value];
    return late ? [value, value] : [value, forPeople(name, values[name][front[place + 1]])];
  });

  function legend() {
    const some = now.groups.slice(0, data.palette.length), rest = now.groups.length - some.length;
    const said = (group) => [groupName(group, now.by), now.several ? groupKind(group) : ""].filter(Boolean).join("; ");
    const keys = now.groups.length > 1 ? some.map((group, rank) => [fillOf(rank), `${said(group)} (${group.front.length} of ${group.rows.length})`]) : [];
    if (rest > 0) keys.push([nobody, `${rest} more groups`]);
    byId("keys").replaceChildren(...keys.map(([fill, what]) => {
      const item = document.createElement("span"), dot = document.createElement("span");
      dot.className = "swatch";
      dot.style.background = dot.style.borderColor = fill;
      item.append(dot, ` ${what}`);
      return item;
    }));
    const { rows, compared, onFront: front, drawnFronts } = now;
    byId("count").textContent = `${rows.length} of ${total} results are chosen; ${now.groups.length} ${now.groups.length === 1 ? "group" : "groups"}: ` +
      `${front} on a front, ${compared.length - front} dominated, ${rows.length - compared.length} not compared.` +
      (compared.length - front > mostDots ? ` Of the dominated ${mostDots} are drawn.` : "") +
      (drawnFronts < now.groups.length ? ` Of the fronts those of the ${drawnFronts} largest groups are drawn.` : "");
    const own = data.studies.reduce((sum, study) => sum + study.trial.length, 0);
    byId("beside").textContent = own === 0 ? "" : `${now.own.length} of ${own} points of your studies compare with what is chosen, and are stars: ` +
      "on the same task, scenario and number of images, by accuracy and p90 latency.";
  }

  const heads = () => ["id", ...metrics.keys(), ...about, "directory"];
  const columns = () => ["id", "verdict", ...new Set([now.y, now.x]), ...about, "directory"];
  function cell(name, row) {
    if (name === "verdict") return verdicts[now.verdict[row]];
    if (metrics.has(name)) return values[name][row] === null ? "" : words(name, values[name][row]);
    return String(labels[name] ? label(name, row) : data[name][row]);
  }
  function table() {
    const head = document.querySelector("#table thead tr"), body = document.querySelector("#table tbody"), names = columns();
    head.replaceChildren(...names.map((name) => {
      const each = document.createElement("th"), said = name === "id" ? "row" : name === "directory" ? "path" : metrics.has(name) ? metrics.get(name).title : name;
      each.scope = "col";
      if (name === "verdict") { each.textContent = said; return each; }
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: said });
      each.append(button);
      each.dataset.column = name;
      each.setAttribute("aria-sort", sort.name !== name ? "none" : sort.up ? "ascending" : "descending");
      button.addEventListener("click", () => {
        sort = { name, up: sort.name === name ? !sort.up : true };
        first = 0;
        table();
        keep();
        document.querySelector(`#table th[data-column="${name}"] button`).focus();
      });
      return each;
    }));
    const rows = sorted(now.mask, sort.name, sort.up);
    if (chosen !== null && first === null) first = Math.max(0, Math.floor(rows.indexOf(chosen) / pageRows) * pageRows);
    first = Math.min(first ?? 0, Math.max(0, Math.floor((rows.length - 1) / pageRows) * pageRows));
    body.replaceChildren(...rows.slice(first, first + pageRows).map((row) => line(row, names)));
    byId("page").textContent = rows.length === 0 ? "No result has all that is chosen." : `${first + 1} to ${Math.min(first + pageRows, rows.length)} of ${rows.length}`;
    byId("before").disabled = first === 0;
    byId("after").disabled = first + pageRows >= rows.length;
  }
  function line(row, names) {
    const each = document.createElement("tr");
    each.dataset.row = data.id[row];
    each.classList.toggle("chosen-row", row === chosen);
    names.forEach((name, place) => {
      const one = document.createElement(place === 0 ? "th" : "td");
      if (place > 0) one.textContent = cell(name, row);
      else {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: cell(name, row) });
        button.setAttribute("aria-label", `row ${cell(name, row)}: mark it`);
        button.setAttribute("aria-pressed", String(row === chosen));
        one.scope = "row";
        one.append(button);
      }
      each.append(one);
    });
    each.addEventListener("click", () => choose(row === chosen ? null : row));
    return each;
  }

  let choosing = false;
  function choose(row, find) {
    if (choosing) return;
    choosing = true;
    const focused = document.activeElement?.closest?.("#table tbody tr")?.dataset.row;
    chosen = row;
    for (const name of ["below", "front"]) {
      const place = row === null ? -1 : sources[name].data.row.indexOf(row);
      sources[name].selected.indices = place < 0 ? [] : [place];
    }
    choosing = false;
    byId("chosen").textContent = row === null ? "Nothing is chosen." : `Row ${data.id[row]}, ${verdicts[now.verdict[row]]}: ` +
      `${[now.y, now.x].filter((name) => values[name][row] !== null).map((name) => words(name, values[name][row])).join(", ")}; ${label("round", row)}, ${data.directory[row]}.`;
    if (find) first = null;
    table();
    if (focused) document.querySelector(`#table tr[data-row="${focused}"] button`)?.focus({ preventScroll: true });
  }

  const keep = () => history.replaceState(null, "", address());
  function draw() {
    now = view();
    const found = contents();
    for (const name in found) { sources[name].selected.indices = []; sources[name].data = found[name]; }
    show();
  }
  function show() {
    axis(models.scatter, "x", now.x, now.logx);
    axis(models.scatter, "y", now.y, now.logy);
    first = 0;
    legend();
    choose(chosen !== null && now.mask[chosen] ? chosen : null);
  }
  const change = () => { draw(); keep(); };

  function listen() {
    for (const [name, id] of Object.entries(controls)) byId(id).addEventListener(name === "path" ? "input" : "change", () => {
      if (name === "scenario" && data.axes[byId(id).value]) {
        [byId("axis-y").value, byId("axis-x").value] = data.axes[byId(id).value];
        for (const side of ["x", "y"]) byId(`log-${side}`).checked = isLog(byId(`axis-${side}`).value);
      }
      if (name === "x" || name === "y") byId(`log-${name}`).checked = isLog(byId(id).value);
      change();
    });
    for (const side of ["x", "y"]) byId(`log-${side}`).addEventListener("change", change);
    byId("reset").addEventListener("click", () => { history.replaceState(null, "", "#"); chosen = null; restore(); draw(); });
    byId("link").addEventListener("click", () => copy(byId("link"), location.href));
    byId("before").addEventListener("click", () => { first -= pageRows; table(); });
    byId("after").addEventListener("click", () => { first += pageRows; table(); });
    addEventListener("hashchange", () => { restore(); draw(); });
    for (const name of ["below", "front"]) sources[name].selected.properties.indices.change.connect(() => {
      const [place] = sources[name].selected.indices;
      if (!choosing && place !== undefined) choose(sources[name].data.row[place], true);
    });
  }
  function options() {
    for (const name of data.choices) {
      const counts = new Array(labels[name].levels.length).fill(0);
      for (const code of codes[name]) if (code < counts.length) counts[code] += 1;
      byId(`choose-${name}`).append(...labels[name].levels.map((level, place) => new Option(`${level} (${counts[place]})`, level)));
    }
    for (const id of ["axis-x", "axis-y"]) byId(id).append(...[...metrics.values()].map((metric) => new Option(metric.title, metric.name)));
  }
  async function begin() {
    now = view();
    await openCharts(contents());
    await addFirstChart(() => {
      sources = named(["below", "front", "borders", "own"]);
      models = named(["scatter"]);
      paint(models);
    });
    axis(models.scatter, "x", now.x, now.logx);
    axis(models.scatter, "y", now.y, now.logy);
    listen();
    themes((dark) => { theme(dark); paint(models); draw(); });
    show();
    document.body.dataset.ready = "yes";
  }

  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  document.body.classList.add("scripted");
  options();
  restore();
  begin();
})();
