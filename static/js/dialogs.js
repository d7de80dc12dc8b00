// [data-dialog="id"] opens a <dialog>; a click beside it or on [data-dialog-close] closes it.
// Inside, <input data-confirm-text="1.3.0"> keeps the form's submit button off until that text is typed.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (!dialog) return;
    event.preventDefault();
    dialog.showModal();
    return;
  }
  if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog").close();
  if (event.target.matches("dialog[open]") && isBeside(event.target, event)) event.target.close();
});

function isBeside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  // A click made by the keyboard has no coordinates.
  if (event.clientX === 0 && event.clientY === 0) return false;
  return (
    event.clientX < box.left ||
    event.clientX > box.right ||
    event.clientY < box.top ||
    event.clientY > box.bottom
  );
}

window.stagegate.whenPresent("input[data-confirm-text]", (input) => {
  const button = input.form.querySelector("[type=submit]");
  const check = () => {
    button.disabled = input.value.trim() !== input.dataset.confirmText;
  };
  input.addEventListener("input", check);
  check();
});
