// Runs before the first paint, so that a pinned theme does not flash. Without it the system's theme holds.
(() => {
  const pinned = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem("theme");
  if (pinned === "light" || pinned === "dark") document.documentElement.dataset.theme = pinned;
})();
