"use strict";
// Long tables show their first rows, in whatever order they stand, until more are asked for.
for (const box of document.querySelectorAll("[data-first]")) {
  const more = box.querySelector(".more"), filter = box.querySelector(".filter");
  const body = box.querySelector("table").tBodies[0];
  const first = Number(box.dataset.first), words = more.textContent;
  let all = false;
  const show = () => {
    const open = all || filter.value.trim() !== "";
    Array.from(body.rows).forEach((row, place) => row.classList.toggle("later", !open && place >= first));
    more.textContent = all ? "show the first " + first : words;
    more.setAttribute("aria-expanded", String(all));
  };
  more.addEventListener("click", () => { all = !all; show(); });
  filter.addEventListener("input", show);
  for (const head of box.querySelectorAll("thead button")) head.addEventListener("click", show);
  show();
}
