// What the behaviours share. Each other file in this folder is one behaviour, bound by a data- attribute.
window.stagegate = {
  // Calls attach(element) once for every element that matches, now and in what htmx brings later.
  whenPresent(selector, attach) {
    const known = new WeakSet();
    const scan = (root) => {
      const found = [...root.querySelectorAll(selector)];
      if (root.matches?.(selector)) found.unshift(root);
      for (const element of found) {
        if (known.has(element)) continue;
        known.add(element);
        attach(element);
      }
    };
    scan(document);
    document.addEventListener("htmx:load", (event) => scan(event.target));
  },

  // The translated words stand in components/phrases.html.
  phrase(name) {
    return document.getElementById("phrases")?.dataset[name] ?? "";
  },

  // True while a key belongs to the text that is being written, a Hangul syllable in composition included.
  isTyping(event) {
    const target = event.target;
    if (event.isComposing || event.keyCode === 229) return true;
    if (target.isContentEditable || target.matches?.("textarea, select")) return true;
    return Boolean(
      target.matches?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit])"),
    );
  },
};
