// The dataset's grid by keyboard: arrows move through cells, Enter or a click edits one, blur or ⌘↵ saves it, Esc restores
// it, Tab goes on to the next; x selects the row, ⇧X those from the last selected on; what is pasted from a spreadsheet goes
// into the cells from the current one on. Without it, rows are edited on their own pages.

import { announce, isShortcut, toast } from "./app.js";

const table = () => document.querySelector("table[data-edit]");
const placeOf = (cell) => table().tHead.rows[0].cells[cell.cellIndex]?.dataset.place;
const editable = (cell) => cell?.closest("tbody") && placeOf(cell) !== undefined;
const cells = () => [...table().tBodies[0].querySelectorAll("td")].filter(editable);
const boxes = () => [...document.querySelectorAll("tbody [name=row]")];
const editor = (cell) => cell.querySelector("textarea, select");
const before = new WeakMap(); // what an open cell showed
let last = null; // the box that was ticked last

function ready() {
  if (!table()) return;
  for (const cell of cells()) cell.tabIndex = -1;
  const first = cells()[0];
  if (first) first.tabIndex = 0;
  for (const box of document.querySelectorAll("[data-all]")) box.hidden = false;
  count();
}

function focus(cell) {
  if (!cell) return;
  for (const other of table().querySelectorAll('td[tabindex="0"]')) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
}

function neighbour(cell, rows, columns) {
  const row = table().tBodies[0].rows[cell.parentElement.sectionRowIndex + rows];
  const next = row?.cells[cell.cellIndex + columns];
  return editable(next) ? next : null;
}

async function open(cell) {
  if (editor(cell) || cell.hasAttribute("aria-busy")) return;
  const kept = [...cell.childNodes];
  const query = new URLSearchParams({ row: cell.parentElement.dataset.row, place: placeOf(cell) });
  cell.setAttribute("aria-busy", "true");
  before.set(cell, kept);
  try {
    await htmx.ajax("GET", `${table().dataset.edit}/cell?${query}`, { source: cell, target: cell, swap: "innerHTML" });
  } finally {
    cell.removeAttribute("aria-busy");
  }
}

function close(cell) {
  const kept = before.get(cell);
  if (!kept) return;
  before.delete(cell); // first: taking the field away is leaving it, which saves
  cell.replaceChildren(...kept);
  sayKept();
}

// What the field held when it was drawn is what the cell says: nothing is sent for it.
const isTyped = (field) =>
  field.matches("select") ? field.value !== field.dataset.first : field.value !== field.defaultValue;

const unsaved = () =>
  [...document.querySelectorAll(".cell-form :is(textarea, select)")].filter(
    (field) => isTyped(field) || field.form.querySelector("[role=alert]"),
  );
const sayKept = () => document.dispatchEvent(new CustomEvent("draft:kept", { detail: { isMore: unsaved().length > 0 } }));

function save(cell) {
  const field = editor(cell);
  if (!field || !before.has(cell)) return;
  if (isTyped(field) || cell.querySelector("[role=alert]")) field.form.requestSubmit();
  else close(cell);
}

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const cell = detail.target;
  if (cell.id === "rows") {
    ready();
    if (detail.requestConfig?.path.endsWith("/rows") && table()) freshRow(); // a first row that was refused is no table yet
  } else if (cell.matches?.("table[data-edit] td")) {
    const field = editor(cell);
    if (field) {
      field.focus();
      if (field.matches("textarea")) field.setSelectionRange(field.value.length, field.value.length);
    } else {
      before.delete(cell);
      sayKept();
      announce("Saved to the draft");
      if (document.activeElement === document.body) focus(cell);
    }
  }
});

// While a cell is being saved, nothing is typed into it: the answer takes the place of the field.
for (const [name, isSaving] of [["htmx:beforeRequest", true], ["htmx:afterRequest", false]]) {
  document.addEventListener(name, ({ detail }) => {
    const field = detail.elt.matches(".cell-form") && detail.elt.elements.value;
    if (!field) return;
    detail.elt.ariaBusy = isSaving ? "true" : null;
    field[field.matches("select") ? "disabled" : "readOnly"] = isSaving;
  });
}

// Other rows take the place of these only when no cell holds words that are not saved.
document.addEventListener("htmx:confirm", (event) => {
  const { target, issueRequest } = event.detail;
  if (target?.id !== "rows" || !unsaved().length) return;
  event.preventDefault();
  whenSaved(() => {
    const [field] = unsaved();
    if (!field) return issueRequest(true);
    toast("A cell holds words that are not saved. Save it (Ctrl or ⌘ and Enter) or restore it (Esc) first.");
    field.focus();
  });
});

function whenSaved(then) {
  if (document.querySelector(".cell-form[aria-busy]")) setTimeout(whenSaved, 30, then);
  else then();
}

function freshRow() {
  const row = [...table().tBodies[0].rows].at(-1);
  const cell = [...row.cells].find(editable);
  row.scrollIntoView({ block: "nearest" });
  focus(cell);
  open(cell);
}

document.addEventListener("click", (event) => {
  const cell = event.target.closest("td");
  if (event.target.closest("[data-cell-back]")) return back(cell);
  if (cell && editable(cell) && !event.target.closest("a, button, input, textarea, select") && !getSelection()?.toString()) open(cell);
});

// Another tab wrote the cell: what stood here before is no longer what it says.
async function back(cell) {
  before.delete(cell);
  cell.replaceChildren();
  await open(cell);
}

document.addEventListener("focusout", ({ target, relatedTarget }) => {
  const cell = target.closest("table[data-edit] td");
  if (cell && target.matches("textarea, select") && (relatedTarget === cell || !cell.contains(relatedTarget))) save(cell);
});
document.addEventListener("focusin", ({ target }) => {
  if (!target.matches("table[data-edit] td[tabindex]")) return;
  for (const other of table().querySelectorAll('td[tabindex="0"]')) other.tabIndex = -1;
  target.tabIndex = 0;
});

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.("table[data-edit] td");
  if (event.target.matches("table[data-edit] td")) inCell(event, cell);
  else if (cell && event.target === editor(cell)) inEditor(event, cell);
  if (isShortcut(event) && event.key.toLowerCase() === "x" && !document.querySelector("dialog[open]")) tick(event);
});

function inCell(event, cell) {
  const move = MOVES[event.key];
  if (move && !event.metaKey && !event.ctrlKey) focus(neighbour(cell, ...move));
  else if ((event.key === "Enter" && !event.metaKey && !event.ctrlKey) || event.key === "F2") open(cell);
  else return;
  event.preventDefault();
}

function inEditor(event, cell) {
  if (event.key === "Escape") {
    close(cell);
    focus(cell);
  } else if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
    focus(cell); // leaving the field saves it
  } else if (event.key === "Tab") {
    const next = neighbour(cell, 0, event.shiftKey ? -1 : 1);
    if (!next) return;
    focus(next);
    open(next);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

// Ticking rows: for all of them the server has a box of its own.
function tick(event) {
  const row = event.target.closest("tr[data-row]") ?? document.querySelector("tr[data-row][data-current]");
  const box = row?.querySelector("[name=row]");
  if (!box) return;
  event.preventDefault();
  box.checked = event.shiftKey || !box.checked;
  if (event.shiftKey) range(box);
  last = box;
  count();
}

function range(box) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (from >= 0) for (const each of all.slice(from, to + 1)) each.checked = box.checked;
}

document.addEventListener("click", (event) => {
  if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
  else if (event.target.matches("tbody [name=row]")) {
    if (event.shiftKey) range(event.target);
    last = event.target;
  } else return;
  count();
});

// Buttons in the rows belong to a form that stands beside the table: htmx looks for them inside of it only.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  const button = detail.triggeringEvent?.submitter;
  if (button?.name && detail.elt.id === "bulk") detail.parameters.set(button.name, button.value);
});

function count() {
  const chosen = boxes().filter((box) => box.checked).length;
  const said = document.querySelector("[data-count]");
  if (said) said.textContent = `${chosen} selected`;
}

document.addEventListener("paste", (event) => {
  const cell = event.target.closest?.("table[data-edit] td");
  if (!cell || event.target.matches("textarea, input, select")) return;
  const text = event.clipboardData.getData("text/plain");
  if (!text) return;
  event.preventDefault();
  const below = [...table().tBodies[0].rows].slice(cell.parentElement.sectionRowIndex);
  const right = [...cell.parentElement.cells].slice(cell.cellIndex).filter(editable);
  const form = new FormData(document.getElementById("bulk"));
  const values = Object.fromEntries(["q", "in_split", "changed", "page"].map((name) => [name, form.get(name) ?? ""]));
  htmx.ajax("POST", `${table().dataset.edit}/paste`, {
    source: table(),
    target: "#rows",
    swap: "outerHTML",
    values: {
      ...values,
      text,
      saved: document.getElementById("saved").value,
      row: below.map((row) => row.dataset.row),
      place: right.map(placeOf),
    },
  });
});

ready();
