
/* ---- experience: how users feel ---- */

/* Attainment as agreed and as it honestly was, in one tile: the honest figure is the big one. */
function keptTile(score, window) {
  const both = object(score && score.attainment), agreed = object(both.contract), honest = object(both.honest), value = number(honest.value);
  const target = attainmentTarget(), what = {side: window, figure: "–", at: score ? score.heard_ms : NaN, goal: target === null ? "" : "≥ " + percent(target), note: "no verdict yet"};
  if (value === null) return what;
  return {...what, ...judge(value, target), figure: percent(value), note: "honest; agreed " + (number(agreed.value) === null ? "–" : percent(agreed.value)) + " · n " + grouped(number(honest.n) || 0)};
}
const KEI_UNITS = {share: percent, points: value => signed(value, 1), ms: value => span(value)};
const LESS_IS_BETTER = /^(lost_minutes|reopen_rate|repeat_contact_rate|bounce_count|experienced_p50|experienced_p90|tier_share:(?!1$))/;
function trendOf(kei) {
  const trend = object(kei.trend), difference = number(trend.difference), z = number(trend.z);
  if (difference === null) return "";
  const sure = z !== null && Math.abs(z) >= 1.96, better = LESS_IS_BETTER.test(text(kei.measure)) ? difference < 0 : difference > 0;
  if (difference === 0) return "→ as before";
  return (difference > 0 ? "↑ " : "↓ ") + (better ? "better" : "worse") + (z !== null && !sure ? ", by chance perhaps" : "");
}
function renderCells(row, cells) {
  while (row.node.children.length < cells.length) make(row.node.children.length ? "td" : "th", "", row.node);
  while (row.node.children.length > cells.length) row.node.lastChild.remove();
  cells.forEach((cell, i) => {
    const node = row.node.children[i], {main, side, state} = typeof cell === "string" ? {main: cell} : cell;
    if (i === 0) node.scope = "row";
    if (!node.firstChild) { make(i ? "strong" : "bdi", "", node); make("span", "", node); }
    say(node.children[0], main || "");
    say(node.children[1], side ? " " + side : "");
    tint(node, state);
    for (const name of ["good", "warn", "bad"]) mark(node.children[0], name + "-text", state === name);
  });
}
function makeTable(parent, name, heads) {
  const node = make("table", name, parent), head = make("tr", "", make("thead", "", node)), body = make("tbody", "", node);
  const tell = words => {
    while (head.children.length > words.length) head.lastChild.remove();
    words.forEach((word, i) => { const cell = head.children[i] || make("th", "", head); cell.scope = "col"; say(cell, word); });
  };
  tell(heads);
  const fill = keyed(body, () => ({node: make("tr")}));
  return {node, tell, fill: (items, keyOf, cellsOf) => fill(items, keyOf, (row, item) => renderCells(row, cellsOf(item)))};
}
/* A figure for a cell: its shape, how sure it is, on how many answers. */
function scoreCell(score, name) {
  const value = measured(score, name), kind = KINDS[name];
  if (!value) return {main: "–", side: score ? "n " + grouped(number(score.n) || 0) + ", too few" : ""};
  const {state} = judge(value.value, targetOf(score, name), number(value.high)), shape = state ? SHAPES[state] + " " : "";
  return {main: shape + kind.say(value.value), side: kind.say(value.low) + " … " + kind.say(value.high) + ", n " + grouped(number(value.n) || 0), state: state === "good" ? "" : state};
}
function meltedWords(melon) {
  const kept = object(melon.attainment), px = object(melon.px), nps = object(melon.nps), said = [];
  if (number(kept.value) !== null) said.push("SLA " + percent(kept.value) + " kept (target " + percent(number(kept.target) || 0) + ")");
  if (number(px.value) !== null) said.push("PX " + percent(px.value) + " of " + percent(number(px.target) || 0) + ", n " + grouped(number(px.n) || 0));
  if (number(nps.value) !== null) said.push("NPS " + points(nps.value) + " of " + points(number(nps.target) || 0));
  return said.join(" · ");
}
const aspectWords = aspects => list(aspects).map(object).map(one => text(one.aspect) + " " + percent(number(one.share) || 0)).join(", ");

addView("experience", "Experience", node => {
  const tiles = make("div", "tiles", node), windows = make("nav", "windows", node), spread = make("div", "spread", node);
  windows.setAttribute("aria-label", "Window");
  const tile = {px: makeTile(tiles, "e-px", "PX"), nps: makeTile(tiles, "e-nps", "NPS"), kept: makeTile(tiles, "e-kept", "SLA kept"), melons: makeTile(tiles, "melons", "Watermelons"),
                unhappy: makeTile(tiles, "unhappy", "Unhappy, open"), asked: makeTile(tiles, "asked", "Answered")};
  const panel = (id, name, title, shape) => makePanel(spread, id, name, title, shape);
  const matrix = panel("matrix", "eight", "Touchpoint × user group, PX", "▦ "), keis = panel("keis", "four", "Key indicators", "◎ ");
  const customers = panel("customers", "six", "By customer", "♡ "), melons = panel("ripe", "six", "Watermelons: kept outside, red inside", "◐ "), unhappy = panel("detractors", "twelve", "Unhappy answers nobody has settled", "☹ ");
  matrix.table = makeTable(matrix.rows, "matrix", []);
  keis.fill = keyed(make("ul", "", keis.rows), makeItem);
  customers.table = makeTable(customers.rows, "", ["Customer", "PX", "NPS", "SLA kept, honest", "As agreed"]);
  melons.fill = keyed(make("ul", "", melons.rows), () => { const item = makeItem(); item.share = makeShare(item.node, "Where the time went"); return item; });
  unhappy.table = makeTable(unhappy.rows, "words", ["Ticket", "Customer", "Answer", "Since", "State"]);
  for (const one of [matrix, keis, customers, melons, unhappy]) one.none = make("p", "none", one.rows);
  const links = keyed(windows, () => { const link = {node: make("a")}; link.node.dataset.go = ""; return link; });

  function makeItem() {
    const item = {node: make("li", "item")}, head = make("h3", "", item.node);
    item.name = make("bdi", "", head);
    item.value = make("b", "", head);
    item.first = make("p", "", item.node);
    item.second = make("p", "", item.node);
    return item;
  }
  function renderTiles(score, window) {
    tile.px(scoreTile("px", score, window));
    tile.nps(scoreTile("nps", score, window));
    tile.kept(keptTile(score, window));
    const all = [...facts.watermelon.values()].filter(melon => scopeWanted(melon.scope)), ripe = all.filter(melon => melon.state === "ripe");
    tile.melons({figure: all.length || facts.score.size ? grouped(ripe.length) : "–", goal: "0", state: ripe.length ? "bad" : "good", verdict: ripe.length ? "ripe" : "none ripe", note: "promise kept, users unhappy", at: newest(all.length ? all : facts.score.values())});
    const open = detractors();
    tile.unhappy({figure: facts.opens.size || facts.score.size ? grouped(open.length) : "–", goal: "0", state: open.length ? "warn" : "good", verdict: open.length ? "to settle" : "none", note: grouped(open.filter(one => one.said === "acknowledged").length) + " in hand", at: newest(open.length ? open : facts.score.values())});
    const rate = object(score && score.response_rate), value = number(rate.value);
    tile.asked({side: window, figure: value === null ? "–" : percent(value), note: value === null ? "no survey offered" : grouped(number(rate.answered) || 0) + " of " + grouped(number(rate.offered) || 0) + " asked", at: score ? score.heard_ms : NaN});
    return {ripe, open};
  }
  const detractors = () => [...facts.alerts.values()].filter(alert => alert.stage === "detractor" && isWanted(alert)).sort((a, b) => b.effective_ms - a.effective_ms);
  function renderMatrix(window) {
    const filter = scopeNow() || {}, names = Object.keys(filter);
    const fits = (score, more) => score.window === window && Object.keys(score.scope).length === 2 + more.length && "touchpoint" in score.scope && "user_group" in score.scope && more.every(name => score.scope[name] === filter[name]);
    const all = [...facts.score.values()];
    let cells = all.filter(score => fits(score, names));
    const everyone = place.filtered && cells.length === 0;
    if (everyone) cells = all.filter(score => fits(score, []));
    const groups = [...new Set(cells.map(score => score.scope.user_group))].sort().slice(0, 12), touchpoints = [...new Set(cells.map(score => score.scope.touchpoint))].sort().slice(0, 30);
    matrix.table.tell(["Touchpoint", ...groups]);
    matrix.table.fill(touchpoints, touchpoint => touchpoint, touchpoint => [touchpoint, ...groups.map(group =>
      scoreCell(cells.find(score => score.scope.touchpoint === touchpoint && score.scope.user_group === group), "px"))]);
    show(matrix.table.node, cells.length);
    show(matrix.none, !cells.length || everyone);
    say(matrix.none, cells.length ? "Of everyone: the policy keeps no such scope for this filter." : "The policy keeps no scope [touchpoint, user_group], or nobody answered.");
    tellAge(matrix.node, matrix.age, newest(cells), "changed", 0);
  }
  function renderKeis() {
    const all = [...facts.kei.values()].sort((a, b) => (a.met === false ? 0 : 1) - (b.met === false ? 0 : 1) || (text(a.name) < text(b.name) ? -1 : 1)).slice(0, ROWS_MAX);
    keis.fill(all, kei => kei.key, (item, kei) => {
      const print = KEI_UNITS[kei.unit] || String, value = number(kei.value);
      say(item.name, text(kei.name));
      say(item.value, value === null ? "– too little" : (kei.met === true ? "● " : "▲ ") + print(value));
      mark(item.value, "bad-text", kei.met === false);
      mark(item.value, "good-text", kei.met === true && isFresh());
      say(item.first, [kei.met === true ? "met" : kei.met === false ? "missed" : "", "target " + (LESS_IS_BETTER.test(text(kei.measure)) ? "≤ " : "≥ ") + (kei.unit === "ms" ? length : print)(number(kei.target) || 0), text(kei.measure).replace(/_/g, " "), text(kei.window), "n " + grouped(number(kei.n) || 0), trendOf(kei)].filter(Boolean).join(" · "));
      say(item.second, [text(kei.owner) ? "owner " + text(kei.owner) : "nobody owns it", kei.overdue === true ? "◆ REVIEW OVERDUE since " + text(kei.review_by) : text(kei.review_by) ? "review by " + text(kei.review_by) : ""].filter(Boolean).join(" · "));
      mark(item.second, "warn-text", kei.overdue === true);
    });
    show(keis.none, !all.length);
    say(keis.none, "The policy declares no key indicator.");
    tellAge(keis.node, keis.age, newest(all), "changed", 0);
  }
  function renderCustomers(window) {
    const rows = [...facts.score.values()].filter(score => score.window === window && Object.keys(score.scope).join() === "customer" && scopeWanted(score.scope));
    const px = score => measured(score, "px") ? score.px.value : 2;
    rows.sort((a, b) => px(a) - px(b) || (a.scope.customer < b.scope.customer ? -1 : 1));
    customers.table.fill(rows.slice(0, ROWS_MAX), score => score.key, score => {
      const both = object(score.attainment), share = view => number(object(both[view]).value) === null ? "–" : {main: percent(both[view].value), side: "n " + grouped(number(both[view].n) || 0)};
      return [score.scope.customer, scoreCell(score, "px"), scoreCell(score, "nps"), share("honest"), share("contract")];
    });
    show(customers.table.node, rows.length);
    show(customers.none, !rows.length);
    say(customers.none, "The policy keeps no scope [customer], or nobody answered.");
    tellAge(customers.node, customers.age, newest(rows), "changed", 0);
  }
  function renderMelons(ripe) {
    melons.fill(ripe.slice(0, ROWS_MAX), melon => melon.key, (item, melon) => {
      say(item.name, text(melon.contract) + " · " + scopeWords(melon.scope));
      say(item.value, "▲ RIPE " + span(serverNow() - instant(melon.since)));
      mark(item.value, "bad-text", true);
      say(item.first, meltedWords(melon));
      const bad = aspectWords(melon.negative_aspects), good = aspectWords(melon.positive_aspects);
      say(item.second, [bad ? "complaints: " + bad : "", good ? "praise: " + good : ""].filter(Boolean).join(" · "));
      item.share(object(melon.lost_by_party), percent);
    });
    show(melons.none, !ripe.length);
    say(melons.none, "None is ripe.");
    mark(melons.node, "some", ripe.length);
    tellAge(melons.node, melons.age, newest(ripe), "changed", 0);
  }
  function renderUnhappy(open) {
    unhappy.table.fill(open.slice(0, ROWS_MAX), alert => alert.key, alert => [alert.ticket || "no ticket", alert.customer || "–", (alert.scale || "answer") + " " + (alert.score ?? ""), ago(alert.effective_ms),
      alert.said === "acknowledged" ? "✓ in hand" + (alert.by ? ": " + alert.by : "") : alert.said === "repeated" ? "▲ open, said " + ((alert.n || 0) + 1) + " times" : "▲ open"]);
    show(unhappy.node, open.length);
    say(unhappy.none, "");
    show(unhappy.none, false);
    tellAge(unhappy.node, unhappy.age, newest(open), "changed", 0);
  }
  return {
    render(full) {
      if (!full) { retellAges(node); return; }
      const window = windowNow(), scope = scopeNow(), {ripe, open} = renderTiles(scope ? scoreOf(scope, window) : undefined, window), seen = windowsSeen();
      links(seen, name => name, (link, name) => {
        say(link.node, name);
        link.node.setAttribute("href", address({window: name}));
        if (name === window) link.node.setAttribute("aria-current", "true"); else link.node.removeAttribute("aria-current");
      });
      show(windows, seen.length > 1);
      renderMatrix(window);
      renderKeis();
      renderCustomers(window);
      renderMelons(ripe);
      renderUnhappy(open);
    },
  };
});
