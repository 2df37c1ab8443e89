
/* ---- stream: what the daemon says, and that it says nothing ---- */

const FULL_EVERY_MS = 10000, RECONNECT_MS = 5000, MISSED_MAX = 3, TICK_MS = 500;
let heartbeatMs = 5000, offsetMs = 0, heardAt = -Infinity, heardWall = -Infinity, lastWallMs = 0;
let connected = false, everConnected = false, everSynced = false, synced = false, refused = "";
let ready = true, reasons = [], boardLag = 0, server = "", source = null, shownView = "", waiting = 0, told = "", lastFull = {at: -Infinity, fresh: false};

/* The server's time: everything that is counted down or aged goes by it. */
function serverNow() { return Date.now() + offsetMs; }
/* Since when nothing was heard: the longer of two clocks, for one may sleep and the other be set. */
function silentMs() { return Math.max(performance.now() - heardAt, Date.now() - heardWall); }
function isSilent() { return everConnected && silentMs() > MISSED_MAX * heartbeatMs; }
function isConnected() { return connected; }
function isSynced() { return synced; }
function lagNow() {
  let lag = boardLag, behind = boardLag > 0;
  for (const open of facts.opens.values()) if (open.behind) { behind = true; lag += open.lag; }
  return {behind, lag};
}
/* What is shown is the present. */
function isFresh() { return connected && synced && !isSilent() && !lagNow().behind; }

function heard(nowMs) {
  if (number(nowMs) === null) return;
  offsetMs = nowMs - Date.now();
  heardAt = performance.now();
  heardWall = Date.now();
  lastWallMs = nowMs;
  connected = everConnected = true;
  refused = "";
}
/* One picture for all that came in a moment. */
function soonTick() {
  dirty = true;
  if (!waiting) waiting = setTimeout(() => { waiting = 0; tick(false); }, 50);
}
const ON = {
  hello(said) {
    if (server && text(said.server) !== server) { location.reload(); return; }
    server = text(said.server);
    heartbeatMs = number(said.heartbeat_ms) || heartbeatMs;
    say(byId("instance"), text(said.instance));
    heard(said.now_ms);
  },
  reset() { synced = false; startOver(); },
  records(said) {
    for (const record of list(said.records)) if (record && typeof record === "object") take(record);
    if (incoming === facts) soonTick();
  },
  synced() { startedOver(); synced = everSynced = true; soonTick(); },
  heartbeat(said) {
    heard(said.now_ms);
    ready = said.ready === true;
    reasons = list(said.reasons).map(String).slice(0, 8);
    boardLag = number(said.lag) || 0;
    synced = synced || incoming === facts && everSynced;   /* resumed: nothing was missed */
    soonTick();
  },
};
function connect() {
  if (source) source.close();
  source = new EventSource("/api/v1/stream?kinds=scores,alerts");
  for (const [name, take] of Object.entries(ON)) source.addEventListener(name, event => take(object(JSON.parse(event.data))));
  source.addEventListener("error", () => {
    connected = false;
    if (source.readyState === EventSource.CLOSED) { setTimeout(connect, RECONNECT_MS); askWhy(); }
    tick(false);
  });
}
/* A stream that is refused does not say why; a plain request does. */
async function askWhy() {
  try {
    const answer = await fetch("/api/v1/alerts?limit=1");
    refused = answer.status === 401 ? "a token is needed: open this page once with ?token=…" : answer.status === 403 ? "this token may not see the board" : answer.ok ? "the daemon has no room for another board" : "the daemon answered " + answer.status;
  } catch { refused = ""; }
}

/* ---- every half second, and when something came ---- */

/* Aloud only what has changed, not every second of it. */
function tellChange(words) {
  if (words && words !== told) { told = words; say(byId("said"), words); }
}
function tellPulse() {
  const pulse = byId("pulse"), silent = isSilent(), {behind, lag} = lagNow();
  tellChange(silent ? "The board is stale" : !everConnected ? "" : !connected ? "Connection lost" : behind ? "Catching up" : synced ? "Live" : "");
  pulse.className = silent || !connected && everConnected ? "silent" : !connected ? "" : behind || !synced ? "late" : "live";
  say(pulse, silent ? "▨ STALE" : !everConnected ? "◌ Connecting" : !connected ? "◌ Connecting again" : !synced ? "◌ Reading the board"
    : behind ? "◐ Catching up, lag " + grouped(lag) : "● Live · " + plural(facts.opens.size, "task", "tasks"));
  const last = new Date(lastWallMs), when = clockTime(lastWallMs) + ":" + two(last.getSeconds());
  show(byId("lost"), !connected && (everConnected || performance.now() > 3000));
  say(byId("lost"), refused ? "✕ No connection: " + refused : everConnected ? "✕ Connection lost · trying again · last heard " + when : "✕ No connection to the daemon · trying again");
  show(byId("silent"), silent && connected);
  say(byId("silent"), "▨ STALE · nothing heard for " + span(silentMs()));
  show(byId("trouble"), connected && !ready);
  say(byId("trouble"), "◆ Not ready: " + (reasons.join(" · ") || "no reason given"));
  show(byId("behind"), connected && !silent && (behind || facts.left_out > 0));
  say(byId("behind"), [behind ? "◐ Catching up, lag " + grouped(lag) + ": what is shown is not the present yet" : "", facts.left_out ? "◆ " + grouped(facts.left_out) + " records did not fit into this page" : ""].filter(Boolean).join(" · "));
  const now = new Date(serverNow());
  say(byId("clock"), everConnected ? two(now.getHours()) + ":" + two(now.getMinutes()) + ":" + two(now.getSeconds()) : "");
}
function tellTitle(picture) {
  const late = Math.max(place.filtered ? 0 : counted("breached_open"), ticketsOf(picture.overdue));
  const title = (isSilent() ? "STALE · " : !connected && everConnected ? "lost · " : late ? grouped(late) + " overdue · " : "") + views[shownView].title + " · slad";
  if (document.title !== title) document.title = title;
}
function showView(name) {
  if (name === shownView) return false;
  shownView = name;
  document.documentElement.dataset.view = name;
  for (const [one, view] of Object.entries(views)) show(view.node, one === name);
  byId("view").scrollTop = 0;
  return true;
}
function tellFrame() {
  for (const link of document.querySelectorAll("header nav a")) {
    link.setAttribute("href", viewAddress(link.dataset.view, link.dataset.view === "ticket" ? place.ticket : ""));
    link.dataset.go = "";
    if (link.dataset.view === shownView) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  fillChosen(FILTERS.flatMap(name => place.filters[name].map(value => ({name, value}))), one => one.name + "=" + one.value, (child, one) => {
    say(child.node, one.name + " " + one.value + (place.tv ? "" : " ✕"));
    child.node.setAttribute("href", address({[one.name]: place.filters[one.name].filter(value => value !== one.value)}));
    child.node.setAttribute("aria-label", "Without the filter " + one.name + " " + one.value);
  });
  show(byId("chosen"), place.filtered);
}
make("b", "", byId("chosen"), "Only");
const fillChosen = keyed(make("span", "keys", byId("chosen")), () => { const made = {node: make("a")}; made.node.dataset.go = ""; return made; });
function tick(forced) {
  const changed = showView(viewNow()), fresh = isFresh(), picture = pictureOf(), now = performance.now();
  const full = dirty || forced === true || changed || fresh !== lastFull.fresh || now - lastFull.at > FULL_EVERY_MS;
  if (full) lastFull = {at: now, fresh};
  dirty = false;
  if (changed || forced === true) { tellFrame(); if (!changed) fillFilters(); }
  tellPulse();
  views[shownView].render(full, picture);
  watchTelevision();
  tellTitle(picture);
}

/* ---- filters, keys, links ---- */

const choices = {};
for (const name of FILTERS) {
  const box = document.querySelector("#filters .choices"), label = make("label", "", box, name[0].toUpperCase() + name.slice(1));
  choices[name] = make("select", "", box);
  choices[name].id = "filter-" + name;
  label.htmlFor = choices[name].id;
  choices[name].addEventListener("change", () => go(address({[name]: choices[name].value || null})));
}
/* What there is to choose from: what has been heard of, a few hundred at most. */
function fillFilters() {
  const seen = {customer: new Set(), service: new Set(), group: new Set(), contract: new Set()};
  for (const clock of openClocks()) for (const name of FILTERS) if (clock[name]) seen[name].add(clock[name]);
  for (const score of facts.score.values()) for (const name of FILTERS) if (score.scope[name]) seen[name].add(score.scope[name]);
  for (const type of ["pxa", "credit"]) for (const value of facts[type].values()) seen.contract.add(text(value.contract));
  for (const name of FILTERS) {
    for (const value of place.filters[name]) seen[name].add(value);
    const values = ["", ...[...seen[name]].sort().slice(0, 300)], select = choices[name];
    while (select.options.length > values.length) select.lastChild.remove();
    values.forEach((value, i) => { const option = select.options[i] || make("option", "", select); if (option.value !== value || !option.textContent) { option.value = value; say(option, value || "all"); } });
    select.value = place.filters[name][0] || "";
  }
}
document.querySelector("#filters").addEventListener("toggle", fillFilters);
document.addEventListener("click", event => {
  const link = event.target.closest("a[data-go]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
  byId("view").focus({preventScroll: true});
  scrollTo(0, 0);
});
byId("find").addEventListener("submit", event => {
  event.preventDefault();
  const ticket = byId("find-ticket").value.trim();
  if (ticket) go(viewAddress("ticket", ticket));
});
/* 1 to 4: the views; /: the ticket field; t: light or dark; Escape: out of a field. ?keys=off: none of it. */
document.addEventListener("keydown", event => {
  if (!place.keys || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest && event.target.closest("input, select, textarea");
  if (event.key === "Escape" && typing) { event.target.blur(); return; }
  if (event.key === "Escape") { document.querySelector("#filters").open = false; return; }
  if (typing) return;
  if (event.key === "/") { event.preventDefault(); byId("find-ticket").focus(); }
  else if (event.key === "t") go(address({theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark"}));
  else if (VIEWS[event.key - 1]) go(viewAddress(VIEWS[event.key - 1], VIEWS[event.key - 1] === "ticket" ? place.ticket : ""));
});
addEventListener("popstate", arrive);
addEventListener("resize", () => { layOut(); tick(true); });
document.addEventListener("visibilitychange", stayAwake);
darkWanted.addEventListener("change", wearTheme);

wearTheme();
layOut();
setInterval(tick, TICK_MS);
connect();
tick(true);
