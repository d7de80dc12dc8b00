// <time datetime data-relative>: "5 minutes ago" stays true while the page is open.
const units = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "always" });

function relative(seconds) {
  const distance = Math.abs(seconds);
  if (distance < 10) return window.stagegate.phrase("justNow");
  const [unit, length] = units.find(([, size]) => distance >= size);
  return words.format(Math.sign(seconds) * Math.floor(distance / length), unit);
}

function refresh() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const text = relative((new Date(time.dateTime) - Date.now()) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(refresh, 15_000);
document.addEventListener("visibilitychange", refresh);
