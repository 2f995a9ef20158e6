// The palette: Ctrl K (or ⌘K) from anywhere. The server finds and renders; this opens, moves, and follows the choice.

const palette = document.getElementById("palette");
const text = document.getElementById("palette-text");
const results = document.getElementById("palette-results");
const status = document.getElementById("palette-status");
// How to open the first result once it is there: pressed Enter before the server had answered. Who types on, or leaves, takes
// it back.
let waiting = null;

const options = () => [...results.querySelectorAll('[role="option"]')];
const chosen = () => results.querySelector('[aria-selected="true"]');
// What was asked for as the server reads it: without more than one space between words.
const isCurrent = () =>
  results.querySelector("[data-said]")?.dataset.said === text.value.trim().split(/\s+/).join(" ");

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) text.setAttribute("aria-activedescendant", option.id);
  else text.removeAttribute("aria-activedescendant");
}

function open() {
  if (palette.open) return;
  document.body.dataset.nav = "";
  text.value = "";
  waiting = null;
  palette.showModal();
  text.focus();
  window.htmx.trigger(text, "opened");
}

function follow(option, inNewTab) {
  if (inNewTab && option.href) window.open(option.href, "_blank", "noopener");
  else option.click();
}

function move(step) {
  const all = options();
  const at = all.indexOf(chosen()) + step;
  if (all.length) choose(all[(at + all.length) % all.length]);
}

function say(words) {
  const line = document.createElement("p");
  line.className = "meta";
  line.setAttribute("role", "alert");
  line.textContent = words;
  results.replaceChildren(line);
  choose(null);
}

if (palette && window.htmx) {
  document.addEventListener("keydown", (event) => {
    if (!(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (palette.open) palette.close();
    else open();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette]") || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  palette.addEventListener("close", () => (waiting = null));
  text.addEventListener("input", () => (waiting = null));
  text.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" && !event.isComposing) {
      const inNewTab = event.metaKey || event.ctrlKey;
      if (isCurrent() && chosen()) follow(chosen(), inNewTab);
      else if (palette.querySelector(".htmx-request") || !isCurrent()) waiting = { inNewTab };
    } else return;
    event.preventDefault();
    event.stopPropagation(); // Ctrl Enter is no run of the page below
  });
  results.addEventListener("mousemove", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option && option !== chosen()) choose(option);
  });
  // What was chosen by a click of the mouse leaves the focus where people type.
  results.addEventListener("mousedown", (event) => event.preventDefault());
  results.addEventListener("htmx:beforeSwap", (event) => {
    // Signed out meanwhile: the page says so, and leads back here.
    if (event.detail.xhr.status === 401) location.reload();
    if (event.detail.xhr.status >= 400) event.detail.shouldSwap = false;
  });
  text.addEventListener("htmx:beforeRequest", () => results.setAttribute("aria-busy", "true"));
  text.addEventListener("htmx:afterRequest", (event) => {
    results.setAttribute("aria-busy", "false");
    const answered = event.detail.xhr.status;
    if (answered >= 400) say("The server could not search. Type again in a moment.");
  });
  text.addEventListener("htmx:sendError", () => say("The server cannot be reached. Type again in a moment."));
  results.addEventListener("htmx:afterSwap", () => {
    results.scrollTop = 0;
    choose(options()[0]);
    status.textContent = results.querySelector("[data-said]")?.textContent ?? "";
    if (waiting && isCurrent() && chosen()) follow(chosen(), waiting.inNewTab);
    if (isCurrent()) waiting = null;
  });
}
