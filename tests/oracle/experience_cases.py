#!/usr/bin/env python3
"""Random policies, tickets and feedback for the experience oracle, from a seed: the same seed and features give the same case.

Instants lie on a grid of half hours, and often exactly a window's length after another event, on a local midnight or the
first of a month, or a millisecond beside it. Every feature can be left out.

usage: experience_cases.py SEED [--features a,b,c] DIRECTORY      writes DIRECTORY/policy/*.yaml and DIRECTORY/events.ndjson
"""
import json
import random
import sys

import experience
import generate
import oracle
from oracle import print_instant

FEATURES = ("scopes people rules changes withdrawn late late_tickets duplicates refused months zones own nulls reopens aspects lost offers solves keis "
            "targets pxa moved watermelon credits erased ahead same_offers odd_ends pending versions alerts acknowledged neutral scales seldom").split()
MINUTE, HOUR, DAY = 60000, 3600000, 86400000
BASES = ["2026-06-08T07:00:00Z", "2026-03-28T20:00:00Z", "2026-10-24T15:00:00Z", "2026-02-26T10:00:00Z", "2026-12-30T10:00:00Z", "2026-09-29T03:00:00Z"]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "Africa/Cairo", "America/Sao_Paulo",
         "Pacific/Apia", "America/Santiago"]


class Generator:
    def __init__(self, seed, features):
        self.random, self.features = random.Random(seed), set(features)
        self.base = oracle.parse_instant(self.random.choice(BASES if self.on("months") else BASES[:1]))
        self.zone = self.pick_zone()
        self.policy = self.make_policy()
        self.marks, self.number = [], 0
        self.events = []

    def on(self, feature):
        return feature in self.features

    def chance(self, p):
        return self.random.random() < p

    def pick_zone(self):
        import os
        zones = [zone for zone in ZONES if os.path.exists(os.path.join(oracle.ZONES, zone))]
        return self.random.choice(zones) if self.on("zones") else "UTC"

    # --- the policy
    def make_policy(self):
        pick, sample = self.random.choice, self.random.sample
        self.windows = sample(["90m", "6h", "24h", "3d", "7d", "30d"], self.random.randint(1, 3))
        if self.on("months"):
            self.windows += sample(["month", "quarter"], self.random.randint(0, 2))
        said = {"windows": self.windows, "time_zone": self.zone, "min_answers": self.random.randint(1, 4)}
        if self.on("scopes"):
            some = [[], ["customer"], ["service"], ["customer", "service"], ["group"], ["touchpoint", "user_group"], ["survey"], ["priority"], ["source"],
                    ["service", "survey"], ["requester"]]
            said["scopes"] = [[]] + sample(some[1:], self.random.randint(1, 3))
        if self.on("rules"):
            said["one_answer_per"] = pick(["ticket", "respondent", "cycle"] if self.on("reopens") else ["ticket", "respondent"])
        if self.on("neutral"):
            said["neutral"] = pick(["counted", "excluded"])
        if self.on("scales"):
            said["scales"] = {"delight4": {"positive": [4], "neutral": [3], "negative": [1, 2]}, "mood": {"positive": [-1, 2], "negative": [0, 7]}}
        if self.on("targets"):
            said["targets"] = {"px": pick(["95%", "60%", "33.33%"]), "nps": pick([30, -10, 0]), "attainment": pick(["50%", "95%", "90%"])}
        if self.on("alerts"):
            said["detractor_alert"] = True
            if self.chance(0.8):
                said["detractor_repeat"] = {"every": pick(["30m", "4h", "1h30m"]), **({"stop_after": pick(["6h", "1d", "4h"])} if self.chance(0.7) else {}),
                                            **({"ack_timeout": pick(["1h", "1d", "30m"])} if self.chance(0.7) else {})}
        if self.on("keis"):
            said["keis"] = self.make_keis()
        groups = {"L1": {"tier": 1}, "L2": {"tier": 2}, "L3": {"tier": 3}, "telco": {"party": "supplier", "tier": 3}}
        policy = {"version": "1", "statuses": {"New": {"state": "open"}, "Solved": {"state": "solved"}, "Closed": {"state": "closed"},
                                               "Waiting": {"state": "waiting", "on": "customer"}, "Gone": {"state": "cancelled"}},
                  "groups": groups, "experience": said}
        clocks = {"resolution": {"measure": "resolution", "target": pick(["2h", "8h", "1d"])},
                  "first-response": {"measure": "first_response", "target": pick(["1h", "4h"])}}
        policy["agreements"] = [{"name": "all", "kind": "sla", "clocks": clocks, "on_reopen": pick(["resume", "new_cycle", "continue"])}] \
            if self.on("solves") else []
        policy["contracts"] = [contract for contract in (self.contract(name) for name in ("A", "B")) if len(contract) > 3]
        return policy

    def make_keis(self):
        measures = {"px": "80%", "nps": 12.5, "csat": 3.75, "ces": 4, "lost_minutes": 30, "aspect:speed": "50%"}
        if self.on("solves"):
            measures.update({"reopen_rate": "20%", "repeat_contact_rate": "30%", "bounce_count": 0.5, "first_contact_resolution": "60%", "tier_share:1": "40%",
                             "tier_share:2": "40%", "honest_attainment": "90%", "experienced_p50": "4h", "experienced_p90": "1d"})
        keis = []
        for measure in self.random.sample(sorted(measures), self.random.randint(2, 6)):
            kei = {"name": "k-" + measure.replace(":", "-"), "measure": measure, "window": self.random.choice(self.windows), "target": measures[measure]}
            if self.chance(0.5):
                kei["match"] = self.random.choice([{"customer": "A"}, {"service": ["mail", "net"]}, {"service": "net"}])
            keis.append(kei)
        return keis

    def contract(self, name):
        pick = self.random.choice
        contract = {"name": name, "match": {"customer": name}, "time_zone": self.pick_zone()}
        if self.on("pxa") and self.chance(0.8):
            contract["pxa"] = {"window": pick(["24h", "2d", "7d"]), "threshold": pick(["50%", "66.67%", "95%"]), "neutral": pick(["counted", "excluded"]),
                               "min_answers": self.random.randint(1, 4), "plan_days": self.random.randint(1, 4)}
            if self.chance(0.3):
                contract["pxa"]["surveys"] = ["post"]
        if self.on("watermelon"):
            contract["watermelon"] = {"window": pick(["6h", "24h", "3d"])}
        if self.on("credits") and self.chance(0.8):
            lines = [{"clock": pick(["sla/resolution", "sla/first-response"]), "target": pick(["50%", "95%", "33.33%", "100%"]), "allocation": pick(["50%", "33.33%", "100%"]),
                      "share": pick(["40%", "100%", "12.5%"]), "view": pick(["contract", "honest"]), **({"bonus": True} if self.chance(0.3) else {})}
                     for _ in range(self.random.randint(1, 3))]
            contract["credits"] = {"currency": "EUR", "monthly_fee": pick(["100000.00", "1234.56", "0.99"]), "at_risk": pick(["10%", "12.5%", "100%"]),
                                   "rounding": pick(["half_up", "down"]), "lines": lines}
        return contract

    # --- instants
    def instant(self, spread):
        """Some instant of the story, often a tie or a millisecond beside it."""
        pick = self.random.choice
        at = self.base + self.random.randrange(0, spread // (30 * MINUTE)) * 30 * MINUTE
        if self.marks and self.chance(0.5 if self.on("pending") else 0.25):
            rolling = [oracle.duration(window) for window in self.windows if window not in ("month", "quarter")] or [DAY]
            at = pick(self.marks) + pick([0, 0] + rolling)
        elif self.chance(0.15):
            zone = oracle.zone_of(pick([self.zone] + [contract["time_zone"] for contract in self.policy["contracts"]]))
            at = experience.midnight(zone, experience.local_date(zone, at) + self.random.randint(0, 1))
        if self.chance(0.2):
            at += pick([-1, 1, 500])
        at = max(self.base, at)
        self.marks.append(at)
        return at

    def event(self, kind, at, **more):
        self.number += 1
        event = {"id": f"e{self.number}", "type": kind, "time": print_instant(at), **more}
        self.events.append((at, event))
        return event

    # --- the story
    def tickets(self, count, spread):
        pick = self.random.choice
        self.names = {}
        for number in range(count):
            name, at = f"T{number}", self.instant(spread)
            attributes = {"customer": pick(["A", "B"]), "service": pick(["mail", "net", "a,b=c/d%"]), "priority": pick(["P1", "P2"]), "group": pick(["L1", "L2"]),
                          "user_group": pick(["stores", "office"]), "requester": pick(["u1", "u2", "u3"])}
            for key in list(attributes):
                if key != "customer" and self.chance(0.15):
                    del attributes[key]
            created = self.event("ticket.created", at, ticket=name, status="New", actor="requester", **attributes)
            if self.chance(0.4):
                created["source"] = pick(["snow", "jira"])
            self.names[name] = at
            for _ in range(self.random.randint(0, 3)):
                at += pick([10 * MINUTE, HOUR, 5 * HOUR, DAY])
                if self.chance(0.5):
                    self.event("ticket.updated", at, ticket=name, actor="agent", **pick([{"group": pick(["L1", "L2", "L3", "telco"])}, {"service": pick(["mail", "net"])},
                                                                                         {"priority": pick(["P1", "P2"])}, {"service": None}]))
                else:
                    self.event("ticket.message", at, ticket=name, actor="agent", by="a1", public=True)
            if self.on("solves") and self.chance(0.85):
                self.end(name, at)
            if self.on("erased") and self.chance(0.2):
                self.event("ticket.erased", at + pick([HOUR, DAY, 3 * DAY]), ticket=name)

    def end(self, name, at):
        pick = self.random.choice
        at += pick([5 * MINUTE, HOUR, 3 * HOUR, DAY])
        if self.on("odd_ends") and self.chance(0.3):
            self.event("ticket.updated", at, ticket=name, status=pick(["Closed", "Gone"]), actor="agent")
            return
        self.event("ticket.updated", at, ticket=name, status="Solved", actor=pick(["agent", "agent", "bot"]))
        self.marks.append(at)
        if self.on("reopens") and self.chance(0.5):
            for _ in range(self.random.randint(1, 2)):
                at += pick([10 * MINUTE, HOUR, 9 * HOUR, 2 * DAY])
                self.event("ticket.updated", at, ticket=name, status="New", actor=pick(["agent", "requester"]))
                if self.on("pending") and self.chance(0.5):
                    self.event("ticket.updated", at + 4 * MINUTE, ticket=name, actor=pick(["requester", "system"]), service=pick(["mail", "net"]))
                    self.marks += [at + MINUTE, at + 2 * MINUTE] * 3
                at += pick([5 * MINUTE, 15 * MINUTE, HOUR, DAY])
                if self.chance(0.8):
                    self.event("ticket.updated", at, ticket=name, status="Solved", actor="agent")
                else:
                    return
        if self.chance(0.15):
            self.event("ticket.updated", at + pick([HOUR, DAY]), ticket=name, status="Closed", actor="system")

    def said(self, scale):
        feedback = {"scale": scale, "score": self.random.choice(self.scores[scale])}
        if self.on("aspects") and self.chance(0.4):
            feedback["aspects"] = {name: self.random.choice(self.scores[scale]) for name in self.random.sample(["speed", "clarity", "care"], self.random.randint(1, 2))}
            if self.on("nulls") and self.chance(0.2):
                feedback["aspects"]["speed"] = None
        if self.on("lost") and self.chance(0.4):
            feedback["lost_minutes"] = self.random.choice([0, 7, 30, 45])
        return feedback

    def feedback(self, count, spread):
        pick = self.random.choice
        self.scores = {"nps": [0, 6, 7, 8, 9, 10, 10, 9], "stars5": [1, 2, 3, 4, 5, 5], "ces7": [1, 3, 4, 5, 7], "thumbs": [0, 1, 1], "smiley3": [1, 2, 3],
                       "percent": [0, 49, 50, 74, 75, 100]}
        if self.on("scales"):
            self.scores.update({"delight4": [1, 2, 3, 4], "mood": [-1, 0, 2, 7]})
        few = self.random.sample(sorted(self.scores), 2) + ["nps"]
        surveys, sent = [None, "post", "pulse"] if self.on("people") else ["post"], []
        for number in range(count):
            at, scale = self.instant(spread), pick(few)
            name = pick(sorted(self.names) + ["T99"])
            who = {"ticket": name} if self.chance(0.85) else {"customer": pick(["A", "B"])}
            if self.on("own") and self.chance(0.2):
                who.update(pick([{"service": "mail"}, {"user_group": "stores"}, {"customer": "A"}, {"requester": "u9"}]))
                if self.on("nulls") and self.chance(0.3):
                    who["service"] = None
            about = {"id": f"f{number}"}
            survey, respondent = pick(surveys), pick(["u1", "u2", "u3", "u4", None] if self.on("people") else [f"p{number}"])
            about.update({key: value for key, value in (("survey", survey), ("respondent", respondent),
                                                        ("touchpoint", pick(["resolution", "portal", None]))) if value is not None})
            if self.on("offers") and self.chance(0.4) and "ticket" in who and respondent and survey:
                self.event("feedback.offered", max(self.base, at - pick([MINUTE, HOUR, DAY])), **who,
                           feedback=dict(about, id=f"f{number}" if self.on("same_offers") else f"o{number}"))
                if self.chance(0.4):
                    continue
            event = self.event("feedback.submitted", at, **who, feedback=dict(about, **self.said(scale)))
            sent.append(event)
            while self.on("changes") and self.chance(0.25):
                at += pick([1, MINUTE, HOUR, 7 * HOUR, DAY])
                self.event("feedback.submitted", at, **who, feedback=dict(about, **self.said(scale)))
            if self.on("withdrawn") and self.chance(0.15):
                at += pick([1, MINUTE, HOUR, DAY])
                self.event("feedback.withdrawn", at, **who, feedback=about)
                if self.chance(0.3):
                    self.event("feedback.submitted", at + HOUR, **who, feedback=dict(about, **self.said(scale)))
            if self.on("refused") and self.chance(0.1):
                self.event("feedback.submitted", at, **who, feedback=dict(about, id=f"x{number}", **pick([{"scale": "stars9", "score": 1}, {"scale": "nps", "score": 11},
                                                                                                    {"scale": "stars5", "score": 0}, {"scale": "ces7", "score": 3, "aspects": {"speed": 8}}])))
            if self.on("acknowledged") and self.chance(0.3):
                self.event("alert.acknowledged", at + pick([0, MINUTE, HOUR, 5 * HOUR]), **{key: who[key] for key in ("ticket", "customer") if key in who},
                           alert=experience.detractor_key(event), by=pick(["boss", "lead"]))

    def case(self):
        spread = self.random.choice([DAY, 3 * DAY, 8 * DAY, 40 * DAY] if not self.on("seldom") else [40 * DAY, 70 * DAY])
        self.tickets(self.random.randint(2, 8), spread)
        self.feedback(self.random.randint(6, 36), spread)
        if self.on("moved"):
            for contract in self.policy["contracts"]:
                while "pxa" in contract and self.chance(0.4):
                    self.event("contract.moved", self.instant(spread), contract=contract["name"], by="boss", reason="r",
                               to=self.random.choice(["plan", "healthy", "provisional", "release_right", "no_data"]))
        self.arrive()
        last = max(event["_arrives"] for event in self.lines)
        until = max(last, self.instant(spread + 2 * DAY))
        lines = [{key: value for key, value in event.items() if key != "_arrives"} for event in self.lines]
        return self.bodies(spread), lines, until

    def bodies(self, spread):
        """The policy, and later versions of it that measure otherwise."""
        found = [self.policy]
        while self.on("versions") and len(found) < 3 and self.chance(0.7):
            body, other = json.loads(json.dumps(self.policy)), self.make_policy()
            kept = ("scales", "detractor_alert", "detractor_repeat")
            body.update(version=str(len(found) + 1), experience=other["experience"], **{"from": print_instant(self.instant(spread) + len(found))})
            body["experience"] = {key: value for key, value in body["experience"].items() if key not in kept}
            body["experience"].update({key: value for key, value in self.policy["experience"].items() if key in kept})
            for contract in body["contracts"]:
                if "pxa" in contract:
                    contract["pxa"].update(threshold=self.random.choice(["50%", "80%"]), min_answers=self.random.randint(1, 4), plan_days=self.random.randint(1, 4))
            found.append(body)
        return sorted(found, key=lambda body: body.get("from", ""))

    def arrive(self):
        self.events.sort(key=lambda pair: pair[0])
        lines = []
        for at, event in self.events:
            arrives = at
            if self.on("late_tickets" if event["type"].startswith("ticket.") else "late") and self.chance(0.2):
                arrives = at + self.random.choice([MINUTE, 20 * MINUTE, 3 * HOUR, DAY])
                event["arrived_at"] = print_instant(arrives)
            lines.append(dict(event, _arrives=arrives))
            if self.on("ahead") and self.chance(0.15):
                arrives = max(self.base, at - self.random.choice([MINUTE, HOUR, 5 * HOUR]))
                event["arrived_at"] = lines[-1]["arrived_at"] = print_instant(arrives)
                lines[-1]["_arrives"] = arrives
            if self.on("duplicates") and self.chance(0.1):
                again = at + self.random.choice([0, HOUR, DAY])
                lines.append(dict(event, arrived_at=print_instant(again), _arrives=max(again, arrives)))
        lines.sort(key=lambda event: event["_arrives"])
        self.lines = lines


def main():
    arguments, features = sys.argv[1:], FEATURES
    if "--features" in arguments:
        place = arguments.index("--features")
        features = [word for word in arguments[place + 1].split(",") if word]
        del arguments[place:place + 2]
    bodies, events, until = Generator(int(arguments[0]), features).case()
    generate.write(bodies, events, arguments[1])
    print(print_instant(until))


if __name__ == "__main__":
    main()
