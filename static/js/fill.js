// [data-fill="#field" data-fill-value="x"] puts a value into a form of the same page when it is clicked; with
// data-fill-focus="#other" it goes on there, otherwise the click does what else it would do.
document.addEventListener("click", (event) => {
  const filler = event.target.closest("[data-fill]");
  const field = filler && document.querySelector(filler.dataset.fill);
  if (!field) return;
  field.value = filler.dataset.fillValue;
  const next = filler.dataset.fillFocus && document.querySelector(filler.dataset.fillFocus);
  if (!next) return;
  event.preventDefault();
  next.focus();
});
