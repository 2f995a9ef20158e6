// A report that follows its evaluation: where the event stream does not get through, the page asks every 3 seconds.
const report = document.getElementById("report");
const PAUSE_MS = 3000;
let timer = 0;

async function poll() {
  timer = 0;
  try {
    const answer = await fetch(report.dataset.poll, { headers: { "hx-request": "true" } });
    if (answer.ok) htmx.swap(report, await answer.text(), { swapStyle: "innerHTML" });
    if (answer.ok && answer.headers.get("x-live") === "no") return stop();
  } catch {
    // The server is away: what stands on the page stays, and the next try may get through.
  }
  start();
}
function start() {
  if (!timer) timer = setTimeout(poll, PAUSE_MS);
}
function stop() {
  clearTimeout(timer);
  timer = 0;
}
let over = false;
document.body.addEventListener("htmx:sseError", () => over || start());
document.body.addEventListener("htmx:sseOpen", stop);
document.body.addEventListener("htmx:sseClose", (event) => {
  if (event.detail.type !== "message") return;
  over = true;
  stop();
  const sentence = document.querySelector(".verdict-title");
  document.getElementById("announce").textContent = sentence?.textContent ?? "";
});
