// form[data-autosubmit]: a changed choice sends the form at once; its button is for those without scripts.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (form && event.target.matches("select, input[type=checkbox], input[type=radio], input[type=range]")) form.requestSubmit();
});
