#!/usr/bin/env python3
"""slactl replay's scores, decisions and detractor alerts against the experience oracle on random cases.

usage: experience_compare.py SLACTL [--seeds N] [--from SEED] [--features a,b,-c | --profiles all|NAME] [--keep N] [--sample N]

For each difference the case is made smaller while the difference remains, and is written into a directory of its own
under the temporary directory, with what was found. Exit 1 when anything differed.

What is compared:
  score      the present value of every scope and window at --until, and up to --sample records on the way there; no value
             that should be there may be missing
  kei        the last record of each at --until
  pxa        every midnight's decision and every move by hand, in order, with its evidence
  credit     the last record of each contract, and each month's statement
  attainment the last record of each contract
  watermelon the state at --until, and every opening and closing between
  alert      every record of every negative answer's alert
"""
import json
import os
import random
import shutil
import sys
import tempfile
import time

import compare
import experience
import experience_cases
import generate
import oracle
from oracle import parse_instant, print_instant

BASIC = "scopes,people,rules,aspects,lost,neutral,targets,scales"
PROFILES = {
    "answers": BASIC,
    "changing": BASIC + ",changes,withdrawn,own,nulls,refused,duplicates",
    "windows": BASIC + ",months,zones,changes",
    "arrival": BASIC + ",late,changes,withdrawn,duplicates,own",
    "solves": BASIC + ",solves,offers,reopens,own,zones",
    "people": BASIC + ",erased,own,changes,solves,same_offers,offers,odd_ends,reopens,pending",
    "ahead": BASIC + ",ahead,changes,withdrawn,alerts,acknowledged",
    "versions": BASIC + ",versions,changes,pxa,moved,solves,keis",
    "keis": "scopes,people,keis,solves,reopens,aspects,lost,neutral,months,zones,changes,late",
    "agreements": "people,rules,pxa,moved,neutral,months,zones,changes,withdrawn,late,seldom",
    "credits": "people,solves,reopens,credits,months,zones,late,seldom",
    "alerts": "people,changes,withdrawn,alerts,acknowledged,own,late,duplicates",
    "watermelons": BASIC + ",solves,watermelon,changes,late,withdrawn",
    "together": "-late_tickets,-seldom",  # late tickets: docs/semantics.md, Not there yet
}


def alike(mine, theirs):
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return set(mine) == set(theirs) and all(alike(mine[key], theirs[key]) for key in mine)
    if isinstance(mine, bool) or isinstance(theirs, bool) or mine is None or theirs is None:
        return mine is theirs
    if isinstance(mine, (int, float)) and isinstance(theirs, (int, float)):
        if isinstance(mine, int) and isinstance(theirs, int):
            return mine == theirs
        return abs(mine - theirs) <= (0.51e-4 if abs(theirs) > 1 else 0.51e-4 if round(theirs, 4) == theirs else 0.51e-6)
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(alike(a, b) for a, b in zip(mine, theirs))
    return mine == theirs


def differences(mine, theirs, path=""):
    """[(path, mine, theirs)] of what differs, leaf by leaf."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        found = []
        for key in sorted(set(mine) | set(theirs)):
            found += differences(mine.get(key), theirs.get(key), f"{path}.{key}" if path else key)
        return found
    return [] if alike(mine, theirs) else [(path, mine, theirs)]


class Case:
    def __init__(self, runner, seed, sample):
        self.runner, self.seed, self.sample = runner, seed, sample
        self.compared = 0

    def judge(self, bodies, events, until):
        lines, errors, status = self.runner.replay(bodies, events, until, "alerts,outcomes,scores")
        if status != 0 or any(not line.startswith("{") for line in errors.splitlines()):
            return [(("run",), "status", 0, f"{status}: {errors[:2000]}")]
        self.bodies = bodies
        self.policy, self.until, self.lines, self.compared = self.policy_at(until), until, lines, 0
        self.read(events)
        found = self.final_scores() + self.on_the_way() + self.keis() + self.tickets()
        for contract in self.policy.get("contracts", []):
            if "pxa" in contract:
                found += self.agreement(contract)
            if "credits" in contract:
                found += self.credits(contract)
            if "watermelon" in contract and len(bodies) == 1:  # a scope that a later version does not look at is not modelled
                found += self.watermelon(contract)
            found += self.attainment(contract)
        if self.policy["experience"].get("detractor_alert"):
            found += self.alerts()
        return found

    def read(self, events):
        """What arrives when, and the verdicts as they became known."""
        now, self.events = None, []
        for place, event in enumerate(events):
            at = parse_instant(event.get("arrived_at", event["time"]))
            now = at if now is None else max(now, at)
            if now > self.until:
                break
            self.events.append(dict(event, _place=place, _arrives=now))
        self.verdicts = [(parse_instant(line["arrival"]["detected_at"]), index, line) for index, line in enumerate(self.lines)
                         if line["record"] == "outcome" and line["type"] == "verdict"]

    def verdicts_then(self, at=None, before=None):
        found = {}
        for detected, index, line in self.verdicts:
            if (at is None or detected <= at) and (before is None or index < before):
                found[(line["ticket"], line["kind"], line["clock"], line["cycle"])] = line
        return list(found.values())

    def policy_at(self, now):
        """The newest in force; the earliest holds for everything before it (R19)."""
        return [body for place, body in enumerate(self.bodies) if place == 0 or parse_instant(body["from"]) <= now][-1]

    def world(self, now, count=None, verdicts=None):
        events = self.events if count is None else self.events[:count]
        return experience.World(self.policy_at(now), events, self.verdicts_then() if verdicts is None else verdicts, now)

    def arrived(self, now):
        return sum(event["_arrives"] <= now for event in self.events)

    # --- scores
    def last(self, kind, name):
        found = {}
        for line in self.lines:
            if line["record"] == "score" and line["type"] == kind:
                found[name(line)] = line
        return found

    def final_scores(self):
        key = lambda line: (line["window"], tuple(sorted(line["scope"].items())))
        last, world, found = self.last("score", key), self.world(self.until), []
        for scope in world.scope_keys():
            for window in self.policy["experience"]["windows"]:
                if (window, tuple(sorted(scope))) not in last:
                    found.append((("score", window, str(dict(scope))), "missing", True, None))
        for (window, _), line in last.items():
            dimensions = [name for name in experience.DIMENSIONS if name in line["scope"]]
            if window not in self.policy["experience"]["windows"] or dimensions not in [
                    [name for name in experience.DIMENSIONS if name in scope] for scope in self.policy["experience"].get("scopes", [[]])]:
                continue  # an earlier version asked for it
            self.compared += 1
            mine = world.score(line["scope"], window)
            if line["at"] != print_instant(self.until) and not mine["n"] and "attainment" not in mine and "coverage" not in mine:
                continue  # the scope is forgotten: a tombstone, which replay does not print (R55)
            if line["at"] != print_instant(self.until):
                found.append((("score", window, str(line["scope"])), "at the end", print_instant(self.until), line["at"]))
            theirs = {name: value for name, value in line.items() if name not in ("record", "type", "scope", "window", "at")}
            for path, a, b in differences(mine, theirs):
                found.append((("score", window, str(line["scope"])), path, a, b))
        return found

    def on_the_way(self):
        some = [(index, line) for index, line in enumerate(self.lines) if line["record"] == "score" and line["type"] == "score"]
        some = random.Random(self.seed).sample(some, min(self.sample, len(some)))
        found, worlds = [], {}
        for index, line in some:
            self.compared += 1
            now, best = parse_instant(line["at"]), None
            theirs = {name: value for name, value in line.items() if name not in ("record", "type", "scope", "window", "at")}
            first = sum(event["_arrives"] < now for event in self.events)
            for count in range(self.arrived(now), first - 1, -1):
                for verdicts in (self.verdicts_then(now), self.verdicts_then(now, index)):
                    key = (now, count, len(verdicts), id(verdicts) if len(some) < 0 else index if self.verdicts else 0)
                    if key not in worlds:
                        worlds[key] = self.world(now, count, verdicts)
                    wrong = differences(worlds[key].score(line["scope"], line["window"]), theirs)
                    best = wrong if best is None or len(wrong) < len(best) else best
                    if not best or not self.verdicts:
                        break
                if not best:
                    break
            found += [(("score then", line["window"], str(line["scope"])), path, a, (b, line["at"])) for path, a, b in best or []]
        return found

    def keis(self):
        last, world, found = self.last("kei", lambda line: line["name"]), self.world(self.until), []
        for kei in self.policy["experience"].get("keis", []):
            self.compared += 1
            mine, theirs = world.kei(kei), last.get(kei["name"], {})
            theirs = {name: theirs[name] for name in ("n", "value", "met", "trend") if name in theirs}
            found += [(("kei", kei["name"], kei["window"]), path, a, b) for path, a, b in differences(mine, theirs)]
        return found

    def tickets(self):
        """What the ticket outcomes say of the tickets, for the figures above stand on it."""
        last, found = {}, []
        for line in self.lines:
            if line["record"] == "outcome" and line["type"] == "ticket":
                last[line["ticket"]] = line
        for name, ticket in self.world(self.until).tickets.items():
            line = last.get(name, {})
            mine = {"state": ticket.state, "started_at": print_instant(ticket.created_at)}
            if ticket.solved():
                mine.update(reopens=ticket.reopens_then, group_bounces=ticket.bounces_then, first_contact_resolution=ticket.first_contact,
                            tiers_touched=sorted(ticket.tiers_then))
            mine.update(ticket.attributes_at(self.until))
            theirs = {key: line.get(key) for key in mine}
            found += [(("ticket", name, ""), path, a, b) for path, a, b in differences(mine, theirs)]
        return found

    # --- contracts
    def outcomes(self, contract, subject):
        return [(index, line) for index, line in enumerate(self.lines)
                if line["record"] == "outcome" and line["type"] == "contract" and line["contract"] == contract["name"] and line["subject"] == subject]

    def agreement(self, contract):
        said, found = [line for _, line in self.outcomes(contract, "pxa")], []
        machine = experience.Agreement(contract)
        start = self.events[0]["_arrives"] if self.events else self.until
        steps = [(at, 1, None) for at in machine.midnights(start, self.until)]
        seen = set()
        for event in self.events:
            if event["type"] == "contract.moved" and event["contract"] == contract["name"] and event["id"] not in seen:
                seen.add(event["id"])
                steps.append((event["_arrives"], 0, event))
        steps.sort(key=lambda step: step[:2])
        if said and not said[0].get("by") and parse_instant(said[0]["decided_at"]) == start and start in machine.midnights(start - 1, start):
            steps.insert(0, (start, 1, None))  # the first line arrives at a midnight: decided or not
        wanted = []
        for at, _, event in steps:
            if event is None:
                machine.pxa = next(each for each in self.policy_at(at)["contracts"] if each["name"] == contract["name"])["pxa"]
                wanted.append(machine.decide(self.world(at, self.arrived(at), self.verdicts_then(at))))
            else:
                machine.pxa = next(each for each in self.policy_at(at)["contracts"] if each["name"] == contract["name"])["pxa"]
                wanted.append(machine.move(event, at))
        wanted = [each for each in wanted if each is not None]
        for mine, theirs in zip(wanted, said):
            self.compared += 1
            where = ("pxa", contract["name"], "")
            theirs = {key: theirs.get(key) for key in set(mine) | {"by", "reason"} if key in theirs}
            if mine["evidence"] is None:
                mine, theirs = dict(mine, evidence=0), dict(theirs, evidence=0)
            else:
                theirs["evidence"] = dict(theirs["evidence"])
                if "answers" in theirs["evidence"]:
                    theirs["evidence"]["answers"] = {tuple(each[key] for key in ("survey", "feedback", "ticket", "class", "answered_at"))
                                                     for each in theirs["evidence"]["answers"]}
                theirs["evidence"].pop("answers_omitted", None)
            wrong = differences(mine, theirs)
            found += [(where, path, a, (b, mine["decided_at"])) for path, a, b in wrong]
            if wrong:
                return found
        if len(wanted) != len(said):
            found.append((("pxa", contract["name"], ""), "decisions", [each["decided_at"] for each in wanted[len(said):]], [each["decided_at"] for each in said[len(wanted):]]))
        return found

    def credits(self, contract):
        found = []
        last = self.last("credit", lambda line: line["contract"]).get(contract["name"])
        mine = self.world(self.until).credit(contract)
        self.compared += 1
        theirs = {key: last[key] for key in mine} if last else None
        found += [(("credit", contract["name"], ""), path, a, b) for path, a, b in differences(mine, theirs)]
        zone = oracle.zone_of(contract.get("time_zone", "UTC"))
        said = {line["month"]: line for _, line in self.outcomes(contract, "credit")}
        at, wanted = self.events[0]["_arrives"], {}
        while True:
            first, _, end = experience.month_of(zone, at)
            if end > self.until:
                break
            year, month, _ = experience.date_of(experience.local_date(zone, first + 12 * experience.HOUR))
            world = self.world(end, self.arrived(end), self.verdicts_then(end))
            wanted[f"{year:04}-{month:02}"] = (print_instant(end), world.credit_of(contract, contract["credits"], lambda t: first <= t < end))
            at = end
        for month in sorted(set(said) | set(wanted)):
            self.compared += 1
            mine = {"decided_at": wanted[month][0], **wanted[month][1]} if month in wanted else None
            theirs = said.get(month)
            theirs = {"decided_at": theirs["decided_at"], **{key: theirs["evidence"].get(key) for key in (mine or {}) if key != "decided_at"}} if theirs else None
            found += [(("statement", contract["name"], ""), path, a, (b, month)) for path, a, b in differences(mine, theirs)]
        return found

    def attainment(self, contract):
        last = self.last("attainment", lambda line: line["contract"]).get(contract["name"], {})
        self.compared += 1
        return [(("attainment", contract["name"], ""), path, a, b)
                for path, a, b in differences(self.world(self.until).attainment_of(contract), last.get("attainment"))]

    def watermelon(self, contract):
        window, match = oracle.duration(contract["watermelon"]["window"]), contract.get("match", {})
        turns, found = {}, []
        for _, line in self.outcomes(contract, "watermelon"):
            turns.setdefault(tuple(line["scope"].items()), []).append((line["decided_at"], line["from"], line["to"], line["evidence"]))
        scopes = {tuple((name, verdict[name]) for name in experience.DIMENSIONS if name in dimensions) for dimensions in self.policy["experience"].get("scopes", [[]])
                  for _, _, verdict in self.verdicts if experience.matches(match, verdict) and all(verdict.get(name) is not None for name in dimensions)}
        instants = {event["_arrives"] for event in self.events} | {detected for detected, _, _ in self.verdicts}
        moments = {parse_instant(event["time"]) for event in self.events} | {parse_instant(line["decided_at"]) for _, _, line in self.verdicts if line["decided_at"]}
        moments |= {parse_instant(body["from"]) for body in self.bodies if "from" in body}
        for at in moments:
            instants |= {max(at, self.events[0]["_arrives"]), at + window, at + experience.DAY, at + window + experience.DAY}
        instants = sorted(at for at in instants if at <= self.until)
        worlds = {at: self.world(at, self.arrived(at), self.verdicts_then(at)) for at in instants}
        for scope in sorted(scopes | set(turns)):
            melon, wanted = experience.Watermelon(contract, dict(scope)), []
            for at in instants:
                before = melon.state
                if melon.ask(worlds[at]):
                    wanted.append((print_instant(at), before, melon.state, dict(melon.figures(worlds[at], at), attainment=melon.attainment(worlds[at])[0])))
            said = turns.get(scope, [])
            self.compared += 1 + len(wanted)
            where = ("watermelon", contract["name"], str(dict(scope)))
            if [each[:3] for each in wanted] != [each[:3] for each in said]:
                found.append((where, "turns", [each[:3] for each in wanted], [each[:3] for each in said]))
                continue
            for mine, theirs in zip(wanted, said):
                found += [(where, path, a, (b, mine[0])) for path, a, b in differences(mine[3], {key: theirs[3][key] for key in mine[3] if key in theirs[3]})]
            last = self.last("watermelon", lambda line: (line["contract"], tuple(line["scope"].items()))).get((contract["name"], scope))
            if last is not None or wanted:
                mine = {"state": melon.state, "since": print_instant(melon.since)}
                found += [(where, path, a, b) for path, a, b in differences(mine, {key: (last or {}).get(key) for key in mine})]
        return found

    # --- alerts
    def alerts(self):
        scales = self.world(self.until).scales
        machine, seen, said = experience.Detractors(self.policy, scales), set(), {}
        good = {event["_place"] for event in experience.accepted(self.events, scales)}
        latest, erased = {}, set()
        waiting = [dict(event, _arrives=max(event["_arrives"], parse_instant(event["time"]))) if event["type"].startswith("feedback.") else event
                   for event in self.events]  # one stamped ahead waits for its time
        for event in sorted((event for event in waiting if event["_arrives"] <= self.until), key=lambda event: event["_arrives"]):
            machine.wait_until(event["_arrives"], False)
            at = event["_arrives"]
            if event["type"] == "alert.acknowledged" and event["id"] not in seen and event["alert"] in latest:
                seen.add(event["id"])  # one of an answer nobody knows is refused: it is not seen
                machine.acknowledge(event["alert"], None if event.get("ticket") in erased else event["by"], at)
            if event["type"] == "ticket.erased":
                erased.add(event["ticket"])
            if event["_place"] not in good:
                continue
            if event["type"] not in ("feedback.submitted", "feedback.withdrawn"):
                continue
            key = experience.detractor_key(event)
            if key in latest and latest[key] > parse_instant(event["time"]):
                continue
            latest[key] = parse_instant(event["time"])
            if event["type"] == "feedback.withdrawn":
                machine.take(key, None, at, False)
            else:
                feedback = event["feedback"]
                machine.take(key, event, at, feedback["score"] in scales[feedback["scale"]][2])
        machine.wait_until(self.until, True)
        for line in self.lines:
            if line["record"] == "alert" and line["kind"] == "experience":
                said.setdefault(line["key"], []).append({"state": line["state"], "detected_at": line["arrival"]["detected_at"], "effective_at": line["effective_at"],
                                                         **{name: line[name] for name in ("n", "by") if name in line}})
        found = []
        for key in sorted(set(said) | set(machine.records)):
            mine, theirs = machine.records.get(key, []), said.get(key, [])
            self.compared += max(len(mine), len(theirs))
            for a, b in zip(mine + [None] * len(theirs), theirs + [None] * len(mine)):
                if a != b:
                    found.append((("alert", "", key), "record", a, b))
                    break
        return found


def signature(found):
    return {(key[0], what.split(".")[0]) for key, what, _, _ in found}


def smaller(case, bodies, events, until, first):
    """Leaves out events, fields, scopes, windows, contracts and settings while the difference stays."""
    wanted, deadline = (first[0][0], first[1].split(".")[0]), time.monotonic() + 40

    def still(new_bodies, new_events):
        if time.monotonic() > deadline or not new_events:
            return False
        try:
            return wanted in signature(case.judge(new_bodies, new_events, until))
        except Exception:  # an impossible case: not smaller
            return False

    step = max(1, len(events) // 2)
    while step:
        index = len(events) - step
        while index > -step:
            shorter = events[:max(0, index)] + events[index + step:]
            if still(bodies, shorter):
                events = shorter
            index -= step
        step //= 2
    for path in (("contracts",), ("agreements",), ("experience", "keis"), ("experience", "scopes"), ("experience", "windows")):
        for index in range(len(reach(bodies[0], path)) - 1, -1, -1):
            new = json.loads(json.dumps(bodies))
            del reach(new[0], path)[index]
            if still(new, events):
                bodies = new
    for name in list(bodies[0]["experience"]):
        new = json.loads(json.dumps(bodies))
        del new[0]["experience"][name]
        if name != "windows" and still(new, events):
            bodies = new
    for index in range(len(events)):
        for key in list(events[index]) + ["feedback." + key for key in events[index].get("feedback", {})]:
            if key in ("id", "time", "type", "ticket", "feedback", "feedback.id", "feedback.scale", "feedback.score"):
                continue
            new = json.loads(json.dumps(events))
            if key.startswith("feedback."):
                del new[index]["feedback"][key[9:]]
            else:
                del new[index][key]
            if still(bodies, new):
                events = new
    return bodies, events


def reach(body, path):
    for key in path:
        body = body.get(key, [] if key == path[-1] else {})
    return body


def report(case, bodies, events, until, first):
    where = tempfile.mkdtemp(prefix=f"slad-experience-{case.seed}.")
    generate.write(bodies, events, where)
    text = [f"seed {case.seed}: {' '.join(map(str, first[0]))}: {first[1]}", f"  case: {where} --until {print_instant(until)}"]
    text += ["  " + json.dumps({key: value for key, value in body.items() if key not in ("statuses", "groups")}) for body in bodies]
    text += ["  " + json.dumps(event) for event in events]
    for key, what, mine, theirs in case.judge(bodies, events, until)[:8]:
        text.append(f"  {' '.join(map(str, key))} {what}: expected {json.dumps(mine, default=str)}, slactl {json.dumps(theirs, default=str)}")
    with open(os.path.join(where, "found.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(text) + "\n")
    print("\n".join(text), flush=True)


def features_of(text):
    words = [word for word in (text or "").split(",") if word]
    unknown = {word.lstrip("-") for word in words} - set(experience_cases.FEATURES)
    if unknown:
        sys.exit(f"experience_compare: no such feature: {', '.join(sorted(unknown))}")
    plain = {word for word in words if not word.startswith("-")}
    return sorted((plain or set(experience_cases.FEATURES)) - {word[1:] for word in words if word.startswith("-")})


def run_features(runner, chosen, name, features):
    reported, bad, compared = {}, 0, 0
    seeds = range(int(chosen["from"]), int(chosen["from"]) + int(chosen["seeds"]))
    for seed in seeds:
        bodies, events, until = experience_cases.Generator(seed, features).case()
        case = Case(runner, seed, int(chosen["sample"]))
        found = case.judge(bodies, events, until)
        compared += case.compared
        if not found:
            continue
        bad += 1
        kind = (found[0][0][0], found[0][1].split(".")[0])
        if len(reported) < int(chosen["keep"]) and kind not in reported:
            reported[kind] = seed
            report(case, *smaller(case, bodies, events, until, found[0]), until, found[0])
    print(f"{name}: seeds {seeds.start} to {seeds.stop - 1}, {bad} with differences, {compared} records compared"
          f"{'; kinds: ' + str(reported) if reported else ''}", flush=True)
    return bad


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    chosen = {"seeds": 50, "from": 1, "features": None, "profiles": None, "keep": 3, "sample": 30}
    arguments = sys.argv[2:]
    while arguments:
        name = arguments.pop(0)[2:]
        if name not in chosen or not arguments:
            sys.exit(__doc__)
        chosen[name] = arguments.pop(0)
    runner = compare.Runner(sys.argv[1])
    try:
        if chosen["profiles"]:
            bad = sum(run_features(runner, chosen, name, features_of(text)) for name, text in PROFILES.items() if chosen["profiles"] in ("all", name))
        else:
            bad = run_features(runner, chosen, "features", features_of(chosen["features"]))
    finally:
        shutil.rmtree(runner.directory)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
