// input[data-complete="/address/"]: offers what may come next, as an ARIA combobox. What is typed is never
// held up: nothing is chosen but by arrow keys or a click, and nothing happens while Hangul is composed.
const PAUSE = 150;

window.stagegate.whenPresent("input[data-complete]", (input) => {
  const list = document.createElement("ul");
  list.className = "completions";
  list.id = `${input.id}-completions`;
  list.role = "listbox";
  list.ariaLabel = input.dataset.completeLabel;
  list.hidden = true;
  input.after(list);
  input.role = "combobox";
  input.ariaAutoComplete = "list";
  input.ariaExpanded = "false";
  input.setAttribute("aria-controls", list.id);

  let timer;
  // The question that has no answer yet.
  let asked;
  let start = 0;
  let end = 0;
  const options = () => [...list.children];
  const active = () => list.querySelector("[aria-selected=true]");

  function forget() {
    clearTimeout(timer);
    timer = undefined;
    asked?.abort();
    asked = undefined;
  }

  function close() {
    forget();
    list.hidden = true;
    list.replaceChildren();
    input.ariaExpanded = "false";
    input.removeAttribute("aria-activedescendant");
  }

  function point(option) {
    active()?.setAttribute("aria-selected", "false");
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function take(option) {
    input.setRangeText(option.dataset.text, start, end, "end");
    close();
    input.focus();
    ask();
  }

  function show(found) {
    list.replaceChildren(
      ...found.map(({ text, label }, number) => {
        const option = document.createElement("li");
        option.role = "option";
        option.id = `${list.id}-${number}`;
        option.ariaSelected = "false";
        option.dataset.text = text;
        option.textContent = label;
        return option;
      }),
    );
    list.hidden = found.length === 0;
    input.ariaExpanded = String(found.length > 0);
    input.removeAttribute("aria-activedescendant");
  }

  async function ask() {
    forget();
    end = input.selectionStart;
    const question = new AbortController();
    asked = question;
    const address = `${input.dataset.complete}?q=${encodeURIComponent(input.value.slice(0, end))}`;
    try {
      const answer = await fetch(address, { signal: question.signal });
      if (!answer.ok || document.activeElement !== input) return;
      const found = await answer.json();
      start = found.start;
      show(found.options);
    } catch {
      // Offered is what comes in time; nothing depends on it.
    } finally {
      if (asked === question) asked = undefined;
    }
  }

  function askSoon() {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  }

  input.addEventListener("input", (event) => {
    if (!event.isComposing) askSoon();
  });
  input.addEventListener("compositionend", askSoon);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const all = options();
    if (event.key === "ArrowDown" && list.hidden) ask();
    // A browser empties a search field at Escape: whoever closes a list that is about to open loses nothing.
    else if (event.key === "Escape" && (timer || asked)) close();
    else if (list.hidden) return;
    else if (event.key === "ArrowDown") point(all[(all.indexOf(active()) + 1) % all.length]);
    else if (event.key === "ArrowUp") point(all.at(Math.max(all.indexOf(active()), 0) - 1));
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && active()) take(active());
    else return;
    event.preventDefault();
  });
  // Before the field loses the focus.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  input.addEventListener("blur", close);
});
