// form[data-params]: marks what differs from the commit while one types, lists it, and loads another ref at once.
const { whenPresent } = window.stagegate;

// The same value may be spelled in several ways: 1e-2 is 0.01, [1,2] is [1, 2].
function plain(text, type) {
  const trimmed = text.trim();
  if (type === "int" || type === "float") {
    return trimmed !== "" && Number.isFinite(Number(trimmed)) ? String(Number(trimmed)) : trimmed;
  }
  if (type === "list") {
    try {
      return JSON.stringify(JSON.parse(trimmed));
    } catch {
      return trimmed;
    }
  }
  return type === "str" ? text.replaceAll("\r\n", "\n") : trimmed;
}

const controlOf = (row) => row.querySelector("input, select, textarea");

function isChanged(row) {
  const { type } = row.dataset;
  return plain(controlOf(row).value, type) !== plain(row.dataset.default, type);
}

// A colour alone would not say which of the two values is which.
function spoken(tag, word, text) {
  const element = document.createElement(tag);
  const hidden = document.createElement("span");
  hidden.className = "visually-hidden";
  hidden.textContent = `${word} `;
  element.append(hidden, text);
  return element;
}

function line(row, words) {
  const item = document.createElement("li");
  const name = document.createElement("code");
  const values = document.createElement("span");
  name.textContent = row.dataset.param;
  values.append(
    spoken("del", words.before, row.dataset.default),
    " → ",
    spoken("ins", words.now, controlOf(row).value),
  );
  item.append(name, values);
  return item;
}

function attach(form) {
  const rows = [...form.querySelectorAll("[data-param]:not([data-locked])")];
  const list = form.querySelector("[data-param-changes]");

  function show() {
    for (const row of rows) row.toggleAttribute("data-changed", isChanged(row));
    const changed = rows.filter((row) => row.hasAttribute("data-changed"));
    list.replaceChildren(...changed.map((row) => line(row, list.dataset)));
    form.querySelector("[data-param-count]").textContent = String(changed.length);
    form.querySelector("[data-param-none]").hidden = changed.length > 0;
  }

  form.addEventListener("input", (event) => {
    if (event.target.closest("[data-param]")) show();
  });
  form.addEventListener("click", (event) => {
    const row = event.target.closest("[data-param-reset]")?.closest("[data-param]");
    if (!row) return;
    const control = controlOf(row);
    control.value = row.dataset.default;
    control.focus();
    show();
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-param-ref]")) {
      form.requestSubmit(form.querySelector("[data-param-reload]"));
    }
  });
  // The browser may have kept what was typed before the page was left.
  window.addEventListener("pageshow", show);
  show();
}

whenPresent("form[data-params]", attach);
