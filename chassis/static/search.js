// The search box suggests goods while one types (an ARIA combobox); without this file it is a plain form.
const PAUSE = 150;
const box = document.querySelector("#search");
const list = Object.assign(document.createElement("div"), { id: "suggestions", className: "suggestions", hidden: true });
const said = Object.assign(document.createElement("span"), { className: "hidden", role: "status" });
let asking = new AbortController();
let pause;

list.role = "listbox";
list.ariaLabel = "Suggestions";
box.role = "combobox";
box.autocomplete = "off";
box.ariaAutoComplete = "list";
box.setAttribute("aria-controls", list.id);
box.form.append(list, said);
close();

function close() {
  clearTimeout(pause);
  asking.abort();
  list.hidden = true;
  list.replaceChildren();
  said.textContent = "";
  box.ariaExpanded = "false";
  box.removeAttribute("aria-activedescendant");
}

function option({ href, textContent }, position) {
  const link = document.createElement("a");
  const id = `suggestion-${position}`;
  return Object.assign(link, { id, href, textContent, role: "option", tabIndex: -1, ariaSelected: "false" });
}

function show({ items, did_you_mean: instead }) {
  const links = items.map(({ slug, name }) => ({ href: `/products/${slug}`, textContent: name }));
  if (instead) {
    links.push({ href: `/products?${new URLSearchParams({ q: instead })}`, textContent: `Did you mean “${instead}”?` });
  }
  if (!links.length) return close();
  list.replaceChildren(...links.map(option));
  list.hidden = false;
  box.ariaExpanded = "true";
  box.removeAttribute("aria-activedescendant");
  said.textContent = links.length === 1 ? "1 suggestion" : `${links.length} suggestions`;
}

async function suggest() {
  asking.abort();
  asking = new AbortController();
  const query = new URLSearchParams({ q: box.value });
  try {
    const answer = await fetch(`/api/v2/products/suggest?${query}`, { signal: asking.signal });
    if (!answer.ok) return close();
    show(await answer.json());
  } catch (fault) {
    // Somebody types on, or the catalogue is away: the form still searches.
    if (fault.name !== "AbortError") close();
  }
}

function move(step) {
  const options = [...list.children];
  const before = options.findIndex((link) => link.ariaSelected === "true");
  if (before >= 0) options[before].ariaSelected = "false";
  // Beyond either end lies the box itself, with what was typed.
  const next = options[(before + 1 + step + options.length + 1) % (options.length + 1) - 1];
  if (!next) return box.removeAttribute("aria-activedescendant");
  next.ariaSelected = "true";
  next.scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", next.id);
}

box.addEventListener("input", () => {
  clearTimeout(pause);
  if (box.value.trim()) pause = setTimeout(suggest, PAUSE);
  else close();
});

box.addEventListener("keydown", (event) => {
  if (list.hidden || event.isComposing) return;
  const chosen = list.querySelector("[aria-selected=true]");
  if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Escape") close();
  else if (event.key === "Enter" && chosen) chosen.click();
  else return;
  event.preventDefault();
});

// A click on a suggestion must not take the focus from the box, which would close the list before the click counts.
list.addEventListener("mousedown", (event) => event.preventDefault());
box.addEventListener("blur", close);
addEventListener("pagehide", close);
