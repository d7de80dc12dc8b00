// Toasts of success leave by themselves; those of errors and warnings wait to be dismissed. The server sends one
// with an htmx answer by the header  HX-Trigger: {"toast": {"level": "success", "message": "…"}}.
const stay = new Set(["error", "warning"]);

function leave(toast) {
  toast.classList.add("is-leaving");
  setTimeout(() => toast.remove(), 250);
}

window.stagegate.whenPresent("[data-toast]", (toast) => {
  if (stay.has(toast.dataset.level)) return;
  let timer = setTimeout(leave, 6000, toast);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => {
    timer = setTimeout(leave, 2000, toast);
  });
  toast.addEventListener("focusin", () => clearTimeout(timer));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-toast-close]");
  if (button) leave(button.closest("[data-toast]"));
});

document.addEventListener("toast", (event) => {
  const region = document.querySelector("[data-toasts]");
  const pattern = region.querySelector("template").content.firstElementChild.cloneNode(true);
  pattern.dataset.level = event.detail.level || "success";
  pattern.querySelector("p").textContent = event.detail.message;
  region.append(pattern);
  if (!stay.has(pattern.dataset.level)) setTimeout(leave, 6000, pattern);
});
