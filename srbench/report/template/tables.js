"use strict";
// Tables sort by any column, filter by typing, and copy as CSV; long ones are shown page by page.
(() => {
  const compare = (a, b, down) => {
    if (a === null || b === null) return (a === null) - (b === null); // marks stay last
    const order = typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    return down ? -order : order;
  };
  const quoted = (text) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
    return /[,"\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
  };
  const written = (text) => text.trim().replace("\u2212", "-").replace(/[+,]/g, "");

  // a row of the page: its element, and for each column what sorts and what is copied
  const ofElement = (row) => ({
    element: () => row,
    text: () => row.textContent,
    value: (i) => {
      const cell = row.cells[i];
      if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
      return cell.classList.contains("number") ? null : cell.textContent.trim();
    },
    plain: (i) => {
      const cell = row.cells[i];
      if (cell.querySelector(".mark")) return "";
      if (cell.dataset.value !== undefined) return written(cell.textContent);
      return cell.classList.contains("number") ? "" : quoted(cell.textContent.trim());
    },
  });

  // the same from the texts of a long table, whose elements are made when they are shown
  const ofTexts = (cells, kinds, numbers, head) => {
    const broken = (text) => text.split(/(?<=[_+])(?=.)/).flatMap((part, i) => i ? [srbench.make("wbr"), part] : [part]);
    const inner = (cell, kind) => {
      if (Array.isArray(cell)) {
        const [word, reason] = cell;
        if (!reason) return [srbench.make("span", { class: "small" }, word)];
        return [srbench.make("span", { class: "mark " + word.split(" ")[0], tabindex: "0", role: "note",
          "aria-label": word + ": " + reason, "data-reason": reason }, word)];
      }
      if (kind === "verdict" && cell) return [srbench.make("span", { class: "verdict " + cell.replaceAll(" ", "-") }, cell)];
      if (kind === "long") return [srbench.make("div", { class: "long", tabindex: "0" }, ...broken(cell))];
      return broken(cell);
    };
    const made = (cell, i) => {
      if (i === head) return srbench.make("th", { scope: "row" }, ...inner(cell, kinds[i]));
      const width = Array.isArray(cell) ? "" : cell.length < 26 ? " short" : cell.length > 90 ? " wide" : "";
      return srbench.make("td", { class: numbers[i] ? "number" : "text" + width }, ...inner(cell, kinds[i]));
    };
    return {
      element: () => srbench.make("tr", {}, ...cells.map(made)),
      text: () => cells.map((cell) => Array.isArray(cell) ? cell[0] : cell).join(" "),
      value: (i) => numbers[i] ? (Array.isArray(cells[i]) ? null : Number(written(cells[i]))) : String(cells[i]),
      plain: (i) => Array.isArray(cells[i]) ? "" : numbers[i] ? written(cells[i]) : quoted(cells[i]),
    };
  };

  for (const box of document.querySelectorAll(".tabled")) {
    const table = box.querySelector("table");
    const heads = Array.from(table.tHead.rows[0].cells);
    const body = table.tBodies[0];
    const count = box.querySelector(".count");
    const source = box.querySelector("script.rows");
    const packed = source && JSON.parse(source.textContent);
    const numbers = heads.map((head) => head.classList.contains("number"));
    const rows = packed
      ? packed.rows.map((cells) => ofTexts(cells, packed.kinds, numbers, packed.head))
      : Array.from(body.rows, ofElement);
    const tell = (text) => { count.textContent = text; };
    let found = rows, first = 0;

    const show = () => {
      if (!packed) {
        const chosen = new Set(found);
        for (const row of rows) row.element().hidden = !chosen.has(row);
        tell(found.length < rows.length ? found.length + " of " + rows.length + " rows" : "");
        return;
      }
      const last = Math.min(first + packed.page, found.length);
      body.replaceChildren(...found.slice(first, last).map((row) => row.element()));
      box.querySelector(".scroll").scrollTop = 0;
      box.querySelector(".before").disabled = first === 0;
      box.querySelector(".after").disabled = last === found.length;
      const whole = found.length.toLocaleString("en") + (found.length < rows.length ? " found of " + rows.length.toLocaleString("en") : "");
      tell(found.length ? "rows " + (first + 1) + " to " + last + " of " + whole : "no row found");
    };

    heads.forEach((head, index) => {
      const button = srbench.make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        const down = was ? was === "ascending" : numbers[index];
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const order = (a, b) => compare(a.value(index), b.value(index), down);
        rows.sort(order);
        if (!packed) { body.append(...rows.map((row) => row.element())); return; }
        found = rows.filter((row) => matches(row));
        first = 0;
        show();
      });
    });

    let words = [];
    const matches = (row) => {
      if (!words.length) return true;
      row.lower = row.lower || row.text().toLowerCase();
      return words.every((word) => row.lower.includes(word));
    };
    box.querySelector(".filter").addEventListener("input", (event) => {
      words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      found = rows.filter(matches);
      first = 0;
      show();
    });

    if (packed) {
      const turn = (pages) => () => { first += pages * packed.page; show(); };
      box.querySelector(".before").addEventListener("click", turn(-1));
      box.querySelector(".after").addEventListener("click", turn(1));
      show();
    }

    box.querySelector(".copy").addEventListener("click", async () => {
      const lines = [heads.map((head) => quoted(head.dataset.key)).join(",")];
      for (const row of packed ? found : rows.filter((row) => !row.element().hidden)) {
        lines.push(heads.map((_, i) => row.plain(i)).join(","));
      }
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
