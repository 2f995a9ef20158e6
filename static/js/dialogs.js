// A form [data-in-place] of a dialog is answered in the dialog where something is to be put right. Without this module its
// question comes back as a page.
import { toast } from "./app.js";

const dialog = document.getElementById("dialog");

dialog?.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !event.target.matches("[data-in-place]")) return;
  event.preventDefault();
  send(event.target, event.submitter);
});

async function send(form, button) {
  if (form.ariaBusy) return;
  form.ariaBusy = "true";
  button?.classList.add("htmx-request");
  try {
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(form.action, { method: "POST", body, headers: { "hx-request": "true", "hx-target": "dialog" } });
    if (answer.redirected) return follow(new URL(answer.url));
    if (answer.status === 401) return form.submit(); // whoever has to sign in gets a page for it
    if (answer.status >= 500) toast(`The server could not do that (${answer.status}). Nothing was lost; try again. Request ${answer.headers.get("x-request-id")}`);
    else if (form.isConnected) show(await answer.text());
    refused();
  } catch {
    toast("The server cannot be reached. Try again.");
    refused();
  } finally {
    form.ariaBusy = null;
    button?.classList.remove("htmx-request");
  }
}

const refused = () => document.dispatchEvent(new Event("dialog:refused"));

function follow(url) {
  const stays = url.hash && url.pathname === location.pathname && url.search === location.search;
  location.assign(url);
  if (stays) location.reload(); // or it would only scroll
}

function show(html) {
  dialog.innerHTML = html;
  window.htmx?.process(dialog);
  (dialog.querySelector('[aria-invalid="true"]') ?? dialog.querySelector("[autofocus], button"))?.focus();
}
