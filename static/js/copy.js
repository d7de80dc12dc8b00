// <button data-copy="text"> puts text on the clipboard. <code data-copy> gets such a button beside it.
const { phrase, whenPresent } = window.stagegate;

async function write(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Plain http in a local network has no clipboard interface; the old command still works there.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("the browser refused to copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  try {
    await write(button.dataset.copy);
    button.dataset.copied = "";
    window.stagegate.showTip(button, phrase("copied"));
  } catch {
    window.stagegate.showTip(button, phrase("copyFailed"));
  }
  setTimeout(() => {
    delete button.dataset.copied;
    window.stagegate.hideTip();
  }, 1500);
});

whenPresent("code[data-copy]", (code) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm";
  button.dataset.copy = code.dataset.copy || code.textContent;
  button.textContent = phrase("copy");
  code.after(" ", button);
});

// A rounded number is copied with all its digits, when it alone is selected.
document.addEventListener("copy", (event) => {
  const selection = document.getSelection();
  const text = selection.toString().trim();
  if (!text) return;
  const range = selection.getRangeAt(0);
  const around = range.commonAncestorContainer;
  const element = around.nodeType === Node.ELEMENT_NODE ? around : around.parentElement;
  const inside = [...element.querySelectorAll("data[value]")].filter((number) =>
    range.intersectsNode(number),
  );
  const number = element.closest("data[value]") ?? inside.find((found) => found.textContent.trim() === text);
  if (number?.textContent.trim() !== text) return;
  event.clipboardData.setData("text/plain", number.value);
  event.preventDefault();
});
