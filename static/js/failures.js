// A request of htmx that failed says so beside the control that made it; a poll tries again by itself.
const { phrase } = window.stagegate;

function clear(element) {
  if (element.nextElementSibling?.matches(".request-failed")) element.nextElementSibling.remove();
}

function report(event) {
  const element = event.detail.elt;
  if (element.matches("[data-poll]")) return;
  clear(element);
  const note = document.createElement("p");
  note.className = "request-failed";
  note.setAttribute("role", "alert");
  note.textContent = event.detail.xhr?.status ? phrase("refused") : phrase("unreachable");
  element.after(note);
}

document.addEventListener("htmx:beforeRequest", (event) => clear(event.detail.elt));
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"])
  document.addEventListener(name, report);
