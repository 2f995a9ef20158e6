// What every page carries: theme, phone navigation, dialogs, messages, and shortcuts.
// Pages work without it; each part here only makes them quicker to use.

const root = document.documentElement;

// What a POST answered with, and shows once, has another address: reloading must not send the form again.
const answered = document.querySelector("[data-reload]");
if (answered) history.replaceState(history.state, "", answered.dataset.reload);

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  }
  const open = document.body.dataset.nav === "open";
  if (event.target.closest(".nav-toggle")) {
    event.preventDefault(); // without this script the link itself shows the sheet
    document.body.dataset.nav = open ? "" : "open";
  } else if (open && !event.target.closest(".sidebar")) document.body.dataset.nav = "";
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target.matches?.("dialog")) event.target.close();
  const copier = event.target.closest("[data-copy]");
  if (copier) {
    navigator.clipboard?.writeText(copier.dataset.copy);
    announce("Copied");
  }
  const part = event.target.closest("[data-copy-of]");
  if (part) {
    navigator.clipboard?.writeText(document.getElementById(part.dataset.copyOf).textContent);
    announce("Copied");
  }
  // A button that the role does not allow says why, to everybody who presses it.
  const refused = event.target.closest('[aria-disabled="true"][title]');
  if (refused) toast(refused.title);
});

export function announce(text) {
  document.getElementById("announce").textContent = text;
}

// A dialog or drawer opens when htmx has filled it; closing it takes its part of the address away again.
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.detail.target;
  if (dialog instanceof HTMLDialogElement && dialog.childElementCount && !dialog.open) dialog.showModal();
});
for (const dialog of document.querySelectorAll("#dialog, #drawer")) {
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    const address = new URL(location.href);
    if (dialog.id === "drawer" && address.searchParams.has("row")) {
      address.searchParams.delete("row");
      history.replaceState(null, "", address);
    }
  });
}

// 5xx and a server that is away: keep what is on the page, and say so.
export function toast(text) {
  const box = document.getElementById("toasts");
  if (!box) return;
  const item = document.createElement("div");
  item.className = "toast";
  item.setAttribute("role", "alert");
  item.textContent = text;
  box.append(item);
  setTimeout(() => item.remove(), 10_000);
}
document.addEventListener("htmx:responseError", (event) => {
  const id = event.detail.xhr.getResponseHeader("x-request-id");
  toast(`The server could not do that (${event.detail.xhr.status}). Nothing was lost; try again. Request ${id}`);
});
document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. What is shown may be out of date."));

// A form [data-once] makes something: clicked twice, it is still sent once. Whoever comes back to it may send it again.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-once]")) return;
  if ("sent" in event.target.dataset) event.preventDefault();
  event.target.dataset.sent = "";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

// Shortcuts. Single letters never fire while somebody types, and can be switched off (WCAG 2.1.4).
const letters = document.getElementById("single-keys");
if (letters) {
  letters.checked = localStorage.getItem("keys") !== "off";
  letters.addEventListener("change", () => localStorage.setItem("keys", letters.checked ? "on" : "off"));
}
for (const scripted of document.querySelectorAll("[data-scripted]")) scripted.hidden = false;

// Whether a key press is a shortcut on its own, and not a letter that somebody types.
export function isShortcut(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || localStorage.getItem("keys") === "off") return false;
  return !event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], prompt-editor");
}

let pending = ""; // `g` starts a sequence of two keys
document.addEventListener("keydown", (event) => {
  const command = event.metaKey || event.ctrlKey;
  const own = event.target.closest?.("[data-enter]")?.querySelector("[data-continue]"); // of the card in which somebody types
  if (command && event.key === "Enter" && own && !event.shiftKey) [event.preventDefault(), own.click()];
  else if (command && event.key === "Enter") press(event, event.shiftKey ? "[data-run-pins]" : "[data-run], [data-main]");
  else if (command && event.key.toLowerCase() === "i" && !event.shiftKey) raw(event);
  else if (command && event.key === "s") press(event, "[data-commit]");
  else if (isShortcut(event)) single(event);
});

function press(event, selector) {
  const target = document.querySelector("dialog[open]") ? null : document.querySelector(selector);
  if (!target) return;
  event.preventDefault();
  target.click();
}

// What was sent and what came: of the card that has the focus, else of the draft's, else of the page's log.
function raw(event) {
  const shown = document.querySelector("dialog[open] [data-raw-shown]")?.closest("dialog");
  const link = event.target.closest?.("article")?.querySelector("[data-raw]") ?? document.querySelector("[data-side=draft] [data-raw]")
    ?? document.querySelector("main [data-raw]");
  if (!shown && (!link || document.querySelector("dialog[open]"))) return;
  event.preventDefault();
  if (shown) shown.close();
  else link.click();
}

function single(event) {
  const sequence = pending + event.key;
  pending = event.key === "g" ? "g " : "";
  const within = document.querySelector("dialog[open]") ?? document;
  const target = within.querySelector(`[data-key="${CSS.escape(sequence)}"]`);
  if (target) target.click();
  else if (event.key === "/") within.querySelector('[type="search"]')?.focus();
  else if (event.key === "t") document.querySelector("[data-theme-toggle]")?.click();
  else if (event.key === "?") document.getElementById("shortcuts")?.togglePopover();
  else return;
  event.preventDefault();
}
