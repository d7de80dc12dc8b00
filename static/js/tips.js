// What a title says to the pointer is said to the keyboard as well: a tip while the element has the focus.
const tip = document.createElement("div");
tip.className = "tip";
tip.setAttribute("popover", "manual");
tip.setAttribute("role", "status");
document.body.append(tip);

function show(element, text) {
  tip.textContent = text;
  if (!tip.matches(":popover-open")) tip.showPopover();
  const place = element.getBoundingClientRect();
  const left = Math.min(Math.max(8, place.left), window.innerWidth - tip.offsetWidth - 8);
  const above = place.top - tip.offsetHeight - 6;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : place.bottom + 6}px`;
}

function hide() {
  if (tip.matches(":popover-open")) tip.hidePopover();
}

window.stagegate.showTip = show;
window.stagegate.hideTip = hide;

document.addEventListener("focusin", (event) => {
  const element = event.target;
  if (element.matches?.("time[title], data[title]") && element.matches(":focus-visible"))
    show(element, element.title);
});
document.addEventListener("focusout", hide);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});
document.addEventListener("scroll", hide, { capture: true, passive: true });
