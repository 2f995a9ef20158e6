// Keeping the draft as it is typed: htmx sends it (#draft-keeper); here is what it does not do: say when nothing could be
// kept and try again, let go of the page once everything is kept, and tell times in the reader's own zone.

import { announce } from "./app.js";

const AGAIN_MS = 5_000;
const AGES_MS = 15_000;
let waiting = false; // typed, and not on its way yet
let committing = false;
let newest = 0; // the turn of what was sent last
let told = "";

// The pages beside the editor have no keeper, and only their times are told.
const keeper = () => document.getElementById("draft-keeper");
const isKeeper = (event) => event.detail.elt?.id === "draft-keeper";

document.addEventListener("input", ({ target }) => {
  if (keeper() && target.closest("#editor")) waiting = true;
});
// A commit takes the draft with it: nothing of it is to be kept afterwards.
document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-keeps]")) waiting = !(committing = true);
});
// It was refused, and the draft is there still: what was typed just before is kept now. Whoever comes back to the page types on.
document.addEventListener("dialog:refused", () => {
  if (!committing) return;
  committing = false;
  keep();
});
addEventListener("pageshow", () => (committing = false));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && waiting) keep();
});

function keep() {
  if (keeper()) window.htmx.trigger("#draft-keeper", "keep");
}

// What is sent first may be read last, after an answer that never came: the later one of a page counts. The page's own clock
// never goes back, and goes on where the page is loaded again with the marks that it had.
document.addEventListener("htmx:configRequest", (event) => {
  const { parameters } = event.detail;
  if (parameters.tab) parameters.turn = newest = Math.round(performance.timeOrigin + performance.now());
});
// One that was read after a later one of this page is refused; that later one says what there is to say.
const isOvertaken = ({ detail }) => detail.xhr.status === 409 && Number(detail.requestConfig.parameters.turn) < newest;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (isKeeper(event) && isOvertaken(event)) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isKeeper(event)) return;
  if (committing) event.preventDefault();
  waiting = false;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!isKeeper(event) || isOvertaken(event)) return;
  const { status } = event.detail.xhr;
  if (status >= 200 && status < 300) {
    told = "";
    if (!waiting) document.dispatchEvent(new Event("draft:kept"));
  } else if (status === 401 || status === 403 || status === 404) say("Not saved: reload the page, in another tab, to see why");
  else if (status >= 400 && status < 500) tell("The draft is not kept as it stands here. The page says why, and what you can do.");
});

// The page's own words for these are meant for what somebody asked for. This asked by itself, and goes on asking.
for (const failure of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(failure, (event) => {
    if (!isKeeper(event)) return;
    event.stopImmediatePropagation();
    waiting = true;
    say("Not saved: the server cannot be reached. Trying again");
    setTimeout(keep, AGAIN_MS);
  }, true);
}

function say(text) {
  const saved = document.getElementById("draft-saved");
  if (!saved) return;
  saved.classList.remove("wide-only");
  saved.textContent = text;
  tell(text);
}

// Once, and not with each key.
function tell(text) {
  if (told !== text) announce(text);
  told = text;
}

function times(within) {
  for (const time of within.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    const day = at.toDateString() === new Date().toDateString() ? {} : { day: "numeric", month: "short" };
    time.textContent = at.toLocaleString(undefined, { ...day, hour: "2-digit", minute: "2-digit" });
  }
}

function ages() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const passed = (Date.now() - new Date(time.dateTime)) / 1000;
    time.textContent = passed < 60 ? "just now" : passed < 3600 ? `${Math.floor(passed / 60)} min ago` : `${Math.floor(passed / 3600)} h ago`;
  }
}

times(document);
document.addEventListener("htmx:load", ({ target }) => times(target.parentElement ?? target));
setInterval(ages, AGES_MS);
