// The calls of tools in an answer: their results are sent on from its card, and the next answer streams into it. Without this
// module, Continue is a plain form post.

import { announce } from "./app.js";
import { LiveText, follow, going, liveCard, problemIn, score } from "./prompt-run.js";

const BROKE = "The connection broke. The results are still here; continue again.";

document.addEventListener("submit", (event) => {
  if (!event.submitter?.matches("[data-continue]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  carryOn(event.target, event.submitter, event.submitter.closest("article"));
}, true);

async function carryOn(form, button, card) {
  if (!isAnswered(card)) return;
  const body = new URLSearchParams(new FormData(form, button));
  const within = card.querySelector("[data-body]");
  const live = new LiveText(liveCard(card.dataset.name));
  const liveElement = live.card;
  live.text.before(within); // what was said so far stays in sight
  within.inert = true;
  const mine = new AbortController();
  going.set(liveElement, mine);
  card.replaceWith(liveElement);
  let problem = "";
  try {
    const answer = await fetch(button.formAction, { method: "POST", body, headers: { accept: "text/event-stream" }, signal: mine.signal });
    if ((answer.headers.get("content-type") ?? "").startsWith("text/event-stream")) await follow(answer, live);
    else problem = problemIn(await answer.text()) ?? `The server could not do that (${answer.status}).`;
    if (!live.finished && !problem) problem = BROKE;
  } catch (error) {
    problem = error.name === "AbortError" ? "Stopped. The results are still here." : BROKE;
  }
  going.delete(liveElement);
  if (problem) giveBack(card, within, live, problem);
  else await arrived(form, live.card);
}

// Whether every call has its result; where one has none, that is said at its field.
function isAnswered(card) {
  let first = null;
  for (const field of card.querySelectorAll("[data-result]")) {
    const text = field.querySelector("textarea");
    const missing = !text.value.trim();
    text.setAttribute("aria-invalid", missing);
    if (!missing) continue;
    const said = document.getElementById(text.getAttribute("aria-describedby"));
    said.className = "problem";
    said.textContent = field.matches(".htmx-request") ? `${field.dataset.tool} is still running.` : `Write what ${field.dataset.tool} gave; null where that is nothing.`;
    first ??= text;
  }
  first?.focus();
  if (first) announce("A result is missing");
  return !first;
}

// The card as it was, with what went wrong.
function giveBack(card, within, live, problem) {
  clearInterval(live.timer);
  within.inert = false;
  card.querySelector("header").after(within);
  const said = within.querySelector("[data-problem]");
  said.textContent = problem;
  said.hidden = false;
  if (!live.card.isConnected) return; // another run took its place
  live.card.replaceWith(card);
  card.querySelector("[data-continue]").focus();
  announce(problem);
}

async function arrived(form, card) {
  if (!card.isConnected) return;
  const waits = card.querySelector("[data-continue]");
  const place = card.querySelector("[data-calls] textarea, [aria-label=Output], summary");
  place?.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
  announce(card.dataset.finished !== "done" ? "The model gave no answer" : waits ? "The model calls tools again" : "The answer is complete");
  const cards = [...document.querySelectorAll("#outputs article")];
  if (cards.every((each) => each.dataset.finished === "done")) await score(form, cards);
}

document.addEventListener("input", ({ target }) => {
  if (target.closest("[data-result]")) target.removeAttribute("aria-invalid");
});

// What a tool gives by itself takes nothing away that was typed meanwhile.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, elt } = event.detail;
  if (target?.matches?.("[data-result]") && elt === target && target.querySelector("textarea").value) event.detail.shouldSwap = false;
});
