"use strict";
// What reading doesn't need: contents that follow, a filter, what was read, whose words they are, glosses in place.
(() => {
  const root = document.documentElement;
  const body = document.body;
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  const make = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  // A browser may refuse storage to files; then nothing is remembered.
  const store = {
    key: "chapter-offline " + body.dataset.chapter,
    read() {
      try { return JSON.parse(localStorage.getItem(this.key)) || {}; } catch { return {}; }
    },
    write(change) {
      try { localStorage.setItem(this.key, JSON.stringify({ ...this.read(), ...change })); } catch { /* see above */ }
    },
  };

  const choice = (label, name, values, apply) => {
    const select = make("select", { name });
    for (const [value, text] of values) select.append(make("option", { value, textContent: text }));
    select.value = store.read()[name] || values[0][0];
    const chosen = () => { apply(select.value); store.write({ [name]: select.value }); };
    select.addEventListener("change", chosen);
    apply(select.value);
    return make("label", {}, make("span", { textContent: label }), select);
  };

  const settings = make("div", { className: "settings" },
    choice("Show", "show", [["all", "everything"], ["core", "the essentials"], ["outline", "headings and questions"]],
      (value) => { body.dataset.show = value; }),
    choice("Origins", "origins", [["hidden", "as they come"], ["shown", "marked"]],
      (value) => { body.dataset.origins = value; }),
    choice("Light", "theme", [["", "as the system"], ["light", "light"], ["dark", "dark"]],
      (value) => { if (value) root.dataset.theme = value; else delete root.dataset.theme; }));
  const progress = make("p", { className: "progress" });
  document.querySelector(".contents > ol").before(settings, progress);

  // What was read.
  const sections = all("main .section[id]").filter((each) => !each.closest(".appendix, .calculator"));
  const read = new Set(store.read().read || []);
  const links = new Map(all(".contents ol ol a").map((link) => [link.hash.slice(1), link]));
  const count = () => {
    progress.textContent = read.size ? `${read.size} of ${sections.length} sections read` : "";
    for (const [id, link] of links) {
      const place = document.getElementById(id);
      const own = place && place.matches(".component") ? all(".section", place) : [place];
      link.classList.toggle("read", own.every((each) => each && read.has(each.id)));
    }
  };
  for (const section of sections) {
    const button = make("button", { type: "button", className: "mark" });
    const show = () => {
      button.setAttribute("aria-pressed", String(read.has(section.id)));
      button.textContent = read.has(section.id) ? "Read" : "Mark as read";
    };
    button.addEventListener("click", () => {
      if (!read.delete(section.id)) read.add(section.id);
      store.write({ read: [...read] });
      show();
      count();
    });
    button.setAttribute("aria-describedby", section.id);
    section.append(button);
    show();
  }
  count();

  // Contents that follow: the last place whose beginning has passed the upper third of the window.
  const places = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  let current = null;
  const follow = () => {
    const limit = innerHeight / 3;
    let low = 0, high = places.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (places[middle].getBoundingClientRect().top <= limit) low = middle; else high = middle - 1;
    }
    const link = links.get(places[low].id);
    if (link === current) return;
    if (current) current.removeAttribute("aria-current");
    all(".contents li.here").forEach((each) => each.classList.remove("here"));
    current = link;
    link.setAttribute("aria-current", "location");
    const group = link.closest("details");
    group.parentElement.classList.add("here");
    if (matchMedia("(min-width: 64rem)").matches) {
      group.open = true;
      link.scrollIntoView({ block: "nearest", behavior: "instant" });
    }
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  }, { passive: true });
  requestAnimationFrame(follow);

  // A term's gloss and a figure's derivation, where the text names them.
  const note = make("div", { className: "gloss", id: "gloss", hidden: true });
  note.setAttribute("role", "tooltip");
  body.append(note);
  const told = (link) => {
    const place = document.getElementById(link.hash.slice(1));
    if (!place) return null;
    if (place.matches("dt")) return [place.textContent, place.nextElementSibling.textContent];
    if (place.matches("tr")) {
      const [label, value, origin] = place.cells;
      return [`${label.textContent}: ${value.textContent}`, origin.textContent];
    }
    return null;
  };
  let shown = null, timer = 0;
  const hide = () => {
    clearTimeout(timer);
    if (shown) shown.removeAttribute("aria-describedby");
    shown = null;
    note.hidden = true;
  };
  const show = (link) => {
    const text = told(link);
    if (!text) return;
    hide();
    note.replaceChildren(make("strong", { textContent: text[0] }), make("span", { textContent: text[1] }));
    note.hidden = false;
    const at = link.getClientRects()[0];
    const left = Math.max(8, Math.min(at.left, innerWidth - note.offsetWidth - 8));
    const above = at.top - note.offsetHeight - 6;
    note.style.left = `${left + scrollX}px`;
    note.style.top = `${(above > 0 ? above : at.bottom + 6) + scrollY}px`;
    link.setAttribute("aria-describedby", "gloss");
    shown = link;
  };
  const target = (event) => event.target.closest && event.target.closest("main a.term, main a.fig");
  document.addEventListener("mouseover", (event) => {
    const link = target(event);
    clearTimeout(timer);
    if (link) timer = setTimeout(show, 200, link); else if (shown) hide();
  });
  document.addEventListener("focusin", (event) => { const link = target(event); if (link) show(link); else hide(); });
  addEventListener("resize", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // On paper nothing is folded away, whatever the browser makes of closed details.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("main details:not([open]), .contents details:not([open])");
    folded.forEach((each) => { each.removeAttribute("name"); each.open = true; });
  });
  addEventListener("afterprint", () => {
    folded.forEach((each) => { each.open = false; });
    all(".contents details").forEach((each) => each.setAttribute("name", "contents"));
    folded = [];
  });
})();
