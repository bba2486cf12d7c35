"use strict";
// Figures: drawings until seen, then plotly in their place; variants toggled from one list.
(() => {
  const { rest, drawn: figures } = srbench.data("figures-data");
  const drawn = new Map();
  const state = { hidden: new Set(), seeds: false, whole: false, scale: {} };
  const byId = (id) => document.getElementById(id);

  const axis = () => ({
    gridcolor: srbench.colour("--line"), zeroline: false, linecolor: srbench.colour("--faint"),
    tickcolor: srbench.colour("--faint"), ticks: "outside", showline: true, automargin: true,
  });
  const isCurve = (key) => key.startsWith("curves-");

  const labelled = (traces, log) => {
    // names at the ends of the lines, pushed apart, for as many as are in colour
    const ends = traces
      .filter((t) => t.meta && t.meta.kind === "mean" && t.visible !== false && t.line.color !== rest)
      .map((t) => ({ name: t.name, x: t.x[t.x.length - 1], y: t.y[t.y.length - 1] }))
      .filter((end) => Number.isFinite(end.y) && (!log || end.y > 0));
    return ends.length > 9 ? [] : ends;
  };

  // what the eye needs: PSNR climbs steeply at first, so its lowest twentieth is left out
  const range = (traces, log, whole) => {
    const values = [];
    for (const t of traces) {
      if (!t.visible || t.meta.kind === "band") continue;
      for (const y of t.y) if (Number.isFinite(y) && (!log || y > 0)) values.push(log ? Math.log10(y) : y);
    }
    values.sort((a, b) => a - b);
    if (!values.length) return undefined;
    const low = values[whole || values.length < 20 ? 0 : Math.floor(values.length * 0.05)];
    const high = values[values.length - 1], pad = (high - low) * 0.06 || 1;
    return [low - pad, high + pad];
  };

  // the seeds of a variant as one line with gaps: a figure of few lines stays quick
  const seedLines = (source) => (source.seeds || [])
    .filter((entry) => !state.hidden.has(entry.variant))
    .map((entry) => {
      const x = [], y = [], seeds = [];
      for (const [seed, values] of Object.entries(entry.seeds)) {
        x.push(...entry.x, null);
        y.push(...values, null);
        for (let i = 0; i <= values.length; i += 1) seeds.push(seed);
      }
      return {
        type: "scatter", mode: "lines", x, y, customdata: seeds, showlegend: false, name: entry.name,
        line: { color: entry.colour, width: 1 }, meta: { variant: entry.variant, kind: "seed" },
        hovertemplate: "%{fullData.name}, seed %{customdata}: %{y:.5~g} at %{x}<extra></extra>",
      };
    });

  const present = (key) => {
    const source = figures[key];
    let data = source.data.map((trace) => ({ ...trace }));
    if (state.seeds) data.push(...seedLines(source));
    const layout = JSON.parse(JSON.stringify(source.layout));
    layout.font = { color: srbench.colour("--ink"), family: getComputedStyle(document.body).fontFamily, size: 12 };
    layout.xaxis = { ...layout.xaxis, ...axis() };
    layout.yaxis = { ...layout.yaxis, ...axis() };
    layout.hoverlabel = { bgcolor: srbench.colour("--panel"), font: { color: srbench.colour("--ink") } };
    layout.height = source.layout.height;
    if (!isCurve(key)) return { data, layout };
    layout.yaxis.type = state.scale[key] || layout.yaxis.type;
    const log = layout.yaxis.type === "log";
    const alone = new Set(data.filter((t) => t.meta && !state.hidden.has(t.meta.variant)).map((t) => t.meta.variant));
    for (const trace of data) {
      const kind = trace.meta.kind;
      const on = alone.has(trace.meta.variant);
      trace.visible = on && (kind !== "seed" || state.seeds);
      // a grey line that was chosen among few takes the ink, so that it can be followed
      if (on && alone.size <= 3 && trace.line.color === rest) {
        trace.line = { ...trace.line, width: 2, color: srbench.colour("--ink") };
      }
    }
    data = data.filter((trace) => trace.visible); // hidden traces cost as much as shown ones
    data.sort((a, b) => (b.line.color === rest) - (a.line.color === rest));
    const scale = (y) => (log ? Math.log10(y) : y);
    const wanted = range(data, log, state.whole || key.includes("loss"));
    if (wanted) layout.yaxis.range = wanted;
    if (log) Object.assign(layout.yaxis, { dtick: "D2", tickformat: "~g" });
    const last = data.reduce((most, t) => t.meta.kind === "seed" ? most : Math.max(most, t.x[0], t.x[t.x.length - 1]), -Infinity);
    const first = data.reduce((least, t) => Math.min(least, t.x[0]), Infinity);
    if (last > first) layout.xaxis.range = [first - (last - first) * 0.01, last];
    const place = byId("figure-" + key);
    if (wanted && place.clientWidth > 560) {
      const ends = labelled(data, log);
      layout.margin.r = ends.length ? 24 + 7 * Math.max(...ends.map((end) => Math.min(end.name.length, 24))) : 24;
      const [low, high] = wanted;
      const inner = layout.height - layout.margin.t - layout.margin.b;
      ends.sort((a, b) => a.y - b.y);
      const natural = ends.map((end) => ((scale(end.y) - low) / (high - low || 1)) * inner);
      const places = [];
      natural.forEach((height, i) => places.push(i ? Math.max(height, places[i - 1] + 14) : height));
      for (let i = places.length - 1, roof = inner - 4; i >= 0; i -= 1, roof -= 14) {
        places[i] = Math.min(places[i], roof);
        if (places[i] < roof) roof = places[i];
      }
      layout.annotations = ends.map((end, i) => ({
        x: end.x, y: scale(end.y), text: end.name.length > 24 ? end.name.slice(0, 23) + "\u2026" : end.name,
        xanchor: "left", showarrow: false, xshift: 6, yshift: places[i] - natural[i], font: { size: 11 },
      }));
    }
    return { data, layout };
  };

  const options = { responsive: true, displaylogo: false, displayModeBar: "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], topojsonURL: "" };

  const draw = (key) => {
    if (typeof Plotly === "undefined" || !figures[key]) return;
    const place = byId("figure-" + key);
    const plot = place.closest(".plot");
    if (!plot.offsetParent) return;
    plot.classList.add("drawn");
    const { data, layout } = present(key);
    Plotly.react(place, data, layout, options);
    drawn.set(key, place);
  };
  const redraw = (test) => { for (const key of drawn.keys()) if (!test || test(key)) draw(key); };

  const choose = (select) => {
    if (!select) return;
    const show = () => {
      const mine = new Set(Array.from(select.options, (option) => option.value));
      for (const box of document.querySelectorAll(".choice")) {
        if (mine.has(box.dataset.choice)) box.hidden = box.dataset.choice !== select.value;
      }
      if (seen.has(select.value)) draw(select.value);
    };
    select.addEventListener("change", show);
    show();
  };

  const seen = new Set();
  const watch = () => {
    document.documentElement.classList.add("live");
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        watcher.unobserve(entry.target);
        seen.add(entry.target.dataset.figure);
        draw(entry.target.dataset.figure);
      }
    }, { rootMargin: "300px" });
    for (const plot of document.querySelectorAll(".plot")) watcher.observe(plot);
  };

  const curve = byId("curve-choice"), scale = byId("curve-scale");
  const initial = () => { if (curve) scale.value = state.scale[curve.value] || figures[curve.value].layout.yaxis.type; };
  choose(curve);
  choose(byId("cost-choice"));
  if (curve) {
    curve.addEventListener("change", initial);
    initial();
    scale.addEventListener("change", () => { state.scale[curve.value] = scale.value; draw(curve.value); });
    byId("curve-seeds").addEventListener("change", (e) => { state.seeds = e.target.checked; redraw(isCurve); });
    byId("curve-whole").addEventListener("change", (e) => { state.whole = e.target.checked; redraw(isCurve); });
    const choices = Array.from(document.querySelectorAll(".choices > div"));
    const box = (choice) => choice.querySelector("input");
    const read = () => {
      state.hidden = new Set(choices.filter((c) => !box(c).checked).map((c) => c.dataset.variant));
      redraw(isCurve);
    };
    const set = (test) => { for (const c of choices) if (!c.hidden) box(c).checked = test(c); read(); };
    for (const choice of choices) {
      box(choice).addEventListener("change", read);
      choice.querySelector(".only").addEventListener("click", () => {
        for (const c of choices) box(c).checked = c === choice;
        read();
      });
    }
    byId("variant-all").addEventListener("click", () => set(() => true));
    byId("variant-none").addEventListener("click", () => set(() => false));
    byId("variant-search").addEventListener("input", (event) => {
      const word = event.target.value.toLowerCase();
      for (const c of choices) c.hidden = !c.dataset.variant.toLowerCase().includes(word);
    });
  }

  srbench.dark.addEventListener("change", () => redraw());
  // plotly takes about as long to start as everything else together: it waits until the page stands
  const source = byId("plotly-source");
  if (source) {
    const start = () => {
      document.head.append(srbench.make("script", {}, source.textContent));
      watch();
    };
    const idle = window.requestIdleCallback || ((call) => setTimeout(call, 300));
    window.addEventListener("load", () => idle(start, { timeout: 1500 }));
  }
  const load = byId("load-plotly");
  if (load) {
    load.addEventListener("click", () => {
      const script = srbench.make("script", { src: "plotly.min.js" });
      const note = byId("plain-note");
      script.addEventListener("load", () => { note.textContent = "The figures are interactive."; load.remove(); watch(); });
      script.addEventListener("error", () => {
        note.textContent = "plotly.min.js is not beside this page; srbench report writes it.";
        load.remove();
      });
      document.head.append(script);
    });
  }
})();
