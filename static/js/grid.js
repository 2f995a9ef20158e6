// The comparison grid by keyboard: j and k move, Enter opens the drawer, n goes to the next row that got worse.
import { isShortcut } from "./app.js";

const drawer = document.getElementById("drawer");
const rows = () => [...document.querySelectorAll("[data-grid] tbody tr[data-row]")];
const current = () => document.querySelector("[data-grid] tr[aria-current]");
const link = (row) => row?.querySelector(".rowlink");

function mark(row) {
  if (!row) return;
  current()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  row.scrollIntoView({ block: "nearest" });
  if (drawer.open) link(row).click();
  else link(row).focus({ preventScroll: true });
}

function move(step, wanted = () => true) {
  const all = rows();
  let place = all.indexOf(current());
  do place += step;
  while (all[place] && !wanted(all[place]));
  mark(all[place] ?? (all.indexOf(current()) < 0 ? all[0] : undefined));
}

document.addEventListener("keydown", (event) => {
  const letter = isShortcut(event) ? event.key : "";
  if (letter === "j") move(1);
  else if (letter === "k") move(-1);
  else if (letter === "n") move(1, (row) => row.querySelector(".cellout.worse"));
  else if (event.key === "Enter" && current() && !event.target.closest("a, button, summary, input, textarea, select")) link(current()).click();
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const step = event.target.closest("#drawer [data-move]");
  if (step && current()) {
    event.preventDefault();
    move(Number(step.dataset.move));
    return;
  }
  const row = event.target.closest("[data-grid] tbody tr[data-row]");
  if (!row || getSelection()?.toString()) return;
  current()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  if (!event.target.closest("a, button")) link(row).click();
});

drawer.addEventListener("close", () => link(current())?.focus({ preventScroll: true }));

// An address that names a row opens its drawer, on this page of the grid or not. htmx is ready a moment after us.
document.addEventListener("DOMContentLoaded", () => {
  const address = new URL(location.href);
  const asked = address.searchParams.get("row");
  if (!asked) return;
  if (current()) {
    current().scrollIntoView({ block: "center" });
    link(current()).click();
    return;
  }
  address.searchParams.delete("row");
  const path = `${address.pathname}/${encodeURIComponent(asked)}${address.search}`;
  htmx.ajax("GET", path, { target: "#drawer", swap: "innerHTML" });
});
