// Completes the names of inputs in a prompt: `{{` offers those that the draft has, and those of the row beside it.

const FIELD = "#messages prompt-editor textarea";
const NAME = /\{\{ ?([\p{L}\p{N}_.]*)$/u;

document.addEventListener("input", (event) => {
  const field = event.target.closest?.(FIELD);
  if (field) offer(field);
});

document.addEventListener("keydown", (event) => {
  const list = listOf(event.target);
  if (!list || event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && !event.altKey) choose(event.target, list, step);
  else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && !event.ctrlKey && !event.metaKey) take(event.target, list.querySelector("[aria-selected=true]"));
  else if (event.key === "Escape") close(event.target);
  else {
    if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close(event.target);
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest?.(".names [role=option]");
  if (!option) return;
  event.preventDefault(); // the text keeps its focus
  take(option.closest("prompt-editor").querySelector("textarea"), option);
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches?.(FIELD)) close(event.target);
});

function listOf(field) {
  return field.matches?.(FIELD) ? field.parentElement.querySelector(":scope > [role=listbox]") : null;
}

function begun(field) {
  return NAME.exec(field.value.slice(0, field.selectionStart))?.[1] ?? null;
}

function names() {
  const messages = document.getElementById("messages");
  const own = [...document.querySelectorAll("#input-names .var")].map((name) => name.textContent);
  return [...new Set([...own, ...JSON.parse(messages.dataset.names ?? "[]")])].filter((name) => /^[\p{L}\p{N}_.]+$/u.test(name));
}

function offer(field) {
  close(field);
  const typed = begun(field);
  if (typed === null) return;
  const found = names().filter((name) => name !== typed && name.toLowerCase().startsWith(typed.toLowerCase())).slice(0, 8);
  if (found.length) show(field, found);
}

function show(field, found) {
  const list = document.createElement("ul");
  list.className = "menu names";
  list.id = "names";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Inputs");
  list.append(...found.map((name, index) => {
    const option = document.createElement("li");
    option.id = `names-${index}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(index === 0));
    option.textContent = name;
    return option;
  }));
  field.parentElement.append(list);
  place(field, list);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-activedescendant", "names-0");
}

// Below the cursor: the mirror has the same text in the same places.
function place(field, list) {
  const before = field.value.slice(0, field.selectionStart).split("\n");
  const line = field.parentElement.querySelector(".mirror").children[before.length - 1];
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  let left = before.at(-1).length;
  let node = walker.nextNode();
  while (node && left > node.length) [left, node] = [left - node.length, walker.nextNode()];
  const range = document.createRange();
  if (node) range.setStart(node, left);
  else range.selectNodeContents(line);
  const [at, box] = [range.getBoundingClientRect(), field.parentElement.getBoundingClientRect()];
  list.style.insetBlockStart = `${at.bottom - box.top + 4}px`;
  list.style.insetInlineStart = `${Math.max(0, Math.min(at.left - box.left, box.width - list.offsetWidth))}px`;
}

function choose(field, list, step) {
  const options = [...list.children];
  const now = options.findIndex((option) => option.ariaSelected === "true");
  const next = options[(now + step + options.length) % options.length];
  for (const option of options) option.setAttribute("aria-selected", String(option === next));
  field.setAttribute("aria-activedescendant", next.id);
}

function take(field, option) {
  const typed = begun(field);
  const at = field.selectionStart;
  close(field);
  if (typed === null || !option) return;
  field.focus();
  const closing = /^ ?\}\}/.exec(field.value.slice(at))?.[0] ?? "";
  field.setSelectionRange(at - typed.length, at + closing.length);
  document.execCommand("insertText", false, `${option.textContent}}}`); // undo knows of it
}

function close(field) {
  listOf(field)?.remove();
  for (const name of ["aria-controls", "aria-activedescendant"]) field.removeAttribute(name);
}
