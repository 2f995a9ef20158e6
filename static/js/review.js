// Reviewing by keyboard: the letters of the answers and ⌘↵ are those that every page has (app.js); here is what they lack.
// Works without it: every answer is a radio button, every step a link or a button.

import "./unsaved.js";

document.querySelector(".queue-item[aria-current]")?.scrollIntoView({ block: "center" });

// Escape leaves a text, so that the letters choose answers again.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches(".pane textarea, .pane input")) event.target.blur();
});
