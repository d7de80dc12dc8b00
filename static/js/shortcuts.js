// "?" lists the keyboard shortcuts; kbd[data-modifier="K"] reads "⌘ K" on a Mac.
const dialog = document.getElementById("shortcuts-dialog");

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || document.body.dataset.shortcuts === "off" || window.stagegate.isTyping(event))
    return;
  if (!dialog || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  dialog.showModal();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-shortcuts-open]")) dialog?.showModal();
});

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  window.stagegate.whenPresent("kbd[data-modifier]", (key) => {
    key.textContent = `⌘ ${key.dataset.modifier}`;
  });
}
