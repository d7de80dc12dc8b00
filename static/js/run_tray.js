// The runs that are chosen in tables, kept while this tab is open: form[data-tray] shows them, input[data-pick]
// are the boxes of the rows, input[data-pick-all] takes or leaves all of the page.
const { whenPresent } = window.stagegate;
const KEPT = "stagegate.chosen-runs";
const MOST = 1000;
const ADDRESSED = 100;
const tray = document.querySelector("form[data-tray]");

function read() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));
  } catch {
    return new Map();
  }
}

if (tray) {
  const chosen = read();
  for (const item of tray.querySelectorAll("[data-run]")) chosen.set(item.dataset.run, item.textContent.trim());
  if (new URLSearchParams(location.search).has("runs")) {
    // From now on they are kept here and not in the address, where they would come back when they are left out.
    sessionStorage.setItem(KEPT, JSON.stringify([...chosen]));
    location.replace(tray.dataset.freshAddress);
  }

  const boxes = () => [...document.querySelectorAll("input[data-pick]")];
  const all = document.querySelector("input[data-pick-all]");

  const put = (box, checked) => {
    if (checked && chosen.size < MOST) chosen.set(box.value, box.dataset.pick);
    else chosen.delete(box.value);
  };

  function item(id, name) {
    const made = tray.querySelector("template").content.cloneNode(true).firstElementChild;
    const link = made.querySelector("a");
    link.href = `${tray.getAttribute("action")}${encodeURIComponent(id)}/`;
    link.textContent = link.title = name;
    const leave = made.querySelector("button");
    leave.ariaLabel = `${leave.ariaLabel}: ${name}`;
    leave.addEventListener("click", () => {
      chosen.delete(id);
      show();
    });
    return made;
  }

  function hidden(value) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "runs";
    field.value = value;
    return field;
  }

  function show() {
    sessionStorage.setItem(KEPT, JSON.stringify([...chosen]));
    const count = chosen.size;
    tray.hidden = count === 0;
    for (const place of document.querySelectorAll("[data-tray-count]")) {
      place.textContent = (count === 1 ? place.dataset.one : place.dataset.many).replace("#", count);
    }
    tray.querySelector("[data-tray-runs]").replaceChildren(...[...chosen].map(([id, name]) => item(id, name)));
    document.querySelector("[data-tray-fields]")?.replaceChildren(...[...chosen.keys()].map(hidden));
    const compare = tray.querySelector("[data-compare]");
    const reason = tray.querySelector("[data-tray-reason]");
    compare.textContent = compare.dataset.label.replace("#", count);
    reason.textContent =
      count < 2 ? reason.dataset.few : count > Number(tray.dataset.limit) ? reason.dataset.many : "";
    reason.hidden = compare.disabled = false;
    if (reason.textContent) compare.disabled = true;
    else reason.hidden = true;
    // An address has room for so many.
    for (const button of tray.querySelectorAll("[data-tray-export]")) button.hidden = count > ADDRESSED;
    for (const box of boxes()) mark(box);
    if (all) {
      const here = boxes();
      const taken = here.filter((box) => box.checked).length;
      all.checked = taken > 0 && taken === here.length;
      all.indeterminate = taken > 0 && taken < here.length;
    }
  }

  function mark(box) {
    box.checked = chosen.has(box.value);
    box.closest("tr").toggleAttribute("data-chosen", box.checked);
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-pick]")) put(event.target, event.target.checked);
    else if (event.target.matches("input[data-pick-all]")) boxes().forEach((box) => put(box, event.target.checked));
    else return;
    show();
  });

  tray.querySelector("[data-tray-clear]").addEventListener("click", (event) => {
    event.preventDefault();
    chosen.clear();
    show();
  });

  // One short address instead of a field for each run.
  tray.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = new URL(event.submitter.formAction);
    const glue = address.search ? "&" : "?";
    location.assign(`${address.href}${glue}runs=${[...chosen.keys()].join(",")}`);
  });

  // Rows come anew while the page is shown.
  whenPresent("input[data-pick]", mark);
  show();
}
