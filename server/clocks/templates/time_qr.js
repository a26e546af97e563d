"use strict";
(function () {
  var now = document.getElementById("now"), stale = document.getElementById("stale");
  function stop(yes) {
    stale.hidden = !yes;
    now.classList.toggle("stopped", yes);
  }
  function show(text) {
    var fresh = new DOMParser().parseFromString(text, "text/html").getElementById("now");
    if (!fresh) { throw new Error("another page"); }
    now.replaceChildren.apply(now, fresh.childNodes);
    stop(false);
  }
  function turn() {
    var started = Date.now(), giveUp = new AbortController();
    var timer = setTimeout(function () { giveUp.abort(); }, 2000);
    fetch(location.href, { cache: "no-store", signal: giveUp.signal })
      .then(function (answer) {
        if (!answer.ok) { throw new Error(answer.status); }
        return answer.text();
      })
      .then(show)
      .catch(function () { stop(true); })
      .finally(function () {
        clearTimeout(timer);
        setTimeout(turn, Math.max(0, started + 1000 - Date.now()));
      });
  }
  setTimeout(turn, 1000);
})();
