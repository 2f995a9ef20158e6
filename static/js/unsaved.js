// Nothing typed is lost by leaving the page unasked: what stands in [data-typed] is kept by the form [data-keeps].

let typed = document.querySelector("[data-typed] :is([aria-invalid], [role=alert], [data-unsent])") !== null; // it came back, with something to put right or to send

document.addEventListener("input", ({ target }) => {
  if (target.closest("[data-typed]")) typed = true;
});
document.addEventListener("submit", ({ target, submitter }) => {
  // Every other form, and every other button, leaves what was typed where it is.
  if (target.matches("[data-keeps]") && !submitter?.hasAttribute("formaction")) typed = false;
});
document.addEventListener("draft:kept", ({ detail }) => { typed = Boolean(detail?.isMore); }); // whether more is typed that is not kept
addEventListener("beforeunload", (event) => {
  if (typed) event.preventDefault();
});
