// Tables by keyboard: j and k move through the rows that lead somewhere, and turn the pages of an open drawer.
// The comparison has its own keys (grid.js), and so has a page with buttons for j and k.
import { isShortcut } from "./app.js";

const drawer = document.getElementById("drawer");
const LINK = "main tbody th[scope=row] a:not(.twist)";
const links = () => [...document.querySelectorAll(LINK)].filter((link) => link.offsetParent);
const current = () => document.querySelector(`tr[data-current] :is(${LINK})`) ?? document.activeElement?.closest(LINK);

function move(step) {
  const all = links();
  const place = all.indexOf(current());
  const next = all[place < 0 ? 0 : place + step];
  if (!next) return;
  choose(next);
  next.scrollIntoView({ block: "nearest" });
  if (drawer.open) next.click();
  else next.focus({ preventScroll: true });
}

function choose(link) {
  const before = current()?.closest("tr");
  if (before) {
    delete before.dataset.current;
    before.removeAttribute("aria-current");
  }
  const row = link.closest("tr");
  row.dataset.current = "";
  row.setAttribute("aria-current", "true");
}

if (drawer && !document.querySelector("[data-grid], [data-key=j]")) {
  document.addEventListener("keydown", (event) => {
    const fold = event.target.closest("main th[scope=row]")?.querySelector(".twist");
    if (event.key === (fold?.ariaExpanded === "true" ? "ArrowLeft" : "ArrowRight")) fold?.click();
    const moves = event.key === "m" && isShortcut(event) && !document.querySelector("#dialog[open]");
    if (moves) (current()?.closest("tr") ?? document.getElementById("topbar"))?.querySelector('a[href$="/move"]')?.click(); // of the row, or of the folder that is shown
    const step = { j: 1, k: -1 }[event.key];
    if (!step || !isShortcut(event) || !links().length || document.querySelector("#dialog[open]")) return;
    event.preventDefault();
    move(step);
  });
  document.addEventListener("click", (event) => {
    const turn = event.target.closest("#drawer [data-move]");
    const link = event.target.closest(LINK);
    if (turn) move(Number(turn.dataset.move));
    else if (link) choose(link);
  });
  drawer.addEventListener("close", () => current()?.focus({ preventScroll: true }));
}
