// Charts whose lines carry a run: the run under the pointer stands out in every chart and table of the page.
function mark(element) {
  for (const node of element.querySelectorAll(".scatterlayer .trace")) {
    const run = node.__data__?.[0]?.trace?.meta?.run;
    if (!run) continue;
    node.dataset.run = run;
    node.toggleAttribute("data-highlighted", document.documentElement.dataset.highlighting === run);
  }
}

document.addEventListener("stagegate:drawn", ({ target: element }) => {
  mark(element);
  element.on("plotly_afterplot", () => mark(element));
  element.on("plotly_hover", ({ points }) => {
    const run = points[0]?.data.meta?.run;
    if (run) window.stagegate.highlight(run);
  });
  element.on("plotly_unhover", () => window.stagegate.highlight(null));
});

// The slider says its number while it is moved.
document.addEventListener("input", (event) => {
  const output = event.target.closest(".curve-smoothing")?.querySelector("output");
  if (output) output.textContent = event.target.value;
});
