// Running a draft, alone or beside its base and other versions and models: each answer streams into its card as it comes, and is judged then. Without this module, Run is a plain form post.

import { announce } from "./app.js";
import { asSent, putBack, typedSince } from "./typing.js";

const TICK_MS = 50; // at most 20 paints a second
let stop = null;
export const going = new Map(); // conversations that go on: how each is stopped, by its card

document.addEventListener("submit", (event) => {
  const isRun = event.submitter?.matches("[data-run]");
  if (!isRun && !event.submitter?.matches("[data-run-pins]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  (isRun ? run : runPins)(event.target, event.submitter);
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-stop]");
  if (button) (going.get(button.closest("article")) ?? stop)?.abort();
});

async function run(form, button) {
  stop?.abort();
  for (const each of going.values()) each.abort();
  const mine = (stop = new AbortController());
  const outputs = document.getElementById("outputs");
  const beside = form.elements.panes?.value === "both" && form.elements.panes.selectedOptions[0].dataset.base;
  const all = [...(beside ? [["base", beside]] : []), ["draft", "Draft"], ...[...form.querySelectorAll("[data-pane]")].map(paneOf)];
  const samples = Number(form.elements.samples?.value ?? 1);
  const sides = all.flatMap(([side, name]) => Array.from({ length: samples }, (_, number) => [side, number + 1, samples > 1 ? `${name}, answer ${number + 1}` : name]));
  const cards = sides.map(([, , name]) => liveCard(name));
  outputs.replaceChildren(...cards);
  cards[0].scrollIntoView({ block: "nearest" }); // on a phone they stand far below the button
  document.getElementById("scores")?.replaceChildren();
  const sent = asSent(form);
  const ended = await Promise.all(sides.map(([side, sample], place) => {
    const body = new URLSearchParams(new FormData(form, button));
    body.set("side", side);
    body.set("sample", sample);
    return ask(button.formAction, body, cards[place], mine, /^\d+$/.test(side) ? null : sent);
  }));
  if (stop === mine) stop = null;
  if (mine.signal.aborted) return;
  const waits = outputs.querySelectorAll("[data-continue]").length ? ". The model waits for the results of its tools" : "";
  announce(ended.every(Boolean) ? (sides.length > 1 ? "All answers are complete" : "The answer is complete") + waits : "The run failed");
  if (ended.every(Boolean)) await score(form, [...outputs.querySelectorAll("[data-log]")]);
}

export function liveCard(name) {
  const card = document.getElementById("live-output").content.cloneNode(true).firstElementChild;
  card.querySelector("[data-called]").textContent = name;
  return card;
}

// A pane by its number, and what it is called until its answer says so.
function paneOf(pane, number) {
  const [version, model] = pane.querySelectorAll("select, input");
  return [String(number), [version.selectedOptions[0].text, model.value.trim()].filter(Boolean).join(", ")];
}

// One side's answer, as it comes; whether it came whole. `sent` are the form's fields; none for a pane.
async function ask(url, body, card, mine, sent) {
  const live = new LiveText(card);
  try {
    const answer = await fetch(url, { method: "POST", body, headers: { accept: "text/event-stream" }, signal: mine.signal });
    const type = answer.headers.get("content-type") ?? "";
    if (type.startsWith("text/event-stream")) return await follow(answer, live);
    const text = await answer.text();
    if (!sent) { // what is wrong with a pane keeps the others from nothing
      live.end(problemIn(text) ?? "Not run");
      return false;
    }
    mine.abort(); // what is to be put right is the same for the other side
    live.end("Not run");
    replaceForm(text, sent);
  } catch (error) {
    live.end(error.name === "AbortError" ? "Stopped" : "The connection broke. What had come is kept; run it again.");
  }
  return false;
}

// The events of an answer, as they come: each its name and its data.
async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const [, name, data] = event.match(/^event: ([^\n]*)\ndata: ([^\n]*)$/); // `.` would end at U+2028
      yield [name, JSON.parse(data)];
    }
  }
}

// The pinned rows: each cell says what came of its row as soon as it is known.
async function runPins(form, button) {
  stop?.abort();
  const mine = (stop = new AbortController());
  const told = document.getElementById("pins-told");
  for (const cell of document.querySelectorAll("#pins .cell")) {
    cell.className = "cell";
    cell.setAttribute("aria-busy", "true");
  }
  told.textContent = "Running …";
  button.disabled = true;
  const sent = asSent(form);
  try {
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(button.formAction, { method: "POST", body, headers: { accept: "text/event-stream" }, signal: mine.signal });
    if (!(answer.headers.get("content-type") ?? "").startsWith("text/event-stream")) return replaceForm(await answer.text(), sent);
    for await (const [name, data] of eventsOf(answer)) {
      if (name === "told") told.textContent = data.text;
      else settle(document.getElementById(`pin-${data.row}`), data);
    }
    announce(told.textContent);
  } catch (error) {
    told.textContent = error.name === "AbortError" ? "Stopped" : "The connection broke. Run the pinned rows again.";
  } finally {
    button.disabled = false;
    for (const cell of document.querySelectorAll("#pins .cell[aria-busy]")) cell.removeAttribute("aria-busy");
  }
}

function settle(cell, { tone, text, log }) {
  if (!cell) return; // unpinned meanwhile
  cell.removeAttribute("aria-busy");
  if (tone) cell.classList.add(tone);
  cell.title = `${cell.dataset.name}: ${text}`;
  cell.setAttribute("aria-label", cell.title);
  if (log) cell.href = `${cell.dataset.logs}/${encodeURIComponent(log)}`;
}

export async function follow(answer, live) {
  let whole = false;
  for await (const [name, data] of eventsOf(answer)) {
    if (name === "token") live.add(data.text);
    else {
      live.become(data.html);
      whole = name === "done";
    }
  }
  if (!live.finished) live.end("The connection broke. What had come is kept; run it again.");
  return whole;
}

// The words of a page that says what is to be put right.
export const problemIn = (text) => new DOMParser().parseFromString(text, "text/html").querySelector("[role=alert] p, main p")?.textContent.trim();

// What those of the prompt's evaluators say of the answers that cost nothing; judges are asked by a button.
export async function score(form, answers) {
  const box = document.getElementById("scores");
  if (!box || !answers.length) return;
  const body = new URLSearchParams({ _csrf: form.elements._csrf.value });
  for (const answer of answers) {
    body.append("log", answer.dataset.log);
    body.append("label", answer.dataset.name);
  }
  box.textContent = "Judging …";
  try {
    const said = await fetch(box.dataset.scores, { method: "POST", body });
    if (document.getElementById("scores") !== box || answers.some((answer) => !answer.isConnected)) return;
    if (!said.ok) throw new Error(said.statusText);
    box.innerHTML = await said.text();
    window.htmx?.process(box);
  } catch {
    box.textContent = "The evaluators could not be asked. Run the draft again.";
  }
}

// A form that came back with something to put right, or a page that says what went wrong. What was typed meanwhile stays.
function replaceForm(text, sent) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById("editor") ?? page.querySelector(".notice, main");
  const form = document.getElementById("editor");
  if (fresh?.id === "editor") {
    const typed = typedSince(sent, form);
    form.replaceWith(fresh);
    window.htmx?.process(fresh);
    putBack(typed, fresh);
    if (!typed.some(({ was, is }) => was !== is)) fresh.querySelector("[aria-invalid]")?.focus();
  } else if (fresh) document.getElementById("outputs").replaceChildren(fresh);
}

export class LiveText {
  constructor(card) {
    this.card = card;
    this.text = card.querySelector("pre");
    this.clock = card.querySelector("[data-clock]");
    this.waiting = "";
    this.pieces = 0;
    this.started = performance.now();
    this.timer = setInterval(() => this.paint(), TICK_MS);
  }

  add(piece) {
    this.waiting += piece;
    this.pieces += 1;
    if (this.pieces === 1) this.paint(); // the first one at once, the others as the timer comes
  }

  paint() {
    if (this.waiting) this.text.append(this.waiting);
    this.waiting = "";
    if (this.pieces) this.clock.textContent = `${((performance.now() - this.started) / 1000).toFixed(2)} s · ${this.pieces} pieces so far`;
  }

  // The finished card takes the place of the live one.
  become(html) {
    this.finished = true;
    clearInterval(this.timer);
    const whole = document.createElement("template");
    whole.innerHTML = html;
    const card = whole.content.querySelector("article");
    this.card.replaceWith(card);
    window.htmx?.process(card);
    this.card = card;
  }

  end(text) {
    clearInterval(this.timer);
    this.paint();
    this.text.removeAttribute("aria-busy");
    this.card.classList.remove("live");
    this.card.querySelector(".badge").replaceWith(text);
    this.card.querySelector("[data-stop]").remove();
    announce(text);
  }
}
