// Sections that have all the words, or words that begin so.
const MOST = 100;
const input = document.getElementById("words");
const found = document.getElementById("found");
const list = document.getElementById("places");
const words = Object.keys(index.words).sort();

const folded = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu) || [];
const beginning = (start) => {
  let low = 0, high = words.length;
  while (low < high) { const middle = (low + high) >> 1; if (words[middle] < start) low = middle + 1; else high = middle; }
  const places = new Set();
  for (; low < words.length && words[low].startsWith(start); low += 1) {
    let number = 0;
    for (const distance of index.words[words[low]]) places.add(number += distance);
  }
  return places;
};

const search = () => {
  const wanted = folded(input.value);
  list.replaceChildren();
  if (!wanted.length) { found.textContent = ""; return; }
  const sets = wanted.map(beginning);
  const numbers = Array.from(sets[0]).filter((each) => sets.every((set) => set.has(each))).sort((a, b) => a - b);
  found.textContent = `${numbers.length || "No"} ${numbers.length === 1 ? "section" : "sections"}${numbers.length > MOST ? `; the first ${MOST}:` : ""}`;
  for (const number of numbers.slice(0, MOST)) {
    const [chapter, id, heading] = index.places[number], [title, file] = index.chapters[chapter];
    const link = Object.assign(document.createElement("a"), { href: `${file}#${id}`, textContent: heading });
    const item = document.createElement("li");
    item.append(link, ` ${title}`);
    list.append(item);
  }
};
input.addEventListener("input", search);
found.textContent = "";
search();
