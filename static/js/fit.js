// [data-fit="id"]: a button that shows the whole of a drawing in its frame, and its true size again.
stagegate.whenPresent("[data-fit]", (button) => {
  const view = document.getElementById(button.dataset.fit);
  const isLarger = view.scrollWidth > view.clientWidth || view.scrollHeight > view.clientHeight;
  button.toggleAttribute("hidden", !isLarger);
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", view.toggleAttribute("data-fitted"));
    const centre = view.dataset.centre && view.querySelector(view.dataset.centre);
    centre?.scrollIntoView({ block: "nearest", inline: "center" });
  });
});
