#!/usr/bin/env python3
"""slactl replay against the oracle, and against itself, on random cases.

usage: compare.py SLACTL [--seeds N] [--from SEED] [--features a,b,-c | --profiles all] [--keep N] [--checks oracle,shuffle,board,sums]

--features names what may occur (default: all of generate.FEATURES); -word takes one away. --profiles all runs every set of
features in PROFILES, N seeds each.
For each difference the case is made smaller while the difference remains, and is written into a directory of its own
under the temporary directory, with what was found. Exit 1 when anything differed.

Checks:
  oracle    every clock line, field by field
  sums      elapsed + paused + nobody's hours = the in-hours life; the wall parts add up to the wall life (R26)
  board     no identity fires twice without a withdrawal between (R33); at the end a breach alert is live exactly when its
            clock is breached and not over
  shuffle   another order of arrival ends with the same clock lines and the same last verdicts but for `arrival`
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import generate
import oracle

FIELDS = ["state", "started_at", "due_at", "breached_at", "stopped_at", "target_ms", "elapsed_ms", "overrun_ms", "overrun_wall_ms",
          "paused_ms", "paused_wall_ms", "by_party", "flags", "agreement"]
PARTIAL = {"due_at": "due_at", "flags": "flags"}

# What goes well together: too many features at once and most clocks end in a question that the design leaves open.
COMMON = "thresholds,calendars,special,priorities"
PROFILES = {
    "plain": "thresholds",
    "calendars": "thresholds,calendars,zones,special,grace",
    "turns": COMMON + ",supplier,parties,counts,waiting_on,reassign,private,bots,canned,by_agent,starts,update,next_response",
    "retarget": COMMON + ",agreements,flip,update,next_response,supplier",
    "legs": COMMON + ",handling,ola,parties,reassign,waiting_on,agreements,reopen,delete,cancel",
    "reopen": COMMON + ",reopen,courtesy,closed,reopen_window,continue,update,next_response",
    "arrival": COMMON + ",late,duplicates,seq,unknown,reopen,courtesy,delete,update,next_response",
    "corrected": COMMON + ",created_at,excuse,update,waiting_on",
    "versions": COMMON + ",versions,days,apply,zones,reopen,update",
    "merge": COMMON + ",merge,by_agent,next_response",
}


class Runner:
    def __init__(self, slactl):
        self.slactl = slactl
        self.directory = tempfile.mkdtemp(prefix="slad-oracle.")

    def replay(self, bodies, events, until, emit):
        folder = generate.write(bodies, events, self.directory)
        run = subprocess.run([self.slactl, "replay", "--policy", folder, "--until", oracle.print_instant(until), "--emit", emit,
                              os.path.join(self.directory, "events.ndjson")], capture_output=True, text=True, timeout=60,
                             env=dict(os.environ, SLAD_ZONEINFO=oracle.ZONES), check=False)
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        return lines, run.stderr, run.returncode


def clocks_of(lines):
    return {(line["ticket"], line["kind"], line["clock"], line["cycle"]): line for line in lines if line["record"] == "clock"}


def verdicts_of(lines):
    return {(line["ticket"], line["kind"], line["clock"], line["cycle"]): line for line in lines
            if line["record"] == "outcome" and line["type"] == "verdict"}


def whole(words):
    return {word for word in words if word not in PARTIAL and not word.startswith("flag:")}


def against_oracle(bodies, events, until, lines):
    """(what differs, lines compared, lines left out)"""
    found, compared, skipped = [], 0, 0
    wanted = oracle.clock_lines(oracle.Policy(bodies), events, until)
    have, verdicts = clocks_of(lines), verdicts_of(lines)
    with_outcomes = any(line["record"] == "outcome" for line in lines)
    loose = {}
    for key, line in wanted.items():
        if whole(line["_unsettled"]):
            loose.setdefault(key[:3], set()).update(line["_unsettled"])
    for key in sorted(set(wanted) | set(have)):
        if key[:3] in loose:
            skipped += key[3] != 0
            continue
        if key not in have:
            found.append((key, "missing", wanted[key]["state"], None))
            continue
        if key not in wanted:
            found.append((key, "extra", None, have[key]["state"]))
            continue
        compared += 1
        mine, theirs, words = wanted[key], have[key], wanted[key]["_unsettled"]
        for field in FIELDS:
            a, b = mine[field], theirs[field]
            if field in PARTIAL and PARTIAL[field] in words:
                continue
            if field == "flags":
                free = {word[5:] for word in words if word.startswith("flag:")}
                a, b = sorted(set(a) - free), sorted(set(b) - free)
            if a != b:
                found.append((key, field, a, b))
        if with_outcomes:
            found += judge_verdict(key, mine, verdicts.get(key))
    return found, compared, skipped


def judge_verdict(key, mine, said):
    wanted = mine.get("_verdict")
    if wanted is None:
        if said is not None and said["verdict"] not in ("open", "void"):
            return [(key, "verdict", None, said["verdict"])]
        return []
    if said is None:
        return [(key, "verdict missing", wanted["verdict"], None)]
    found, words = [], mine["_unsettled"]
    for field, value in wanted.items():
        a, b = value, said[field]
        if field == "flags":
            if "flags" in words:
                continue
            free = {word[5:] for word in words if word.startswith("flag:")}
            a, b = sorted(set(a) - free), sorted(set(b) - free)
        if field == "final" and value is None:
            continue  # a cycle of a ticket that was reopened later: whether it is final is not said everywhere
        if a != b:
            found.append((key, f"verdict {field}", a, b))
    return found


def sums(lines):
    found = []
    for key, line in clocks_of(lines).items():
        parties = line["by_party"]
        inside = sum(each["in_hours_ms"] for each in parties.values())
        wall = sum(each["wall_ms"] for each in parties.values())
        if line["elapsed_ms"] + line["paused_ms"] + parties["nobody"]["in_hours_ms"] != inside:
            found.append((key, "sums", inside, [line["elapsed_ms"], line["paused_ms"], parties["nobody"]["in_hours_ms"]]))
        if any(each["in_hours_ms"] + each["outside_ms"] != each["wall_ms"] for each in parties.values()):
            found.append((key, "sums", "in + outside = wall", parties))
        if line["started_at"]:
            end = line["stopped_at"] or line["_until"]
            life = oracle.parse_instant(end) - oracle.parse_instant(line["started_at"])
            if wall != life:
                found.append((key, "wall sum", life, wall))
    return found


def board(lines):
    found, alerts = [], {}
    for line in lines:
        if line["record"] != "alert":
            continue
        key, before = line["key"], alerts.get(line["key"])
        if line["state"] == "firing" and before is not None and before != "withdrawn":
            found.append((tuple(key.split("/")), "fires again", before, line))
        live_or_over = ("firing", "repeated", "acknowledged") + (("resolved",) if line["state"] == "withdrawn" else ())
        if line["state"] in ("resolved", "withdrawn") and before not in live_or_over:
            found.append((tuple(key.split("/")), line["state"] + " after", before, line))
        alerts[key] = line["state"]
    for (ticket, kind, clock, cycle), line in clocks_of(lines).items():
        live = alerts.get(f"{ticket}/{kind}/{clock}/{cycle}/breach") in ("firing", "repeated", "acknowledged")
        want = line["state"] == "breached" and line["stopped_at"] is None
        if live != want:
            found.append(((ticket, kind, clock, cycle), "breach alert live", want, alerts.get(f"{ticket}/{kind}/{clock}/{cycle}/breach")))
        for key, state in alerts.items():
            if key.startswith(f"{ticket}/{kind}/{clock}/{cycle}/") and line["stopped_at"] and state in ("firing", "repeated", "acknowledged"):
                found.append(((ticket, kind, clock, cycle), "alert left", None, key))
    return found


def shuffle(runner, bodies, events, until, seed):
    """Arrival after everything, in two orders. Events of one instant keep their order within their ticket unless they have a seq."""
    last = max(oracle.parse_instant(event.get("arrived_at", event["time"])) for event in events)
    results = []
    until = max(until, last + 1000)
    seen, first = set(), []
    for event in events:
        if (event.get("source"), event["id"]) not in seen:
            first.append({key: value for key, value in event.items() if key != "arrived_at"})
        seen.add((event.get("source"), event["id"]))
    ordered = sorted(first, key=lambda event: event["time"])
    mixed = list(first)
    random.Random(seed).shuffle(mixed)
    place = {event["id"]: index for index, event in enumerate(first)}
    for a in range(len(mixed)):  # same ticket, same instant, no seq: first come, first
        for b in range(a + 1, len(mixed)):
            other = mixed[b]
            if other["ticket"] == mixed[a]["ticket"] and other["time"] == mixed[a]["time"] and "seq" not in other and place[other["id"]] < place[mixed[a]["id"]]:
                mixed[a], mixed[b] = mixed[b], mixed[a]
    unmerged = {event["ticket"] for event in events if event["type"] == "ticket.unmerged"}
    for each in (ordered, mixed):
        arrived = [dict(event, arrived_at=oracle.print_instant(last + index)) for index, event in enumerate(each)]
        results.append(runner.replay(bodies, arrived, until, "alerts,outcomes,clocks"))
    results.append(runner.replay(bodies, [dict(event, arrived_at=event["time"]) for event in ordered], until, "alerts,outcomes,clocks"))
    found = []
    reference = results[2]
    for which, (lines, errors, _) in (("in order, late", results[0]), ("shuffled", results[1])):
        for kind, pick in (("clock", clocks_of), ("verdict", verdicts_of)):
            one, other = pick(reference[0]), pick(lines)
            for key in sorted(set(one) | set(other)):
                a = {name: value for name, value in one.get(key, {}).items() if name != "arrival"}
                b = {name: value for name, value in other.get(key, {}).items() if name != "arrival"}
                if kind == "verdict" and {a.get("verdict", "void"), b.get("verdict", "void")} <= {"open", "void"} and (not a or not b or key[0] in unmerged):
                    continue  # it only takes back what was announced for a while; by history nothing is decided
                for field in sorted(set(a) | set(b)):
                    if a.get(field) != b.get(field):
                        found.append((key, f"{which}: {kind} {field}", a.get(field), b.get(field)))
        found += [(key, f"{which}: {what}", a, b) for key, what, a, b in board(lines)]
    return found


class Case:
    def __init__(self, runner, checks, seed):
        self.runner, self.checks, self.seed = runner, checks, seed
        self.compared = self.skipped = 0

    def judge(self, bodies, events, until):
        found = []
        emit = "clocks,alerts,outcomes"
        lines, errors, status = self.runner.replay(bodies, events, until, emit)
        if status != 0 or not set(errors.splitlines()) <= {line for line in errors.splitlines() if line.startswith("{")}:
            return [(("run",), "status", 0, f"{status}: {errors[:2000]}")]
        for line in lines:
            line["_until"] = oracle.print_instant(until)
        if "oracle" in self.checks:
            differences, self.compared, self.skipped = against_oracle(bodies, events, until, lines)
            found += differences
        if "sums" in self.checks:
            found += sums(lines)
        if "board" in self.checks:
            found += board(lines)
        if "shuffle" in self.checks:
            found += shuffle(self.runner, bodies, events, until, self.seed)
        return found

    def signature(self, found):
        return {(difference[0][1:3], difference[1]) for difference in found}


def smaller(case, bodies, events, until, first):
    """Delta debugging by hand: leave out tickets, events, versions, agreements, clocks, fields while the difference stays."""
    wanted = (first[0][1:3], first[1])
    deadline = time.monotonic() + 40

    def still(new_bodies, new_events):
        if time.monotonic() > deadline:
            return False
        try:
            return bool(new_events) and wanted in case.signature(case.judge(new_bodies, new_events, until))
        except Exception:  # an impossible case: not smaller
            return False

    only = [event for event in events if event["ticket"] == first[0][0]]
    if still(bodies, only):
        events = only
    changed = True
    while changed and time.monotonic() < deadline:
        changed = False
        for index in range(len(events) - 1, -1, -1):
            if events[index]["type"] == "ticket.created":
                if sum(event["ticket"] == events[index]["ticket"] for event in events) > 1:
                    continue
            shorter = events[:index] + events[index + 1:]
            if still(bodies, shorter):
                events, changed = shorter, True
        for index in range(len(bodies) - 1, 0, -1):
            if still(bodies[:index] + bodies[index + 1:], events):
                bodies, changed = bodies[:index] + bodies[index + 1:], True
        for index in range(len(bodies[0]["agreements"]) - 1, -1, -1):
            new = json.loads(json.dumps(bodies))
            for body in new:
                if index < len(body["agreements"]):
                    del body["agreements"][index]
            if still(new, events):
                bodies, changed = new, True
        for index, agreement in enumerate(bodies[0]["agreements"]):
            for name in list(agreement["clocks"]):
                new = json.loads(json.dumps(bodies))
                for body in new:
                    body["agreements"][index]["clocks"].pop(name, None)
                if all(each["clocks"] for body in new for each in body["agreements"]) and still(new, events):
                    bodies, changed = new, True
            for key in ("closing_grace", "on_reopen", "match", "calendar"):
                if key in agreement:
                    new = json.loads(json.dumps(bodies))
                    for body in new:
                        body["agreements"][index].pop(key, None)
                    if still(new, events):
                        bodies, changed = new, True
        for index, event in enumerate(events):
            for key in list(event):
                if key in ("id", "time", "type", "ticket", "clock", "into", "by", "reason", "actor", "requester"):
                    continue
                new = [dict(each) for each in events]
                del new[index][key]
                if still(bodies, new):
                    events, changed = new, True
    for name in list(bodies[0]["calendars"]):
        new = json.loads(json.dumps(bodies))
        for body in new:
            body["calendars"].pop(name, None)
        if still(new, events):
            bodies = new
    for key in ("reopen_window", "courtesy_window", "merge", "groups"):
        new = [{name: value for name, value in body.items() if name != key} for body in bodies]
        if any(key in body for body in bodies) and still(new, events):
            bodies = new
    return bodies, events


def report(case, bodies, events, until, found, first):
    where = tempfile.mkdtemp(prefix=f"slad-difference-{case.seed}.")
    generate.write(bodies, events, where)
    differences = case.judge(bodies, events, until)
    text = [f"seed {case.seed}: {'/'.join(map(str, first[0]))}: {first[1]}", f"  case: {where} --until {oracle.print_instant(until)}"]
    for body in bodies:
        text.append("  " + json.dumps({key: value for key, value in body.items() if key != "statuses"}))
    text += ["  " + json.dumps(event) for event in events]
    for key, what, mine, theirs in differences[:8]:
        text.append(f"  {'/'.join(map(str, key))} {what}: expected {json.dumps(mine)}, slactl {json.dumps(theirs)}")
    with open(os.path.join(where, "found.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(text) + "\n")
    print("\n".join(text), flush=True)


def options(arguments):
    chosen = {"seeds": 100, "from": 1, "features": None, "profiles": None, "keep": 5, "checks": "oracle,sums,board,shuffle"}
    slactl = arguments.pop(0)
    while arguments:
        name = arguments.pop(0)[2:]
        if name not in chosen or not arguments:
            sys.exit(__doc__)
        chosen[name] = arguments.pop(0)
    return slactl, chosen


def features_of(text):
    words = [word for word in (text or "").split(",") if word]
    plain = {word for word in words if not word.startswith("-")}
    unknown = {word.lstrip("-") for word in words} - set(generate.FEATURES) - {"none"}
    if unknown:
        sys.exit(f"compare: no such feature: {', '.join(sorted(unknown))}")
    return sorted(((plain or set(generate.FEATURES)) - {word[1:] for word in words if word.startswith("-")}) - {"none"})


def run_features(runner, chosen, name, features):
    """Every seed under one set of features; the number of seeds with differences."""
    reported, bad, compared, skipped = {}, 0, 0, 0
    checks = set(chosen["checks"].split(","))
    seeds = range(int(chosen["from"]), int(chosen["from"]) + int(chosen["seeds"]))
    for seed in seeds:
        bodies, events, until = generate.Generator(seed, features).case()
        case = Case(runner, checks, seed)
        found = case.judge(bodies, events, until)
        compared, skipped = compared + case.compared, skipped + case.skipped
        if not found:
            continue
        bad += 1
        first = found[0]
        kind = (first[0][1:3], first[1])
        if len(reported) < int(chosen["keep"]) and kind not in reported:
            reported[kind] = seed
            report(case, *smaller(case, bodies, events, until, first), until, found, first)
    print(f"{name}: seeds {seeds.start} to {seeds.stop - 1}, {bad} with differences, {compared} clock lines compared, "
          f"{skipped} left out as unsettled{'; kinds: ' + str(reported) if reported else ''}", flush=True)
    return bad


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    slactl, chosen = options(sys.argv[1:])
    runner = Runner(slactl)
    try:
        if chosen["profiles"]:
            bad = sum(run_features(runner, chosen, name, features_of(text)) for name, text in PROFILES.items()
                      if chosen["profiles"] in ("all", name))
        else:
            bad = run_features(runner, chosen, "features", features_of(chosen["features"]))
    finally:
        shutil.rmtree(runner.directory)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
