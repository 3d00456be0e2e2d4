// Keeps the progress bars of generation runs moving: asks the server once a second while a run is unfinished and the
// page is visible, and loads the page anew when the last one has ended, so that its other fields are right too.
(() => {
  "use strict";

  const EVERY_MS = 1000;

  async function look(bar) {
    const response = await fetch(bar.dataset.runProgress, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) throw new Error(`answered ${response.status}`);
    const run = await response.json();
    bar.querySelector("[data-run-bar]").style.width = `${run.percent}%`;
    bar.querySelector("[role=progressbar]").setAttribute("aria-valuenow", run.percent);
    bar.querySelector("[data-run-words]").textContent = run.words;
    return run.finished;
  }

  async function follow(bars) {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      if (document.hidden) continue;
      try {
        const finished = await Promise.all(bars.map(look));
        if (finished.every(Boolean)) {
          window.location.reload();
          return;
        }
      } catch {
        // The server is away or the session has ended: the next second may be better.
      }
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const bars = [...document.querySelectorAll("[data-run-progress]")];
    if (bars.length > 0) follow(bars);
  });
})();
