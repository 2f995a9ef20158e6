// Running a draft: the answer streams into its card as it comes. Without this module, Run is a plain form post.

import { announce } from "./app.js";

const TICK_MS = 50; // at most 20 paints a second
let stop = null;

document.addEventListener("submit", (event) => {
  if (!event.submitter?.matches("[data-run]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  run(event.target, event.submitter);
}, true);

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-stop]")) stop?.abort();
});

document.addEventListener("keydown", (event) => {
  if (event.altKey && event.key === "ArrowUp") move(event, "up");
  else if (event.altKey && event.key === "ArrowDown") move(event, "down");
});

function move(event, way) {
  const button = event.target.closest(".message")?.querySelector(`[data-move="${way}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
}

async function run(form, button) {
  stop?.abort();
  const mine = (stop = new AbortController());
  const outputs = document.getElementById("outputs");
  const card = document.getElementById("live-output").content.cloneNode(true).firstElementChild;
  outputs.replaceChildren(card);
  const live = new LiveText(card);
  try {
    const answer = await fetch(button.formAction, {
      method: "POST",
      body: new URLSearchParams(new FormData(form, button)),
      headers: { accept: "text/event-stream" },
      signal: mine.signal,
    });
    const type = answer.headers.get("content-type") ?? "";
    if (type.startsWith("text/event-stream")) await follow(answer, live, outputs);
    else replaceForm(await answer.text());
  } catch (error) {
    live.end(error.name === "AbortError" ? "Stopped" : "The connection broke. What had come is kept; run it again.");
  }
  if (stop === mine) stop = null;
}

async function follow(answer, live, outputs) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const [, name, data] = event.match(/^event: ([^\n]*)\ndata: ([^\n]*)$/); // `.` would end at U+2028
      if (name === "token") live.add(JSON.parse(data).text);
      else {
        live.finished = true;
        clearInterval(live.timer);
        outputs.innerHTML = JSON.parse(data).html;
        announce(name === "done" ? "The answer is complete" : "The run failed");
      }
    }
  }
  if (!live.finished) live.end("The connection broke. What had come is kept; run it again.");
}

// A form that came back with something to put right, or a page that says what went wrong.
function replaceForm(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById("editor") ?? page.querySelector(".notice, main");
  const form = document.getElementById("editor");
  if (fresh?.id === "editor") {
    form.replaceWith(fresh);
    window.htmx?.process(fresh);
    fresh.querySelector("[aria-invalid]")?.focus();
  } else if (fresh) document.getElementById("outputs").replaceChildren(fresh);
}

class LiveText {
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
