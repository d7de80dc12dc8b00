// [data-centre="selector"]: a scrolled view begins with what the selector names in its middle.
stagegate.whenPresent("[data-centre]", (view) => {
  const target = view.querySelector(view.dataset.centre);
  if (!target) return;
  const box = target.getBoundingClientRect();
  const frame = view.getBoundingClientRect();
  view.scrollLeft += box.left + box.width / 2 - (frame.left + frame.width / 2);
  view.scrollTop += box.top + box.height / 2 - (frame.top + frame.height / 2);
});
