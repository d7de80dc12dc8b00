// [data-chart="id of a JSON block"] or [data-chart-url="address of JSON"] draws a Plotly figure when it scrolls
// into view. The library, 1.4 MB, is loaded by the first chart only. data-chart-refines: the visible part is asked
// for again, with more points, when somebody zooms in. What charts of runs share is in charts_of_runs.js.
const { stagegate } = window;
const { phrase, whenPresent } = stagegate;
const config = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "" };
let library;

function load() {
  library ??= new Promise((resolve, reject) => {
    // Plotly would write its rules into a <style>, which the content security policy refuses; this link
    // stands in for it.
    const style = document.createElement("link");
    style.id = "plotly.js-style-global";
    style.className = "no-inline-styles";
    style.rel = "stylesheet";
    style.href = document.body.dataset.plotlySheet;
    const script = document.createElement("script");
    script.src = document.body.dataset.plotly;
    script.onload = () => {
      window.Plotly.setPlotConfig(config);
      resolve(window.Plotly);
    };
    script.onerror = () => reject(new Error("the chart library did not load"));
    document.head.append(style, script);
  });
  return library;
}

// Tokens are light-dark() pairs: only a used colour shows which half is in force.
function token(probe, name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

function template() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name) => token(probe, name);
  const axis = {
    gridcolor: colour("--border-faint"),
    linecolor: colour("--border-strong"),
    zerolinecolor: colour("--border-strong"),
    tickcolor: colour("--border-strong"),
    tickfont: { size: 11, color: colour("--text-muted") },
    title: { font: { size: 12, color: colour("--text-secondary") }, standoff: 8 },
    automargin: true,
  };
  const layout = {
    paper_bgcolor: colour("--surface"),
    plot_bgcolor: "rgba(0,0,0,0)",
    colorway: Array.from({ length: 8 }, (_, index) => colour(`--chart-${index + 1}`)),
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--text-secondary") },
    margin: { l: 48, r: 16, t: 16, b: 40 },
    xaxis: axis,
    yaxis: axis,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 } },
    hoverlabel: {
      bgcolor: colour("--surface-raised"),
      bordercolor: colour("--border-strong"),
      font: { size: 12, color: colour("--text") },
    },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--text-muted"), activecolor: colour("--text") },
    colorscale: {
      sequential: [
        [0, colour("--surface-sunken")],
        [1, colour("--accent")],
      ],
    },
    coloraxis: { colorbar: { outlinewidth: 0, thickness: 12, tickfont: { size: 11 } } },
  };
  const colorbar = { outlinewidth: 0, thickness: 12, tickfont: { size: 11 } };
  const heatmap = { colorbar, colorscale: layout.colorscale.sequential, xgap: 1, ygap: 1 };
  probe.remove();
  return { layout, data: { heatmap: [heatmap], scatter: [{ line: { width: 1.75 } }] } };
}

// Lines say the number of their colour, which the theme decides.
function coloured(data) {
  const probe = document.createElement("span");
  document.body.append(probe);
  for (const trace of data) {
    if (trace.meta?.band) trace.fillcolor = token(probe, "--chart-band");
    if (trace.meta?.colours) trace.line = stagegate.runLines(trace.meta, (name) => token(probe, name));
    if (trace.meta?.colour === undefined) continue;
    const colour = token(probe, `--run-${trace.meta.colour}`);
    trace.line = { ...trace.line, color: colour };
    trace.marker = { ...trace.marker, color: colour };
  }
  probe.remove();
  return data;
}

async function figureOf(element, part = "") {
  if (!element.dataset.chartUrl)
    return JSON.parse(document.getElementById(element.dataset.chart).textContent);
  const answer = await fetch(element.dataset.chartUrl + part, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`the figure came back as ${answer.status}`);
  return answer.json();
}

async function draw(element) {
  try {
    const [plotly, figure] = await Promise.all([load(), figureOf(element)]);
    const layout = { ...figure.layout, template: template(), autosize: true };
    element.replaceChildren();
    await plotly.newPlot(element, coloured(figure.data), layout, config);
    element.dataset.drawn = "";
    if ("chartRefines" in element.dataset) {
      element.on("plotly_relayout", (change) => {
        if (Object.keys(change).some((name) => name.startsWith("xaxis."))) refresh(element);
      });
    }
    element.dispatchEvent(new CustomEvent("stagegate:drawn", { bubbles: true }));
  } catch (problem) {
    console.warn(problem);
    const message = document.createElement("p");
    message.className = "chart-message";
    message.textContent = phrase("chartFailed");
    element.replaceChildren(message);
  }
}

function visiblePart(element) {
  const axis = element._fullLayout.xaxis;
  if (axis.autorange) return "";
  const ends = axis.range.map((end) =>
    axis.type === "date" ? Date.parse(`${String(end).replace(" ", "T")}Z`) : Number(end),
  );
  return ends.some(Number.isNaN) ? "" : `&from=${ends[0]}&to=${ends[1]}`;
}

// Draws what is visible anew: finer after zooming in, longer after new points; what was zoomed into stays.
async function refresh(element) {
  const ask = (element.asked = (element.asked ?? 0) + 1);
  try {
    const part = visiblePart(element);
    const [plotly, figure] = await Promise.all([load(), figureOf(element, part)]);
    if (ask !== element.asked) return;
    await plotly.react(element, coloured(figure.data), element.layout, config);
    element.dataset.refined = part;
  } catch (problem) {
    console.warn(problem);
  }
}

// Says that there are new points, if it came after the page.
let opened = false;
whenPresent("[data-charts-stale]", () => {
  if (opened) document.querySelectorAll("[data-drawn][data-chart-url]").forEach(refresh);
});
opened = true;

const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      draw(entry.target);
    }
  },
  { rootMargin: "200px" },
);

whenPresent("[data-chart], [data-chart-url]", (element) => watcher.observe(element));

document.addEventListener("stagegate:theme", async () => {
  for (const element of document.querySelectorAll("[data-drawn]")) {
    const layout = { ...element.layout, template: template() };
    (await load()).react(element, coloured(element.data), layout, config);
  }
});
document.addEventListener("htmx:beforeCleanupElement", (event) => {
  if (event.target.matches?.("[data-drawn]")) window.Plotly.purge(event.target);
});
