"use strict";
// What the other scripts share: which elements need scripts, light or dark, and reasons on hover.
const srbench = {
  dark: window.matchMedia("(prefers-color-scheme: dark)"),
  colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  },
  data(id) {
    return JSON.parse(document.getElementById(id).textContent);
  },
  make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
    element.append(...children);
    return element;
  },
};

for (const element of document.querySelectorAll(".interactive")) element.hidden = false;

(() => {
  const tip = document.getElementById("tip");
  const show = (event) => {
    const mark = event.target.closest && event.target.closest("[data-reason]");
    if (!mark) { tip.hidden = true; return; }
    tip.textContent = mark.dataset.reason;
    tip.hidden = false;
    const at = mark.getBoundingClientRect();
    const left = Math.min(at.left, window.innerWidth - tip.offsetWidth - 8);
    const above = at.bottom + tip.offsetHeight + 8 > window.innerHeight;
    tip.style.left = Math.max(4, left) + "px";
    tip.style.top = (above ? at.top - tip.offsetHeight - 4 : at.bottom + 4) + "px";
  };
  document.addEventListener("mouseover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", () => { tip.hidden = true; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
  const open = (yes) => {
    for (const details of document.querySelectorAll("details")) {
      if (yes) { details.dataset.was = details.open ? "1" : ""; details.open = true; }
      else details.open = details.dataset.was === "1";
    }
  };
  window.addEventListener("beforeprint", () => open(true));
  window.addEventListener("afterprint", () => open(false));
})();
