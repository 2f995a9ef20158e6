// The messages of a draft: moved by Alt and an arrow, or dragged by their heads. Without this module there are their buttons.

document.addEventListener("keydown", (event) => {
  if (event.altKey && event.key === "ArrowUp") move(event, "up");
  else if (event.altKey && event.key === "ArrowDown") move(event, "down");
});

function move(event, way) {
  const part = event.shiftKey && event.target.closest(".part");
  const button = part ? part.querySelector(`[data-part-move="${way}"]`) : event.target.closest(".message")?.querySelector(`[data-move="${way}"]`);
  if (!button) return;
  event.preventDefault();
  const field = !part && event.target.closest("[data-block] textarea");
  if (field) moved = { place: places().indexOf(field.closest("[data-block]")) + (way === "up" ? -1 : 1), cursor: field.selectionStart };
  button.click();
}

const blockOf = (target) => target.closest?.("#messages > [data-block]");
let dragged = null;
let moved = null; // by a key: its place afterwards, and where in it the cursor is

function ready() {
  for (const head of document.querySelectorAll("#messages > [data-block] > header")) head.draggable = true;
}
document.addEventListener("htmx:load", ready);
ready();

document.addEventListener("dragstart", (event) => {
  const head = event.target.closest?.("#messages > [data-block] > header");
  if (!head || event.target !== head) return;
  dragged = head.parentElement;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.getAttribute("aria-label"));
});

document.addEventListener("dragover", (event) => {
  const over = dragged && blockOf(event.target);
  mark(over);
  if (!over) return;
  event.preventDefault(); // it may be dropped here
  event.dataTransfer.dropEffect = "move";
});

document.addEventListener("drop", (event) => {
  const over = dragged && blockOf(event.target);
  if (!over) return;
  event.preventDefault();
  const [from, to] = [places().indexOf(dragged), places().indexOf(over)];
  if (from >= 0 && from !== to) send(`move:${from}:${to}`);
});

document.addEventListener("dragend", () => {
  mark(null);
  dragged = null;
});

const places = () => [...document.querySelectorAll("#messages > [data-block]")];

// Where it would land: above what it is dragged up over, below what it is dragged down over.
function mark(over) {
  for (const place of document.querySelectorAll("[data-lands]")) if (place !== over) delete place.dataset.lands;
  if (over && over !== dragged) over.dataset.lands = places().indexOf(dragged) > places().indexOf(over) ? "above" : "below";
}

function send(action) {
  const button = document.createElement("button");
  [button.name, button.value, button.hidden] = ["action", action, true];
  document.getElementById("editor").append(button);
  button.click();
}

// The focus goes with a message that was moved while somebody typed there. What had it in one that was removed is gone: the
// next press goes on from there.
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const verb = String(detail.requestConfig?.parameters.action).split(":")[0];
  if (["up", "down"].includes(verb) && moved) {
    const field = places()[moved.place]?.querySelector("prompt-editor textarea");
    if (field !== document.activeElement) { // `typing.js` has put the cursor there already, where letters came after the key
      field?.focus();
      field?.setSelectionRange(moved.cursor, moved.cursor);
    }
    moved = null;
  } else if (["remove", "drop"].includes(verb) && document.activeElement === document.body) document.getElementById("add-message")?.focus({ preventScroll: true });
});
