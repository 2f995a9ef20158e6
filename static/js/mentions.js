// Completes the names of people in a comment: `@` and the beginning of a name offers them below the text.
// Works without it: a name that is typed as a whole, or a first name that one person has, mentions them as well.

const LONGEST = 40; // characters after the @ that are looked for
let asked = 0;

document.addEventListener("input", (event) => {
  const field = event.target.closest?.("textarea[data-people]");
  if (field) offer(field);
});

document.addEventListener("keydown", (event) => {
  const list = listOf(event.target);
  if (!list) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choose(event.target, list, step);
  else if ((event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey) take(event.target, list.querySelector("[aria-selected=true]"));
  else if (event.key === "Escape") close(event.target);
  else return;
  event.preventDefault();
  event.stopPropagation(); // Escape closes the list, and not the drawer as well
}, true);

document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest?.(".completing [role=option]");
  if (!option) return;
  event.preventDefault(); // the text keeps its focus
  take(option.closest(".completing").querySelector("textarea"), option);
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("textarea[data-people]")) close(event.target);
});

function listOf(field) {
  return field.matches?.("textarea[data-people]") ? field.parentElement.querySelector("[role=listbox]") : null;
}

// What is typed after the last @ before the cursor, where that begins a word.
function begun(field) {
  const before = field.value.slice(0, field.selectionStart);
  const at = before.lastIndexOf("@");
  const typed = before.slice(at + 1);
  const begins = at >= 0 && (at === 0 || !/[A-Za-z0-9\u00c0-\u024f_.+/=&?#-]/.test(before[at - 1]));
  return begins && typed.length <= LONGEST && !/[\n@]/.test(typed) ? { at, typed } : null;
}

async function offer(field) {
  const word = begun(field);
  const mine = ++asked;
  if (!word) return close(field);
  const answer = await fetch(`${field.dataset.people}?q=${encodeURIComponent(word.typed)}`).catch(() => null);
  if (mine !== asked) return;
  const names = answer?.ok ? await answer.json() : [];
  if (mine !== asked || document.activeElement !== field) return;
  close(field);
  if (names.length && names[0] !== word.typed) show(field, names);
}

function show(field, names) {
  const list = document.createElement("ul");
  list.className = "menu";
  list.id = `${field.id}-people`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "People");
  list.append(...names.map((name, index) => {
    const option = document.createElement("li");
    option.id = `${list.id}-${index}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(index === 0));
    option.textContent = name;
    return option;
  }));
  field.after(list);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-activedescendant", `${list.id}-0`);
}

function choose(field, list, step) {
  const options = [...list.children];
  const now = options.findIndex((option) => option.ariaSelected === "true");
  const next = options[(now + step + options.length) % options.length];
  for (const option of options) option.setAttribute("aria-selected", String(option === next));
  field.setAttribute("aria-activedescendant", next.id);
}

function take(field, option) {
  const word = begun(field);
  if (word && option) field.setRangeText(`${option.textContent} `, word.at + 1, field.selectionStart, "end");
  close(field);
}

function close(field) {
  asked += 1;
  listOf(field)?.remove();
  for (const name of ["aria-controls", "aria-activedescendant"]) field.removeAttribute(name);
}
