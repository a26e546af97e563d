// How many notices are unread, beside the inbox in the menu; asked for once a minute.

const EVERY_MS = 60_000;
const place = document.querySelector('nav[data-unread] a[href="/inbox"]');
const words = place?.closest("nav")?.dataset.unread ?? "{n}";

/** @param {Element} place @param {number} count */
function show(place, count) {
  let badge = place.querySelector(".badge");
  if (!count) {
    badge?.remove();
    return;
  }
  if (!badge) {
    badge = document.createElement("span");
    badge.className = "badge bad";
    place.append(" ", badge);
  }
  badge.textContent = count > 99 ? "99+" : String(count);
  badge.setAttribute("title", words.replace("{n}", String(count)));
}

async function ask() {
  if (!place || document.hidden) {
    return;
  }
  try {
    const answer = await fetch("/inbox/counts", { credentials: "same-origin" });
    if (answer.ok) {
      const found = await answer.json();
      show(place, found.unread);
    }
  } catch {
    // Offline: the number stays as it was.
  }
}

if (place) {
  ask();
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
}
