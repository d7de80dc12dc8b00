// [data-log] around a .log-view: stays at the end while the reader is there, and stops when they scroll up.
// Line numbers are permalinks: #L12 or #L12-L20 (Shift and click) is marked.
const near = (view) => view.scrollHeight - view.scrollTop - view.clientHeight < 32;

window.stagegate.whenPresent("[data-log]", (log) => {
  const view = log.querySelector(".log-view");
  const button = log.querySelector("[data-log-follow]");
  let following = log.dataset.log === "follow" && !location.hash.startsWith("#L");

  const set = (value) => {
    following = value;
    button?.setAttribute("aria-pressed", String(value));
  };
  const end = () => {
    if (following) view.scrollTop = view.scrollHeight;
  };

  view.addEventListener("scroll", () => set(near(view)), { passive: true });
  button?.addEventListener("click", () => {
    set(!following);
    end();
  });
  new MutationObserver(() => {
    end();
    mark();
  }).observe(view, { childList: true, subtree: true });
  set(following);
  end();
});

const numbers = () =>
  location.hash
    .match(/^#L(\d+)(?:-L(\d+))?$/)
    ?.slice(1)
    .map(Number) ?? [];

function mark() {
  const [first, last] = numbers();
  for (const line of document.querySelectorAll(".log-lines > li.is-linked"))
    line.classList.remove("is-linked");
  if (!first) return;
  const [low, high] = last ? [Math.min(first, last), Math.max(first, last)] : [first, first];
  for (let number = low; number <= Math.min(high, low + 5000); number += 1) {
    document.getElementById(`L${number}`)?.classList.add("is-linked");
  }
}

function show() {
  mark();
  document.querySelector(".log-lines > li.is-linked")?.scrollIntoView({ block: "center" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".log-lines > li > a");
  if (!link) return;
  event.preventDefault();
  const clicked = link.parentElement.id;
  const [first] = numbers();
  history.replaceState(null, "", event.shiftKey && first ? `#L${first}-${clicked}` : `#${clicked}`);
  mark();
});
window.addEventListener("hashchange", show);
if (location.hash.startsWith("#L")) show();
