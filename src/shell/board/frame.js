
/* ---- frame: tiles, panels, rows, ages, sizes ---- */

const ROWS_MAX = 100, TV_ROWS_MAX = 24, SOON_MS = 30 * 60000, HOUR_MS = 3600000, TASK_SILENT_MS = 30000, RISK_HIGH = .8;
const views = {};   /* name -> {title, node, render(full)} */

function addView(name, title, build) {
  const node = make("section", "view " + name, byId("view"));
  node.id = "view-" + name;
  make("h2", "unseen", node, title);
  node.hidden = true;
  views[name] = {title, node, ...build(node)};
  const link = make("a", "", document.querySelector("nav"), title);
  link.dataset.view = name;
}
/* An age: of when the data is, and whether that is too old to be believed. */
const aged = new WeakMap();   /* a tile, panel or card -> what its age is told from */
function tellAge(node, place, at_ms, word, silentBy) {
  aged.set(node, [place, at_ms, word, silentBy]);
  const silent = isSilent(), stale = silent || (silentBy && isFinite(at_ms) && serverNow() - at_ms > silentBy);
  mark(node, "stale", stale);
  if (silent) say(place, "STALE · " + span(silentMs()) + " old");
  else if (!isFinite(at_ms)) say(place, isSynced() ? "nothing yet" : "");
  else say(place, stale ? "STALE · " + span(serverNow() - at_ms) + " old" : word + " " + ago(at_ms));
}

/* All ages of a view, when nothing else in it has changed. */
function retellAges(view) {
  for (const node of view.querySelectorAll(".tile, .panel, .card")) if (aged.has(node)) tellAge(node, ...aged.get(node));
}

/* A big number with its target. what: {side, figure, goal, goalWord, state, verdict, note, range, at, word, silentBy}. */
function makeTile(parent, id, label) {
  const node = make("article", "tile", parent), head = make("h2", "", node);
  node.id = "tile-" + id;
  const name = make("b", "", head, label), verdict = make("span", "", head);
  const big = make("p", "big", node, "–"), goal = make("p", "goal", node), goalWord = make("span", "", goal), goalValue = make("b", "", goal);
  const range = makeRange(node), note = make("p", "note", node), age = make("p", "age", node);
  return what => {
    say(name, [label, what.side].filter(Boolean).join(" · "));
    const state = isFresh() || what.state !== "good" ? what.state || "" : "";   /* never green without fresh data */
    tint(node, state);
    say(verdict, what.verdict ? SHAPES[state || "rest"] + " " + (state || what.state === "" ? what.verdict : "not fresh") : "");
    sayFigure(big, what.figure);
    say(goalWord, what.goal ? (what.goalWord || "target") + " " : "");
    sayFigure(goalValue, what.goal || "");
    show(goal, what.goal);
    range(what.range);
    say(note, what.note || "");
    if (note.title !== note.textContent) note.title = note.textContent;
    tellAge(node, age, what.at, what.word || "changed", what.silentBy);
  };
}
/* An interval as a bar: the value, how sure it is, the target. */
function makeRange(parent) {
  const node = make("div", "range", parent), sure = make("i", "", node), value = make("b", "", node), target = make("u", "", node);
  node.setAttribute("aria-hidden", "true");
  return what => {
    show(node, what);
    if (!what) return;
    const part = v => Math.max(0, Math.min(100, (v - what.least) / (what.most - what.least) * 100));
    sure.style.left = part(what.low) + "%";
    sure.style.width = part(what.high) - part(what.low) + "%";
    value.style.left = part(what.value) + "%";
    show(target, what.target !== null && what.target !== undefined);
    if (!target.hidden) target.style.left = part(what.target) + "%";
  };
}
/* A score as a tile shows it. */
function scoreTile(name, score, window) {
  const kind = KINDS[name], value = measured(score, name), target = targetOf(score, name);
  const what = {side: window, goal: target === null ? "" : "≥ " + kind.say(target), at: score ? score.heard_ms : NaN, figure: "–", state: "", verdict: ""};
  if (!value) return {...what, note: !score ? scopeNow() && !place.filtered ? "no answers yet" : "not kept for this filter" : plural(number(score.n) || 0, "answer", "answers") + ": too few"};
  const low = number(value.low), high = number(value.high), sure = low !== null && high !== null;
  return {...what, ...judge(value.value, target, high), figure: kind.say(value.value),
          note: (sure ? kind.say(low) + " … " + kind.say(high) + " · " : "") + "n " + grouped(number(value.n) ?? number(score.n) ?? 0),
          range: sure ? {least: kind.least(low), most: kind.most, low, high, value: value.value, target} : null};
}

function makePanel(parent, id, name, title, shape, label) {
  const node = make("section", "panel " + name, parent), head = make("h2", "", node);
  node.id = id;
  const sign = make("span", "", head, shape);
  sign.setAttribute("aria-hidden", "true");
  head.append(title + " ");
  const count = make("b", "total", head), unit = make("span", "unit", head), age = make("span", "age", head);
  const rows = make("div", "rows", node);
  rows.tabIndex = 0;
  rows.setAttribute("role", "region");
  rows.setAttribute("aria-label", label || title);
  return {node, head, count, unit, age, rows};
}

/* One clock as a row. */
function makeRow() {
  const row = {node: make("li", "row")};
  const left = make("div", "left", row.node), what = make("div", "what", row.node), who = make("div", "who", row.node);
  row.count = make("div", "count", left);
  row.word = make("div", "word", left);
  row.link = make("a", "", make("div", "ticket", what));
  row.name = make("bdi", "", row.link);
  row.detail = make("bdi", "", make("div", "detail", what));
  row.reason = make("bdi", "", make("div", "reason", what));
  row.priority = make("bdi", "badge", make("div", "", who));
  row.group = make("bdi", "", make("div", "", who));
  row.turn = make("bdi", "", make("div", "", who));
  row.risk = make("div", "risk", row.node);
  const meter = make("div", "part", row.risk);
  meter.setAttribute("aria-hidden", "true");
  row.meter = make("i", "", meter);
  const said = make("p", "", row.risk);
  row.riskWords = make("b", "", said);
  row.riskWhy = make("bdi", "", said);
  row.fill = make("i", "", make("div", "used", row.node));
  return row;
}
function riskWords(risk) {
  const band = isNaN(risk.p50_ms) ? "" : " · finish " + clockTime(risk.p50_ms) + (isNaN(risk.p90_ms) ? "" : "–" + clockTime(risk.p90_ms));
  return (risk.p >= RISK_HIGH ? "▲ " : "") + Math.round(risk.p * 100) + "% likely late" + (risk.unsure ? " (not sure)" : "") + band;
}
const kindWord = clock => clock.kind && clock.kind !== "sla" ? clock.kind.toUpperCase() + " " : "";
function fillRow(row, clock) {
  const alert = breachOf(clock), paused = clock.state === "paused", turn = turnWord(clock.turn);
  row.clock = clock;
  say(row.name, clock.ticket || "no id");
  const to = viewAddress("ticket", clock.ticket);
  if (row.to !== to) { row.to = to; row.link.setAttribute("href", to); row.link.dataset.go = ""; }
  say(row.detail, [paused && turn ? "waits for " + turn : "", clock.customer, kindWord(clock) + clock.clock, clock.service].filter(Boolean).join(" · "));
  const risk = clock.state === "breached" ? null : clock.risk || (alert && alert.risk);   /* what is late is no longer likely */
  show(row.risk, risk);
  if (risk) {
    row.meter.style.width = (risk.p * 100).toFixed(1) + "%";
    mark(row.risk, "high", risk.p >= RISK_HIGH);
    say(row.riskWords, riskWords(risk));
    say(row.riskWhy, risk.why ? " · " + risk.why : "");
  }
  const acknowledged = alert && alert.said === "acknowledged" ? "✓ acknowledged" + (alert.by ? " by " + alert.by : "") : "";
  say(row.reason, [acknowledged, alert ? alert.reason : ""].filter(Boolean).join(" · "));
  show(row.reason.parentNode, row.reason.textContent);
  say(row.priority, clock.priority);
  show(row.priority.parentNode, clock.priority);
  say(row.group, clock.group);
  say(row.turn, turn && !paused ? "turn: " + turn : "");
  mark(row.node, "fresh", newBreaches.some(one => one.id === clock.id && performance.now() - one.at < FRESH_MS));
  row.fill.style.width = (clock.target_ms > 0 ? Math.min(100, clock.elapsed_ms / clock.target_ms * 100) : 0).toFixed(1) + "%";
}
const FRESH_MS = 120000;
function countRow(row, now) {
  const clock = row.clock, left = clock.due_ms - now;
  let word, state = "", figure = "–";
  if (clock.state === "paused") {
    const rest = clock.target_ms - clock.elapsed_ms;
    figure = rest > 0 ? span(rest) : "0s";
    word = "❚❚ LEFT";
  } else if (isNaN(left)) {
    word = clock.state === "breached" ? "▲ OVERDUE" : "NO DUE";
    state = clock.state === "breached" ? "bad" : "";
  } else {
    figure = (left < 0 ? "+" : "") + span(left);
    /* A breach stays one when a longer target is given later: then its new due is ahead. */
    word = left < 0 ? "▲ OVERDUE" : clock.state === "breached" ? "▲ BREACHED" : left < SOON_MS ? "◆ SOON · " + clockTime(clock.due_ms) : "DUE " + clockTime(clock.due_ms);
    state = left < 0 || clock.state === "breached" ? "bad" : left < SOON_MS ? "warn" : "";
  }
  sayFigure(row.count, figure);
  say(row.word, word);
  tint(row.node, state);
}

/* Parties as a bar with a pattern each, and the same in words. */
function makeShare(parent, caption) {
  const node = make("div", "ball", parent);
  make("h3", "", node, caption);
  const bar = make("div", "share", node), keys = make("ul", "keys", node);
  bar.setAttribute("aria-hidden", "true");
  const parts = keyed(bar, () => ({node: make("i")})), words = keyed(keys, () => { const key = {node: make("li")}; key.pattern = make("i", "", key.node); key.words = make("span", "", key.node); return key; });
  return (shares, print) => {
    const there = Object.keys(TURNS).filter(turn => shares[turn] > 0).map(turn => ({turn, share: shares[turn]}));
    parts(there, one => one.turn, (part, one) => { part.node.className = one.turn; part.node.style.flex = one.share + " 1 0"; });
    words(there, one => one.turn, (key, one) => { key.pattern.className = one.turn; say(key.words, turnWord(one.turn) + " " + print(one.share)); });
    show(node, there.length);
  };
}

/* ---- sizes ---- */

/* How high a digit is as a part of the font's size. */
let digitPart = 0;
function measureDigit() {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "650 200px " + getComputedStyle(document.body).fontFamily;
  digitPart = Math.min(...[..."0123456789"].map(digit => pen.measureText(digit).actualBoundingBoxAscent)) / 200;
}
/* 20 minutes of arc at so many metres, on a screen of so many inches that shows this page at its own size. */
function digitPixels() {
  if (!place.dist) return 0;
  if (!digitPart) measureDigit();
  const highMm = place.dist * 1000 * Math.tan(20 / 60 * Math.PI / 180);
  const acrossPixels = Math.hypot(Math.max(screen.width, innerWidth), Math.max(screen.height, innerHeight));
  return Math.ceil(highMm / (place.diag * 25.4 / acrossPixels) / digitPart * 1.02 * 10) / 10;   /* a little more than enough: fonts differ by weight */
}
function layOut() {
  const root = document.documentElement, width = innerWidth, phone = width <= 720, far = digitPixels();
  mark(root, "tv", place.tv);
  mark(root, "far", far > 30);
  root.style.setProperty("--digit", far + "px");
  const rem = parseFloat(getComputedStyle(root).fontSize);
  const base = phone ? 2.1 * rem : Math.min(Math.max(2.5 * rem, width * .035), 7.5 * rem);
  /* As much bigger than it must be as leaves four of them in a row. */
  const growth = far ? Math.max(1, Math.min(1.3, width / 4.15 / 3.7 / far)) : 1.3;
  const big = Math.max(base, far * growth), count = Math.max((phone ? 1.3 : 1.6) * rem, far);
  root.style.setProperty("--big", big + "px");
  const fits = Math.floor(width / Math.max((phone ? 9.5 : 12.5) * rem, 3.7 * big));
  root.style.setProperty("--tiles", [6, 4, 3, 2, 1].find(n => n <= fits && (n !== 4 || place.tv)) || 1);
  mark(root, "few", place.tv && fits < 6);
  root.style.setProperty("--lists", Math.max(1, Math.min(3, Math.floor(width / Math.max(22 * rem, 7 * count)))));
}
