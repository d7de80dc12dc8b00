// [data-theme-button] goes round: as the system, light, dark. A cookie carries the choice to the server, which
// writes it into <html>, so the next page starts in the right colours. The cookie also names the saved
// preference it overrides and lapses when that changes.
const themes = ["auto", "light", "dark"];
const root = document.documentElement;

function label(button) {
  button.setAttribute("aria-label", button.getAttribute(`data-label-${root.dataset.bsTheme || "auto"}`));
  button.title = button.getAttribute("aria-label");
}

window.stagegate.whenPresent("[data-theme-button]", label);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-button]");
  if (!button) return;
  const theme = themes[(themes.indexOf(root.dataset.bsTheme) + 1) % themes.length];
  root.dataset.bsTheme = theme;
  document.querySelector('meta[name="color-scheme"]').content = theme === "auto" ? "light dark" : theme;
  const age = theme === button.dataset.saved ? 0 : 31_536_000;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `stagegate_theme=${theme}.${button.dataset.saved}; path=/; max-age=${age}; samesite=lax${secure}`;
  document.querySelectorAll("[data-theme-button]").forEach(label);
  document.dispatchEvent(new Event("stagegate:theme"));
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new Event("stagegate:theme"));
});
