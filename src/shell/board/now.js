
/* ---- now: what is about to break ---- */

addView("now", "Now", node => {
  const tiles = make("div", "tiles", node), columns = make("div", "columns", node);
  const tile = {overdue: makeTile(tiles, "overdue", "Overdue"), next: makeTile(tiles, "next", "Next to break"), hour: makeTile(tiles, "hour", "Due in an hour"),
                kept: makeTile(tiles, "kept", "SLA kept"), px: makeTile(tiles, "px", "PX"), nps: makeTile(tiles, "nps", "NPS")};
  const lists = {};
  for (const [name, title, shape, empty] of [["overdue", "Overdue", "▲ ", "Nothing is overdue."], ["soon", "Next to break", "◷ ", "No running clock is listed."], ["paused", "Paused", "❚❚ ", "No clock is paused."]]) {
    const panel = makePanel(columns, name, name, title, shape, title + " clocks");
    const ol = make("ol", "", panel.rows);
    lists[name] = {...panel, ol, fill: keyed(ol, makeRow), none: make("p", "none", panel.rows, empty), more: make("p", "more", panel.node)};
  }
  const share = makeShare(lists.paused.node, "Who has the ball, of the clocks listed");

  /* On a screen that nobody scrolls a row that does not fit is not begun. */
  function fitRows(entry, total, full) {
    const room = place.tv ? entry.rows.clientHeight : 0, tickets = new Set(), rows = [...entry.ol.children];
    if (!full && entry.room === room) return;
    entry.room = room;
    for (const row of rows) show(row, true);
    const top = entry.rows.offsetTop, fits = rows.map(row => !room || row.offsetTop + row.offsetHeight - top <= room);
    rows.forEach((row, i) => { show(row, fits[i]); if (fits[i]) tickets.add(row.dataset.ticket); });
    const more = total - tickets.size;
    say(entry.more, more > 0 ? "and " + plural(more, "more ticket", "more tickets") : "");
    show(entry.more, more > 0);
  }
  function renderList(name, clocks, counted, full) {
    const entry = lists[name], total = Math.max(counted, ticketsOf(clocks)), now = serverNow(), known = facts.opens.size > 0;
    const rows = entry.fill(clocks.slice(0, place.tv ? TV_ROWS_MAX : ROWS_MAX), clock => clock.id, (row, clock) => {
      if (full || row.clock !== clock || newBreaches.length) { fillRow(row, clock); row.node.dataset.ticket = clock.ticket; }
    });
    for (const row of rows.values()) countRow(row, now);
    say(entry.count, known ? grouped(total) : "");
    say(entry.unit, known ? (total === 1 ? "ticket" : "tickets") + (place.filtered ? " listed" : "") : "");
    show(entry.none, known && clocks.length === 0 && total === 0);
    mark(entry.node, "some", name === "overdue" && clocks.length > 0);
    fitRows(entry, total, full);
  }
  function renderTiles(picture, at) {
    const now = serverNow(), known = facts.opens.size > 0, common = {at, word: "as of", silentBy: TASK_SILENT_MS};
    const nothing = {...common, figure: "–", note: "no task heard of yet"}, listed = place.filtered ? "listed · " : "";
    const late = Math.max(place.filtered ? 0 : counted("breached_open"), ticketsOf(picture.overdue)), worst = picture.overdue[0];
    tile.overdue(!known ? nothing : {...common, figure: grouped(late), goal: "0", state: late ? "bad" : "good", verdict: late ? "missed" : "none",
      note: listed + (!late ? "nothing is late" : worst && worst.due_ms < now ? "oldest +" + span(now - worst.due_ms) : late === 1 ? "ticket" : "tickets")});
    const first = picture.soon[0];
    if (known && first && !isNaN(first.due_ms)) {
      const left = Math.max(0, first.due_ms - now);
      tile.next({...common, figure: span(left), goal: clockTime(first.due_ms), goalWord: "due", state: left < SOON_MS ? "warn" : "", verdict: left < SOON_MS ? "soon" : "", note: first.ticket + " · " + first.clock});
    } else tile.next({...common, figure: "–", note: known ? "no running clock is listed" : nothing.note});
    const within = picture.soon.filter(clock => clock.due_ms - now < HOUR_MS).length, open = counted("open");
    tile.hour(!known ? nothing : {...common, figure: grouped(within), goal: grouped(picture.soon.length), goalWord: "of",
      note: place.filtered || !open ? "running clocks listed" : plural(open, "ticket", "tickets") + " open"});
    const window = windowNow(), scope = scopeNow(), score = scope ? scoreOf(scope, window) : undefined;
    tile.kept(keptTile(score, window));
    for (const name of ["px", "nps"]) tile[name](scoreTile(name, score, window));
  }
  return {
    render(full, picture) {
      const at = facts.opens.size ? oldest(facts.opens.values()) : NaN;
      renderTiles(picture, at);
      renderList("overdue", picture.overdue, place.filtered ? 0 : counted("breached_open"), full);
      renderList("soon", picture.soon, 0, full);
      renderList("paused", picture.paused, place.filtered ? 0 : counted("paused"), full);
      for (const name of ["overdue", "soon", "paused"]) tellAge(lists[name].node, lists[name].age, at, "as of", TASK_SILENT_MS);
      if (!full) return;
      const turns = {};
      for (const clock of [...picture.overdue, ...picture.soon, ...picture.paused]) turns[clock.turn] = (turns[clock.turn] || 0) + 1;
      share(turns, String);
    },
  };
});
