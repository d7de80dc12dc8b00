// [data-run] elements of a comparison: the run under the pointer or the focus stands out everywhere, and the others
// step back. n and p, or [data-difference="1"] and "-1", walk the rows that differ.
const root = document.documentElement;
const { isTyping } = window.stagegate;

window.stagegate.highlight = (run) => {
  for (const element of document.querySelectorAll("[data-highlighted]")) delete element.dataset.highlighted;
  if (run) root.dataset.highlighting = run;
  else delete root.dataset.highlighting;
  const its = run ? document.querySelectorAll(`[data-run="${CSS.escape(run)}"]`) : [];
  for (const element of its) element.dataset.highlighted = "";
  document.dispatchEvent(new CustomEvent("stagegate:highlight"));
};

const runOf = (element) => element.closest?.(".compare-runs [data-run], .compare-table [data-run]")?.dataset.run;

for (const [arrive, leave] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  document.addEventListener(arrive, (event) => {
    const run = runOf(event.target);
    if (run && root.dataset.highlighting !== run) window.stagegate.highlight(run);
  });
  document.addEventListener(leave, (event) => {
    if (root.dataset.highlighting && !runOf(event.relatedTarget ?? root)) window.stagegate.highlight(null);
  });
}

function walk(step) {
  const rows = [...document.querySelectorAll(".compare-table tr[data-differs]")];
  if (!rows.length) return;
  const here = rows.indexOf(document.activeElement.closest?.("tr[data-differs]"));
  const next = here < 0 ? (step > 0 ? 0 : rows.length - 1) : (here + step + rows.length) % rows.length;
  rows[next].focus({ preventScroll: true });
  rows[next].scrollIntoView({ block: "center" });
}

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.shortcuts === "off" || isTyping(event)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const step = { n: 1, p: -1 }[event.key];
  if (!step || !document.querySelector(".compare-table")) return;
  event.preventDefault();
  walk(step);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-difference]");
  if (button) walk(Number(button.dataset.difference));
});
