
/* ---- television: nobody touches it ---- */

const AWAKE_EVERY_MS = 30000, DAY_MS = 864e5, PIN_MS = 300000, SHIFT_EVERY_MS = 60000;
const loadedAt = Date.now();
let turn = {name: "", page: 0, at: -Infinity}, awake = null, askedAwakeAt = -Infinity;

/* The breach that holds its view, until somebody has it in hand, it is over, or five minutes have passed. */
function pinnedBreach() {
  return newBreaches.find(one => {
    const stages = facts.stages.get(one.id), alert = stages && stages.get("breach");
    return alert && alert.said !== "acknowledged" && performance.now() - one.at < PIN_MS;
  });
}
/* Which view is shown. A long one is shown page by page before the next one's turn. */
function viewNow() {
  if (!place.tv) return place.view;
  const pinned = pinnedBreach();
  show(byId("pinned"), pinned);
  if (pinned) {
    say(byId("pinned"), "▲ New breach: " + pinned.ticket + " · " + pinned.clock + " · " + span(performance.now() - pinned.at) + " ago");
    turn = {name: "now", page: 0, at: performance.now()};
    return "now";
  }
  if (!turn.name || !place.rotate_ms) turn = {name: place.view, page: 0, at: performance.now()};
  else if (performance.now() - turn.at >= place.rotate_ms) turnOver();
  return turn.name;
}
function turnOver() {
  const room = byId("view"), next = place.round[(place.round.indexOf(turn.name) + 1) % place.round.length];
  const more = turn.name !== "now" && room.scrollTop + room.clientHeight + 4 < room.scrollHeight;
  turn = more ? {name: turn.name, page: turn.page + 1, at: performance.now()} : {name: next, page: 0, at: performance.now()};
  if (more) room.scrollTop = nextPage(room);
}
/* The next page begins with what this one cut off. */
function nextPage(room) {
  const top = room.getBoundingClientRect().top, most = room.scrollTop + room.clientHeight * .92;
  for (const part of room.querySelectorAll(".view:not([hidden]) .panel, .view:not([hidden]) .card")) {
    const box = part.getBoundingClientRect(), from = box.top - top + room.scrollTop;
    if (box.bottom - top > room.clientHeight + 1 && from > room.scrollTop + 1) return from;
  }
  return most;
}
function stayAwake() {
  if (!place.tv || awake || document.visibilityState !== "visible" || !navigator.wakeLock || performance.now() - askedAwakeAt < AWAKE_EVERY_MS) return;
  askedAwakeAt = performance.now();
  navigator.wakeLock.request("screen").then(lock => { awake = lock; lock.addEventListener("release", () => { awake = null; }); }, () => {});
}
/* A few pixels this way and that, once a minute, so that nothing burns in. */
function shiftPixels() {
  const step = Math.floor((Date.now() - loadedAt) / SHIFT_EVERY_MS), root = document.documentElement.style;
  root.setProperty("--shift-x", (place.tv ? Math.round(4 * Math.sin(step * .7)) : 0) + "px");
  root.setProperty("--shift-y", (place.tv ? Math.round(4 * Math.sin(step * .45 + 1)) : 0) + "px");
}
/* Once a day afresh: when there is somebody to load it from, and nothing is pinned. */
function reloadDaily() {
  if (place.tv && Date.now() - loadedAt > DAY_MS && isFresh() && !pinnedBreach()) location.reload();
}
function watchTelevision() {
  shiftPixels();
  reloadDaily();
  stayAwake();
}
