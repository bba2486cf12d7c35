"use strict";
// Pictures side by side under one zoom and one position, error maps, and a slider between two.
(() => {
  const scenes = srbench.data("scenes-data");
  const byId = (id) => document.getElementById(id);
  if (!scenes.length) return;
  const state = { scene: 0, mode: "picture", zoom: 0, x: 0.5, y: 0.5 };
  const views = [];

  const fit = (view) => {
    const scene = scenes[state.scene];
    return Math.max(view.clientWidth / scene.width, view.clientHeight / scene.height);
  };
  const place = (view) => {
    const scene = scenes[state.scene];
    const zoom = fit(view) * 2 ** state.zoom;
    const w = scene.width * zoom, h = scene.height * zoom;
    const left = Math.min(0, Math.max(view.clientWidth - w, view.clientWidth / 2 - state.x * w));
    const top = Math.min(0, Math.max(view.clientHeight - h, view.clientHeight / 2 - state.y * h));
    for (const img of view.querySelectorAll("img")) {
      img.style.width = w + "px";
      img.style.height = h + "px";
      img.style.transform = "translate(" + left + "px," + top + "px)";
    }
  };
  const placeAll = () => {
    for (const view of views) place(view);
    byId("zoom-level").textContent = "\u00d7" + (2 ** state.zoom).toFixed(1);
  };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const zoomBy = (step) => { state.zoom = clamp(state.zoom + step, 0, 6); placeAll(); };
  const moveBy = (view, dx, dy) => {
    const scene = scenes[state.scene], zoom = fit(view) * 2 ** state.zoom;
    const half = { x: view.clientWidth / zoom / scene.width / 2, y: view.clientHeight / zoom / scene.height / 2 };
    state.x = clamp(state.x - dx / zoom / scene.width, half.x, 1 - half.x);
    state.y = clamp(state.y - dy / zoom / scene.height, half.y, 1 - half.y);
    placeAll();
  };

  const picture = (panel, label) => {
    const img = srbench.make("img", { src: panel.path, alt: label, draggable: "false", decoding: "async" });
    img.addEventListener("error", () => { byId("pictures-missing").hidden = false; img.style.visibility = "hidden"; });
    return img;
  };
  const follow = (view) => {
    views.push(view);
    view.addEventListener("pointerdown", (event) => {
      view.setPointerCapture(event.pointerId);
      let last = [event.clientX, event.clientY];
      const move = (e) => { moveBy(view, e.clientX - last[0], e.clientY - last[1]); last = [e.clientX, e.clientY]; };
      const stop = () => { view.removeEventListener("pointermove", move); };
      view.addEventListener("pointermove", move);
      view.addEventListener("pointerup", stop, { once: true });
      view.addEventListener("pointercancel", stop, { once: true });
    });
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls as usual
      event.preventDefault();
      zoomBy(event.deltaY < 0 ? 0.25 : -0.25);
    }, { passive: false });
    view.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
      if (event.key in moves) moveBy(view, ...moves[event.key]);
      else if (event.key === "+" || event.key === "=") zoomBy(0.5);
      else if (event.key === "-") zoomBy(-0.5);
      else return;
      event.preventDefault();
    });
  };

  const shared = byId("compare-view");
  const panels = byId("panels");
  const split = () => {
    const at = byId("compare-split").value;
    const top = shared.querySelector(".layer.top");
    if (top) top.style.clipPath = "inset(0 0 0 " + at + "%)";
    const edge = shared.querySelector(".edge");
    if (edge) edge.style.left = at + "%";
  };
  const compare = () => {
    const scene = scenes[state.scene];
    const [a, b] = ["compare-a", "compare-b"].map((id) => scene.panels[byId(id).value]);
    shared.replaceChildren(
      srbench.make("div", { class: "layer" }, picture(a, scene.image + ", " + a.name)),
      srbench.make("div", { class: "layer top" }, picture(b, scene.image + ", " + b.name)),
      srbench.make("div", { class: "edge" }),
    );
    split();
    place(shared);
  };

  const show = () => {
    const scene = scenes[state.scene];
    views.length = 0;
    views.push(shared);
    panels.replaceChildren();
    const truth = scene.panels[scene.panels.length - 1];
    for (const panel of scene.panels) {
      const error = state.mode === "error" && panel.kind === "sr";
      const view = srbench.make("div", { class: error ? "view error" : "view", tabindex: "0", role: "group", "aria-label": panel.name + ", movable picture" });
      const label = scene.image + ", " + panel.name + (error ? ", error" : "");
      if (error) {
        const against = picture(truth, "");
        against.classList.add("against");
        view.append(srbench.make("div", { class: "stack" }, picture(panel, label), against));
      } else view.append(picture(panel, label));
      const text = srbench.make("figcaption", {}, panel.name + (panel.says ? " \u00b7 " + panel.says : ""));
      panels.append(srbench.make("figure", {}, view, text));
      follow(view);
    }
    byId("error-scale").hidden = state.mode !== "error";
    for (const id of ["compare-a", "compare-b"]) {
      const select = byId(id), was = select.value;
      select.replaceChildren(...scene.panels.map((p, i) => srbench.make("option", { value: i }, p.name)));
      const last = scene.panels.length - 1;
      select.value = was !== "" && was <= last ? was : id === "compare-a" ? Math.max(0, last - 1) : last;
    }
    compare();
    placeAll();
  };

  follow(shared);
  byId("scene-choice").addEventListener("change", (e) => { state.scene = Number(e.target.value); show(); });
  byId("scene-mode").addEventListener("change", (e) => { state.mode = e.target.value; show(); });
  byId("zoom-in").addEventListener("click", () => zoomBy(0.5));
  byId("zoom-out").addEventListener("click", () => zoomBy(-0.5));
  byId("zoom-reset").addEventListener("click", () => { Object.assign(state, { zoom: 0, x: 0.5, y: 0.5 }); placeAll(); });
  byId("compare-split").addEventListener("input", split);
  for (const id of ["compare-a", "compare-b"]) byId(id).addEventListener("change", compare);
  window.addEventListener("resize", placeAll);
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    show();
  }, { rootMargin: "400px" });
  watcher.observe(byId("viewer"));
})();
