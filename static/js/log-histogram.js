// Logs over time: dragging from one bar to another shows the logs of that time. A click on one is its link. Fingers scroll.
const BAR = ".histogram a[data-since]";
let first = null;
let last = null;
let dragged = false;

const barAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest(BAR);
const ordered = () => {
  const bars = [...first.parentNode.querySelectorAll("a[data-since]")];
  return [first, last].sort((one, other) => bars.indexOf(one) - bars.indexOf(other));
};

function mark(from, to) {
  const range = document.querySelector(".histogram [data-range]");
  if (!range) return;
  const left = from?.querySelector(".hit").x.baseVal.value ?? 0;
  const end = to?.querySelector(".hit");
  range.setAttribute("x", left);
  range.setAttribute("width", end ? end.x.baseVal.value + end.width.baseVal.value - left : 0);
}

function forget() {
  first = last = null;
  mark();
}

document.addEventListener("pointerdown", (event) => {
  dragged = false;
  if (event.button || event.pointerType === "touch" || event.ctrlKey || event.metaKey || event.shiftKey) return;
  first = last = event.target.closest?.(BAR) ?? null;
});
document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.(".histogram")) event.preventDefault();
});
document.addEventListener("pointermove", (event) => {
  const bar = first && barAt(event);
  if (!bar || bar === last) return;
  last = bar;
  dragged = true;
  mark(...ordered());
});
document.addEventListener("pointerup", () => {
  if (!first || first === last) return forget();
  const [from, to] = ordered();
  const address = new URL(first.closest(".histogram").dataset.logs, location.href);
  address.searchParams.set("since", from.dataset.since);
  address.searchParams.set("until", to.dataset.until);
  location.assign(address);
});
document.addEventListener("pointercancel", forget);
document.addEventListener("keydown", (event) => event.key === "Escape" && forget());
// The click that ends a drag on the bar where it began is no click.
document.addEventListener("click", (event) => {
  if (dragged && event.target.closest?.(BAR)) event.preventDefault();
  dragged = false;
}, true);
