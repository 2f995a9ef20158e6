// What every page carries: theme, phone navigation, dialogs, messages, and single-key shortcuts.
// Pages work without it; each part here only makes them quicker to use.

const root = document.documentElement;

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  }
  const open = document.body.dataset.nav === "open";
  if (event.target.closest(".nav-toggle")) document.body.dataset.nav = open ? "" : "open";
  else if (open && !event.target.closest(".sidebar")) document.body.dataset.nav = "";
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target.matches?.("dialog")) event.target.close();
  const copier = event.target.closest("[data-copy]");
  if (copier) {
    navigator.clipboard?.writeText(copier.dataset.copy);
    announce("Copied");
  }
});

export function announce(text) {
  document.getElementById("announce").textContent = text;
}

// A dialog or drawer opens when htmx has filled it; closing it takes its part of the address away again.
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.detail.target;
  if (dialog instanceof HTMLDialogElement && dialog.childElementCount && !dialog.open) dialog.showModal();
});
for (const dialog of document.querySelectorAll("dialog")) {
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
function toast(text) {
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

// Shortcuts: letters never fire while somebody types. `g` starts a two-key sequence.
let pending = "";
document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], prompt-editor")) return;
  const sequence = pending + event.key;
  pending = "";
  if (event.key === "g") pending = "g ";
  const target = document.querySelector(`[data-key="${CSS.escape(sequence)}"]`);
  if (target) {
    event.preventDefault();
    target.click();
  } else if (event.key === "t") {
    document.querySelector("[data-theme-toggle]")?.click();
  }
});
