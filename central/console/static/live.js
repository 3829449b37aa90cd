// Keeps a page live: the hub sends HTML fragments, each replaces the element of its id.
// Without this module the page reloads itself every few seconds instead.

const SILENCE_MS = 6000;
const source = document.body.dataset.live;
const lost = document.getElementById("lost");
const ended = document.getElementById("ended");
const title = document.title;
let lastHeardMs = performance.now();

function mark(state) {
  document.body.classList.toggle("live", state === "live");
  document.body.classList.toggle("stale", state !== "live");
  lost.hidden = state !== "lost";
  ended.hidden = state !== "ended";
}

function swap(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  for (const fresh of holder.content.children) {
    const shown = document.getElementById(fresh.id);
    if (!shown || shown.dataset.hash === fresh.dataset.hash) continue;
    const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
    shown.replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus();
  }
}

// The tab itself says how many vehicles wait, for a person who looks at something else.
function countInTitle() {
  const waiting = Number(document.getElementById("live-waiting")?.textContent ?? 0);
  document.title = waiting > 0 ? `(${waiting}) ${title}` : title;
}

function follow() {
  const events = new EventSource(source);
  const heard = () => {
    lastHeardMs = performance.now();
    mark("live");
  };
  events.addEventListener("fragment", (event) => {
    heard();
    swap(event.data);
    countInTitle();
  });
  events.addEventListener("tick", heard);
  events.addEventListener("ended", () => {
    events.close();
    clearInterval(watch);
    mark("ended");
  });
  events.addEventListener("error", () => {
    mark("lost");
    // A closed source does not come back by itself (the hub answered, but not with a stream).
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  });
}

// A decision without a reason would come back from the hub as an empty form: it is said here.
document.addEventListener("submit", (event) => {
  const needed = event.target.dataset.reasonRequired;
  const pick = event.target.querySelector("#reason-pick");
  if (!needed || pick.value || event.target.querySelector("#reason-text").value.trim()) return;
  event.preventDefault();
  pick.setCustomValidity(needed);
  pick.reportValidity();
  event.target.addEventListener("input", () => pick.setCustomValidity(""), { once: true });
});

const watch = setInterval(() => {
  if (performance.now() - lastHeardMs > SILENCE_MS) mark("lost");
}, 1000);

if (source) follow();
