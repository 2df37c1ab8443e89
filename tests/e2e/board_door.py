"""The board's door without a daemon (board_stub), and a world to show: what e2e_board and its sisters have in common."""
import atexit
import datetime
import json
import os
import random
import struct
import subprocess
import time

import kit

STUB = os.environ.get("SLAD_BOARD_STUB") or os.path.join(kit.BUILD, "tests", "board_stub")
MINUTE_MS, HOUR_MS, DAY_MS = 60000, 3600000, 86400000
CUSTOMERS = ("acme", "borealis", "contoso-retail", "delphi-bank")
GROUPS = ("service-desk", "network-l2", "sap-basis", "field-west")
SERVICES = ("network", "workplace", "erp", "telephony")


class Door:
    """board_stub at a port of its own."""

    def __init__(self, port, *settings, environment=None):
        if not os.path.exists(STUB):
            raise kit.Failure(f"{STUB} is not built")
        self.child = subprocess.Popen([STUB, f"listen=127.0.0.1:{port}", "stream_heartbeat=1s", *settings], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        atexit.register(self.child.kill)
        self.url = self.child.stdout.readline().strip()
        kit.check(self.url, "the door did not open")

    def line(self, *words):
        self.child.stdin.write("\t".join(words) + "\n")
        self.child.stdin.flush()

    def put(self, kind, key, value):
        self.line(kind, key, json.dumps(value) if value is not None else "")

    def signal(self, number):
        self.child.send_signal(number)

    def end(self):
        self.child.kill()
        self.child.wait()


def now_ms():
    return int(time.time() * 1000)


def instant(at_ms):
    return datetime.datetime.fromtimestamp(at_ms / 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at_ms) % 1000:03d}Z"


# --- clocks and alerts ------------------------------------------------------------------------------------------------

def clock(ticket, state="running", due_in_ms=HOUR_MS, now=None, **more):
    return {"ticket": ticket, "kind": "sla", "clock": "resolution", "cycle": 1, "agreement": "gold", "state": state,
            "due_at": None if state == "paused" else instant((now or now_ms()) + due_in_ms), "target_ms": 4 * HOUR_MS,
            "elapsed_ms": 3 * HOUR_MS, "turn": "provider", "customer": "acme", "service": "network", "priority": "P1",
            "group": "network-l2", **more}


def opening(task, clocks, **more):
    counts = {"open": len(clocks), "waiting": 1, "solved": 0, "breached_open": sum(c["state"] == "breached" for c in clocks),
              "paused": sum(c["state"] == "paused" for c in clocks)}
    return {"type": "open", "task": task, "at": instant(now_ms()), "instance": "slad-1", "api": None, "behind": False, "lag": 0,
            "lag_ms": 0, "counts": counts, "clocks": clocks, **more}


def alert(of, stage="breach", state="firing", now=None, **more):
    """The alert of a clock, as its record's key and value."""
    key = f"{of['ticket']}/{of['kind']}/{of['clock']}/{of['cycle']}/{stage}"
    return key, {"key": key, **{name: of[name] for name in ("ticket", "kind", "agreement", "clock", "cycle")}, "stage": stage, "state": state,
                 "severity": "critical" if stage == "breach" else "warning", "effective_at": of["due_at"] or instant(now or now_ms()), "due_at": of["due_at"],
                 "target_ms": of["target_ms"], "elapsed_ms": of["elapsed_ms"], "remaining_ms": 0, "overrun_ms": 0, "turn": of["turn"], "risk": None,
                 **{name: of[name] for name in ("customer", "service", "priority", "group")}, "policy": "2026-11@1f3a9c", "flags": [],
                 "reason": "counted 4h of 4h on berlin since 10:15; paused 35m for customer",
                 "arrival": {"detected_at": instant(now or now_ms()), "revision": 1}, **more}


def detractor(number, customer, **more):
    key = f"INC{number:05d}/experience/post-ticket/f-{number}/detractor"
    return key, {"key": key, "ticket": f"INC{number:05d}", "kind": "experience", "stage": "detractor", "survey": "post-ticket", "feedback": f"f-{number}",
                 "state": "firing", "severity": "warning", "effective_at": instant(now_ms() - number * 7 * MINUTE_MS), "scale": "nps", "score": 3, "customer": customer,
                 "service": "network", "group": "network-l2", "policy": "2026-11@1f3a9c", "arrival": {"detected_at": instant(now_ms()), "revision": 1}, **more}


def many(count, now=None):
    """Clocks of every kind, always the same ones."""
    dice = random.Random(7)
    clocks = []
    for i in range(count):
        state, due_in_ms = dice.choice(["breached", "paused", "running", "running"]), dice.randint(MINUTE_MS, 20 * HOUR_MS)
        due_in_ms = due_in_ms // 9 if state == "breached" else due_in_ms // (1 + i % 5)
        turn = dice.choice(["customer", "customer", "customer_supplier"]) if state == "paused" else dice.choice(["provider", "provider", "provider", "supplier"])
        clocks.append(clock(f"INC{i:05d}", state, -due_in_ms if state == "breached" else due_in_ms, now, turn=turn, priority=dice.choice(["P1", "P2", "P3"]),
                            clock=dice.choice(["resolution", "resolution", "first-response"]), elapsed_ms=dice.randint(0, 4 * HOUR_MS),
                            customer=dice.choice(CUSTOMERS), group=dice.choice(GROUPS), service=dice.choice(SERVICES)))
    return clocks


# --- scores and contracts ---------------------------------------------------------------------------------------------

def score(window, n, nps, px, scope=None, kept=None):
    record = {"type": "score", "scope": scope or {}, "window": window, "at": instant(now_ms()), "n": n, "people": n, "insufficient": nps is None}
    if nps is not None:
        record["nps"] = {"value": nps, "low": nps - 9.5, "high": nps + 8.5, "promoters": 1, "passives": 1, "detractors": 1, "n": n}
        record["px"] = {"value": px, "low": max(0, px - .04), "high": min(1, px + .02), "positive": 1, "n": n}
        record["impact"] = {"px": round(n * (px - .95), 4), "nps": round(n * (nps - 30), 4)}
    if kept:
        honest, agreed = kept
        record["attainment"] = {"contract": {"met": 1, "n": 644, "value": agreed, "clocks": {}}, "honest": {"met": 1, "n": 644, "value": honest, "clocks": {}}, "gap": agreed - honest}
    if not scope:
        record["response_rate"] = {"value": .314, "answered": n, "offered": n * 3}
    return record


def kei(name, measure, unit, value, target, met, **more):
    record = {"type": "kei", "name": name, "measure": measure, "match": {}, "window": "30d", "at": instant(now_ms()), "unit": unit, "n": 212, "target": target,
              "owner": "Head of Retail IT", "review_by": "2027-05-01", "overdue": False, **more}
    return {**record, "value": value, "met": met} if value is not None else record


def pxa(contract, state, value=None, n=0, **more):
    px = {"positive": n, "neutral": 0, "negative": 0, "n": n, "threshold": .95}
    if value is not None:
        px |= {"value": value, "low": value - .03, "high": min(1, value + .018)}
    return {"type": "pxa", "contract": contract, "state": state, "since": instant(now_ms() - 34 * DAY_MS), "plan_until": instant(now_ms() + 56 * DAY_MS) if state == "plan" else None,
            "at": instant(now_ms()), "after": instant(now_ms() - 90 * DAY_MS), "px": px, "people": n, "min_answers": 30, **({"confidence": "proven"} if value else {}), **more}


def credit(contract, amount_minor):
    line = {"clock": "sla/resolution", "view": "contract", "bonus": False, "target": .95, "allocation": .5, "share": .4, "due": amount_minor > 0, "amount_minor": amount_minor,
            "contract": {"value": .934 if amount_minor else .981, "met": 1, "n": 310}, "honest": {"value": .902 if amount_minor else .968, "met": 1, "n": 310}}
    other = {**line, "clock": "sla/first-response", "due": False, "amount_minor": 0, "contract": {"value": .993, "met": 1, "n": 334}, "honest": {"value": .962, "met": 1, "n": 334}}
    return {"type": "credit", "contract": contract, "month": "2026-11", "at": instant(now_ms()), "currency": "EUR", "monthly_fee_minor": 10000000, "at_risk_minor": 1000000,
            "lines": [line, other], "credit_minor": amount_minor, "bonus_minor": 0}


def watermelon(contract, scope, state="ripe"):
    return {"type": "watermelon", "contract": contract, "scope": scope, "window": "30d", "state": state, "since": instant(now_ms() - 3 * DAY_MS), "at": instant(now_ms()),
            "attainment": {"value": .971, "met": 301, "n": 310, "target": .95},
            "px": {"value": .812, "low": .76, "high": .853, "positive": 168, "neutral": 9, "negative": 30, "n": 207, "target": .95},
            "negative_aspects": [{"aspect": "speed", "n": 41, "share": .52}, {"aspect": "clarity", "n": 22, "share": .31}], "positive_aspects": [{"aspect": "courtesy", "n": 66, "share": .71}],
            "lost_by_party": {"provider": .41, "supplier": .22, "customer": .25, "customer_supplier": .04, "nobody": .08}}


def fill(door, clocks, now=None):
    """A whole world."""
    for task in range(4):
        door.put("scores", f"open/{task}", opening(task, clocks[task::4]))
    for one in [c for c in clocks if c["state"] == "breached"][::2]:
        door.put("alerts", *alert(one, now=now))
    door.put("scores", "score/1", score("30d", 412, 31.5, .942, kept=(.937, .968)))
    door.put("scores", "score/2", score("24h", 19, 12, .9, kept=(.911, .955)))
    for customer, px, nps in (("acme", .91, 12), ("borealis", .97, 44), ("contoso-retail", None, None), ("delphi-bank", .955, 33)):
        door.put("scores", f"score/{customer}", score("30d", 80 if px else 3, nps, px, {"customer": customer}, kept=((px or .97) - .01, .98)))
    dice = random.Random(3)
    for touchpoint in ("report", "first answer", "on the way", "resolution", "survey"):
        for group in ("stores", "office", "warehouse", "executives"):
            px = round(dice.uniform(.935, .99), 3)
            few = group == "executives" and touchpoint != "resolution"
            door.put("scores", f"score/m/{touchpoint}/{group}", score("30d", 3 if few else dice.randint(20, 220), None if few else 10, None if few else px, {"touchpoint": touchpoint, "user_group": group}))


def fill_contracts(door):
    for name, record in (("stores-network", kei("stores-network", "px", "share", .884, .9, False, trend={"previous": .912, "difference": -.028, "z": -2.21, "previous_n": 190})),
                         ("first-contact", kei("first-contact", "first_contact_resolution", "share", .71, .65, True, owner="Service desk lead")),
                         ("as-lived", kei("as-lived", "experienced_p90", "ms", 93 * HOUR_MS, 72 * HOUR_MS, False, overdue=True, review_by="2026-10-01")),
                         ("reopened", kei("reopened", "reopen_rate", "share", .031, .05, True)), ("new-service", kei("new-service", "nps", "points", None, 30, None, owner=None))):
        door.put("scores", f"kei/{name}", record)
    for name, state, value, n, amount in (("acme-gold", "plan", .918, 240, 200000), ("borealis", "healthy", .968, 410, 0), ("contoso-retail", "provisional", None, 12, 0), ("delphi-bank", "release_right", .871, 380, 412500)):
        door.put("scores", f"pxa/{name}", pxa(name, state, value, n))
        door.put("scores", f"credit/{name}", credit(name, amount))
    door.put("scores", "watermelon/acme-gold/user_group=stores", watermelon("acme-gold", {"user_group": "stores"}))
    door.put("scores", "watermelon/borealis/", watermelon("borealis", {}, "clear"))
    for number, customer in ((901, "acme"), (902, "acme"), (903, "borealis")):
        door.put("alerts", *detractor(number, customer, **({"state": "acknowledged", "by": "a-3"} if number == 903 else {})))


# --- a ticket's life ----------------------------------------------------------------------------------------------------

def explanation(ticket, now=None):
    """As GET /api/v1/tickets/ID/explain answers."""
    now = now or now_ms()
    began = now - 31 * HOUR_MS

    def stretch(why, start, end, elapsed, party="provider", projected=False, status="In Work", group="network-l2", kind="ticket.updated"):
        return {"projected": projected, "why": why, "from": instant(start), "to": instant(end), "counted_ms": end - start if why == "counted" else 0, "in_hours_ms": end - start,
                "elapsed_ms": elapsed, "party": party, "calendar": "berlin", "begins_at_edge": False, "ends_at_edge": False, "policy": "2026-11@1f3a9c", "target_ms": 8 * HOUR_MS,
                "cause": {"kind": "event", "at": instant(start), "event": None, "source": "snow", "type": kind, "status": status, "group": group, "waits_for": [party], "moved_start": False}}

    def one(kind, name, state, target, elapsed, started, due, stretches, stages=(), breached=None, stopped=None):
        return {"clock": {"ticket": ticket, "kind": kind, "clock": name, "cycle": 1, "agreement": "acme-gold", "state": state, "started_at": instant(started), "due_at": instant(due) if due else None,
                          "breached_at": instant(breached) if breached else None, "stopped_at": instant(stopped) if stopped else None, "target_ms": target, "elapsed_ms": elapsed,
                          "overrun_ms": 0, "overrun_wall_ms": 0, "paused_ms": 0, "paused_wall_ms": 0, "by_party": {}, "flags": [], "measure": "resolution", "counts": ["provider", "supplier"],
                          "calendar": "berlin", "time_zone": "Europe/Berlin", "zone_data": None, "policy": "2026-11@1f3a9c", "days_policy": "2026-11@1f3a9c", "ended_by": None},
                "risk": None, "stages": [{"stage": stage, "after_ms": 0, "at": instant(at), "projected": at > now} for stage, at in stages], "stretches": stretches, "counted_ms": elapsed, "projected_ms": 0}

    first = 3 * HOUR_MS
    night = began + 6 * HOUR_MS
    morning = night + 14 * HOUR_MS
    wait = morning + 2 * HOUR_MS
    back = wait + 5 * HOUR_MS
    due = now + HOUR_MS // 2
    resolution = [stretch("counted", began, began + first, first, status="New", group="service-desk", kind="ticket.created"), stretch("counted", began + first, night, first + 3 * HOUR_MS - HOUR_MS),
                  stretch("closed", night, morning, 5 * HOUR_MS), stretch("counted", morning, wait, 7 * HOUR_MS), stretch("paused", wait, back, 7 * HOUR_MS, "customer", status="Awaiting User", kind="ticket.message"),
                  stretch("counted", back, back + HOUR_MS // 2, 7 * HOUR_MS + HOUR_MS // 2, "supplier", status="Awaiting Vendor"), stretch("closed", back + HOUR_MS // 2, now, 7 * HOUR_MS + HOUR_MS // 2),
                  stretch("counted", now, due, 8 * HOUR_MS, projected=True)]
    response = [stretch("counted", began, began + 2 * HOUR_MS, 2 * HOUR_MS, status="New", group="service-desk", kind="ticket.created")]
    handling = [stretch("counted", began + first, night, 3 * HOUR_MS), stretch("closed", night, morning, 3 * HOUR_MS), stretch("counted", morning, wait, 5 * HOUR_MS)]
    vendor = [stretch("counted", back, back + HOUR_MS // 2, HOUR_MS // 2, "supplier"), stretch("closed", back + HOUR_MS // 2, now, HOUR_MS // 2, "supplier"), stretch("counted", now, now + 3 * HOUR_MS, 4 * HOUR_MS, "supplier", projected=True)]
    return {"ticket": ticket, "at": instant(now), "task": 0, "instance": "slad-1", "alerts": [], "clocks": [
        one("sla", "first-response", "met", HOUR_MS * 4, 2 * HOUR_MS, began, began + 4 * HOUR_MS, response, stopped=began + 2 * HOUR_MS),
        one("sla", "resolution", "running", 8 * HOUR_MS, 7 * HOUR_MS + HOUR_MS // 2, began, due, resolution, (("warn-50%", morning - 9 * HOUR_MS), ("warn-75%", morning + HOUR_MS), ("warn-30m", due - HOUR_MS // 2 + 60000))),
        one("ola", "l2-handling", "breached", 4 * HOUR_MS, 5 * HOUR_MS, began + first, morning + HOUR_MS, handling, breached=morning + HOUR_MS, stopped=wait),
        one("uc", "telco-repair", "running", 4 * HOUR_MS, HOUR_MS // 2, back, now + 3 * HOUR_MS, vendor)]}


def about(ticket, now=None):
    """As GET /api/v1/tickets/ID answers."""
    return {"ticket": ticket, "at": instant(now or now_ms()), "task": 0, "instance": "slad-1", "state": "open", "status": "Awaiting Vendor", "turn": "supplier", "waits_for": ["supplier"],
            "started_at": instant((now or now_ms()) - 31 * HOUR_MS), "attributes": {"customer": "acme", "service": "network", "priority": "P1", "group": "network-l2"}, "clocks": [], "alerts": []}


def says(selector, words):
    return lambda page: words in " ".join(page.texts(selector))


# --- a clock that is moved --------------------------------------------------------------------------------------------

# Before the page's own script: its clocks stand where advance(ms) has moved them, and advance calls what was to be called every so often.
MOVED_CLOCK = """{
  let shift = 0;
  const RealDate = Date, wall = Date.now.bind(Date), running = performance.now.bind(performance), every = [], set = window.setInterval.bind(window);
  window.Date = class extends RealDate { constructor(...given) { if (given.length) super(...given); else super(wall() + shift); } static now() { return wall() + shift; } };
  performance.now = () => running() + shift;
  window.setInterval = (call, ms) => { every.push(call); return set(call, ms); };
  window.advance = (ms, times) => { for (let i = 0; i < (times || 1); i++) { shift += ms / (times || 1); for (const call of every) call(); } };
}"""


class Clock:
    """The clocks of a program of ours: the real ones, moved."""

    def __init__(self):
        self.path = kit.write("clock", "")
        self.moved_ms = 0
        self.advance(0)
        library = os.environ.get("SLAD_E2E_CLOCK") or os.path.join(kit.BUILD, "tests", "libe2e_clock.so")
        if not os.access(library, os.R_OK):
            raise kit.Skip(f"{library} is not built")
        self.environment = {"LD_PRELOAD": library, "SLAD_CLOCK_FILE": self.path, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def advance(self, ms):
        self.moved_ms += ms
        with open(self.path, "r+b") as file:
            file.write(struct.pack("=qq", 0, self.moved_ms))

    def now_ms(self):
        return now_ms() + self.moved_ms
