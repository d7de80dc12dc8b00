// [data-key="e"]: the key clicks the element, wherever on the page the focus is, except while one types.
const { isTyping } = window.stagegate;

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.shortcuts === "off" || isTyping(event)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const element = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (!element) return;
  event.preventDefault();
  element.click();
});
