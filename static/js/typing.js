// What is typed while the server draws a form anew is in the form that comes, too, and so is the cursor: an answer knows the
// fields only as they were when it was asked for.

const FIELDS = "textarea, select, input:not([type=hidden], [type=checkbox], [type=radio], [type=file], [type=submit])";
const fieldsIn = (within) => [...within.querySelectorAll(FIELDS)].filter((field) => field.name);

// The fields as they are sent.
export const asSent = (form) => new Map(fieldsIn(form).map((field) => [field, field.value]));

// What in `within` has changed since, and where the cursor is. What came later than `sent` is compared with how it came.
export function typedSince(sent, within) {
  const ranks = new Map();
  const found = [];
  for (const field of fieldsIn(within)) {
    const rank = ranks.get(field.name) ?? 0;
    ranks.set(field.name, rank + 1);
    const was = sent.get(field) ?? field.defaultValue ?? field.value;
    const has = field === document.activeElement;
    if (!has && field.value === was) continue;
    found.push({ name: field.name, rank, was, is: field.value, has, range: has && field.matches("textarea, input") ? [field.selectionStart, field.selectionEnd] : null });
  }
  return found;
}

// Put that into the fields that took the place of those: the same one, or the nearest of its name that says what it said, for
// messages move. What the server has written into a field meanwhile stays.
export function putBack(typed, within) {
  const fields = fieldsIn(within);
  const taken = new Set();
  for (const { name, rank, was, is, has, range } of typed) {
    const named = fields.filter((field) => field.name === name);
    const fitting = named.filter((field) => !taken.has(field) && (field.value === was || field.value === is));
    const far = (field) => Math.abs(named.indexOf(field) - rank);
    const field = fitting.sort((one, other) => far(one) - far(other))[0];
    if (!field) continue;
    taken.add(field);
    if (field.value !== is) {
      field.value = is;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (!has) continue;
    if (is !== was) for (const fresh of within.querySelectorAll("[autofocus]")) fresh.removeAttribute("autofocus"); // somebody types here
    if (field === document.activeElement) continue;
    field.focus({ preventScroll: true });
    if (range?.[0] !== undefined && range[0] !== null) field.setSelectionRange(...range);
  }
}

const sendings = new WeakMap(); // what each request was sent with
const arrivals = new WeakMap(); // what was typed until its answer came

const formOf = (element) => element?.closest?.("form") ?? element?.querySelector?.("form");

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const form = formOf(detail.elt);
  if (form?.id === "editor") sendings.set(detail.xhr, asSent(form));
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const sent = sendings.get(detail.xhr);
  if (sent && detail.target?.isConnected) arrivals.set(detail.xhr, typedSince(sent, detail.target));
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const typed = arrivals.get(detail.xhr);
  arrivals.delete(detail.xhr);
  const form = document.getElementById("editor");
  if (typed?.length && form) putBack(typed, form);
});
