
/* ---- ticket: why its clocks say what they say, as a picture ---- */

const ASK_AGAIN_MS = 30000, SEGMENTS_MAX = 400, STEPS_MAX = 200, CLOCKS_MAX = 60;
const WHY = {counted: "counted", closed: "out of hours", paused: "waits", over: "over for now"};
const asked = {ticket: "", at: -Infinity, sign: "", stop: null, life: null, about: null, problem: "", elsewhere: false, heard_ms: NaN};

/* One GET of the API; a ticket that another process holds is redirected there, which a page may not follow. */
async function askFor(path, signal) {
  const answer = await fetch(path, {redirect: "manual", signal, headers: {Accept: "application/json"}});
  if (answer.type === "opaqueredirect") return {elsewhere: true};
  const body = await answer.json().catch(() => ({}));
  return answer.ok ? {body} : {problem: answer.status === 404 ? "No process knows this ticket: never seen, or gone since." : text(body.detail) || "The daemon answered " + answer.status + "."};
}
async function askTicket() {
  const ticket = place.ticket, path = "/api/v1/tickets/" + encodeURIComponent(ticket);
  if (asked.stop) asked.stop.abort();
  const stop = new AbortController();
  if (asked.ticket !== ticket) Object.assign(asked, {life: null, about: null, problem: "", elsewhere: false, heard_ms: NaN});
  Object.assign(asked, {ticket, at: performance.now(), stop});
  try {
    const [life, about] = await Promise.all([askFor(path + "/explain", stop.signal), askFor(path, stop.signal)]);
    if (place.ticket !== ticket) return;
    Object.assign(asked, {life: life.body || null, about: about.body || null, problem: life.problem || "", elsewhere: !!life.elsewhere, heard_ms: serverNow()});
  } catch (error) {
    if (error.name === "AbortError") return;
    asked.problem = asked.life ? "" : "The daemon cannot be asked now.";
  }
  tick(true);
}
/* What the stream says of a ticket, so that a change asks anew. */
function signOf(ticket) {
  const said = [];
  for (const clock of openClocks()) if (clock.ticket === ticket) said.push(clock.id, clock.state, clock.due_ms, clock.turn);
  for (const alert of facts.alerts.values()) if (alert.ticket === ticket) said.push(alert.key, alert.said, alert.heard_ms);
  return said.join("|");
}
/* Clocks as the picture needs them; what is not as documented is left out. */
function livesOf(life) {
  return list(life && life.clocks).map(object).slice(0, CLOCKS_MAX).map(one => {
    const v = object(one.clock);
    return {
      ...clockOf(v), risk: one.risk && riskOf({risk: one.risk.probability, foresight: one.risk}), fires_ms: instant(object(one.risk).fires_at), cycle: number(v.cycle) || 1, measure: text(v.measure), calendar: text(v.calendar), zone: text(v.time_zone), policy: text(v.policy),
      started_ms: instant(v.started_at), breached_ms: instant(v.breached_at), stopped_ms: instant(v.stopped_at), overrun_ms: number(v.overrun_ms) || 0,
      stages: list(one.stages).map(object).map(stage => ({stage: text(stage.stage), at_ms: instant(stage.at), projected: stage.projected === true})).filter(stage => !isNaN(stage.at_ms)),
      stretches: list(one.stretches).map(object).map(stretch => ({
        from_ms: instant(stretch.from), to_ms: instant(stretch.to), why: text(stretch.why), party: text(stretch.party), projected: stretch.projected === true,
        counted_ms: number(stretch.counted_ms) || 0, elapsed_ms: number(stretch.elapsed_ms) || 0, cause: object(stretch.cause),
      })).filter(stretch => stretch.to_ms >= stretch.from_ms),
    };
  });
}
/* A counted stretch that the breach lies in becomes two. */
function segmentsOf(clock) {
  const segments = [];
  for (const stretch of clock.stretches.slice(0, SEGMENTS_MAX)) {
    const name = stretch.why === "counted" ? "counted" : stretch.why === "paused" ? "paused-time" : stretch.why === "over" ? "over" : "closed";
    const cut = name === "counted" && clock.breached_ms < stretch.to_ms ? Math.max(stretch.from_ms, clock.breached_ms) : stretch.to_ms;
    if (cut > stretch.from_ms) segments.push({from_ms: stretch.from_ms, to_ms: cut, name, projected: stretch.projected});
    if (cut < stretch.to_ms) segments.push({from_ms: cut, to_ms: stretch.to_ms, name: "late", projected: stretch.projected});
  }
  return segments;
}
/* Who had the ball, out of the clock that saw most of the ticket's life. */
function ballOf(clocks) {
  const past = clock => clock.stretches.filter(stretch => !stretch.projected), length = clock => past(clock).reduce((sum, stretch) => sum + stretch.to_ms - stretch.from_ms, 0);
  const longest = [...clocks].sort((a, b) => length(b) - length(a))[0], turns = [];
  for (const stretch of longest ? past(longest) : []) {
    const last = turns[turns.length - 1];
    if (last && last.party === stretch.party && last.to_ms === stretch.from_ms) last.to_ms = stretch.to_ms;
    else turns.push({party: stretch.party, from_ms: stretch.from_ms, to_ms: stretch.to_ms});
  }
  return turns.slice(-SEGMENTS_MAX);
}
function scaleOf(clocks, now) {
  const from = Math.min(now - 60000, ...clocks.map(clock => clock.started_ms).filter(isFinite)), most = now + Math.max(7 * 864e5, 2 * (now - from));
  const ends = clocks.flatMap(clock => [clock.due_ms, clock.stopped_ms, ...clock.stretches.map(stretch => stretch.to_ms), ...clock.stages.map(stage => stage.at_ms)]).filter(isFinite);
  const running = clocks.some(clock => clock.state === "running" || clock.state === "paused" || (clock.state === "breached" && isNaN(clock.stopped_ms)));
  const to = Math.min(most, Math.max(running ? now : -Infinity, from + 60000, ...ends)) + (running ? (now - from) * .02 : 0);
  return {from, to, part: ms => (ms - from) / (to - from) * 100, running};
}
function ticksOf(scale) {
  const steps = [5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10080, 43200, 129600].map(minutes => minutes * 60000);
  const most = innerWidth > 720 ? 8 : 4, step = steps.find(step => (scale.to - scale.from) / step <= most) || (scale.to - scale.from) / most;
  const zone = new Date(scale.from).getTimezoneOffset() * 60000, ticks = [];
  for (let at = Math.ceil((scale.from - zone) / step) * step + zone, day = ""; at < scale.to && ticks.length <= most + 1; at += step) {
    const date = new Date(at), time = two(date.getHours()) + ":" + two(date.getMinutes()), sameDay = date.toDateString() === day;
    ticks.push({at, words: step >= 864e5 ? dayOf(at) : sameDay ? time : date.toLocaleDateString("en-GB", {weekday: "short"}) + " " + time});
    day = date.toDateString();
  }
  return ticks;
}
function causeWords(cause) {
  const event = text(cause.event), kind = cause.kind === "merge_in" ? "merged in " + text(cause.ticket) : cause.kind === "policy" ? "policy " + text(cause.policy) : text(cause.type);
  return [text(cause.status), text(cause.group), kind, event].filter(Boolean).join(" · ");
}
function leftOf(clock, now) {
  if (!isNaN(clock.breached_ms)) return {figure: "+" + span(isNaN(clock.stopped_ms) ? now - clock.breached_ms : clock.stopped_ms - clock.breached_ms), state: "bad", verdict: isNaN(clock.stopped_ms) ? "overdue" : "was late"};
  if (clock.state === "running" && !isNaN(clock.due_ms)) { const left = Math.max(0, clock.due_ms - now); return {figure: span(left), state: left < SOON_MS ? "warn" : "", verdict: left < SOON_MS ? "soon" : "left"}; }
  if (clock.state === "paused") return {figure: span(Math.max(0, clock.target_ms - clock.elapsed_ms)), state: "", verdict: "left, paused"};
  return {figure: span(clock.elapsed_ms), state: clock.state === "met" ? "good" : "", verdict: clock.state};
}

addView("ticket", "Ticket", node => {
  const head = make("div", "about", node), title = make("b", "", head), attributes = make("span", "", head), tiles = make("div", "tiles", node);
  title.append(make("bdi"));
  const problem = make("p", "none", node), others = make("p", "none", node);
  const life = makePanel(node, "life", "", "Its life", "┅ "), lanes = make("div", "lanes", make("div", "life", life.rows)), legend = make("ul", "keys legend", life.rows);
  const steps = make("div", "", life.rows), alerts = makePanel(node, "its-alerts", "", "Its alerts", "▲ ");
  const alertTable = makeTable(alerts.rows, "words", ["Stage", "Clock", "Since", "State", "Reason"]), acknowledge = makeAcknowledge(alerts.rows);
  const fillTiles = keyed(tiles, () => { const made = {}; made.set = makeTile(tiles, "", ""); made.node = tiles.lastChild; made.node.removeAttribute("id"); return made; });
  const fillLanes = keyed(lanes, makeLane), fillSteps = keyed(steps, makeSteps), fillOthers = keyed(others, () => ({node: make("a")}));
  for (const [pattern, words] of [["counted", "counted"], ["late", "counted, late"], ["paused-time", "waits: not counted"], ["closed", "out of hours"], ["provider", "provider has the ball"], ["supplier", "supplier"], ["customer", "customer"], ["customer_supplier", "customer’s supplier"]]) {
    const item = make("li", "", legend);
    make("i", pattern, make("span", "lane", item));
    item.append(words);
  }
  for (const words of ["▼ warned", "▽ will warn", "◇ due", "▲ breached", "■ ended", "┃ now", "dashed: still to come"]) make("li", "", legend, words);

  function makeLane() {
    const made = {node: make("div", "lane-row")};
    made.node.style.display = "contents";
    made.about = make("div", "lane-name", made.node);
    made.name = make("div", "", made.about);
    made.word = make("div", "word", made.about);
    made.lane = make("div", "lane", made.node);
    made.lane.setAttribute("role", "img");
    made.segments = keyed(make("div", "", made.lane), () => ({node: make("i")}));
    made.marks = keyed(make("div", "", made.lane), () => ({node: make("em", "mark")}));
    made.now = make("span", "nowline", made.lane);
    return made;
  }
  function place_(segment, scale, from, to) {
    const left = Math.max(0, scale.part(from)), right = Math.min(100, scale.part(to));
    segment.style.left = left.toFixed(3) + "%";
    segment.style.width = Math.max(0, right - left).toFixed(3) + "%";
  }
  function marksOf(clock, now) {
    const marks = clock.stages.map(stage => ({at: stage.at_ms, sign: stage.projected || stage.at_ms > now ? "▽" : "▼", name: "warn", words: stage.stage}));
    if (!isNaN(clock.breached_ms)) marks.push({at: clock.breached_ms, sign: "▲", name: "bad", words: "breached"});
    else if (!isNaN(clock.due_ms)) marks.push({at: clock.due_ms, sign: "◇", name: "", words: "due"});
    if (!isNaN(clock.stopped_ms)) marks.push({at: clock.stopped_ms, sign: "■", name: "", words: clock.state});
    return marks;
  }
  function fillLane(made, clock, scale, now) {
    const {verdict, figure} = leftOf(clock, now), late = !isNaN(clock.breached_ms);
    mark(made.about, "under", clock.kind !== "sla");
    say(made.name, kindWord(clock) + clock.clock + (clock.cycle > 1 ? " #" + clock.cycle : ""));
    say(made.word, (late ? "▲ " : "") + figure + " " + verdict + " · of " + length(clock.target_ms) + (clock.risk ? " · " + Math.round(clock.risk.p * 100) + "% likely late" : ""));
    made.word.classList.toggle("bad-text", late);
    made.segments(segmentsOf(clock).map((segment, i) => ({...segment, i})), segment => segment.i, (child, segment) => {
      child.node.className = segment.name + (segment.projected ? " projected" : "");
      place_(child.node, scale, segment.from_ms, segment.to_ms);
    });
    const marks = marksOf(clock, now).filter(one => one.at >= scale.from && one.at <= scale.to);
    made.marks(marks, one => one.sign + one.words, (child, one) => {
      child.node.className = "mark " + one.name;
      say(child.node, one.sign);
      child.node.title = one.words + " " + clockTime(one.at);
      child.node.style.left = scale.part(one.at).toFixed(3) + "%";
    });
    made.lane.setAttribute("aria-label", clock.clock + ": " + clock.state + ", counted " + span(clock.elapsed_ms) + " of " + length(clock.target_ms) + marks.map(one => ", " + one.words + " " + clockTime(one.at)).join(""));
    show(made.now, scale.running);
    made.now.style.left = scale.part(now).toFixed(3) + "%";
  }
  function fillBall(made, turns, scale, now) {
    say(made.name, "Who had the ball");
    say(made.word, turns.length ? "now: " + turnWord(turns[turns.length - 1].party) : "");
    made.lane.className = "lane ball-lane";
    made.segments(turns.map((turn, i) => ({...turn, i})), turn => turn.i, (child, turn) => {
      child.node.className = turn.party;
      child.node.title = turnWord(turn.party) + " " + span(turn.to_ms - turn.from_ms);
      place_(child.node, scale, turn.from_ms, turn.to_ms);
    });
    const sums = {};
    for (const turn of turns) sums[turn.party] = (sums[turn.party] || 0) + turn.to_ms - turn.from_ms;
    made.lane.setAttribute("aria-label", "Who had the ball: " + Object.entries(sums).map(([party, ms]) => turnWord(party) + " " + span(ms)).join(", "));
    show(made.now, scale.running);
    made.now.style.left = scale.part(now).toFixed(3) + "%";
  }
  function fillAxis(made, scale) {
    made.lane.className = "lane axis";
    made.lane.removeAttribute("role");
    say(made.name, "");
    show(made.now, false);
    made.marks(ticksOf(scale), tick => tick.at, (child, tick) => {
      const part = scale.part(tick.at);
      child.node.className = "tick" + (part < 4 ? " first" : part > 96 ? " last" : "");
      say(child.node, tick.words);
      child.node.style.left = part.toFixed(3) + "%";
    });
  }
  function makeSteps() {
    const made = {node: make("details", "steps")};
    made.title = make("summary", "", made.node);
    made.risk = make("bdi", "", make("p", "risk", made.node));
    made.node.addEventListener("toggle", () => tick(true));
    made.table = makeTable(made.node, "", ["From", "To", "What", "Who had the ball", "Counted", "Sum", "Why"]);
    return made;
  }
  function fillStep(made, clock) {
    say(made.title, clock.kind + "/" + clock.clock + (clock.cycle > 1 ? " #" + clock.cycle : "") + ": " + plural(clock.stretches.length, "stretch", "stretches") + ", counted " + span(clock.elapsed_ms) + " of " + length(clock.target_ms) + " · " + clock.calendar + " (" + clock.zone + "), policy " + clock.policy);
    show(made.risk.parentNode, clock.risk);
    if (clock.risk) say(made.risk, [riskWords(clock.risk), clock.risk.why, isNaN(clock.fires_ms) ? "" : "if nothing happens an alert " + clockTime(clock.fires_ms)].filter(Boolean).join(" · "));
    if (!made.node.open) return;
    made.table.fill(clock.stretches.slice(0, STEPS_MAX), stretch => stretch.from_ms + "|" + stretch.to_ms + "|" + stretch.why + "|" + stretch.projected, stretch => [clockTime(stretch.from_ms), clockTime(stretch.to_ms),
      (stretch.projected ? "then: " : "") + (WHY[stretch.why] || stretch.why), turnWord(stretch.party), stretch.counted_ms ? span(stretch.counted_ms) : "–", span(stretch.elapsed_ms), causeWords(stretch.cause)]);
  }
  function renderHead(clocks) {
    const about = object(asked.about), v = object(about.attributes), listed = clocks[0] || [...openClocks()].find(clock => clock.ticket === place.ticket) || [...facts.alerts.values()].find(alert => alert.ticket === place.ticket) || {};
    say(title.firstChild, place.ticket);
    const waits = list(about.waits_for).map(turnWord).filter(Boolean).join(" and ");
    say(attributes, [text(v.customer) || listed.customer, text(v.service) || listed.service, text(v.priority) || listed.priority, text(v.group) || listed.group, text(about.state), text(about.status) ? "status " + text(about.status) : "", waits ? "the ball: " + waits : ""].filter(Boolean).join(" · "));
  }
  function renderProblem() {
    say(problem, !place.ticket ? "Which ticket? Type its id above, or choose one in Now." : asked.problem || (asked.elsewhere ? "Another process holds this ticket. Look at its board:" : asked.life ? "" : "Asking …"));
    show(problem, problem.textContent);
    /* A link that came from outside may only lead to a web page. */
    const web = [...new Set([...facts.opens.values()].map(open => open.api))].filter(api => { try { return /^https?:$/.test(new URL(api).protocol); } catch { return false; } });
    const there = asked.elsewhere && place.ticket ? web.slice(0, 20) : [];
    fillOthers(there, api => api, (child, api) => { child.node.href = new URL("/?view=ticket&ticket=" + encodeURIComponent(place.ticket), api).href; child.node.rel = "noreferrer"; say(child.node, api + " "); });
    show(others, there.length);
  }
  function renderAlerts() {
    const its = [...facts.alerts.values()].filter(alert => alert.ticket === place.ticket).sort((a, b) => b.effective_ms - a.effective_ms).slice(0, ROWS_MAX);
    alertTable.fill(its, alert => alert.key, alert => [{main: alert.stage}, alert.clock || alert.survey, clockTime(alert.effective_ms),
      {main: alert.said === "acknowledged" ? "✓ acknowledged" + (alert.by ? " by " + alert.by : "") : alert.said === "repeated" ? "▲ repeated " + (alert.n || "") : "▲ firing", state: alert.said === "acknowledged" ? "" : alert.severity === "critical" ? "bad" : "warn"}, {main: "", side: alert.reason}]);
    show(alerts.node, place.ticket && its.length);
    acknowledge(its.filter(alert => alert.said === "firing" || alert.said === "repeated"));
    tellAge(alerts.node, alerts.age, newest(its), "changed", 0);
  }
  return {
    render(full) {
      const sign = signOf(place.ticket), now = serverNow();
      if (place.ticket && isConnected() && (asked.ticket !== place.ticket || sign !== asked.sign && performance.now() - asked.at > 1000 || performance.now() - asked.at > ASK_AGAIN_MS)) { asked.sign = sign; askTicket(); }
      if (!place.ticket) asked.life = null;
      const clocks = asked.ticket === place.ticket ? livesOf(asked.life) : [], there = clocks.filter(clock => !isNaN(clock.started_ms)), scale = scaleOf(there, now);
      const order = {sla: 0, ola: 1, uc: 2}, open = clock => clock.state === "running" || clock.state === "paused" || clock.state === "breached" && isNaN(clock.stopped_ms) ? 0 : 1;
      there.sort((a, b) => order[a.kind] - order[b.kind]);
      renderHead(clocks);
      renderProblem();
      fillTiles([...there].sort((a, b) => open(a) - open(b)).slice(0, 6), clock => clock.id, (made, clock) => {
        const left = leftOf(clock, now);
        made.set({...left, side: kindWord(clock) + clock.clock, goal: length(clock.target_ms), goalWord: "of", at: asked.heard_ms, word: "asked",
                  note: clock.state === "paused" ? "due unknown while it waits" : isNaN(clock.due_ms) ? clock.state : (clock.due_ms < now ? "was due " : "due ") + clockTime(clock.due_ms)});
      });
      show(life.node, there.length);
      const rows = [{key: "axis"}, {key: "ball"}, ...there.map(clock => ({key: clock.id, clock}))];
      if (there.length) fillLanes(rows, row => row.key, (made, row) => row.key === "axis" ? fillAxis(made, scale) : row.key === "ball" ? fillBall(made, ballOf(there), scale, now) : fillLane(made, row.clock, scale, now));
      if (full || there.length) fillSteps(there, clock => clock.id, fillStep);
      tellAge(life.node, life.age, asked.heard_ms, "asked", 4 * ASK_AGAIN_MS);
      renderAlerts();
    },
  };
});

/* A person says who they are, and that they have it. */
function makeAcknowledge(parent) {
  const form = make("form", "item", parent), label = make("label", "", form, "I have it in hand. My name: "), name = make("input", "", label), button = make("button", "", form, "Acknowledge"), answer = make("p", "", form);
  name.required = true; name.maxLength = 200; name.autocomplete = "nickname";
  answer.setAttribute("role", "status");
  let wanted = [];
  form.addEventListener("submit", async event => {
    event.preventDefault();
    say(answer, "Telling …");
    let refused = "";
    for (const alert of wanted.slice(0, 20)) {
      try {
        const told = await fetch("/api/v1/alerts/" + encodeURIComponent(alert.key) + "/ack", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({by: name.value.trim()})});
        if (!told.ok) refused = text(object(await told.json().catch(() => ({}))).detail) || "the daemon answered " + told.status;
      } catch { refused = "the daemon cannot be reached"; }
    }
    say(answer, refused ? "▲ Not acknowledged: " + refused : "✓ Told.");
  });
  return alerts => { wanted = alerts; show(form, alerts.length && !place.tv); if (!alerts.length) say(answer, ""); };
}
