// The calculator: reads the fields, derives everything again, and writes the figures where they stand.
const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
const byId = (id) => document.getElementById(id);
const fields = all("[data-set]");
const SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const written = model.derive();

const singular = (noun) => noun.endsWith("ies") ? `${noun.slice(0, -3)}y` : noun.endsWith("s") && !noun.endsWith("ss") ? noun.slice(0, -1) : noun;
// As a claim prints a figure: plainly, as a word, or of something.
const said = (now, name, way, noun) => {
  const figure = now.figure(name);
  if (way === "word") {
    const count = now.magnitude(name);
    return /^\d+$/.test(figure.text) && count <= 10 ? SMALL[count] : figure.text;
  }
  if (way !== "of") return figure.text;
  if (figure.number === "1" && !figure.suffix) return `1 ${singular(noun)}`;
  const at = figure.suffix.indexOf("/"), word = at < 0 ? figure.suffix : figure.suffix.slice(0, at);
  return `${figure.prefix}${figure.number}${word.trimEnd()} ${noun}${at < 0 ? "" : figure.suffix.slice(at)}`;
};
const text = (now, name) => now.usable(name) ? now.figure(name).text : "none";

const changesOf = () => {
  const changes = {};
  for (const field of fields) {
    const value = Number(field.value), wrong = field.value.trim() === "" || !Number.isFinite(value) || value < 0;
    if (wrong) field.setAttribute("aria-invalid", "true"); else field.removeAttribute("aria-invalid");
    if (!wrong && value !== Number(field.dataset.was)) changes[field.dataset.set] = value;
    field.classList.toggle("changed", !wrong && value !== Number(field.dataset.was));
  }
  return changes;
};

const figuresOnPage = (now, moved) => {
  for (const place of all("[data-fig]")) {
    const name = place.dataset.fig;
    const stale = Object.hasOwn(model.simulated, name) && model.simulated[name].some((source) => moved.has(source));
    place.classList.toggle("stale", stale);
    place.classList.toggle("moved", moved.has(name));
    if (moved.has(name) && place.matches("a.fig")) place.dataset.now = text(now, name);
    else delete place.dataset.now;
    if (Object.hasOwn(model.labels, name) && !place.matches("a.fig")) place.textContent = text(now, name);
  }
  for (const place of all("[data-live]")) place.textContent = said(now, ...JSON.parse(place.dataset.live));
};

const decide = (now) => {
  let turned = 0, broken = 0;
  for (const row of all("[data-turn]")) {
    const { figure, limit, was } = row.dataset, applies = now.usable(figure) && now.usable(limit);
    const side = now.figure(figure).base > now.figure(limit).base * (1 + 1e-12) ? "above" : "below";
    row.hidden = !applies;
    all("[data-side]", row).forEach((each) => { each.hidden = each.dataset.side !== side; });
    row.classList.toggle("turned", applies && side !== was);
    turned += applies && side !== was;
  }
  for (const rule of model.rules) {
    const matters = !rule.when || now.evaluate(rule.when), fails = matters && now.evaluate(rule.holds) === false;
    document.querySelector(`[data-constraint="${CSS.escape(rule.id)}"]`).hidden = !fails;
    broken += Boolean(fails);
  }
  return [turned, broken];
};

const counted = (count, one, many) => `${count || "no"} ${count === 1 ? one : many}`;
const follow = () => {
  const changes = changesOf(), now = model.derive(changes);
  const moved = new Set(Object.keys(model.labels).filter((name) => text(now, name) !== text(written, name)));
  figuresOnPage(now, moved);
  const [turned, broken] = decide(now);
  const any = Object.keys(changes).length > 0;
  byId("reset").disabled = !any;
  byId("calculator-state").textContent = any
    ? `${counted(moved.size, "figure has", "figures have")} moved, ${counted(turned, "decision turns", "decisions turn")}, ${counted(broken, "constraint breaks", "constraints break")}.`
    : "All as it was written.";
  byId("calculator-moved").hidden = !moved.size;
  byId("calculator-moved").querySelector("tbody").replaceChildren(...Array.from(moved, (name) => {
    const row = document.createElement("tr"), head = document.createElement("th");
    head.scope = "row";
    head.textContent = model.labels[name];
    row.append(head);
    for (const figures of [written, now]) row.insertCell().textContent = text(figures, name);
    return row;
  }));
  const stale = Object.values(model.simulated).some((sources) => sources.some((source) => Object.hasOwn(changes, source)));
  const note = byId("calculator-simulated");
  note.hidden = !stale;
  const sets = Object.entries(changes).map(([name, value]) => ` --set ${name}=${value}`).join("");
  note.textContent = `Simulated figures and charts are not run again here: they hold for the assumptions as written, ${
    fields.filter((field) => Object.hasOwn(changes, field.dataset.set)).map((field) => `${model.labels[field.dataset.set]}: ${written.figure(field.dataset.set).text}`).join("; ")
  }. To run them: chapter-offline whatif DIR${sets} --write NEWDIR`;
};

let waiting = 0;
for (const field of fields) field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(follow, 120); });
byId("reset").addEventListener("click", () => {
  fields.forEach((field) => { field.value = field.dataset.was; });
  follow();
});
all(".needs-script").forEach((each) => { each.hidden = false; });
