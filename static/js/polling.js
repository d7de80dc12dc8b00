// [data-poll]: an htmx request that repeats. It waits while the tab is hidden, and goes on after a failure:
// give it hx-trigger="load delay:1s, poll", because a failed answer brings no next trigger.
const held = new Set();

document.addEventListener("htmx:confirm", (event) => {
  if (!document.hidden || !event.target.matches("[data-poll]")) return;
  event.preventDefault();
  held.add(event.detail.issueRequest);
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const issue of held) issue(true);
  held.clear();
});

function again(event) {
  const element = event.detail.elt;
  const status = event.detail.xhr?.status ?? 0;
  if (!element.matches("[data-poll]") || (status >= 400 && status < 500)) return;
  setTimeout(() => element.isConnected && window.htmx.trigger(element, "poll"), 3000);
}

for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"])
  document.addEventListener(name, again);
