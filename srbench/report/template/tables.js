"use strict";
// Tables sort by any column, filter by typing, and copy as CSV.
(() => {
  const cells = (row) => Array.from(row.children);
  const value = (cell) => {
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    return cell.classList.contains("number") ? null : cell.textContent.trim();
  };
  const compare = (a, b, down) => {
    if (a === null || b === null) return (a === null) - (b === null); // marks stay last
    const order = typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    return down ? -order : order;
  };
  const quoted = (text) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
    return /[,"\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
  };

  for (const box of document.querySelectorAll(".tabled")) {
    const table = box.querySelector("table");
    const heads = Array.from(table.tHead.rows[0].cells);
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const count = box.querySelector(".count");

    heads.forEach((head, index) => {
      const button = srbench.make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const numbers = head.classList.contains("number");
        const was = head.getAttribute("aria-sort");
        const down = was ? was === "ascending" : numbers;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        rows.sort((a, b) => compare(value(a.cells[index]), value(b.cells[index]), down));
        body.append(...rows);
      });
    });

    const tell = (text) => { count.textContent = text; };
    box.querySelector(".filter").addEventListener("input", (event) => {
      const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      tell(words.length ? shown + " of " + rows.length + " rows" : "");
    });

    box.querySelector(".copy").addEventListener("click", async () => {
      const plain = (cell) => {
        if (cell.querySelector(".mark")) return "";
        if (cell.dataset.value !== undefined) return cell.textContent.trim().replace("\u2212", "-").replace(/[+,]/g, "");
        return cell.classList.contains("number") ? "" : quoted(cell.textContent.trim());
      };
      const lines = [heads.map((head) => quoted(head.dataset.key)).join(",")];
      for (const row of rows) if (!row.hidden) lines.push(cells(row).map(plain).join(","));
      const text = lines.join("\n") + "\n";
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const area = srbench.make("textarea", { "aria-hidden": "true" });
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      tell("copied " + (lines.length - 1) + " rows");
    });
  }
})();
