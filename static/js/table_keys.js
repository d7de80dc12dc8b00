// table[data-keyboard]: j and k walk the rows, x ticks the row, Enter opens it, c compares what is ticked.
const { isTyping } = window.stagegate;

const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]);

function move(table, step) {
  const rows = rowsOf(table);
  const here = rows.indexOf(document.activeElement.closest("tr"));
  const next = rows[Math.min(Math.max(here + step, 0), rows.length - 1)];
  if (!next) return;
  next.tabIndex = -1;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

const actions = {
  j: (table) => move(table, 1),
  k: (table) => move(table, -1),
  x: (table, row) => row?.querySelector("input[type=checkbox]")?.click(),
  c: () => document.querySelector("[data-compare]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.shortcuts === "off" || isTyping(event)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const table =
    document.activeElement.closest("table[data-keyboard]") ?? document.querySelector("table[data-keyboard]");
  if (!table) return;
  const row = document.activeElement.closest("table[data-keyboard] tbody tr");
  if (event.key === "Enter" && row === document.activeElement) {
    (row.querySelector("a[data-row-link]") ?? row.querySelector("a[href]"))?.click();
    return;
  }
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action(table, row);
});
