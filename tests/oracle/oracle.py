#!/usr/bin/env python3
"""What slad's clocks must say, worked out a second time: slow, obvious, from the semantics alone.

The engine folds events one by one. This works the other way round: it takes a ticket's whole history up to the instant
asked for, writes down the ticket's life as a list of steps (when, which state, whose turn, which attributes), with every
pending reopen already settled by looking ahead, and then lays each clock over it. Time is counted by adding up the
pieces of open intervals that a calendar gives day by day through Python's own zoneinfo.

Nothing here is shared with the C code, and where the pages of the design leave a question open, the clock is marked
with `unsettled` (a set of words) and the comparison leaves it, or the fields named there, out.

usage: oracle.py POLICY.json|DIRECTORY UNTIL < events.ndjson
"""
import bisect
import datetime
import json
import os
import re
import sys
import zoneinfo

PARTIES = ("provider", "supplier", "customer", "customer_supplier", "nobody")
PRECEDENCE = ("customer", "customer_supplier", "supplier", "provider")
ATTRIBUTES = ("customer", "contract", "service", "category", "priority", "status", "group", "assignee", "user_group",
              "requester", "channel")
DAY_MS = 86400000
HORIZON_DAYS = 4000
EPOCH = datetime.datetime(1970, 1, 1)
ZONES = os.environ.get("SLAD_ZONEINFO", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "zoneinfo"))
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


# --- instants and durations -------------------------------------------------------------------------------------------
def parse_instant(text):
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text)
    year, month, day, hour, minute, second = (int(match.group(i)) for i in range(1, 7))
    naive = datetime.datetime(year, month, day, hour, minute, second)
    ms = int((naive - EPOCH).total_seconds()) * 1000
    ms += int(((match.group(7) or ".0")[1:] + "000")[:3])
    zone = match.group(8)
    if zone not in "Zz":
        sign = 1 if zone[0] == "+" else -1
        ms -= sign * (int(zone[1:3]) * 60 + int(zone[4:6])) * 60000
    return ms


def print_instant(ms):
    if ms is None:
        return None
    at = EPOCH + datetime.timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def duration(text):
    match = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    day, hour, minute, second = (int(part or 0) for part in match.groups())
    return (((day * 24 + hour) * 60 + minute) * 60 + second) * 1000


# --- calendars --------------------------------------------------------------------------------------------------------
_zones = {}


def zone_of(name):
    if name not in _zones:
        with open(os.path.join(ZONES, name), "rb") as file:
            _zones[name] = zoneinfo.ZoneInfo.from_file(file, key=name)
    return _zones[name]


def offset(zone, utc_ms):
    at = (EPOCH + datetime.timedelta(milliseconds=utc_ms)).replace(tzinfo=datetime.timezone.utc)
    return int(at.astimezone(zone).utcoffset().total_seconds()) * 1000


def local_occurrences(zone, local_ms):
    """The instants at which the wall clock shows this local time: one, two (a repeated hour), none (a gap)."""
    found = set()
    for around in (-DAY_MS, -3600000 * 3, 0, 3600000 * 3, DAY_MS):
        utc = local_ms - offset(zone, local_ms + around)
        if utc + offset(zone, utc) == local_ms:
            found.add(utc)
    return sorted(found)


def gap_transition(zone, local_ms):
    low, high = local_ms - 2 * DAY_MS, local_ms + 2 * DAY_MS  # wall(low) < local < wall(high), never equal
    while high - low > 1:
        middle = (low + high) // 2
        if middle + offset(zone, middle) < local_ms:
            low = middle
        else:
            high = middle
    return high


def opening(zone, local_ms):
    found = local_occurrences(zone, local_ms)
    return found[0] if found else gap_transition(zone, local_ms)


def closing(zone, local_ms):
    found = local_occurrences(zone, local_ms)
    if not found:
        return gap_transition(zone, local_ms)
    if len(found) > 1 and len(local_occurrences(zone, local_ms - 1)) == 1:
        return found[0]  # R2: the first moment of a repeated hour
    return found[-1]


def minutes(text):
    return (int(text[0:2]) * 60 + int(text[3:5])) * 60000


def week_days(key):
    if key == "daily":
        return list(range(7))
    if "-" not in key:
        return [DAYS.index(key)]
    first, last = (DAYS.index(part) for part in key.split("-"))
    return [(first + i) % 7 for i in range((last - first) % 7 + 1)]


class Calendar:
    """One calendar: weekly windows of one version, days and zone of another (semantics.md section 3, days are facts)."""

    def __init__(self, name, weeks, days):
        definition, facts = weeks[name], days.get(name, weeks[name])
        self.name = name
        self.always = definition.get("always", False)
        self.union = [Calendar(part, weeks, days) for part in definition.get("union", [])]
        self.closed = {str(day) for day in facts.get("closed", [])}
        self.special = facts.get("special", {})
        self.zone = zone_of(facts["time_zone"]) if "time_zone" in facts else None
        self.week = {}
        for key, windows in definition.get("week", {}).items():
            for day in week_days(key):
                self.week[day] = windows
        self.from_ms = self.to_ms = None
        self.intervals, self.starts = [], []

    def windows(self, date):
        key = date.isoformat()
        if key in self.closed:
            return []
        if key in self.special:
            return self.special[key]
        if key[5:] in self.closed:
            return []
        return self.week.get(date.weekday(), [])

    def raw(self, first, last):
        found = []
        for part in self.union:
            found += part.raw(first, last)
        if self.zone is None:
            return found
        date = first
        while date <= last:
            midnight = (datetime.datetime(date.year, date.month, date.day) - EPOCH).days * DAY_MS
            for window in self.windows(date):
                begin, end = minutes(window[:5]), minutes(window[6:])
                end += DAY_MS if end <= begin else 0
                a, b = opening(self.zone, midnight + begin), closing(self.zone, midnight + end)
                if a < b:
                    found.append((a, b))
            date += datetime.timedelta(days=1)
        return found

    def cover(self, from_ms, to_ms):
        if self.from_ms is not None and self.from_ms <= from_ms and to_ms <= self.to_ms:
            return
        if self.from_ms is not None:
            from_ms, to_ms = min(from_ms, self.from_ms), max(to_ms, self.to_ms)
        from_ms, to_ms = from_ms - 3 * DAY_MS, to_ms + 3 * DAY_MS
        first = (EPOCH + datetime.timedelta(milliseconds=from_ms)).date() - datetime.timedelta(days=3)
        last = (EPOCH + datetime.timedelta(milliseconds=to_ms)).date() + datetime.timedelta(days=3)
        merged = []
        for a, b in sorted(self.raw(first, last)):
            if merged and a <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], b)
            else:
                merged.append([a, b])
        self.from_ms, self.to_ms = from_ms, to_ms
        self.intervals, self.starts = merged, [a for a, _ in merged]

    def count(self, a, b):
        if b <= a:
            return 0
        if self.always:
            return b - a
        self.cover(a, b)
        return sum(min(y, b) - max(x, a) for x, y in self.intervals if x < b and y > a)

    def project(self, at, ms):
        """The earliest instant, not before `at`, at which `ms` more are counted; None: not within ten years."""
        if ms <= 0:
            return at
        if self.always:
            return at + ms
        reach = 20
        while reach <= HORIZON_DAYS:
            self.cover(at, at + reach * DAY_MS)
            left = ms
            index = max(0, bisect.bisect_right(self.starts, at) - 1)
            for x, y in self.intervals[index:]:
                if y <= at:
                    continue
                x = max(x, at)
                if y - x >= left:
                    return x + left
                left -= y - x
            reach *= 2
        return None

    def next_opening(self, at):
        if self.always:
            return at
        self.cover(at, at + 30 * DAY_MS)
        for x, y in self.intervals:
            if y > at:
                return max(x, at)
        return None


# --- the policy -------------------------------------------------------------------------------------------------------
class Version:
    def __init__(self, body):
        self.body = body
        self.name = body["version"]
        self.begin = parse_instant(body["from"]) if "from" in body else None
        self.statuses = body.get("statuses", {})
        self.groups = body.get("groups", {})
        self.calendars = dict(body.get("calendars", {}))
        self.agreements = body.get("agreements", [])

    def window(self, key, default):
        return duration(self.body[key]) if key in self.body else default


class Policy:
    def __init__(self, bodies):
        self.versions = sorted((Version(body) for body in bodies), key=lambda v: -1 if v.begin is None else v.begin)
        self.cache = {}

    def at(self, t):
        best = self.versions[0]
        for version in self.versions:
            if version.begin is None or version.begin <= t:
                best = version
        return best

    def calendar(self, name, weeks, days):
        key = (name, weeks.name, days.name)
        if key not in self.cache:
            if name is None:
                self.cache[key] = Calendar("", {"": {"always": True}}, {})
            else:
                self.cache[key] = Calendar(name, weeks.calendars, days.calendars)
        return self.cache[key]


class Terms:
    """What one version promises a ticket with these attributes under one clock name; see terms()."""

    def __init__(self, agreement, clock, target, calendar):
        self.agreement, self.clock, self.target, self.calendar = agreement, clock, target, calendar
        self.name = agreement["name"]
        self.measure = clock["measure"]
        default = ["provider", "supplier"] if self.measure in ("resolution", "update") else "everyone"
        self.counts = clock.get("counts", default)
        self.on_reopen = clock.get("on_reopen", agreement.get("on_reopen", "resume"))
        self.grace = clock.get("closing_grace", agreement.get("closing_grace", False))


def matches(agreement, attrs, source):
    for key, wanted in agreement.get("match", {}).items():
        have = source if key == "source" else attrs.get(key)
        if have is None or have not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def promises(version, attrs, source):
    """(kind, clock name) -> Terms of every clock the ticket has under this version."""
    found, sla_taken = {}, False
    for agreement in version.agreements:
        kind = agreement["kind"]
        if kind == "sla" and sla_taken:
            continue
        if not matches(agreement, attrs, source):
            continue
        sla_taken = sla_taken or kind == "sla"
        for name, clock in agreement["clocks"].items():
            target = clock["target"]
            if isinstance(target, dict):
                target = target.get(attrs.get("priority"), target.get("default"))
            if target is None:
                continue
            calendar = clock.get("calendar", agreement.get("calendar"))
            if calendar is None and kind == "ola":
                group = clock.get("of", {}).get("group")
                calendar = version.groups.get(group, {}).get("calendar")
            found[(kind, name)] = Terms(agreement, clock, duration(target), calendar)
    return found


# --- the ticket's life ------------------------------------------------------------------------------------------------
class Step:
    """One event (or one thing that came from outside) and the ticket before and after it."""

    def __init__(self, t, event):
        self.t, self.event = t, event
        self.attrs0 = self.attrs = None
        self.phase0 = self.phase = None
        self.ball0 = self.ball = frozenset()
        self.start = None          # the ticket's start as known from here on
        self.reopen = None         # {"solved_at", "closed"} when this step reopens for real
        self.inherit = None        # what a merge brings: {"start", "contact"}
        self.version = None        # a version that takes running clocks over


def actor_of(event, attrs):
    if event.get("actor"):
        return event["actor"]
    by = event.get("by")
    if by is not None and by == attrs.get("requester"):
        return "requester"
    if by is not None and by == attrs.get("assignee"):
        return "agent"
    return "system"


def is_public(event, actor):
    return event.get("public", actor in ("requester", "customer"))


def is_answer(event, attrs):
    """A public message by a human agent who is not the requester."""
    if event["type"] != "ticket.message":
        return False
    actor = actor_of(event, attrs)
    if actor != "agent" or not is_public(event, actor):
        return False
    return event.get("by") is None or event["by"] != attrs.get("requester")


def is_contact(event, attrs):
    return event["type"] == "ticket.message" and actor_of(event, attrs) in ("requester", "customer")


def order(events):
    """Events as they came -> as they happened (R1)."""
    at = {}
    for event in events:
        at.setdefault(event["_t"], []).append(event)
    done = []
    for t in sorted(at):
        group = at[t]
        places = {}
        for place, event in enumerate(group):
            if event.get("seq") is not None:
                places.setdefault(event.get("source"), []).append(place)
        filled = list(group)
        for where in places.values():
            for place, event in zip(where, sorted((group[i] for i in where), key=lambda e: e["seq"])):
                filled[place] = event
        done += sorted(filled, key=lambda e: e["type"] != "ticket.created")
    return done


def ball_of(version, attrs, phase, waiting_on):
    if phase not in ("open", "waiting"):
        return frozenset()
    if waiting_on:
        return frozenset(waiting_on)
    status = version.statuses.get(attrs.get("status"), {})
    if status.get("on"):
        return frozenset([status["on"]])
    return frozenset([group_party(version, attrs)])


def group_party(version, attrs):
    return version.groups.get(attrs.get("group"), {}).get("party", "provider")


def attribution(ball):
    for party in PRECEDENCE:
        if party in ball:
            return party
    return "nobody"


class Life:
    """A ticket's steps up to the instant `until`, with every reopen settled."""

    def __init__(self, policy, ticket, events, until, merges_in=()):
        self.policy, self.ticket, self.until = policy, ticket, until
        self.unsettled = set()
        self.events = [event for event in order(events) if event["_t"] <= until]
        self.first = self.events[0]
        self.source = self.first.get("source")
        if self.first["type"] != "ticket.created":
            self.unsettled.add("first_event")
        self.unmerged = self.find_unmerged()
        self.steps = []
        self.build()
        self.add_markers(merges_in)
        self.finality()

    def find_unmerged(self):
        """Merges that an unmerge took out of history."""
        out, open_merges = set(), []
        for event in self.events:
            if event["type"] == "ticket.merged":
                open_merges.append(event)
            elif event["type"] == "ticket.unmerged" and open_merges:
                out.add(id(open_merges.pop()))
        return out

    def merged_by(self):
        for event in self.events:
            if event["type"] == "ticket.merged" and id(event) not in self.unmerged:
                return event
        return None

    def meaning(self, event_time, attrs):
        version = self.policy.at(event_time)
        return version.statuses.get(attrs.get("status"), {}).get("state", "open") if attrs.get("status") else "open"

    def build(self):
        events = self.events
        raw, attrs = [], {}
        for event in events:
            attrs = dict(attrs)
            for key in ATTRIBUTES:
                if key in event:
                    attrs[key] = event[key]
            raw.append((attrs, self.meaning(event["_t"], attrs)))
        core, deleted, merged, waiting_on, start = None, False, False, None, None
        solved_at, hold = None, False
        previous = None
        for index, event in enumerate(events):
            step = Step(event["_t"], event)
            version = self.policy.at(step.t)
            attrs, state = raw[index]
            kind = event["type"]
            deleted = kind == "ticket.deleted" or (deleted and kind != "ticket.restored")
            if kind == "ticket.merged" and id(event) not in self.unmerged:
                merged = True
            if "status" in event or "waiting_on" in event:
                waiting_on = event.get("waiting_on")
            if (deleted or merged) and previous and previous.phase in ("deleted", "merged") and "status" in event:
                self.unsettled.add("status_while_away")
            if core in ("solved", "closed") and state in ("open", "waiting"):
                if not hold:
                    real = self.reopen_is_real(index, raw)
                    if real:
                        step.reopen = {"solved_at": solved_at, "closed": core == "closed", "version": version}
                        core = state
                    else:
                        hold = True
                        if core == "closed":
                            self.unsettled.add("courtesy_after_closed")
            elif core in ("solved", "closed"):
                hold = False
                if core == "closed" and state == "solved":
                    self.unsettled.add("closed_then_solved")
                    core = "closed"
                else:
                    if state == "cancelled":
                        self.unsettled.add("cancelled_when_solved")
                    core = state
            else:
                if state in ("solved", "closed"):
                    solved_at = step.t
                    if core == "cancelled":
                        self.unsettled.add("solved_when_cancelled")
                core = state
            step.attrs0, step.phase0, step.ball0 = ((previous.attrs, previous.phase, previous.ball) if previous else ({}, None, frozenset()))
            step.attrs = attrs
            step.phase = "deleted" if deleted else "merged" if merged else core
            step.ball = ball_of(version, attrs, step.phase, waiting_on)
            if previous is None:
                start = step.t
                if state not in ("open", "waiting"):
                    self.unsettled.add("created_solved")
            if event.get("created_at"):
                start = min(parse_instant(event["created_at"]), events[0]["_t"])
            step.start = start
            self.steps.append(step)
            previous = step
        self.pending = hold

    def reopen_is_real(self, index, raw):
        event, t = self.events[index], self.events[index]["_t"]
        if actor_of(event, raw[index][0]) == "agent":
            return True
        end = t + self.policy.at(t).window("courtesy_window", 900000)
        for later in range(index + 1, len(self.events)):
            other = self.events[later]
            if other["_t"] > end:
                break
            if other["type"] == "ticket.deleted" or (other["type"] == "ticket.merged" and id(other) not in self.unmerged):
                return True
            state = raw[later][1]
            if state == "cancelled":
                return True
            if state in ("solved", "closed"):
                return False
            if other["type"] in ("ticket.created", "ticket.updated", "ticket.message") and actor_of(other, raw[later][0]) == "agent":
                return True
        return self.until >= end

    def add_markers(self, merges_in):
        """Versions that take running clocks over come before the events of their instant, merges after them."""
        def insert(marker, after):
            place = 0
            while place < len(self.steps) and (self.steps[place].t < marker.t or (after and self.steps[place].t == marker.t)):
                place += 1
            if place == 0:
                return
            before = self.steps[place - 1]
            marker.attrs0 = marker.attrs = before.attrs
            marker.phase0 = marker.phase = before.phase
            marker.ball0 = marker.ball = before.ball
            marker.start = before.start
            self.steps.insert(place, marker)

        for version in self.policy.versions:
            if version.begin is not None and version.begin <= self.until and version.body.get("apply_to_running"):
                marker = Step(version.begin, None)
                marker.version = version
                insert(marker, False)
        for t, brought in merges_in:
            marker = Step(t, None)
            marker.inherit = brought
            insert(marker, True)

    def finality(self):
        """From when on the ticket was final at `until`: None when it is not."""
        last = self.steps[-1]
        self.final_since = None
        version = self.policy.at(self.until)
        window = version.window("reopen_window", 7 * DAY_MS)
        for agreement in version.agreements:
            if "reopen_window" in agreement:
                self.unsettled.add("reopen_window")
        solved, closed = None, None
        for step in self.steps:
            if step.phase0 in ("open", "waiting", None) and step.phase in ("solved", "closed"):
                solved = step.t
            if step.phase == "closed" and step.phase0 != "closed":
                closed = step.t
        if last.phase == "closed":
            self.final_since = closed
        elif last.phase == "solved" and not self.pending and solved is not None and self.until >= solved + window:
            self.final_since = solved + window
        elif last.phase == "solved" and self.pending:
            # pending counts as solved; whether finality may fall into it is not said
            if solved is not None and self.until >= solved + window:
                self.unsettled.add("final_while_pending")

    def days_version(self):
        t = self.until if self.final_since is None else self.final_since
        return self.policy.at(t)


# --- the clocks -------------------------------------------------------------------------------------------------------
class Cycle:
    def __init__(self, number, start, version):
        self.number, self.start, self.version = number, start, version
        self.spans = []            # (from, to, calendar, running, party, open): the life up to now
        self.stopped = None        # when it ended or was cancelled
        self.end = None            # met, unanswered, cancelled: how it ended if not breached
        self.lost = False          # cancelled because no agreement promises it
        self.running = False
        self.running_at_stop = False
        self.terms = None
        self.calendar = None
        self.due = None            # the projection while running, not past
        self.breached = None
        self.missed_due = None     # what due_at says after a breach
        self.projected = False     # after a breach: a retarget left time, due_at is a projection again
        self.flags = set()
        self.excuse = None
        self.excused_at = None
        self.answered = False
        self.answered_late = False
        self.from_creation = False
        self.unsettled = set()
        self.at_breach = None

    def live(self):
        return self.stopped is None

    def elapsed(self, until=None):
        total = 0
        for a, b, calendar, running, _, _ in self.spans:
            b = b if until is None else min(b, until)
            if running and b > a:
                total += calendar.count(a, b)
        return total

    def nominal(self):
        """The instant at which the target was used up while running, or None: laid over all spans again."""
        merged = []
        for a, b, calendar, running, _, _ in self.spans:
            if not running:
                merged.append((a, b, calendar, False))
            elif merged and merged[-1][3] and merged[-1][2] is calendar and merged[-1][1] == a:
                merged[-1] = (merged[-1][0], b, calendar, True)
            else:
                merged.append((a, b, calendar, True))
        left = self.terms.target
        for index, (a, b, calendar, running) in enumerate(merged):
            if not running or b <= a:
                continue
            due = calendar.project(a, left)
            if due is not None and (due < b or (due == b and index + 1 < len(merged) and merged[index + 1][3])):
                return due
            left -= calendar.count(a, b)
        return None


class Clock:
    """One promise (kind and clock name) of one ticket, laid over its life."""

    def __init__(self, life, kind, name, days=None):
        self.life, self.policy, self.kind, self.name = life, life.policy, kind, name
        self.days = days           # None: the pinned version's own days
        self.cycles = []
        self.lost_idle = False
        self.unsettled = set()
        self.contact_while_solved = False
        self.known_start = None
        self.fresh_from = None     # the reopen that asks for a new cycle
        self.priorities = []       # (when, the priority before)
        self.walk()

    # -- what is promised
    def terms(self, version, attrs):
        return promises(version, attrs, self.life.source).get((self.kind, self.name))

    def calendar_of(self, terms, version):
        return self.policy.calendar(terms.calendar, version, self.days or version)

    def limit(self, cycle, due):
        if due is None or not cycle.terms.grace:
            return due
        opening_at = cycle.calendar.next_opening(due)
        return due if opening_at is None else opening_at

    # -- whether it runs
    def has_ball(self, version, of, attrs, ball):
        if "party" in of:
            return of["party"] in ball
        return attrs.get("group") == of["group"] and group_party(version, attrs) in ball

    def runs(self, terms, t, attrs, phase, ball):
        if phase not in ("open", "waiting"):
            return False
        if terms.measure == "handling":
            return self.has_ball(self.policy.at(t), terms.clock["of"], attrs, ball)
        return terms.counts == "everyone" or (bool(ball) and all(party in terms.counts for party in ball))

    # -- the walk
    def walk(self):
        steps, until = self.life.steps, self.life.until
        previous = None
        for step in steps:
            if previous is not None:
                self.pass_time(previous, step.t, False)
            self.take(step)
            previous = step
        self.pass_time(previous, until, True)

    def current(self):
        return self.cycles[-1] if self.cycles else None

    def pass_time(self, step, to, inclusive):
        for cycle in self.cycles:
            if cycle.live():
                if to > step.t:
                    cycle.spans.append((step.t, to, cycle.calendar, cycle.running, attribution(step.ball), True))
                if cycle.running and cycle.breached is None and cycle.excused_at is None and cycle.due is not None:
                    limit = self.limit(cycle, cycle.due)
                    if limit < to or (inclusive and limit <= to):
                        self.breach(cycle, cycle.due, cycle.due)

    def breach(self, cycle, at, due, flag=None):
        if cycle.excuse is not None:
            cycle.excused_at = at
            cycle.flags.add("excused")
            if flag:
                cycle.unsettled.add("flags")
            return
        cycle.breached, cycle.missed_due, cycle.projected = at, due, False
        cycle.at_breach = {"target": cycle.terms.target, "agreement": cycle.terms.name}
        if flag:
            cycle.flags.add(flag)

    def settle(self, cycle, step, terms, changed):
        """After a step: does it run, on which calendar, until when."""
        calendar = self.calendar_of(terms, cycle.version)
        running = self.runs(terms, step.t, step.attrs, step.phase, step.ball)
        fresh = (changed or cycle.terms is None or calendar is not cycle.calendar or running != cycle.running
                 or terms.target != cycle.terms.target or terms.grace != cycle.terms.grace)
        cycle.terms, cycle.calendar, cycle.running = terms, calendar, running
        if not fresh:
            return
        left = terms.target - cycle.elapsed()
        if not running:
            cycle.due = None
        elif left >= 0:
            cycle.due = calendar.project(step.t, left)
        elif cycle.excuse is not None or cycle.excused_at is not None:
            cycle.due = cycle.nominal()
            cycle.unsettled.add("due_at")
        else:
            cycle.due = None

    def take(self, step):
        event = step.event
        if event is None and step.version is not None:
            self.take_version(step)
        elif event is None:
            self.take_merge(step)
        else:
            self.take_event(step)

    def take_version(self, step):
        cycle = self.current()
        if cycle is None:
            return
        if not cycle.live():
            cycle.unsettled.add("apply_to_ended")
            return
        cycle.version = step.version
        cycle.unsettled.add("flag:calendar_corrected")
        self.retarget(cycle, step)
        if cycle.live():
            self.settle(cycle, step, cycle.terms, False)

    def take_merge(self, step):
        cycle = self.cycles[0] if self.cycles else None
        if cycle is None or cycle.terms is None:
            if step.inherit.get("contact") is not None:
                self.unsettled.add("inherit_idle")
            return
        measure = cycle.terms.measure
        brought = {"resolution": step.inherit.get("start"), "first_response": step.inherit.get("contact")}.get(measure)
        if brought is None or not cycle.live() or len(self.cycles) > 1:
            return
        if brought < cycle.start:
            if cycle.breached is not None or cycle.excused_at is not None:
                cycle.unsettled.add("merge_on_breached")
            self.restart(cycle, brought, step)
            if cycle.live():
                self.settle(cycle, step, cycle.terms, True)

    def take_event(self, step):
        event = step.event
        cycle = self.current()
        stopped_here = None
        # message effects, under what was in force before
        if cycle and cycle.live() and cycle.terms.measure in ("first_response", "next_response", "update") and is_answer(event, step.attrs0):
            cycle.answered = True
            self.stop(cycle, step.t, "met")
            if event.get("canned"):
                cycle.flags.add("canned_response")
            stopped_here = "answer"
        elif cycle and not cycle.live() and is_answer(event, step.attrs0) and cycle.terms.measure in ("first_response", "next_response", "update"):
            if step.phase0 not in ("open", "waiting"):
                cycle.unsettled.add("answer_when_over")
                cycle.answered_late = True
        if step.phase0 == "solved" and is_contact(event, step.attrs0):
            self.contact_while_solved = True
        if step.phase0 == "closed" and is_contact(event, step.attrs0):
            self.contact_while_solved = True
        # attributes
        if event["type"] != "ticket.created":
            self.note_priority(step)
        if self.known_start is not None and step.start != self.known_start and self.cycles and self.cycles[0].from_creation:
            if self.cycles[0].start == self.known_start or step.start < self.cycles[0].start:
                self.restart(self.cycles[0], step.start, step)
            else:
                self.cycles[0].unsettled.add("start_later")
        self.known_start = step.start
        if cycle and cycle.live():
            self.retarget(cycle, step)
        elif cycle and cycle.lost:
            self.come_back(cycle, step)
        # the status
        if event["type"] == "verdict.excused":
            self.take_excuse(step)
        cycle = self.current()
        if cycle:
            self.take_phase(cycle, step)
        # starts
        self.start(step, stopped_here)
        cycle = self.current()
        if cycle and cycle.live():
            self.settle(cycle, step, cycle.terms, False)
        if step.phase in ("solved", "closed") and step.phase0 in ("open", "waiting"):
            self.contact_while_solved = False

    def note_priority(self, step):
        before, after = step.attrs0.get("priority"), step.attrs.get("priority")
        if before == after:
            return
        window = self.policy.at(step.t).window("flip_window", 900000)
        if self.priorities and self.priorities[-1][1] == after and step.t - self.priorities[-1][0] <= window:
            cycle = self.current()
            if cycle and cycle.live():
                cycle.flags.add("priority_flip")
        self.priorities.append((step.t, before))

    def retarget(self, cycle, step):
        terms = self.terms(cycle.version, step.attrs)
        if terms is None:
            cycle.lost = True
            self.cancel(cycle, step.t)
            return
        old = cycle.terms
        changed = terms.name != old.name or terms.target != old.target or terms.calendar != old.calendar
        if terms.measure != old.measure:
            cycle.unsettled.add("measure")
        cycle.terms = terms
        elapsed = cycle.elapsed()
        if cycle.breached is None and cycle.excused_at is None:
            if elapsed > terms.target:
                if changed and old.grace:
                    cycle.unsettled.add("grace_retarget")
                self.breach(cycle, step.t, step.t, "at_retarget")
        elif changed and terms.target > elapsed:
            cycle.projected = True
        elif changed and cycle.projected:
            cycle.unsettled.add("due_at")
        cycle.terms = old if not changed else terms
        if changed:
            left = terms.target - elapsed
            cycle.due = self.calendar_of(terms, cycle.version).project(step.t, left) if cycle.running and left >= 0 else None
            cycle.calendar = None

    def come_back(self, cycle, step):
        terms = self.terms(cycle.version, step.attrs)
        if terms is None:
            return
        if step.phase not in ("open", "waiting") or step.phase0 not in ("open", "waiting"):
            cycle.unsettled.add("come_back_solved")
            return
        if terms.measure in ("first_response", "next_response", "update") or (terms.measure == "handling" and terms.clock.get("mode") == "per_stay"):
            for other in self.life.steps:
                if cycle.stopped <= other.t <= step.t and other.event and (is_answer(other.event, other.attrs0) or is_contact(other.event, other.attrs0)):
                    cycle.unsettled.add("come_back_message")
            if terms.measure == "handling":
                cycle.unsettled.add("come_back_stay")
        for other in self.life.steps:
            if cycle.stopped <= other.t <= step.t and other.phase not in ("open", "waiting"):
                cycle.unsettled.add("come_back_phase")
        cycle.lost = False
        self.resume(cycle, step, False)
        self.retarget(cycle, step)

    def resume(self, cycle, step, counted):
        """The cycle goes on; the gap since it stopped is nobody's, or (counted) the provider's."""
        calendar = cycle.calendar or self.calendar_of(cycle.terms, cycle.version)
        if counted:
            cycle.spans.append((cycle.stopped, step.t, calendar, True, "provider", True))
        else:
            cycle.spans.append((cycle.stopped, step.t, calendar, False, "nobody", False))
        cycle.stopped, cycle.end = None, None
        cycle.flags -= {"merged"}
        cycle.running = False
        cycle.due = None

    def stop(self, cycle, t, end):
        cycle.running_at_stop = cycle.running
        cycle.stopped, cycle.end = t, end
        cycle.running = False

    def cancel(self, cycle, t):
        self.stop(cycle, t, "cancelled")

    def take_phase(self, cycle, step):
        was_open, is_open = step.phase0 in ("open", "waiting"), step.phase in ("open", "waiting")
        measure = cycle.terms.measure
        per_stay = measure == "handling" and cycle.terms.clock.get("mode", "cumulative") == "per_stay"
        if was_open and is_open and cycle.live() and cycle.running and "customer" in step.ball and "customer" not in step.ball0:
            if not self.contact_since(step):
                cycle.flags.add("pause_without_contact")
        if was_open and not is_open and cycle.live():
            if step.phase in ("solved", "closed"):
                if measure == "first_response":
                    self.stop(cycle, step.t, "unanswered")
                else:
                    self.stop(cycle, step.t, "met")
                if step.event.get("actor") in ("bot", "system"):
                    if measure == "resolution":
                        cycle.flags.add("auto_closed")
                    else:
                        cycle.unsettled.add("flag:auto_closed")
            else:
                self.cancel(cycle, step.t)
                if step.phase == "merged":
                    cycle.flags.add("merged")
        elif not was_open and step.phase0 is not None and is_open and not cycle.live() and cycle.end == "cancelled" and not cycle.lost:
            if step.reopen is None:
                terms = self.terms(cycle.version, step.attrs)
                if terms is None or per_stay:
                    cycle.unsettled.add("back_changed")
                    return
                for other in self.life.steps:
                    if cycle.stopped <= other.t <= step.t and other.event and other.event["type"] == "ticket.message":
                        cycle.unsettled.add("message_while_away")
                self.resume(cycle, step, False)
                self.retarget(cycle, step)
        elif step.reopen is not None and not cycle.live():
            self.reopen(cycle, step, per_stay)
        elif was_open and is_open and per_stay and cycle.live():
            if not self.runs(cycle.terms, step.t, step.attrs, step.phase, step.ball):
                self.stop(cycle, step.t, "met")

    def contact_since(self, step):
        """Was a public human agent message sent since the last message from the requester's side (R27)?"""
        contacted = True
        for other in self.life.steps:
            if other.event is not None:
                if other.event["type"] == "ticket.created" and actor_of(other.event, other.attrs) != "agent":
                    contacted = False
                if is_contact(other.event, other.attrs0):
                    contacted = False
                if is_answer(other.event, other.attrs0):
                    contacted = True
            if other is step:
                break
        return contacted

    def reopen(self, cycle, step, per_stay):
        measure = cycle.terms.measure
        window = step.reopen["version"].window("reopen_window", 7 * DAY_MS)
        fresh = step.reopen["closed"] or step.t > step.reopen["solved_at"] + window
        terms = self.terms(cycle.version, step.attrs)
        if measure in ("update", "next_response") or per_stay:
            return
        if cycle.end == "cancelled":
            cycle.unsettled.add("reopen_cancelled")
            return
        if terms is None:
            cycle.unsettled.add("reopen_lost")
            return
        if measure == "first_response":
            if cycle.answered or cycle.end == "met":
                return
            if fresh or terms.on_reopen == "new_cycle":
                if fresh and terms.on_reopen != "new_cycle":
                    cycle.unsettled.add("first_response_fresh")
                return
            if cycle.answered_late:
                cycle.unsettled.add("answer_when_over")
        elif fresh or terms.on_reopen == "new_cycle":
            self.fresh_from = step
            return
        if measure == "handling" and terms.on_reopen == "continue":
            cycle.unsettled.add("continue_handling")
        stop_target = cycle.terms
        if stop_target.name != terms.name or stop_target.target != terms.target or stop_target.calendar != terms.calendar:
            cycle.unsettled.add("retarget_while_solved")
        self.resume(cycle, step, terms.on_reopen == "continue")
        cycle.flags.add("reopened")
        if "auto_closed" in cycle.flags:
            cycle.flags.discard("auto_closed")
            cycle.unsettled.add("flag:auto_closed")
        if terms.on_reopen == "continue" and cycle.breached is None and cycle.excused_at is None:
            nominal = cycle.nominal()
            if nominal is not None and self.limit_at(cycle, nominal) < step.t:
                self.breach(cycle, step.t, nominal, "retroactive")
        self.retarget(cycle, step)

    def limit_at(self, cycle, due):
        if not cycle.terms.grace:
            return due
        opening_at = (cycle.calendar or self.calendar_of(cycle.terms, cycle.version)).next_opening(due)
        return due if opening_at is None else opening_at

    def restart(self, cycle, start, step):
        """The start moved: counted again from there, and judged as of this step (R10, R32, R40)."""
        if start > cycle.start and (cycle.breached is not None or cycle.excused_at is not None):
            cycle.unsettled.add("start_later")
        if self.policy.at(start) is not cycle.version:
            cycle.unsettled.add("version_at_start")
        first = self.life.steps[0]
        body = [span for span in cycle.spans if span[0] >= first.t]
        head = []
        if start < first.t:
            head = [self.prefix(cycle, start, first)]
        head += self.between(cycle, start, step)
        cycle.spans, cycle.start = head + body, start
        if cycle.breached is not None or cycle.excused_at is not None:
            cycle.unsettled.add("due_at")
            return
        if cycle.end == "cancelled":
            cycle.unsettled.add("due_at")
            return
        nominal = cycle.nominal()
        by = cycle.stopped if cycle.stopped is not None else step.t
        if nominal is not None and self.limit_at(cycle, nominal) < by:
            self.breach(cycle, step.t, nominal, "retroactive")
            if cycle.excuse is not None:
                cycle.unsettled.add("due_at")
        elif cycle.stopped is not None:
            left = cycle.terms.target - cycle.elapsed()
            cycle.due = nominal if left <= 0 and nominal is not None else cycle.calendar.project(cycle.stopped, left)
        else:
            cycle.calendar = None  # settled again after this step

    def between(self, cycle, start, step):
        """The ticket's life from start to where the cycle began until now, when that was after the ticket's first event (a merge
        brings an older contact to a clock that began with a message)."""
        spans = []
        steps = self.life.steps[:self.life.steps.index(step) + 1]
        for other, following in zip(steps, steps[1:]):
            a, b = max(other.t, start), min(following.t, cycle.start)
            if b > a:
                open_then = other.phase in ("open", "waiting")
                running = self.runs(cycle.terms, other.t, other.attrs, other.phase, other.ball)
                spans.append((a, b, cycle.calendar, running, attribution(other.ball) if open_then else "nobody", open_then))
        return spans

    def prefix(self, cycle, start, first):
        terms = self.terms(cycle.version, first.attrs) or cycle.terms
        if (terms.name, terms.calendar, terms.counts) != (cycle.terms.name, cycle.terms.calendar, cycle.terms.counts):
            cycle.unsettled.add("prefix_terms")
        party = group_party(self.policy.at(first.t), first.attrs)
        running = self.runs(terms, first.t, first.attrs, "open", frozenset([party]))
        return (start, first.t, self.calendar_of(terms, cycle.version), running, party, True)

    def take_excuse(self, step):
        event = step.event
        path = event["clock"].split("/")
        if path[:2] != [self.kind, self.name]:
            return
        if not self.cycles:
            self.unsettled.add("excuse_ahead")
            return
        cycle = self.cycles[-1]
        if len(path) == 3:
            named = [each for each in self.cycles if each.number == int(path[2])]
            if not named:
                self.unsettled.add("excuse_ahead")
                return
            cycle = named[0]
        else:
            for each in self.cycles:
                if each.breached is not None or each.excused_at is not None:
                    cycle = each
        cycle.excuse = (event.get("by"), event.get("reason"))
        if cycle.breached is not None:
            cycle.excused_at, cycle.breached = cycle.breached, None
            cycle.flags.add("excused")
            if cycle.flags & {"at_retarget", "retroactive"}:
                cycle.unsettled.add("flags")
            if cycle.projected or cycle.due is None or cycle.missed_due != cycle.due:
                cycle.unsettled.add("due_at")

    # -- starts
    def begin(self, step, start, from_creation=False, attrs=None):
        version = self.policy.at(start)
        terms = self.terms(version, step.attrs if attrs is None else attrs)
        here = self.terms(self.policy.at(step.t), step.attrs)
        if (terms is None) != (here is None) or (terms and (terms.name, terms.target, terms.calendar) != (here.name, here.target, here.calendar)):
            self.unsettled.add("version_at_start")
        if version is not self.policy.at(step.t):
            self.unsettled.add("version_at_start")
        if terms is None:
            return None
        cycle = Cycle(len(self.cycles) + 1, start, version)
        cycle.terms, cycle.from_creation = terms, from_creation
        cycle.calendar = self.calendar_of(terms, version)
        self.cycles.append(cycle)
        return cycle

    def start(self, step, stopped_here):
        event = step.event
        handoff = not self.cycles and is_answer(event, step.attrs0)  # R46: started and met, also when it solves
        if step.phase not in ("open", "waiting") and not (handoff and step.phase0 in ("open", "waiting")):
            if not self.cycles and self.life.steps[0] is not step and any(
                    self.terms(version, step.attrs) is not None for version in self.policy.versions):
                if any(self.terms(self.policy.at(o.t), o.attrs) is None for o in self.life.steps[:self.life.steps.index(step)]):
                    self.unsettled.add("gained_when_over")
            return
        cycle = self.current()
        if cycle and cycle.live():
            return
        version = self.policy.at(step.t)
        terms = self.terms(version, step.attrs)
        if not self.cycles and (self.terms(self.policy.at(self.life.steps[0].t), step.attrs) is None) != (terms is None):
            self.unsettled.add("version_at_start")
        if terms is None:
            return
        created = step is self.life.steps[0]
        if step.phase not in ("open", "waiting") and (terms.measure != "first_response" or terms.clock.get("start") != "handoff"):
            return
        getattr(self, "start_" + terms.measure)(step, terms, created, stopped_here)

    def from_start(self, step):
        """A cycle from the ticket's creation on, at the creation or gained later."""
        first = self.life.steps[0]
        cycle = self.begin(step, step.start, True)
        if cycle is None:
            return
        if step.start < first.t:
            cycle.spans.append(self.prefix(cycle, step.start, first))
        if step is first:
            if step.start < step.t:
                nominal = cycle.nominal()
                if nominal is not None and nominal < step.t:
                    self.breach(cycle, step.t, nominal, "retroactive")
                    cycle.calendar = None
            return
        self.gain(cycle, step, first.t)

    def gain(self, cycle, step, since):
        """The past of a clock gained now, as if it had always been there (R21)."""
        steps = self.life.steps
        for index, other in enumerate(steps):
            if other is step:
                break
            a, b = max(other.t, since), steps[index + 1].t
            if b <= a:
                continue
            if other.phase in ("open", "waiting"):
                running = self.runs(cycle.terms, other.t, other.attrs, other.phase, other.ball)
                cycle.spans.append((a, b, cycle.calendar, running, attribution(other.ball), True))
            else:
                cycle.spans.append((a, b, cycle.calendar, False, "nobody", False))
                cycle.unsettled.add("gained_after_gap")
        cycle.unsettled |= {"flag:pause_without_contact", "flag:priority_flip"}
        if any(other.inherit is not None for other in steps[:steps.index(step)]):
            cycle.unsettled.add("gained_after_merge")  # docs/semantics.md: it begins where the merge would have put it
        if cycle.elapsed() > cycle.terms.target:
            self.breach(cycle, step.t, step.t, "at_retarget")

    def start_resolution(self, step, terms, created, stopped_here):
        if not self.cycles:
            if not created and step.reopen is not None:
                self.unsettled.add("gained_at_reopen")
            if any(other.phase in ("solved", "closed") for other in self.life.steps[:self.life.steps.index(step)]):
                self.unsettled.add("gained_after_solve")
            self.from_start(step)
        elif self.fresh_from is step:
            self.begin_new(step)

    def begin_new(self, step):
        cycle = self.begin(step, step.t)
        if cycle and step.reopen is not None:
            cycle.unsettled.add("flag:reopened")

    def start_first_response(self, step, terms, created, stopped_here):
        if self.cycles:
            return
        how = terms.clock.get("start", "creation")
        steps = self.life.steps[:self.life.steps.index(step) + 1]
        first = steps[0]
        by_agent = actor_of(first.event, first.attrs) == "agent"
        if not created and any(other.phase in ("solved", "closed") for other in steps):
            self.unsettled.add("first_response_after_solve")
        if how == "creation_always" or (how == "creation" and not by_agent):
            if not created and any(other.event and is_answer(other.event, other.attrs0) for other in steps):
                self.unsettled.add("gained_after_answer")
            self.from_start(step)
            return
        for other in steps:
            if other.event is None:
                continue
            hit = (is_contact(other.event, other.attrs0 if other is not first else other.attrs) if how == "creation"
                   else other.event.get("handled_by") == "human" or is_answer(other.event, other.attrs0))
            if not hit:
                continue
            if other is not step:
                if not any(self.terms(self.policy.at(o.t), o.attrs) is None for o in steps):
                    self.unsettled.add("first_response_late_start")
                if any(o.event and is_answer(o.event, o.attrs0) for o in steps):
                    self.unsettled.add("gained_after_answer")
            before = how == "handoff" and other is step and is_answer(step.event, step.attrs0)  # R1: the message comes first
            if before and self.terms(self.policy.at(step.t), step.attrs0) is None:
                self.unsettled.add("handoff_gained")
                before = False
            cycle = self.begin(step, other.t, False, step.attrs0 if before else None)
            if cycle is None:
                return
            if before:
                self.unsettled.discard("version_at_start")
            if other is not step:
                self.gain(cycle, step, other.t)
            elif how == "handoff" and is_answer(step.event, step.attrs0):
                cycle.answered = True
                cycle.running = self.runs(cycle.terms, step.t, step.attrs, "open", step.ball0)
                cycle.due = cycle.calendar.project(step.t, cycle.terms.target)
                self.stop(cycle, step.t, "met")
                if step.event.get("canned"):
                    cycle.flags.add("canned_response")
            return

    def start_next_response(self, step, terms, created, stopped_here):
        if created:
            return
        if not self.cycles and any(self.terms(self.policy.at(o.t), o.attrs) is None for o in self.life.steps[:self.life.steps.index(step) + 1]):
            self.unsettled.add("gained_next_response")
        current = self.current()
        if current and current.end == "cancelled":
            current.unsettled.add("next_response_cancelled")
        if is_contact(step.event, step.attrs0) and step.phase0 in ("open", "waiting"):
            self.begin(step, step.t)
        elif step.reopen is not None and self.contact_while_solved:
            cycle = self.begin(step, step.t)
            if cycle:
                cycle.unsettled.add("flag:reopened")
                for other in self.life.steps:
                    if step.reopen["solved_at"] <= other.t <= step.t and other.event and is_answer(other.event, other.attrs0):
                        cycle.unsettled.add("answered_while_solved")

    def start_update(self, step, terms, created, stopped_here):
        if not self.cycles:
            if not created and any(o.event and is_answer(o.event, o.attrs0) for o in self.life.steps[:self.life.steps.index(step) + 1]):
                self.unsettled.add("gained_update")
            if any(other.phase in ("solved", "closed") for other in self.life.steps[:self.life.steps.index(step)]):
                self.unsettled.add("gained_after_solve")
            self.from_start(step)
        elif stopped_here == "answer":
            self.begin(step, step.t)
        elif step.reopen is not None:
            cycle = self.begin(step, step.t)
            if cycle:
                cycle.unsettled.add("flag:reopened")
        elif self.current().end == "cancelled":
            self.current().unsettled.add("update_cancelled")
        else:
            self.current().unsettled.add("update_gone")

    def start_handling(self, step, terms, created, stopped_here):
        of = terms.clock["of"]
        if not self.has_ball(self.policy.at(step.t), of, step.attrs, step.ball):
            if created and step.start < step.t:
                self.unsettled.add("handling_prefix")
            before = self.life.steps[:self.life.steps.index(step)]
            if not self.cycles and any(self.has_ball(self.policy.at(o.t), of, o.attrs, o.ball) for o in before):
                self.unsettled.add("gained_stay")
            return
        per_stay = terms.clock.get("mode", "cumulative") == "per_stay"
        if not self.cycles:
            before = self.life.steps[:self.life.steps.index(step)]
            had = [o for o in before if self.has_ball(self.policy.at(o.t), of, o.attrs, o.ball)]
            if created:
                if step.start < step.t:
                    self.unsettled.add("handling_prefix")
                cycle = self.begin(step, step.t, False)
                if cycle:
                    cycle.at_creation = True
                return
            if had:
                if per_stay:
                    self.unsettled.add("gained_stay")
                if any(o.phase not in ("open", "waiting") for o in before):
                    self.unsettled.add("gained_after_solve")
                cycle = self.begin(step, had[0].t)
                if cycle:
                    self.gain(cycle, step, had[0].t)
                return
            self.begin(step, step.t)
            return
        if per_stay:
            if self.current().end == "cancelled":
                self.current().unsettled.add("stay_cancelled")
            self.begin(step, step.t)
        elif self.fresh_from is not None:
            self.fresh_from = None
            cycle = self.begin(step, step.t)
            if cycle:
                cycle.unsettled.add("flag:reopened")

    # -- the lines
    def lines(self):
        life = self.life
        last = life.steps[-1]
        found = []
        if not self.cycles:
            terms = self.terms(self.policy.at(life.until), last.attrs)
            if terms is None:
                return []
            if any(self.terms(self.policy.at(o.t), o.attrs) is None for o in life.steps):
                self.unsettled.add("idle_lost")
            line = {"state": "idle", "started_at": None, "due_at": None, "breached_at": None, "stopped_at": None,
                    "target_ms": terms.target, "elapsed_ms": 0, "overrun_ms": 0, "overrun_wall_ms": 0, "paused_ms": 0,
                    "paused_wall_ms": 0, "by_party": {party: {"wall_ms": 0, "in_hours_ms": 0, "outside_ms": 0} for party in PARTIES},
                    "flags": [], "cycle": 1, "agreement": terms.name, "_measure": terms.measure, "_cycle": None, "_unsettled": set()}
            found.append(line)
        for cycle in self.cycles:
            found.append(self.line(cycle))
        for line in found:
            line.update({"ticket": life.ticket, "kind": self.kind, "clock": self.name})
            line["_unsettled"] = line["_unsettled"] | {word for word in self.unsettled} | {word for word in life.unsettled}
        return found

    def line(self, cycle):
        if cycle.breached is not None:
            state = "breached"
        elif cycle.stopped is not None:
            state = "met" if cycle.excused_at is not None else cycle.end
        else:
            state = "running" if cycle.running else "paused"
        due = cycle.due
        if cycle.stopped is not None and not cycle.running_at_stop:
            due = None
        if cycle.breached is not None and not cycle.projected:
            due = cycle.missed_due
        elif cycle.breached is not None:
            if cycle.stopped is None and not cycle.running:
                due = None
            if cycle.stopped is not None or due is None or due < self.life.until:
                cycle.unsettled.add("due_at")  # R24 says nothing of the time after the new projection
        if cycle.excused_at is not None and due is None:
            cycle.unsettled.add("due_at")
        line = {"state": state, "started_at": print_instant(cycle.start), "due_at": print_instant(due),
                "breached_at": print_instant(cycle.breached), "stopped_at": print_instant(cycle.stopped),
                "target_ms": cycle.terms.target, "flags": sorted(cycle.flags), "cycle": cycle.number, "agreement": cycle.terms.name,
                "_measure": cycle.terms.measure, "_cycle": cycle, "_unsettled": cycle.unsettled}
        line.update(self.account(cycle, None))
        line["_verdict"] = self.verdict(cycle, line)
        line["_unsettled"] = set(cycle.unsettled)
        return line

    def account(self, cycle, until):
        """The sums over a cycle's life, or over its life up to an instant."""
        spans = [(a, b if until is None else min(b, until), *rest) for a, b, *rest in cycle.spans]
        spans = [span for span in spans if span[1] > span[0]]
        overrun = overrun_wall = elapsed = paused = paused_wall = 0
        by_party = {party: {"wall_ms": 0, "in_hours_ms": 0, "outside_ms": 0} for party in PARTIES}
        for a, b, calendar, running, party, is_open in spans:
            inside = calendar.count(a, b)
            by_party[party]["wall_ms"] += b - a
            by_party[party]["in_hours_ms"] += inside
            by_party[party]["outside_ms"] += b - a - inside
            if running:
                elapsed += inside
            elif is_open:
                paused += inside
                paused_wall += b - a
            if cycle.breached is not None and b > cycle.breached:
                since = max(a, cycle.breached)
                overrun += calendar.count(since, b) if running else 0
                overrun_wall += b - since if is_open else 0
        return {"elapsed_ms": elapsed, "overrun_ms": overrun, "overrun_wall_ms": overrun_wall, "paused_ms": paused,
                "paused_wall_ms": paused_wall, "by_party": by_party}

    def verdict(self, cycle, line):
        """What the last verdict of this cycle must say (R37, R43, R61); None: nothing is decided."""
        ended = cycle.stopped is not None
        decided = cycle.breached if cycle.breached is not None else cycle.excused_at
        if decided is None:
            decided = cycle.stopped
        if decided is None:
            return None
        word = line["state"] if cycle.excused_at is None else "met"
        reopened = ended and any(step.reopen is not None and step.t >= cycle.stopped for step in self.life.steps)
        said = {"verdict": word, "ended": ended, "final": None if reopened else ended and self.life.final_since is not None, "decided_at": print_instant(decided),
                "started_at": line["started_at"], "breached_at": line["breached_at"], "stopped_at": line["stopped_at"]}
        if cycle.breached is not None:
            said["target_ms"], said["agreement"] = cycle.at_breach["target"], cycle.at_breach["agreement"]
        said.update({key: line[key] for key in ("elapsed_ms", "overrun_ms", "overrun_wall_ms", "paused_ms", "paused_wall_ms", "by_party")}
                    if ended else self.account(cycle, decided))
        if ended:
            said["flags"] = line["flags"]
        return said


# --- everything together ----------------------------------------------------------------------------------------------
def accepted(policy, events):
    """Events that count, by ticket: repetitions and what is refused are out."""
    seen, tickets = set(), {}
    for event in events:
        event = dict(event)
        if "ticket" not in event or not event["type"].startswith(("ticket.", "verdict.")):
            continue
        event["_t"] = parse_instant(event["time"])
        key = (event.get("source"), event.get("id"))
        if event.get("id") is not None and key in seen:
            continue
        version = policy.at(event["_t"])
        if event.get("status") is not None and event["status"] not in version.statuses and version.body.get("unknown_status") == "reject":
            continue
        if event.get("created_at") and parse_instant(event["created_at"]) > event["_t"]:
            continue
        if event["type"] == "ticket.merged" and event.get("into") == event["ticket"]:
            continue
        seen.add(key)
        tickets.setdefault(event["ticket"], []).append(event)
    return tickets


def clock_lines(policy, events, until):
    """Every clock line of every ticket at `until`, by (ticket, kind, clock, cycle); cycle 0: what is unsettled of the clock as a whole."""
    tickets = accepted(policy, events)
    tickets = {name: some for name, some in tickets.items() if any(event["_t"] <= until for event in some)}
    merges = {}
    lives = {}

    def life_of(name, depth=0):
        if name in lives:
            return lives[name]
        life = Life(policy, name, tickets[name], until, merges_into(name, depth))
        lives[name] = life
        return life

    def merges_into(name, depth):
        brought = []
        for other in tickets:
            if other == name:
                continue
            for event in tickets[other]:
                if event["type"] == "ticket.merged" and event.get("into") == name and event["_t"] <= until:
                    if depth > 4:
                        continue
                    other_life = life_of(other, depth + 1)
                    if other_life.merged_by() is None or other_life.merged_by()["into"] != name:
                        continue
                    merge = other_life.merged_by()
                    if event["id"] != merge["id"] or policy.at(event["_t"]).body.get("merge") == "own_clock":
                        continue
                    brought.append((event["_t"], bring(other_life, event)))
        return sorted(brought, key=lambda pair: pair[0])

    def bring(life, merge):
        start, contact, before = None, None, None
        by_agent = True
        for step in life.steps:
            if step.inherit is not None and step.t <= merge["_t"]:
                before = step.inherit
                life.unsettled.add("chain")
            if step.event is merge:
                if life.steps[-1].start != step.start:
                    merges.setdefault("odd", set()).add(merge["into"])
                if step.phase0 not in ("open", "waiting"):
                    life.unsettled.add("merged_when_over")
                    merges.setdefault("odd", set()).add(merge["into"])
                break
            start = step.start
            if step is life.steps[0]:
                by_agent = actor_of(step.event, step.attrs) == "agent"
                contact = None if by_agent else "creation"
            elif step.event is not None and is_answer(step.event, step.attrs0):
                contact = None
            elif step.event is not None and is_contact(step.event, step.attrs0) and contact is None:
                contact = step.t
        if contact == "creation":
            contact = start
        if before is not None:
            start = min(start, before["start"])
            if before.get("contact") is not None:
                contact = before["contact"] if contact is None else min(contact, before["contact"])
        return {"start": start, "contact": contact}

    found = {}
    for name in tickets:
        life = life_of(name)
        merge = life.merged_by()
        days = life.days_version()
        names = set()
        for version in policy.versions:
            for agreement in version.agreements:
                names |= {(agreement["kind"], clock) for clock in agreement["clocks"]}
        for kind, clock in sorted(names):
            lines = Clock(life, kind, clock, days).lines()
            pinned = Clock(life, kind, clock, None).lines() if len(policy.versions) > 1 else lines
            whole = Clock(life, kind, clock, days).unsettled
            if whole:
                found[(name, kind, clock, 0)] = {"_unsettled": whole}
            others = {line["cycle"]: line for line in pinned}
            for line in lines:
                other = others.get(line["cycle"])
                if other and any(line[key] != other[key] for key in ("state", "breached_at", "elapsed_ms")):
                    line["flags"] = sorted(line["flags"] + ["calendar_corrected"])
                    if line.get("_verdict") and "flags" in line["_verdict"]:
                        line["_verdict"]["flags"] = line["flags"]
                found[(name, kind, clock, line["cycle"])] = line
    for name in merges.get("odd", ()):
        for key, line in found.items():
            if key[0] == name:
                line["_unsettled"].add("merged_when_over")
    return found


def load_policy(path):
    if os.path.isdir(path):
        names = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    else:
        names = [path]
    bodies = []
    for name in names:
        with open(name, encoding="utf-8") as file:
            bodies.append(json.load(file))
    return Policy(bodies)


def main():
    policy = load_policy(sys.argv[1])
    events = [json.loads(line) for line in sys.stdin if line.strip()]
    for key, line in clock_lines(policy, events, parse_instant(sys.argv[2])).items():
        if key[3] == 0:
            continue
        shown = {key: value for key, value in line.items() if not key.startswith("_")}
        shown["unsettled"] = sorted(line["_unsettled"])
        print(json.dumps(shown))


if __name__ == "__main__":
    main()
