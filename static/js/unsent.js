// Keeps in this tab what was typed into a comment and not sent: Escape closes a drawer, a click leaves a page.
// ⌘↵ or Ctrl ↵ sends it.

const FIELD = "form textarea[data-people]";
const keyOf = ({ elements }) => elements.on && `comment on ${elements.on.value} ${elements.id.value}`;

document.addEventListener("input", ({ target }) => {
  const key = target.matches?.(FIELD) && keyOf(target.form);
  if (!key) return;
  if (target.value.trim()) sessionStorage.setItem(key, target.value);
  else sessionStorage.removeItem(key);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches?.(FIELD)) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

// Before the answer takes the form's place, or the empty one that comes would be filled again.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const form = detail.requestConfig?.elt;
  const key = form?.matches?.("form") && detail.xhr.status < 300 && keyOf(form);
  if (key) sessionStorage.removeItem(key);
});

document.addEventListener("htmx:load", ({ target }) => fill(target.parentElement ?? target));
fill(document);

function fill(root) {
  for (const field of root.querySelectorAll(FIELD)) {
    const kept = !field.value && keyOf(field.form) && sessionStorage.getItem(keyOf(field.form));
    if (kept) field.value = kept;
  }
}
