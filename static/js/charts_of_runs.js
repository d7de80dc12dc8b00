// Charts whose lines carry a run: the run under the pointer stands out in every chart and table of the page.
function mark(element) {
  for (const node of element.querySelectorAll(".scatterlayer .trace")) {
    const run = node.__data__?.[0]?.trace?.meta?.run;
    if (!run) continue;
    node.dataset.run = run;
    node.toggleAttribute("data-highlighted", document.documentElement.dataset.highlighting === run);
  }
}

// Parallel lines are one trace: each has the number of its colour on a scale of all of them, and the last place of
// the scale is for runs that step back.
const COLOURS = 16;

function numbers({ colours, runs }) {
  const chosen = document.documentElement.dataset.highlighting;
  return colours.map((colour, at) => (chosen && runs.includes(chosen) && runs[at] !== chosen ? COLOURS : colour));
}

window.stagegate.runLines = (meta, colourOf) => {
  const names = [...Array.from({ length: COLOURS }, (_, number) => `--run-${number}`), "--border-faint"];
  const colorscale = names.map((name, at) => [at / COLOURS, colourOf(name)]);
  return { color: numbers(meta), colorscale, cmin: 0, cmax: COLOURS, showscale: false };
};

document.addEventListener("stagegate:highlight", () => {
  for (const element of document.querySelectorAll("[data-drawn]")) {
    const meta = element.data?.[0]?.meta;
    if (meta?.colours) window.Plotly.restyle(element, { "line.color": [numbers(meta)] });
  }
});

document.addEventListener("stagegate:drawn", ({ target: element }) => {
  mark(element);
  element.on("plotly_afterplot", () => mark(element));
  element.on("plotly_hover", ({ points, curveNumber }) => {
    const run = points ? points[0]?.data.meta?.run : element.data[0].meta?.runs?.[curveNumber];
    if (run) window.stagegate.highlight(run);
  });
  element.on("plotly_unhover", () => window.stagegate.highlight(null));
});

// The slider says its number while it is moved.
document.addEventListener("input", (event) => {
  const output = event.target.closest(".curve-smoothing")?.querySelector("output");
  if (output) output.textContent = event.target.value;
});
