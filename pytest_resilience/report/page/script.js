
"use strict";
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const WORDS = ["failed", "unproven", "waived", "not-applicable", "passed"];
  const RUNS_AT_ONCE = 100;
  for (const run of report.runs) {
    let marks = null; // unpacked when somebody looks
    const packed = run.marks;
    run.length = packed.length;
    Object.defineProperty(run, "marks", { get: () => (marks ||= packed.map(([at, kind, lane, label, bad, until, count]) => ({
      at, kind: report.texts[kind], lane: report.texts[lane], label: report.texts[label], bad: Boolean(bad), until, count: count || 1 }))) });
  }
  const $ = (id) => document.getElementById(id);

  // Text of the tested code goes into the page as text only: no HTML is ever put together.
  function make(tag, attributes = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    element.append(...inside.filter((each) => each != null && each !== ""));
    return element;
  }
  const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const seconds = (value) => `${Number(value).toFixed(value < 10 ? 2 : 1)} s`;
  const badge = (word) => make("span", { class: `badge ${word}` }, word);

  function command(text) {
    const code = make("code", {}, text);
    const button = make("button", { type: "button", "aria-label": `Copy: ${text}` }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        getSelection().selectAllChildren(code);
        document.execCommand("copy");
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    return make("div", { class: "command" }, code, button);
  }

  function facts(pairs) {
    const list = make("dl");
    for (const [name, value] of pairs) {
      if (value) list.append(make("dt", {}, name), make("dd", {}, value));
    }
    return list;
  }

  // What tells apart findings of one subject: the fault at the end of the experiment's id.
  function faultOf(replay) {
    const found = /(['"])(resilience::.*?)\1|(resilience::\S+)/.exec(replay || "");
    return found ? (found[2] || found[3]).split("::").slice(4).join("::") : "";
  }

  function evidence(each, together) {
    const many = together.filter((other) => other.subject === each.subject).length > 1;
    const fault = many && faultOf(each.replay);
    return make("div", { class: `evidence ${each.outcome}` },
      badge(each.outcome), make("b", {}, each.subject + (fault ? ` / ${fault}` : "")), make("span", { class: "count" }, each.kind),
      facts([["Why", each.why], ["Fix", each.fix], ["Replay", each.replay && command(each.replay)],
        ...(each.warnings || []).map((warning) => ["Warning", warning])]));
  }

  function row(word, title, first, count, texts, items, fill) {
    const head = make("summary", {}, badge(word || "not judged"), make("h3", {}, title), " ",
      make("span", { class: "count" }, count), first ? make("span", { class: "first" }, first) : null);
    const details = make("details", { class: `row ${word}` }, head);
    let filled = false;
    const show = () => {
      if (filled) return;
      filled = true;
      const inside = make("div", { class: "inside" });
      details.append(inside);
      fill(inside);
    };
    head.addEventListener("click", show); // before it opens, so that nothing jumps
    details.addEventListener("toggle", () => details.open && show());
    return { element: details, word, items, text: texts.filter(Boolean).join("\n").toLowerCase(),
      open() { show(); details.open = true; } };
  }

  function howMany(item) {
    const count = item.evidence.length;
    const warned = item.evidence.filter((each) => each.warnings?.length).length;
    const noun = item.verdict !== "passed" ? plural(count, "finding") : count === 1 ? "1 piece of evidence" : `${count} pieces of evidence`;
    return noun + (warned ? `, ${warned} with warnings` : "");
  }

  const RANKS = ["failed", "unproven", "passed", "not-applicable"];
  const rank = (each) => 2 * RANKS.indexOf(each.outcome) + (each.warnings?.length ? 0 : 1);

  function itemRow(item) {
    const texts = [item.id, item.title, item.why, ...item.evidence.flatMap((each) =>
      [each.subject, each.why, each.fix, each.replay, each.kind, ...(each.warnings || [])])];
    return row(item.verdict, `${item.number} ${item.title}`, item.why, howMany(item),
      texts, [item.id], (inside) => {
        for (const waiver of item.waivers || []) {
          inside.append(make("p", { class: "note" }, `Waived${waiver.subject ? ` for ${waiver.subject}` : ""}: ` +
            `${waiver.reason} (owner ${waiver.owner}, approved by ${waiver.approver}, until ${waiver.expires})`));
        }
        const said = item.evidence.some((each) => each.why === item.why);
        if (item.why && !said) inside.append(facts([["Why", item.why], ["Fix", item.fix]]));
        const worst = [...item.evidence].sort((a, b) => rank(a) - rank(b));
        inside.append(...worst.map((each) => evidence(each, worst)));
        if (!worst.length) inside.append(make("p", { class: "quiet" }, "No evidence."));
      });
  }

  function scenarioRow(scenario) {
    const faults = scenario.faults.map((fault) => [`${fault.kind}${fault.on ? ` on ${fault.on}` : ""}`,
      fault.fired.length ? fault.fired.map((fired) => `${seconds(fired.at)}` +
        `${fired.connection ? `, connection ${fired.connection}` : ""}${fired.message ? `, ${fired.message}` : ""}`)
        .join("\n") : "never fired"]);
    return row(scenario.verdict, scenario.id, scenario.why, plural(faults.length, "fault"),
      [scenario.id, scenario.why, ...faults.flat()], null, (inside) => {
        inside.append(facts([["Why", scenario.why], ["Replay", scenario.replay && command(scenario.replay)], ...faults]));
      });
  }

  function runRow(run) {
    const texts = [run.id, run.title, run.workload, run.why, ...run.notes];
    return row(run.verdict, run.title, run.why || (run.title === run.id ? "" : run.id),
      `${seconds(run.duration)}, ${plural(run.length, "mark")}`, texts, run.items || [], (inside) => {
        inside.append(facts([["Workload", run.workload], ["Run", run.id], ["Why", run.why],
          ["Time", `${seconds(run.duration)} as the workload counts them, ${seconds(run.real_duration)} by the clock`],
          ["Replay", run.replay && command(run.replay)], ...run.notes.map((note) => ["Note", note])]));
        if (run.marks.length) timeLine(inside, run);
        else inside.append(make("p", { class: "quiet" }, "Nothing was seen of this run."));
      });
  }

  const SVG = "http://www.w3.org/2000/svg";
  function draw(tag, attributes, text) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  const ORDER = { process: 0, call: 1, breaker: 2, message: 3, fault: 4, attempt: 5, log: 6, alert: 7, check: 0 };
  function lanesOf(marks) {
    const lanes = new Map();
    for (const mark of marks) {
      const rank = ORDER[mark.kind] ?? 9;
      const name = mark.lane.replace(/ (faults|attempts)$/, "");
      const kept = lanes.get(mark.lane);
      if (!kept || rank < kept.rank) lanes.set(mark.lane, { name: mark.lane, group: rank < 3 || rank > 5 ? "" : name, rank });
    }
    const block = (lane) => (lane.rank < 3 ? 0 : lane.rank > 5 ? 2 : 1);
    return [...lanes.values()].sort((a, b) =>
      block(a) - block(b) || a.group.localeCompare(b.group) || a.rank - b.rank || a.name.localeCompare(b.name));
  }

  function tickStep(span, room) {
    const rough = span / Math.max(2, Math.floor(room / 90));
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= rough);
  }

  const tone = (mark) => mark.bad ? "bad" : { breaker: /^closed/.test(mark.label) ? "ok" : "wait", fault: "wait",
    attempt: "info", alert: "info", log: "wait", check: "ok", process: "info", call: "ok" }[mark.kind] || "info";

  function symbol(mark, x, x2, y) {
    const title = draw("title", {}, `${seconds(mark.at)} ${mark.label}${mark.count > 1 ? ` (${mark.count} times)` : ""}`);
    const group = draw("g", { class: tone(mark) });
    const width = Math.max(2, x2 - x);
    if (mark.kind === "message") {
      if (mark.until != null && width > 3) group.append(draw("rect", { x, y: y - 5, width, height: 10, class: "bulk" }));
      group.append(draw("line", { x1: x, x2: x, y1: y - (mark.bad ? 10 : 7), y2: y + (mark.bad ? 10 : 7), class: mark.bad ? "bad" : "message" }));
    } else if (["process", "call", "breaker"].includes(mark.kind) || (mark.kind === "fault" && mark.until != null)) {
      group.append(draw("rect", { x, y: y - 8, width, height: 16, rx: 2, class: `${tone(mark)} span` }));
      const words = mark.kind === "call" ? "" : mark.label.split(":")[mark.kind === "process" ? 1 : 0].trim();
      if (words && width > words.length * 6.5 + 6) group.append(draw("text", { x: x2 - 5, y: y + 4, class: "inlabel", "text-anchor": "end" }, words));
    } else if (mark.kind === "fault") {
      group.append(draw("path", { d: `M${x - 6} ${y - 8}h12l-6 15z` }));
    } else if (mark.kind === "attempt") {
      const number = (/^attempt (\d+)/.exec(mark.label) || [])[1] || "";
      group.append(draw("circle", { cx: x, cy: y, r: 8 }),
        draw("text", { x, y: y + 3.5, class: "number", "text-anchor": "middle", stroke: "none" }, number));
    } else if (mark.kind === "alert") {
      group.append(draw("path", { d: `M${x} ${y - 8}l8 8l-8 8l-8 -8z` }));
    } else if (mark.kind === "check") {
      group.append(draw("path", { d: `M${x} ${y - 9}v18M${x} ${y - 9}l9 4l-9 4`, "stroke-width": 2 }));
    } else {
      group.append(draw("rect", { x: x - 4, y: y - 4, width: 8, height: 8 }));
    }
    group.append(title);
    return group;
  }

  function timeLine(inside, run) {
    const marks = run.marks;
    const lanes = lanesOf(marks);
    const end = Math.max(run.duration, ...marks.map((mark) => mark.until ?? mark.at)) || 1;
    const holder = make("div", { class: "line", tabindex: 0, role: "group", "aria-label": `Time line of ${run.title}. Left and right arrows go from mark to mark.` });
    const said = make("p", { class: "said", role: "status", "aria-live": "polite" });
    inside.append(holder, said);
    const narrow = inside.clientWidth < 600;
    const left = narrow ? 112 : 150, height = 26, top = 8;
    const width = Math.max(560, (inside.clientWidth || 900) - 28);
    const x = (at) => left + (at / end) * (width - left - 20);
    const bottom = top + lanes.length * height;
    const svg = draw("svg", { width, height: bottom + 26, role: "img", "aria-label":
      `${plural(marks.length, "mark")} on ${plural(lanes.length, "lane")}: ${lanes.map((lane) => lane.name).join(", ")}` });
    const step = tickStep(end, width - left);
    for (let number = 0; number * step <= end * 1.0001; number += 1) {
      const at = number * step;
      svg.append(draw("line", { x1: x(at), x2: x(at), y1: top, y2: bottom, class: "grid" }),
        draw("text", { x: x(at), y: bottom + 17, "text-anchor": "middle", class: "quiet" }, `${+at.toPrecision(6)} s`));
    }
    const yOf = new Map(lanes.map((lane, number) => [lane.name, top + number * height + height / 2]));
    for (const mark of marks) {
      if (mark.kind !== "fault" || mark.until == null) continue;
      svg.append(draw("rect", { x: x(mark.at), y: top, width: Math.max(1, x(mark.until) - x(mark.at)), height: bottom - top, class: "under" }));
    }
    for (const lane of lanes) {
      const y = yOf.get(lane.name);
      const most = narrow ? 16 : 22;
      const name = lane.name.length > most ? `${lane.name.slice(0, most - 1)}…` : lane.name;
      const label = draw("text", { x: 8, y: y + 4 }, name);
      label.append(draw("title", {}, lane.name));
      svg.append(label, draw("line", { x1: left, x2: width - 20, y1: y, y2: y, class: "lane" }));
    }
    for (const mark of marks) svg.append(symbol(mark, x(mark.at), x(mark.until ?? mark.at), yOf.get(mark.lane)));
    holder.append(svg);
    const cursor = draw("line", { y1: top, y2: bottom, class: "cursor", visibility: "hidden" });
    svg.append(cursor);
    let at = -1;
    holder.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1, Home: -marks.length, End: marks.length }[event.key];
      if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      at = Math.min(marks.length - 1, Math.max(0, at + move));
      const mark = marks[at];
      cursor.setAttribute("x1", x(mark.at));
      cursor.setAttribute("x2", x(mark.at));
      cursor.setAttribute("visibility", "visible");
      holder.scrollLeft = x(mark.at) - holder.clientWidth / 2;
      said.textContent = `${at + 1} of ${marks.length}: ${seconds(mark.at)}, ${mark.lane}: ${mark.label}`;
    });
    const kinds = { message: "| message", fault: "▼ fault", attempt: "● attempt", breaker: "▬ breaker", alert: "◆ alert", log: "■ log line", check: "⚑ steady state" };
    const seen = new Set(marks.map((mark) => mark.kind));
    inside.append(make("ul", { class: "legend", "aria-hidden": "true" },
      ...Object.entries(kinds).filter(([kind]) => seen.has(kind)).map(([, text]) => make("li", {}, text))));
    if (run.left_out) inside.append(make("p", { class: "quiet" }, `${plural(run.left_out, "more mark")} left out.`));
    table(inside, marks);
  }

  function table(inside, marks) {
    const details = make("details", { class: "marks" }, make("summary", {}, "All marks as a table"));
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      const body = make("tbody");
      for (const mark of marks) {
        body.append(make("tr", {}, make("td", {}, seconds(mark.at)), make("td", {}, mark.lane), make("td", {}, mark.kind),
          make("td", {}, mark.label + (mark.count > 1 ? ` (${mark.count} times)` : ""))));
      }
      const head = make("tr", {}, ...["At", "Lane", "Kind", "What"].map((name) => make("th", { scope: "col" }, name)));
      details.append(make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Marks" },
        make("table", {}, make("thead", {}, head), body)));
    });
    inside.append(details);
  }

  const state = { q: "", item: "", verdict: new Set(), theme: "", run: "" };
  function readHash() {
    const given = new URLSearchParams(location.hash.slice(1));
    state.q = given.get("q") || "";
    state.item = given.get("item") || "";
    state.run = given.get("run") || "";
    state.verdict = new Set((given.get("verdict") || "").split(",").filter((word) => WORDS.includes(word)));
    state.theme = given.get("theme") || "";
  }
  function writeHash() {
    const kept = new URLSearchParams();
    for (const name of ["q", "item", "run", "theme"]) if (state[name]) kept.set(name, state[name]);
    if (state.verdict.size) kept.set("verdict", [...state.verdict].join(","));
    const hash = kept.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  const matches = (each) => (!state.q || state.q.toLowerCase().split(/\s+/).every((word) => each.text.includes(word))) &&
    (!state.item || (each.items || []).includes(state.item)) && (!state.verdict.size || state.verdict.has(each.word));

  const items = report.items.map(itemRow);
  const scenarios = report.scenarios.map(scenarioRow);
  const found = report.found.map((each) => row("failed", each.file, each.why, "", [each.file, each.why], null,
    (inside) => inside.append(facts([["Why", each.why], ["Replay", command(each.replay)]]))));
  const runs = report.runs.map(runRow);
  let limit = RUNS_AT_ONCE;

  function show() {
    for (const each of [...items, ...scenarios, ...found]) each.element.hidden = !matches(each);
    const passed = (each) => each.word === "passed";
    const told = runs.filter(matches);
    const fitting = [...told.filter((each) => !passed(each)), ...told.filter(passed)];
    const drawn = fitting.slice(0, limit);
    $("runs").replaceChildren(...drawn.filter((each) => !passed(each)).map((each) => each.element));
    $("passed").replaceChildren(...drawn.filter(passed).map((each) => each.element));
    $("passed-s").hidden = !fitting.some(passed);
    $("passed-h").textContent = `${plural(fitting.filter(passed).length, "run")} passed`;
    if (state.q || state.item || state.verdict.size) $("passed-s").open = true; // what is looked for is not folded
    $("more").hidden = fitting.length <= limit || (passed(fitting[limit]) && !$("passed-s").open);
    $("more").textContent = `Show ${Math.min(RUNS_AT_ONCE, fitting.length - limit)} more of ${plural(fitting.length, "run")}`;
    const count = (rows) => rows.filter((each) => !each.element.hidden).length;
    $("items-s").hidden = !count(items);
    $("scenarios-s").hidden = !count(scenarios);
    $("found-s").hidden = !count(found);
    $("runs-s").hidden = !fitting.length;
    $("nothing").hidden = Boolean(count(items) || count(scenarios) || count(found) || fitting.length);
    const parts = [`${count(items)} of ${plural(items.length, "item")}`];
    if (scenarios.length) parts.push(`${count(scenarios)} of ${plural(scenarios.length, "scenario")}`);
    if (runs.length) parts.push(`${fitting.length} of ${plural(runs.length, "run")}`);
    $("shown").textContent = `Shown: ${parts.join(", ")}`;
    $("search").value = state.q;
    $("item").value = state.item;
    for (const button of $("words").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", state.verdict.has(button.dataset.word));
    }
    if (state.theme) document.documentElement.dataset.theme = state.theme;
    else delete document.documentElement.dataset.theme;
  }
  function change() { limit = RUNS_AT_ONCE; writeHash(); show(); }

  function head() {
    const gate = report.gate;
    const asked = gate.asked !== false;
    const word = !asked ? "not judged" : gate.deferred ? "deferred" : gate.passed ? "passed" : "failed";
    $("head").classList.add(word.replace(" ", "-"));
    $("verdict").textContent = `Resilience gate: ${word}`;
    const counts = WORDS.map((each) => [each, report.items.filter((item) => item.verdict === each).length]);
    const tally = counts.filter(([, count]) => count).map(([each, count]) => `${count} ${each}`).join(", ");
    $("why").textContent = `Of ten items: ${tally}.`;
    const points = report.coverage;
    const pairs = [["Commit", report.commit && report.commit.slice(0, 12) + (report.dirty ? " (dirty)" : "")],
      ["Started", report.started.replace(/\.\d+/, "")], ["Took", report.duration && seconds(report.duration)], ["Seed", report.seed],
      ["Fault points", points.points && `${points.survived} survived of ${points.exercised} exercised of ${points.points}`],
      ["Time", report.time_scale !== 1 && `waits ran ${report.time_scale} times faster`],
      ...Object.entries(report.engines)];
    for (const [name, value] of pairs) {
      if (value || value === 0) $("facts").append(make("li", {}, make("b", {}, `${name} `), String(value)));
    }
    for (const each of report.unused_waivers || []) $("head").append(make("p", { class: "quiet" }, `Unused: ${each}.`));
    $("notes").append(...(report.notes || []).map((text) => make("p", {}, text)));
    $("notes-s").hidden = !report.notes?.length;
  }

  function controls() {
    for (const item of report.items) $("item").append(make("option", { value: item.id }, `${item.number} ${item.id}`));
    for (const word of WORDS) {
      const button = make("button", { type: "button", class: word, "data-word": word, "aria-pressed": "false" }, word);
      button.addEventListener("click", () => {
        if (!state.verdict.delete(word)) state.verdict.add(word);
        change();
      });
      $("words").append(button);
    }
    $("search").addEventListener("input", () => { state.q = $("search").value.trim(); writeHash(); limit = RUNS_AT_ONCE; const typed = $("search").value; show(); $("search").value = typed; });
    $("item").addEventListener("change", () => { state.item = $("item").value; change(); });
    $("more").addEventListener("click", () => { const before = limit; limit += RUNS_AT_ONCE; show(); document.querySelectorAll("#runs > .row, #passed > .row")[before]?.querySelector("summary").focus(); });
    $("passed-s").addEventListener("toggle", show);
    $("skip").addEventListener("click", (event) => { event.preventDefault(); $("items").focus(); });
    $("theme").addEventListener("click", () => {
      const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      state.theme = dark ? "light" : "dark";
      try { localStorage.setItem("resilience-theme", state.theme); } catch { /* then it lasts until it is closed */ }
      change();
    });
    document.addEventListener("keydown", keys);
  }

  function keys(event) {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      Object.assign(state, { q: "", item: "", verdict: new Set() });
      change();
      if (typing) event.target.blur();
    } else if (event.key === "/" && !typing) {
      event.preventDefault();
      $("search").focus();
    } else if ((event.key === "j" || event.key === "k") && !typing) {
      const heads = [...document.querySelectorAll("details.row:not([hidden]) > summary")].filter((each) => each.checkVisibility());
      const now = heads.indexOf(document.activeElement.closest?.("details.row")?.querySelector("summary"));
      heads[Math.min(heads.length - 1, Math.max(0, now + (event.key === "j" ? 1 : -1)))]?.focus();
    }
  }

  function start() {
    readHash();
    try { state.theme ||= localStorage.getItem("resilience-theme") || ""; } catch { /* none was kept */ }
    head();
    controls();
    for (const [name, rows] of [["items", items], ["scenarios", scenarios], ["found", found]]) {
      $(name).append(...rows.map((each) => each.element));
    }
    show();
    for (const each of items) if (each.word === "failed" || each.word === "unproven") each.open();
    const named = report.runs.findIndex((run) => run.id === state.run);
    if (named >= 0) {
      limit = Math.max(limit, named + 1);
      show();
      if (runs[named].word === "passed") $("passed-s").open = true;
      runs[named].open();
      runs[named].element.scrollIntoView({ behavior: "instant" });
    }
    addEventListener("hashchange", () => { readHash(); show(); });
  }
  start();
})();
