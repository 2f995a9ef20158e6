// Reviewing by keyboard: the letters of the answers and ⌘↵ are those that every page has (app.js); here is what they lack.
// Works without it: every answer is a radio button, every step a link or a button.

import "./unsaved.js";

document.querySelector(".queue-item[aria-current]")?.scrollIntoView({ block: "center" });

// Escape leaves a text, so that the letters choose answers again.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches(".pane textarea, .pane input")) event.target.blur();
});

// What is selected in the output is the passage to mark.
const reply = document.querySelector("#reply");
const quote = document.querySelector("[data-marking] [name=quote]");
if (reply && quote) {
  const take = () => {
    const selection = getSelection();
    if (selection.isCollapsed || !selection.rangeCount || !selection.getRangeAt(0).intersectsNode(reply)) return false;
    const range = selection.getRangeAt(0).cloneRange();
    if (!reply.contains(range.startContainer)) range.setStart(reply, 0);
    if (!reply.contains(range.endContainer)) range.setEnd(reply, reply.childNodes.length);
    if (!range.toString().trim()) return false;
    const before = document.createRange();
    before.setStart(reply, 0);
    before.setEnd(range.startContainer, range.startOffset);
    quote.value = range.toString();
    quote.form.elements.quote_at.value = [...before.toString()].length; // code points, as the server counts
    quote.closest("details").open = true;
    return true;
  };
  document.addEventListener("selectionchange", take);
  reply.addEventListener("mouseup", () => { // before the browser tells that the selection has changed
    if (take()) quote.form.elements.span_note.focus();
  });
}
