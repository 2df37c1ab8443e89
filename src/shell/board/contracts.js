
/* ---- contracts: what is at stake ---- */

const PXA = {
  no_data: {state: "", words: "no answers yet"}, provisional: {state: "", words: "provisional, too few answers"}, healthy: {state: "good", words: "healthy"},
  plan: {state: "warn", words: "improvement plan"}, release_right: {state: "bad", words: "the customer may leave"},
};
const PXA_ORDER = ["release_right", "plan", "healthy", "provisional", "no_data"];

addView("contracts", "Contracts", node => {
  const tiles = make("div", "tiles", node), cards = make("div", "cards", node), none = make("p", "none", node, "No contract has been heard of yet.");
  const tile = {release: makeTile(tiles, "release", "May leave"), plan: makeTile(tiles, "plan", "In a plan"), worst: makeTile(tiles, "worst", "Lowest PX"), risk: makeTile(tiles, "exposure", "Credits now"),
                honest: makeTile(tiles, "honest", "Worst kept"), ripe: makeTile(tiles, "c-ripe", "Watermelons")};
  const fill = keyed(cards, makeCard);

  function makeCard() {
    const card = {node: make("article", "card")}, head = make("h2", "", card.node);
    card.name = make("bdi", "", head);
    card.state = make("p", "state", card.node);
    card.plan = make("div", "plan", card.node);
    card.planWords = make("p", "", card.plan);
    const part = make("div", "part", card.plan);
    part.setAttribute("aria-hidden", "true");
    card.planPart = make("i", "", part);
    const facts = make("dl", "", card.node);
    const line = name => { make("dt", "", facts, name); const place = make("dd", "", facts); return {main: make("strong", "", place), side: make("span", "", place)}; };
    card.px = line("PX");
    card.range = makeRange(card.px.main.parentNode);
    card.honest = line("SLA kept, honest");
    card.agreed = line("as agreed");
    card.money = line("Credits now");
    const exposed = make("div", "part", card.money.main.parentNode);
    exposed.setAttribute("aria-hidden", "true");
    card.moneyPart = make("i", "", exposed);
    card.bonus = line("Bonus");
    card.lines = make("ul", "", card.node);
    card.fillLines = keyed(card.lines, () => ({node: make("li", "detail")}));
    card.melons = make("p", "", card.node);
    card.age = make("p", "age", card.node);
    return card;
  }
  /* What is known of every contract, by its name. */
  function contracts(window) {
    const found = new Map(), of = name => { if (!found.has(name)) found.set(name, {name, melons: []}); return found.get(name); };
    for (const type of ["pxa", "credit", "attainment"]) for (const value of facts[type].values()) of(text(value.contract))[type] = value;
    for (const melon of facts.watermelon.values()) if (melon.state === "ripe") of(text(melon.contract)).melons.push(melon);
    for (const score of facts.score.values())
      if (score.window === window && Object.keys(score.scope).join() === "contract") of(score.scope.contract).score = score;
    const rank = one => one.pxa ? PXA_ORDER.indexOf(one.pxa.state) : PXA_ORDER.length;
    return [...found.values()].filter(one => one.name && passes("contract", one.name)).sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  }
  /* Attainment of a contract: its own of the running month, or that of its scope, or else of its credit lines, worst first. */
  function keptOf(one) {
    for (const [from, of] of [[one.attainment, one.attainment && text(one.attainment.month)], [one.score, one.score && one.score.window]]) {
      const both = object(from && from.attainment);
      if (number(object(both.honest).value) !== null) return {honest: both.honest, agreed: object(both.contract), of, target: number(from.target) ?? attainmentTarget()};
    }
    const lines = list(object(one.credit).lines).map(object).filter(line => number(object(line.honest).value) !== null).sort((a, b) => a.honest.value - b.honest.value);
    return lines.length ? {honest: lines[0].honest, agreed: object(lines[0].contract), of: text(lines[0].clock) + " this month", target: number(lines[0].target)} : null;
  }
  const planWords = pxa => {
    const until = instant(pxa.plan_until), left = until - serverNow();
    return isNaN(until) ? "" : left > 0 ? "plan ends in " + span(left) + ", " + dayOf(until) : "plan is over since " + dayOf(until) + ", too few answers to decide";
  };
  function fillCard(card, one) {
    const pxa = one.pxa, state = pxa ? PXA[pxa.state] || {state: "", words: text(pxa.state)} : {state: "", words: "no experience agreement"};
    say(card.name, one.name);
    const tinted = state.state === "good" && !isFresh() ? "" : state.state;
    tint(card.node, tinted);
    say(card.state, SHAPES[tinted || "rest"] + " " + state.words + (pxa && !isNaN(instant(pxa.since)) ? " since " + dayOf(instant(pxa.since)) : ""));
    show(card.plan, pxa && pxa.state === "plan");
    if (!card.plan.hidden) {
      const from = instant(pxa.since), until = instant(pxa.plan_until);
      say(card.planWords, planWords(pxa));
      card.planPart.style.width = Math.max(0, Math.min(100, (serverNow() - from) / (until - from) * 100 || 0)).toFixed(1) + "%";
    }
    const px = object(pxa && pxa.px), value = number(px.value), line = (place, main, side) => { say(place.main, main); say(place.side, side ? " " + side : ""); };
    line(card.px, value === null ? "–" : percent(value), !pxa ? "" : [number(px.threshold) === null ? "" : "of " + percent(px.threshold), value === null ? grouped(number(px.n) || 0) + " answers, " + grouped(number(pxa.min_answers) || 0) + " needed"
      : percent(px.low) + " … " + percent(px.high) + ", n " + grouped(px.n), text(pxa.confidence)].filter(Boolean).join(" · "));
    card.range(value === null || number(px.low) === null ? null : {least: KINDS.px.least(px.low), most: 1, low: px.low, high: px.high, value, target: number(px.threshold)});
    const kept = keptOf(one);
    line(card.honest, kept ? percent(kept.honest.value) : "–", kept ? [kept.target === null ? "" : "of " + percent(kept.target), "n " + grouped(number(kept.honest.n) || 0), kept.of].filter(Boolean).join(" · ") : "no verdict");
    const gap = kept && number(kept.agreed.value) !== null ? kept.agreed.value - kept.honest.value : 0;
    line(card.agreed, kept && number(kept.agreed.value) !== null ? percent(kept.agreed.value) : "–", gap > 0.0005 ? "flatters by " + (gap * 100).toFixed(1) + " points" : kept ? "no gap" : "");
    const credit = one.credit;
    line(card.money, credit ? money(number(credit.credit_minor) || 0, text(credit.currency)) : "–", credit ? "of " + money(number(credit.at_risk_minor) || 0, text(credit.currency)) + " at risk · " + text(credit.month) + ", indicative" : "no credits agreed");
    const exposed = credit && credit.at_risk_minor > 0 ? Math.min(1, (number(credit.credit_minor) || 0) / credit.at_risk_minor) : 0;
    show(card.moneyPart.parentNode, credit);
    card.moneyPart.style.width = (exposed * 100).toFixed(1) + "%";
    for (const node of [card.bonus.main.parentNode, card.bonus.main.parentNode.previousSibling]) show(node, credit && credit.bonus_minor > 0);
    if (credit) line(card.bonus, money(number(credit.bonus_minor) || 0, text(credit.currency)), "");
    card.fillLines(list(credit && credit.lines).map(object).slice(0, 12), line => text(line.clock) + "|" + text(line.view) + "|" + line.bonus + "|" + line.target, (item, line) => {
      const seen = object(line[line.view]), value = number(seen.value);
      say(item.node, (line.due === true ? line.bonus ? "● " : "▲ " : "○ ") + text(line.clock) + " " + (value === null ? "no verdict" : percent(value)) + " of " + percent(number(line.target) || 0) + (line.due === true ? ": " + (line.bonus ? "bonus " : "credit ") + money(number(line.amount_minor) || 0, text(credit.currency)) : ""));
    });
    say(card.melons, one.melons.length ? "◐ Watermelon: " + one.melons.map(melon => scopeWords(melon.scope)).slice(0, 5).join("; ") : "");
    show(card.melons, one.melons.length);
    tellAge(card.node, card.age, newest([pxa, credit, one.attainment, one.score, ...one.melons].filter(Boolean)), "changed", 0);
  }
  function renderTiles(all) {
    const pxas = all.filter(one => one.pxa), at = newest([...facts.pxa.values(), ...facts.credit.values()]), known = pxas.length > 0;
    const many = (state, words) => { const there = pxas.filter(one => one.pxa.state === state); return {at, figure: known ? grouped(there.length) : "–", goal: "0", state: there.length ? PXA[state].state : known ? "good" : "", verdict: !known ? "" : there.length ? words : "none", note: there.map(one => one.name).slice(0, 3).join(", ") || plural(pxas.length, "agreement", "agreements")}; };
    tile.release(many("release_right", "release right"));
    tile.plan(many("plan", "in a plan"));
    const measuredPx = pxas.filter(one => number(object(one.pxa.px).value) !== null).sort((a, b) => (a.pxa.px.value - a.pxa.px.threshold) - (b.pxa.px.value - b.pxa.px.threshold)), low = measuredPx[0] && measuredPx[0].pxa.px;
    tile.worst(low ? {at, figure: percent(low.value), goal: "≥ " + percent(number(low.threshold) || 0), ...judge(low.value, number(low.threshold), number(low.high)), note: measuredPx[0].name + " · n " + grouped(number(low.n) || 0),
      range: {least: KINDS.px.least(low.low), most: 1, low: number(low.low) ?? 0, high: number(low.high) ?? 1, value: low.value, target: number(low.threshold)}} : {at, figure: "–", note: "too few answers"});
    tile.risk(exposure(all, at));
    const kept = all.map(one => ({one, kept: keptOf(one)})).filter(pair => pair.kept).sort((a, b) => a.kept.honest.value - b.kept.honest.value)[0];
    tile.honest(kept ? {at, figure: percent(kept.kept.honest.value), goal: kept.kept.target === null ? "" : "≥ " + percent(kept.kept.target), ...judge(kept.kept.honest.value, kept.kept.target), note: kept.one.name + " · honest · " + kept.kept.of} : {at, figure: "–", note: "no verdict yet"});
    const melons = all.reduce((sum, one) => sum + one.melons.length, 0);
    tile.ripe({at, figure: all.length ? grouped(melons) : "–", goal: "0", state: melons ? "bad" : "good", verdict: melons ? "ripe" : "none ripe", note: "promise kept, users unhappy"});
  }
  /* One currency as a sum; several are not added up. */
  function exposure(all, at) {
    const credits = all.map(one => one.credit).filter(Boolean), currencies = [...new Set(credits.map(one => text(one.currency)))], sum = name => credits.reduce((total, one) => total + (number(one[name]) || 0), 0);
    if (!credits.length) return {at, figure: "–", note: "no credits agreed"};
    if (currencies.length > 1) return {at, figure: grouped(credits.filter(one => one.credit_minor > 0).length), goal: "0", state: credits.some(one => one.credit_minor > 0) ? "warn" : "good", verdict: "contracts", note: "several currencies: see each"};
    const due = sum("credit_minor");
    return {at, figure: short(due / 10 ** minorDigits(currencies[0])), goal: "0", state: due ? "warn" : "good", verdict: due ? "due" : "none due", note: currencies[0] + " of " + money(sum("at_risk_minor"), currencies[0]) + " at risk, indicative"};
  }
  const short = value => value >= 1e6 ? (value / 1e6).toFixed(1) + "m" : value >= 1e4 ? Math.round(value / 1e3) + "k" : grouped(Math.round(value));
  return {
    render(full) {
      if (!full) { retellAges(node); return; }
      const all = contracts(windowNow());
      renderTiles(all);
      fill(all.slice(0, ROWS_MAX), one => one.name, fillCard);
      show(none, !all.length);
    },
  };
});
