// [data-log-total]: a log that shows only some of its lines. A permalink to another one brings the part it is in.
function bring() {
  const log = document.querySelector("[data-log-total]");
  const line = Number(location.hash.match(/^#L(\d+)/)?.[1]);
  if (!log || !line || line > Number(log.dataset.logTotal) || document.getElementById(`L${line}`)) return;
  location.replace(`?from=${Math.max(1, line - 20)}${location.hash}`);
}

window.addEventListener("hashchange", bring);
bring();
