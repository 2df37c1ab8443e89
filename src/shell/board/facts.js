
/* ---- facts: what the stream has told, bounded ---- */

const RECORDS_MAX = 20000, SCORE_TYPES = ["score", "kei", "pxa", "watermelon", "credit", "attainment"];
let facts = newFacts();       /* what is shown */
let incoming = facts;         /* what is being filled: the same, but while the stream starts over */
let dirty = true;             /* something but the time has changed */
const newBreaches = [];       /* {id, ticket, at} that came while we watched, the latest first */

function newFacts() {
  const made = {opens: new Map(), alerts: new Map(), stages: new Map(), left_out: 0};
  for (const type of SCORE_TYPES) made[type] = new Map();
  return made;
}
const clockId = v => JSON.stringify([text(v.ticket), text(v.kind), text(v.clock), number(v.cycle)]);
/* Keeps a record, if there is room. */
function keep(into, store, key, value) {
  if (!store.has(key) && store.size >= RECORDS_MAX) { into.left_out++; return false; }
  store.set(key, value);
  return true;
}
function scopeOf(value) {
  const scope = {};
  for (const [name, word] of Object.entries(object(value)).slice(0, 16)) scope[name] = text(word);
  return scope;
}
/* A probability of being late, in any of the shapes it may come in: with its reason and the band of the finish. */
/* Of so many like tickets at this point so many were late: the three weightiest. */
function reasonOf(one) {
  const {values, like, late, odds} = object(one), named = Object.entries(object(values)).map(([name, value]) => text(name) + " " + (value === null ? "none" : text(String(value))));
  return [named.join(", "), number(odds) === null ? "" : "odds ×" + odds, number(like) === null ? "" : "of " + like + " like it " + (number(late) || 0) + " were late"].filter(Boolean).join(", ");
}
function riskOf(v) {
  const p = number(v.risk), told = object(v.foresight);
  if (p === null || p < 0 || p > 1) return null;
  return {p, p50_ms: instant(told.finish_p50), p90_ms: instant(told.finish_p90), unsure: ["low", "uncalibrated"].includes(told.confidence),
          why: list(told.because).slice(0, 3).map(reasonOf).filter(Boolean).join("; ")};
}
/* A clock of an `open` record, or the one an alert is about. */
function clockOf(v) {
  return {
    id: clockId(v), ticket: text(v.ticket), kind: text(v.kind), clock: text(v.clock), agreement: text(v.agreement), state: text(v.state),
    due_ms: instant(v.due_at), target_ms: number(v.target_ms) || 0, elapsed_ms: number(v.elapsed_ms) || 0, turn: text(v.turn),
    customer: text(v.customer), service: text(v.service), priority: text(v.priority), group: text(v.group), risk: riskOf(v),
  };
}
function takeOpen(into, key, value, at_ms) {
  if (value === null) { into.opens.delete(key); return; }
  const counts = object(value.counts), clocks = list(value.clocks).filter(clock => clock && typeof clock === "object").slice(0, 500).map(clockOf);
  keep(into, into.opens, key, {task: number(value.task), instance: text(value.instance), api: text(value.api), behind: value.behind === true,
                               lag: number(value.lag) || 0, counts, clocks, heard_ms: at_ms});
}
function dropStage(into, alert) {
  const stages = into.stages.get(alert.id);
  if (!stages) return;
  stages.delete(alert.stage);
  if (stages.size === 0) into.stages.delete(alert.id);
}
function takeAlert(into, key, value, at_ms) {
  const old = into.alerts.get(key);
  if (old) { dropStage(into, old); into.alerts.delete(key); }
  if (value === null || value.state === "resolved" || value.state === "withdrawn") return;
  const alert = {...clockOf(value), key, stage: text(value.stage), said: text(value.state), by: text(value.by), n: number(value.n), reason: text(value.reason),
                 severity: text(value.severity), effective_ms: instant(value.effective_at), heard_ms: at_ms, state: "breached",
                 survey: text(value.survey), score: number(value.score), scale: text(value.scale)};
  if (!keep(into, into.alerts, key, alert)) return;
  if (!into.stages.has(alert.id)) into.stages.set(alert.id, new Map());
  into.stages.get(alert.id).set(alert.stage, alert);
  if (!old && into === facts && isSynced() && alert.stage === "breach" && alert.said === "firing") noteBreach(alert);
}
function noteBreach(alert) {
  if (!isWanted(alert)) return;
  newBreaches.unshift({id: alert.id, ticket: alert.ticket, clock: alert.clock, at: performance.now()});
  newBreaches.length = Math.min(newBreaches.length, 50);
  say(byId("said"), "New breach: " + alert.ticket + ", " + alert.clock);
}
function take(record) {
  const value = record.value, into = incoming, key = text(record.key), at_ms = instant(record.at);
  if (value !== null && (typeof value !== "object" || Array.isArray(value))) return;
  if (record.kind === "alerts") { takeAlert(into, key, value, at_ms); return; }
  if (record.kind !== "scores") return;
  if (key.startsWith("open/")) { takeOpen(into, key, value, at_ms); return; }
  for (const type of SCORE_TYPES)
    if (value === null) into[type].delete(key);
    else if (value.type === type) keep(into, into[type], key, {...value, key, scope: scopeOf(value.scope), heard_ms: at_ms});
}
function startOver() {
  incoming = newFacts();
  if (!everSynced) facts = incoming;
}
function startedOver() {
  const before = facts;
  facts = incoming;
  if (before !== facts && everSynced)
    for (const [key, alert] of facts.alerts) if (alert.stage === "breach" && alert.said === "firing" && !before.alerts.has(key)) noteBreach(alert);
}

/* ---- asking the facts ---- */

function* openClocks() {
  for (const open of facts.opens.values()) yield* open.clocks;
}
/* Every clock asked for, those that only an alert tells of too: overdue, next to break, paused; each in its order. */
function pictureOf() {
  const now = serverNow(), seen = new Set(), picture = {overdue: [], soon: [], paused: []};
  const put = clock => {
    if (seen.has(clock.id) || !isWanted(clock)) return;
    seen.add(clock.id);
    if (clock.state === "paused") picture.paused.push(clock);
    else if (clock.state === "breached" || clock.due_ms < now) picture.overdue.push(clock);
    else picture.soon.push(clock);
  };
  for (const clock of openClocks()) put(clock);
  for (const alert of facts.alerts.values()) if (alert.stage === "breach") put(alert);
  const due = clock => isNaN(clock.due_ms) ? Infinity : clock.due_ms, left = clock => clock.target_ms - clock.elapsed_ms;
  picture.overdue.sort((a, b) => due(a) - due(b) || 0);
  picture.soon.sort((a, b) => due(a) - due(b) || 0);
  picture.paused.sort((a, b) => left(a) - left(b));
  return picture;
}
const ticketsOf = clocks => new Set(clocks.map(clock => clock.ticket)).size;
/* What the tasks count; only they know all, and only without a filter. */
function counted(name) {
  let total = 0;
  for (const open of facts.opens.values()) total += number(open.counts[name]) || 0;
  return total;
}
function breachOf(clock) {
  const stages = facts.stages.get(clock.id);
  return stages ? stages.get("breach") || [...stages.values()].pop() : undefined;
}
const oldest = values => { let at = Infinity; for (const value of values) at = Math.min(at, value.heard_ms); return at; };
const newest = values => { let at = -Infinity; for (const value of values) at = Math.max(at, value.heard_ms); return at; };
function windowMs(name) {
  const m = /^(\d+)([smhd])$/.exec(text(name));
  return m ? m[1] * {s: 1e3, m: 6e4, h: 36e5, d: 864e5}[m[2]] : name === "quarter" ? 91 * 864e5 : 30.4 * 864e5;
}
const measured = (score, name) => number(object(score && score[name]).value) === null ? null : score[name];
/* A score says how far it is from its target, times n: so the target is known without the policy. */
function targetOf(score, name) {
  const value = measured(score, name), impact = number(object(score && score.impact)[name]), n = value && number(value.n);
  if (!n || impact === null) return null;
  return name === "px" ? Math.round((value.value - impact / n) * 1e4) / 1e4 : Math.round((value.value - impact / n) * 100) / 100;
}
/* Against a target: on it, below it and proven, below it by chance perhaps. */
function judge(value, target, high) {
  if (value === null || target === null) return {state: "", verdict: ""};
  if (value >= target) return {state: "good", verdict: "on target"};
  return high !== undefined && high !== null && high >= target ? {state: "warn", verdict: "below, unsure"} : {state: "bad", verdict: "below"};
}
const KINDS = {nps: {say: points, least: () => -100, most: 100}, px: {say: percent, least: low => low < .5 ? 0 : .5, most: 1}};
const windowsSeen = () => [...new Set([...facts.score.values()].map(score => text(score.window)).filter(Boolean))].sort((a, b) => windowMs(a) - windowMs(b));
function windowNow() {
  const seen = windowsSeen();
  return seen.includes(place.window) ? place.window : seen.includes("30d") ? "30d" : seen[seen.length - 1] || "";
}
/* The score of exactly this scope: a list of values a dimension stands for any of them if it is one. */
function scoreOf(scope, window) {
  const names = Object.keys(scope);
  for (const score of facts.score.values())
    if (score.window === window && Object.keys(score.scope).length === names.length && names.every(name => score.scope[name] === scope[name])) return score;
  return undefined;
}
/* The scope that the address's filter names, if it names one. */
function scopeNow() {
  const scope = {};
  for (const name of FILTERS) {
    if (place.filters[name].length > 1) return null;
    if (place.filters[name].length === 1) scope[name] = place.filters[name][0];
  }
  return scope;
}
const scopeWords = scope => Object.values(scope).map(text).join(" · ") || "everyone";
const scopeWanted = scope => FILTERS.every(name => !(name in scope) || passes(name, scope[name]));
/* What the policy wants of attainment: the attainment of a contract says it, a watermelon, or a credit line. */
function attainmentTarget() {
  for (const kept of facts.attainment.values()) if (number(kept.target) !== null) return kept.target;
  for (const melon of facts.watermelon.values()) if (number(object(melon.attainment).target) !== null) return melon.attainment.target;
  for (const credit of facts.credit.values())
    for (const line of list(credit.lines)) if (number(object(line).target) !== null && !line.bonus) return line.target;
  return null;
}
