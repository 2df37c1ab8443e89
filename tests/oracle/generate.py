#!/usr/bin/env python3
"""Random policies and ticket histories for the oracle, from a seed: the same seed and features give the same case.

Instants lie on a coarse grid, and often exactly on a threshold (a due, a window's edge, the end of a courtesy or reopen
window, the instant of the event before) or a millisecond beside it, so that ties happen. Every feature can be left out.

usage: generate.py SEED [--features a,b,c] DIRECTORY      writes DIRECTORY/policy/*.yaml and DIRECTORY/events.ndjson
"""
import json
import os
import random
import sys

import oracle

FEATURES = ("calendars zones special priorities agreements waiting_on parties supplier counts grace reopen courtesy closed "
            "reopen_window created_at delete cancel merge excuse versions days apply canned bots private by_agent starts "
            "update next_response handling ola late duplicates seq unknown continue thresholds reassign flip").split()

MINUTE, HOUR, DAY = 60000, 3600000, 86400000
BASES = ["2026-06-08T07:00:00Z", "2026-06-12T12:00:00Z", "2026-03-27T15:00:00Z", "2026-03-28T20:00:00Z", "2026-10-23T15:00:00Z",
         "2026-10-24T20:00:00Z", "2026-12-24T08:00:00Z", "2026-11-01T03:00:00Z", "2026-04-04T13:00:00Z", "2026-02-13T15:00:00Z"]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca", "UTC", "America/Sao_Paulo"]


class Generator:
    def __init__(self, seed, features):
        self.random = random.Random(seed)
        self.seed, self.features = seed, set(features)
        self.bases = BASES if self.on("zones") else BASES[:2]
        self.base = oracle.parse_instant(self.random.choice(self.bases))
        self.calendars = self.make_calendars()
        self.bodies = self.make_policies()
        self.policy = oracle.Policy(self.bodies)
        self.events = []
        self.number = 0

    def on(self, feature):
        return feature in self.features

    def chance(self, p):
        return self.random.random() < p

    # --- the policy
    def windows(self):
        pick = self.random.choice
        kinds = [["09:00-17:00"], ["08:00-12:00", "13:00-18:00"], ["10:00-14:00"]]
        if self.on("special"):
            kinds += [["22:00-06:00"], ["00:00-24:00"], ["01:30-02:30"], ["02:00-03:00", "05:00-09:00"], ["18:00-02:00"]]
        return pick(kinds)

    def day(self, spread=9):
        at = self.base + self.random.randrange(-1, spread) * DAY
        return oracle.print_instant(at)[:10]

    def make_calendars(self):
        found = {"always": {"always": True}}
        if not self.on("calendars"):
            return found
        for name in ("office", "other"):
            week = self.random.choice(["mon-fri", "daily", "daily", "sun-thu"])
            zone = self.random.choice(ZONES) if self.on("zones") else "Europe/Berlin"
            if not os.path.exists(os.path.join(oracle.ZONES, zone)):
                zone = "Europe/Berlin"
            found[name] = {"time_zone": zone, "week": {week: self.windows()}}
            if self.on("special"):
                if self.chance(0.5):
                    found[name]["closed"] = sorted({self.day() for _ in range(2)})
                if self.chance(0.2):
                    found[name].setdefault("closed", []).append(self.day()[5:])
                if self.chance(0.4):
                    found[name]["special"] = {self.day(): self.random.choice([["09:00-12:00"], ["10:00-11:00", "20:00-22:00"]])}
        if self.on("special") and self.chance(0.4):
            found["union"] = {"union": ["office", "other"]}
        return found

    def calendar(self):
        return self.random.choice(list(self.calendars))

    def target(self):
        pick = lambda: self.random.choice(["30m", "1h", "90m", "2h", "4h", "8h", "1d"])
        if self.on("priorities") and self.chance(0.7):
            table = {"P1": pick(), "P2": pick(), "P3": pick(), "default": pick()}
            if self.chance(0.3):
                del table["default"]
            if self.chance(0.2):
                del table["P3"]
            return table
        return pick()

    def counts(self, measure, clock):
        if self.on("counts") and self.chance(0.4):
            clock["counts"] = self.random.choice([["provider"], ["provider", "supplier"], ["provider", "customer"], "everyone",
                                                  ["provider", "supplier", "customer_supplier"]])
        return clock

    def sla(self, name, match, clocks):
        agreement = {"name": name, "kind": "sla", "calendar": self.calendar(), "clocks": {}}
        if match:
            agreement["match"] = match
        for clock, measure in clocks.items():
            definition = self.counts(measure, {"measure": measure, "target": self.target()})
            if measure == "first_response":
                if self.start is not None:
                    definition["start"] = self.start
            agreement["clocks"][clock] = definition
        if self.on("reopen"):
            modes = ["resume", "new_cycle"] + (["continue"] if self.on("continue") else [])
            agreement["on_reopen"] = self.random.choice(modes)
        if self.on("grace") and self.chance(0.4):
            agreement["closing_grace"] = True
        return agreement

    def make_policies(self):
        random = self.random
        self.start = random.choice(["creation", "creation_always", "handoff", None]) if self.on("starts") else None
        statuses = {"New": {"state": "open"}, "Open": {"state": "open"}, "Awaiting User": {"state": "waiting", "on": "customer"},
                    "Resolved": {"state": "solved"}, "Closed": {"state": "closed"}, "Canceled": {"state": "cancelled"}}
        if self.on("supplier"):
            statuses["Awaiting Vendor"] = {"state": "waiting", "on": "supplier"}
            statuses["Held"] = {"state": "waiting"}
            statuses["Awaiting Us"] = {"state": "waiting", "on": "provider"}
        groups = {"L1": {"party": "provider", "tier": 1}, "L2": {"party": "provider", "tier": 2}}
        if self.on("parties"):
            groups["telco"] = {"party": "supplier"}
            groups["feed"] = {"party": "customer_supplier"}
        if self.on("calendars") and self.chance(0.5):
            groups["L2"]["calendar"] = self.calendar()
        clocks = {"resolution": "resolution", "first-response": "first_response"}
        if self.on("update"):
            clocks["update"] = "update"
        if self.on("next_response"):
            clocks["next-reply"] = "next_response"
        agreements = []
        if self.on("agreements"):
            agreements.append(self.sla("acme", {"customer": "acme"}, clocks))
            fewer = {name: measure for name, measure in clocks.items() if self.chance(0.7)} or {"resolution": "resolution"}
            agreements.append(self.sla("beta", {"customer": ["beta", "gamma"]}, fewer))
            if self.chance(0.5):
                agreements.append(self.sla("rest", {}, clocks))
        else:
            agreements.append(self.sla("acme", {}, clocks))
        if self.on("handling"):
            for kind, of in (("ola", {"group": "L2"}), ("ola", {"party": "provider"}), ("uc", {"party": "supplier"}), ("ola", {"group": "telco"})):
                if of.get("group") == "telco" and not self.on("parties"):
                    continue
                if kind == "uc" and not (self.on("parties") or self.on("supplier")):
                    continue
                for mode in ("per_stay", "cumulative"):
                    if not self.chance(0.6):
                        continue
                    name = "-".join([kind, *of.values(), mode])
                    agreement = {"name": name, "kind": kind, "clocks": {name: {"measure": "handling", "of": of, "mode": mode, "target": self.target()}}}
                    if self.chance(0.6):
                        agreement["calendar"] = self.calendar()
                    if self.on("reopen"):
                        agreement["on_reopen"] = random.choice(["resume", "new_cycle"])
                    agreements.append(agreement)
        if self.on("ola"):
            agreement = {"name": "team", "kind": "ola", "calendar": self.calendar(),
                         "clocks": {"team": self.counts("resolution", {"measure": "resolution", "target": self.target()})}}
            if self.on("agreements") and self.chance(0.5):
                agreement["match"] = {"priority": ["P1", "P2"]}
            agreements.append(agreement)
        body = {"version": "v1", "calendars": self.calendars, "statuses": statuses, "groups": groups, "agreements": agreements}
        if self.on("reopen_window") and self.chance(0.7):
            body["reopen_window"] = random.choice(["1h", "4h", "1d"])
        if self.on("courtesy") and self.chance(0.5):
            body["courtesy_window"] = random.choice(["5m", "1h"])
        if self.on("merge") and self.chance(0.2):
            body["merge"] = "own_clock"
        bodies = [body]
        if self.on("versions") and self.chance(0.8):
            bodies += self.more_versions(body)
        return bodies

    def more_versions(self, body):
        found = []
        at = self.base
        for number in range(self.random.choice([1, 1, 2])):
            at += self.random.randrange(1, 60) * HOUR // 2
            other = json.loads(json.dumps(body))
            other["version"], other["from"] = f"v{number + 2}", oracle.print_instant(at)
            if self.on("days"):
                for name, calendar in other["calendars"].items():
                    if "week" not in calendar or self.chance(0.3):
                        continue
                    if self.chance(0.6):
                        calendar["closed"] = sorted(set(calendar.get("closed", []) + [self.day(4)]))
                    if self.chance(0.5):
                        calendar["special"] = dict(calendar.get("special", {}), **{self.day(4): ["06:00-20:00"]})
            if self.chance(0.5):
                for agreement in other["agreements"]:
                    for clock in agreement["clocks"].values():
                        if self.chance(0.7):
                            clock["target"] = self.target()
                if self.on("apply") and self.chance(0.5):
                    other["apply_to_running"] = True
            if self.chance(0.3):
                for calendar in other["calendars"].values():
                    if "week" in calendar:
                        calendar["week"] = {"daily": self.windows()}
            found.append(other)
            body = other
        return found

    # --- the histories
    def thresholds(self, ticket, now):
        """Instants after `now` at which something changes by itself."""
        found = []
        mine = [event for event in self.events if event["ticket"] == ticket]
        for line in oracle.clock_lines(self.policy, mine, now).values():
            if "due_at" not in line:
                continue
            if line["due_at"]:
                found.append(oracle.parse_instant(line["due_at"]))
            cycle = line["_cycle"]
            if cycle and cycle.calendar and not cycle.calendar.always:
                cycle.calendar.cover(now, now + 3 * DAY)
                found += [edge for pair in cycle.calendar.intervals for edge in pair if now <= edge < now + 3 * DAY][:4]
        body = self.bodies[0]
        for key, default in (("courtesy_window", "15m"), ("reopen_window", None)):
            if key in body or default:
                found.append(now + oracle.duration(body.get(key, default)))
        found += [version.begin for version in self.policy.versions if version.begin]
        return [at for at in found if now <= at <= now + 5 * DAY]

    def next_time(self, ticket, now):
        if self.on("thresholds") and self.chance(0.4):
            found = self.thresholds(ticket, now)
            if found:
                at = self.random.choice(found) + self.random.choice([0, 0, 0, 1, -1])
                return max(at, now)
        roll = self.random.random()
        if roll < 0.12 and self.on("thresholds"):
            return now
        if roll < 0.6:
            return now + self.random.randrange(1, 9) * 5 * MINUTE
        if roll < 0.9:
            return now + self.random.randrange(1, 17) * 30 * MINUTE
        return now + self.random.randrange(1, 60) * HOUR

    def emit(self, ticket, at, kind, **more):
        self.number += 1
        event = {"id": f"e-{self.number}", "source": "desk", "type": kind, "time": oracle.print_instant(at), "ticket": ticket}
        event.update({key.rstrip("_"): value for key, value in more.items()})
        if self.on("seq"):
            event["seq"] = self.number
        self.events.append(event)
        return event

    def actor(self):
        return self.random.choice(["agent", "agent", "agent", "requester", "system"] + (["bot"] if self.on("bots") else []))

    def ticket(self, name):
        random = self.random
        now = self.base + random.randrange(0, 24) * 30 * MINUTE
        more = {"customer": random.choice(["acme", "beta", "nobody"] if self.on("agreements") else ["acme"]), "requester": "u-1",
                "priority": random.choice(["P1", "P2", "P3"]), "status": "New", "group": random.choice(["L1", "L2"]), "actor": "requester"}
        if self.on("priorities") and self.chance(0.1):
            more["priority"] = "P4"
        if self.on("by_agent") and self.chance(0.3):
            more.update({"actor": "agent", "by": "a-1"})
        if self.on("created_at") and self.chance(0.2):
            more["created_at"] = oracle.print_instant(now - random.randrange(1, 8) * 15 * MINUTE)
        if self.on("parties") and self.chance(0.2):
            more["group"] = random.choice(["telco", "feed"])
        self.emit(name, now, "ticket.created", **more)
        state = {"core": "open", "deleted": False, "merged": False, "customer": more["customer"]}
        for _ in range(random.randrange(2, 13)):
            now = self.next_time(name, now)
            self.event(name, now, state)
        return now

    def event(self, name, now, state):
        random, kinds = self.random, ["answer", "answer", "contact", "wait", "wait", "open", "solve", "note"]
        if state["deleted"]:
            self.emit(name, now, "ticket.restored", actor="agent")
            state["deleted"] = False
            return
        if state["core"] == "cancelled":
            if self.chance(0.5):
                self.emit(name, now, "ticket.updated", status="Open", actor="agent", by="a-1")
                state["core"] = "open"
            return
        if state["core"] in ("solved", "closed"):
            kinds = ["reopen", "reopen", "contact", "note", "close"] if self.on("reopen") else ["note"]
            if state["core"] == "closed":
                kinds = ["reopen", "note"] if self.on("closed") else ["note"]
        elif not self.on("reopen") and self.chance(0.6):
            kinds.remove("solve")
        for feature, kind in (("priorities", "priority"), ("flip", "priority"), ("agreements", "customer"), ("waiting_on", "waiting_on"), ("reassign", "group"),
                              ("handling", "group"), ("created_at", "created_at"), ("delete", "delete"), ("cancel", "cancel"),
                              ("excuse", "excuse"), ("starts", "handoff"), ("unknown", "unknown"), ("closed", "close_open")):
            if self.on(feature) and (state["core"] == "open" or kind in ("excuse", "priority", "delete")):
                kinds += [kind] * (2 if kind in ("priority", "customer", "group", "waiting_on") else 1)
        kind = random.choice(kinds)
        agent = {"actor": "agent", "by": "a-1"}
        if kind == "answer":
            event = self.emit(name, now, "ticket.message", public=True, **agent)
            if self.on("canned") and self.chance(0.3):
                event["canned"] = True
            if self.on("bots") and self.chance(0.2):
                event["actor"] = random.choice(["bot", "system"])
            if self.on("private") and self.chance(0.3):
                event["public"] = False
            if self.chance(0.2) and state["core"] == "open":
                event["status"] = "Awaiting User"
            elif self.chance(0.1) and state["core"] == "open":
                event["status"], state["core"] = "Resolved", "solved"
            if self.on("priorities") and self.chance(0.15):
                event["priority"] = random.choice(["P1", "P2", "P3"])
        elif kind == "contact":
            event = self.emit(name, now, "ticket.message", actor=random.choice(["requester", "customer"]), public=True)
            if self.chance(0.2) and state["core"] == "open":
                event["status"] = "Open"
        elif kind == "wait":
            names = ["Awaiting User"] + (["Awaiting Vendor", "Held", "Awaiting Us"] if self.on("supplier") else [])
            event = self.emit(name, now, "ticket.updated", status=random.choice(names), **agent)
            if self.on("waiting_on") and self.chance(0.3):
                event["waiting_on"] = random.choice([["customer", "supplier"], ["supplier"], ["provider", "customer_supplier"]])
        elif kind == "open":
            event = self.emit(name, now, "ticket.updated", status="Open", actor=self.actor())
        elif kind == "solve":
            event = self.emit(name, now, "ticket.updated", status="Resolved", actor=self.actor())
            state["core"] = "solved"
            if self.on("priorities") and self.chance(0.15):
                event["priority"] = random.choice(["P1", "P2", "P3"])
        elif kind in ("close", "close_open"):
            event = self.emit(name, now, "ticket.updated", status="Closed", actor=self.actor())
            state["core"] = "closed"
        elif kind == "reopen":
            actor = "agent" if not self.on("courtesy") or self.chance(0.4) else "requester"
            event = self.emit(name, now, random.choice(["ticket.updated", "ticket.message"]), status=random.choice(["Open", "Open", "Awaiting User"]), actor=actor)
            if event["type"] == "ticket.message" and actor == "agent":
                event["public"] = self.chance(0.5)
            state["core"] = "open"
        elif kind == "note":
            event = self.emit(name, now, "ticket.updated", actor=self.actor(), category="incident")
        elif kind == "priority":
            event = self.emit(name, now, "ticket.updated", priority=random.choice(["P1", "P2", "P3", "P3"]), actor="agent")
        elif kind == "customer":
            event = self.emit(name, now, "ticket.updated", customer=random.choice(["acme", "beta", "gamma", "nobody"]), actor="agent")
        elif kind == "waiting_on":
            event = self.emit(name, now, "ticket.updated", actor="agent", waiting_on=random.choice(
                [["customer"], ["supplier"], ["customer", "supplier"], ["provider", "supplier"], ["customer_supplier"], [], None]))
        elif kind == "group":
            names = ["L1", "L2", "L2"] + (["telco", "feed"] if self.on("parties") else [])
            event = self.emit(name, now, "ticket.updated", group=random.choice(names), actor="agent")
            if self.chance(0.2):
                event["status"] = random.choice(["Open", "Awaiting User"])
        elif kind == "created_at":
            event = self.emit(name, now, "ticket.updated", actor="agent", created_at=oracle.print_instant(
                min(now, self.base - random.randrange(-4, 12) * 15 * MINUTE)))
        elif kind == "delete":
            event = self.emit(name, now, "ticket.deleted", actor="system")
            state["deleted"] = True
        elif kind == "cancel":
            event = self.emit(name, now, "ticket.updated", status="Canceled", actor="agent")
            state["core"] = "cancelled"
        elif kind == "excuse":
            clock = random.choice(["sla/resolution", "sla/first-response", "sla/resolution/1"])
            event = self.emit(name, now, "verdict.excused", clock=clock, by="boss", reason="power cut")
        elif kind == "handoff":
            event = self.emit(name, now, "ticket.updated", handled_by="human", actor="system")
        elif kind == "unknown":
            event = self.emit(name, now, "ticket.updated", status="Odd", actor="agent")
        return event

    def case(self):
        """(policies, events as they arrive, until)"""
        names = ["T1", "T2", "T3", "T4"]
        last = max(self.ticket(name) for name in names)
        if self.on("merge"):
            for a, b in (("T1", "T2"), ("T3", "T4")):
                now = self.base + self.random.randrange(24, 60) * 30 * MINUTE
                self.emit(a, now, "ticket.merged", into=b, actor="agent")
                if self.chance(0.4):
                    now += self.random.randrange(1, 20) * 10 * MINUTE
                    self.emit(a, now, "ticket.unmerged", actor="agent")
                last = max(last, now)
        until = last + self.random.choice([0, 10 * MINUTE, HOUR, 5 * HOUR, DAY])
        if self.on("thresholds") and self.chance(0.3):
            found = self.thresholds("T1", last)
            until = max([last] + self.random.sample(found, min(1, len(found))))
        self.events.sort(key=lambda event: event["time"])
        if self.on("duplicates"):
            for event in self.random.sample(self.events, 2):
                self.events.insert(self.random.randrange(self.events.index(event) + 1, len(self.events) + 1), dict(event))
        if self.on("late"):
            until = self.delay(until)
        elif self.on("duplicates"):
            pass
        return self.bodies, self.events, until

    def delay(self, until):
        for event in self.events:
            at = oracle.parse_instant(event["time"])
            if self.chance(0.3):
                at += self.random.choice([MINUTE, 20 * MINUTE, 3 * HOUR, DAY])
            event["arrived_at"] = oracle.print_instant(at)
        self.events.sort(key=lambda event: event["arrived_at"])
        return max(until, oracle.parse_instant(self.events[-1]["arrived_at"]))


def write(bodies, events, directory):
    folder = os.path.join(directory, "policy")
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        os.unlink(os.path.join(folder, old))
    for number, body in enumerate(bodies, 1):
        with open(os.path.join(folder, f"v{number}.yaml"), "w", encoding="utf-8") as file:
            json.dump(body, file, indent=1)
            file.write("\n")
    with open(os.path.join(directory, "events.ndjson"), "w", encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(event) + "\n")
    return folder


def main():
    arguments = sys.argv[1:]
    features = FEATURES
    if "--features" in arguments:
        place = arguments.index("--features")
        features = [word for word in arguments[place + 1].split(",") if word]
        del arguments[place:place + 2]
    bodies, events, until = Generator(int(arguments[0]), features).case()
    write(bodies, events, arguments[1])
    print(oracle.print_instant(until))


if __name__ == "__main__":
    main()
