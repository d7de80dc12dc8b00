// Ctrl/Cmd+K: go to a page by its name. Pages come from the navigation; data-palette-url adds what the server
// finds, as JSON [{"label", "url", "kind"}].
const dialog = document.querySelector("dialog[data-palette]");

if (dialog) {
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const empty = dialog.querySelector(".palette-empty");
  let chosen = 0;
  let question = 0;

  const pages = () =>
    [...document.querySelectorAll("[data-palette-source] a[href]")].map((link) => ({
      label: link.textContent.trim(),
      url: link.getAttribute("href"),
      icon: link.querySelector("svg"),
    }));

  const options = () => [...list.children];

  function option({ label, url, kind, icon }, index) {
    const item = document.createElement("li");
    item.setAttribute("role", "option");
    item.id = `palette-option-${index}`;
    item.dataset.url = url;
    if (icon) item.append(icon.cloneNode(true));
    item.append(label);
    if (kind) {
      const where = document.createElement("span");
      where.className = "where";
      where.textContent = kind;
      item.append(where);
    }
    return item;
  }

  function choose(index) {
    const all = options();
    chosen = all.length ? (index + all.length) % all.length : 0;
    all.forEach((item, place) => item.setAttribute("aria-selected", String(place === chosen)));
    if (all.length) input.setAttribute("aria-activedescendant", all[chosen].id);
    else input.removeAttribute("aria-activedescendant");
    all[chosen]?.scrollIntoView({ block: "nearest" });
  }

  function show(results) {
    list.replaceChildren(...results.map(option));
    empty.textContent = window.stagegate.phrase("noResults");
    empty.hidden = results.length > 0;
    choose(0);
  }

  async function search() {
    const text = input.value.trim().toLowerCase();
    const mine = ++question;
    const matching = pages().filter((page) => page.label.toLowerCase().includes(text));
    show(matching);
    if (!text || !dialog.dataset.paletteUrl) return;
    const answer = await fetch(`${dialog.dataset.paletteUrl}?q=${encodeURIComponent(text)}`).catch(
      () => null,
    );
    // A slow answer to an earlier question must not replace a later one.
    if (answer?.ok && mine === question) show([...matching, ...(await answer.json())]);
  }

  function open() {
    if (dialog.open) return;
    document.querySelector(".sidebar:popover-open")?.hidePopover();
    input.value = "";
    dialog.showModal();
    input.focus();
    search();
  }

  const go = (item) => item && location.assign(item.dataset.url);

  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      choose(chosen + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(options()[chosen]);
    }
  });
  list.addEventListener("click", (event) => go(event.target.closest("[role=option]")));
  list.addEventListener("pointermove", (event) => {
    const item = event.target.closest("[role=option]");
    if (item && options().indexOf(item) !== chosen) choose(options().indexOf(item));
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]")) open();
  });
  document.addEventListener("keydown", (event) => {
    if (
      (event.ctrlKey || event.metaKey) &&
      !event.shiftKey &&
      !event.altKey &&
      event.key.toLowerCase() === "k"
    ) {
      event.preventDefault();
      open();
    }
  });
}
