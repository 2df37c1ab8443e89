#!/usr/bin/env python3
"""What slad's experience side must say, worked out a second time: slow, obvious, from the pages alone.

slad keeps sums and timers. This keeps nothing: for every instant asked for it takes the events that had arrived by then,
writes down which answers count, which tickets were solved and what was decided of their clocks, and adds up from the
beginning. Only the verdicts are taken from slactl's own outcomes: the oracle for clocks judges those.

Nothing here is shared with the C code.
"""
import math

import oracle
from oracle import parse_instant, print_instant

HOUR, DAY = 3600000, 86400000
Z = 1.959964
ATTRIBUTES = ("customer", "contract", "service", "category", "priority", "group", "user_group", "channel", "requester", "assignee")
DIMENSIONS = ATTRIBUTES + ("source", "touchpoint", "survey")
SCALES = {
    "nps": (range(9, 11), range(7, 9), range(0, 7)),
    "stars5": (range(4, 6), range(3, 4), range(1, 3)),
    "thumbs": ((1,), (), (0,)),
    "smiley3": ((3,), (2,), (1,)),
    "ces7": (range(5, 8), range(4, 5), range(1, 4)),
    "percent": (range(75, 101), range(50, 75), range(0, 50)),
}
CLASSES = ("positive", "neutral", "negative")


# --- figures ----------------------------------------------------------------------------------------------------------
def nps_adjusted(p, n, d):
    total = n + 3.0
    up, down = (p + 0.75) / total, (d + 0.75) / total
    value = up - down
    return value, (up + down - value * value) / total


def nps_of(p, d, n):
    value, variance = nps_adjusted(p, n, d)
    half = Z * math.sqrt(variance)
    return {"value": 100.0 * (p - d) / n, "low": max(-100.0, 100.0 * (value - half)), "high": min(100.0, 100.0 * (value + half))}


def wilson(x, n):
    p, zz = x / n, Z * Z
    middle, half = p + zz / (2 * n), Z * math.sqrt(p * (1 - p) / n + zz / (4.0 * n * n))
    return {"value": p, "low": max(0.0, (middle - half) / (1 + zz / n)), "high": min(1.0, (middle + half) / (1 + zz / n))}


def share_adjusted(x, n):
    p = (x + 1.0) / (n + 2.0)
    return p, p * (1 - p) / (n + 2.0)


def z_of(now, before):
    spread = math.sqrt(now[1] + before[1])
    return (now[0] - before[0]) / spread if spread else 0.0


# --- windows ----------------------------------------------------------------------------------------------------------
def local_date(zone, at):
    local = at + oracle.offset(zone, at)
    return local // DAY


def date_of(days):
    at = oracle.EPOCH + oracle.datetime.timedelta(days=days)
    return at.year, at.month, at.day


def days_of(year, month, day=1):
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return (oracle.datetime.datetime(year, month, day) - oracle.EPOCH).days


def midnight(zone, days):
    return oracle.opening(zone, days * DAY)


def month_of(zone, at, months=1):
    """(first day of the running month or quarter, of the one before, of the next) as instants"""
    year, month, _ = date_of(local_date(zone, at))
    month = (month - 1) // months * months + 1
    return tuple(midnight(zone, days_of(year, month + step * months)) for step in (0, -1, 1))


class Window:
    """inside(t) and before(t) for an instant `now`."""

    def __init__(self, text, zone, now):
        self.now = now
        if text in ("month", "quarter"):
            first, previous, _ = month_of(zone, now, 1 if text == "month" else 3)
            self.inside = lambda t: first <= t <= now
            self.before = lambda t: previous <= t < first
        else:
            length = oracle.duration(text)
            self.inside = lambda t: now - length < t <= now
            self.before = lambda t: now - 2 * length < t <= now - length


# --- tickets ----------------------------------------------------------------------------------------------------------
class Ticket:
    """A ticket's life as far as scores ask: attributes by time, solves, reopens, groups; of the events that have arrived."""

    def __init__(self, policy, events, now):
        events = [event for event in events if parse_instant(event["time"]) <= now]
        self.erased = any(event["type"] == "ticket.erased" for event in events)
        events = [event for event in events if event["type"] != "ticket.erased"]  # it creates no ticket
        self.events = sorted(events, key=lambda event: (parse_instant(event["time"]), event["type"] != "ticket.created", event["_place"]))
        self.policy, self.now = policy, now
        self.versions, attributes = [], dict.fromkeys(ATTRIBUTES)
        for event in self.events:
            attributes = dict(attributes)
            for name in ATTRIBUTES:
                if name in event:
                    attributes[name] = event[name]
            if self.erased:
                attributes["requester"] = attributes["assignee"] = None
            self.versions.append((parse_instant(event["time"]), attributes))
        self.known = bool(self.events)
        if self.known:
            self.created_at = self.versions[0][0]
            self.source = self.events[0].get("source")
            self.live()

    def attributes_at(self, t):
        found = self.versions[0][1]
        for at, attributes in self.versions:
            if at <= t:
                found = attributes
        return dict(found, source=self.source)

    def first(self):
        return dict(self.versions[0][1], source=self.source)

    def state_of(self, status):
        return self.policy["statuses"].get(status, {"state": "open"})["state"]

    def is_agent(self, event, attributes):
        if "actor" in event:
            return event["actor"] == "agent"
        return event.get("by") is not None and event["by"] == attributes["assignee"] and event["by"] != attributes["requester"]

    def real(self, index):
        """R29: when the reopen at this place is real (its own instant), None when it is none or still pending."""
        at, event = parse_instant(self.events[index]["time"]), self.events[index]
        if self.is_agent(event, self.versions[index][1]):
            return at
        limit = at + oracle.duration(self.policy.get("courtesy_window", "15m"))
        for after in range(index + 1, len(self.events)):
            t, other = self.versions[after][0], self.events[after]
            if t > limit:
                break
            over = "status" in other and self.state_of(other["status"]) in ("solved", "closed")
            if over:
                return None
            if self.is_agent(other, self.versions[after][1]):
                return at
        return at if limit <= self.now else None

    def live(self):
        groups = {name: group.get("tier") for name, group in self.policy.get("groups", {}).items()}
        self.state, self.solved_at, self.reopens, self.reopened_at = "open", None, 0, []
        self.bounces, self.messages, self.tiers, self.closed = 0, 0, set(), False
        last_group, figures, courtesy = None, None, False
        for index, event in enumerate(self.events):
            t, attributes = self.versions[index]
            said = self.state_of(event["status"]) if "status" in event else None
            if courtesy and said in ("solved", "closed"):
                courtesy = False
                if said == "closed":
                    self.state = "closed"
                continue
            if self.state in ("solved", "closed") and said in ("open", "waiting") and not courtesy:
                if self.real(index) is None:
                    courtesy = True
                else:
                    self.state, self.reopens = "open", self.reopens + 1
                    self.reopened_at.append(t)
            if event["type"] == "ticket.message" and self.is_agent(event, attributes) and event.get("public"):
                self.messages += 1
            group = attributes["group"]
            if group is not None:
                if last_group is not None and group != last_group:
                    self.bounces += 1
                last_group = group
                if groups.get(group) is not None:
                    self.tiers.add(groups[group])
            if said == "solved" and self.state == "open" or said == "closed" and self.state == "open":
                self.state, self.solved_at = said, t
                figures = (self.reopens, self.bounces, set(self.tiers), self.messages)
            elif said == "closed" and self.state == "solved":
                self.state = "closed"
            elif said == "cancelled":
                self.state = "cancelled"
        if self.state in ("solved", "closed"):
            self.reopens_then, self.bounces_then, self.tiers_then, messages = figures
            self.first_contact = self.bounces_then == 0 and self.reopens_then == 0 and messages <= 1

    def solved(self):
        return self.known and self.state in ("solved", "closed")


# --- what is known when so many lines have arrived --------------------------------------------------------------------
class World:
    """events: the first lines that arrived; verdicts: the last of each key. now: the instant asked about."""

    def __init__(self, policy, events, verdicts, now):
        self.policy, self.now = policy, now
        self.experience = policy.get("experience", {})
        self.zone = oracle.zone_of(self.experience.get("time_zone", "UTC"))
        self.min_answers = self.experience.get("min_answers", 5)
        self.verdicts = [verdict for verdict in verdicts if verdict["decided_at"] is not None]
        self.scales = dict(SCALES)
        for name, table in self.experience.get("scales", {}).items():
            self.scales[name] = tuple(table.get(each, ()) for each in CLASSES)
        by_ticket, answers, offers, self.feedback = {}, {}, {}, []
        for event in accepted(events, self.scales):
            kind = event["type"]
            if kind.startswith("feedback."):
                self.feedback.append(event)
            elif kind.startswith("ticket."):
                by_ticket.setdefault(event["ticket"], []).append(event)
        self.tickets = {name: Ticket(policy, some, now) for name, some in by_ticket.items()}
        self.tickets = {name: ticket for name, ticket in self.tickets.items() if ticket.known}
        for event in self.feedback:
            if parse_instant(event["time"]) > now:
                continue  # stamped ahead: counts from its own time on
            key = (event["feedback"].get("survey"), event["feedback"]["id"])
            which = offers if event["type"] == "feedback.offered" else answers
            if key in which and parse_instant(which[key]["time"]) > parse_instant(event["time"]):
                continue
            which[key] = event
        self.said = [self.answer(event) for event in answers.values() if event["type"] == "feedback.submitted"]
        self.offered = [self.answer(event) for event in offers.values()]
        self.counting = self.those_that_count()

    def class_of(self, scale, score):
        for name, scores in zip(CLASSES, self.scales[scale]):
            if score in scores:
                return name
        return None

    def answer(self, event):
        at, feedback = parse_instant(event["time"]), event["feedback"]
        ticket = self.tickets.get(event.get("ticket"))
        attributes = ticket.attributes_at(at) if ticket else dict.fromkeys(ATTRIBUTES + ("source",))
        for name in ATTRIBUTES:
            if name in event:
                attributes[name] = event[name]
        attributes["touchpoint"], attributes["survey"] = feedback.get("touchpoint"), feedback.get("survey")
        if ticket and ticket.erased:
            attributes["requester"] = attributes["assignee"] = None
            feedback = dict(feedback, respondent=None)
        found = {"at": at, "ticket": event.get("ticket"), "id": feedback["id"], "survey": feedback.get("survey"), "scale": feedback.get("scale"),
                 "score": feedback.get("score"), "respondent": feedback.get("respondent"), "lost": feedback.get("lost_minutes"), "attributes": attributes,
                 "aspects": {name: score for name, score in feedback.get("aspects", {}).items() if score is not None}}
        if found["score"] is not None and event["type"] == "feedback.submitted":
            found["class"] = self.class_of(found["scale"], found["score"])
        return found

    def those_that_count(self):
        rule, best = self.experience.get("one_answer_per", "ticket"), {}
        for answer in self.said:
            own = ("id", answer["id"])
            if rule == "respondent":
                who = own if answer["respondent"] is None else ("respondent", answer["respondent"])
            elif answer["ticket"] is None:
                who = own
            elif rule == "ticket":
                who = ("ticket", answer["ticket"])
            else:
                ticket = self.tickets.get(answer["ticket"])
                cycle = sum(t <= answer["at"] for t in ticket.reopened_at) if ticket else 0
                who = ("ticket", answer["ticket"], cycle)
            key = (who, answer["survey"], answer["scale"])
            if key not in best or (best[key]["at"], best[key]["id"].encode()) < (answer["at"], answer["id"].encode()):
                best[key] = answer
        return list(best.values())

    # --- figures of a list of answers
    @staticmethod
    def people(answers):
        return len({answer["respondent"] for answer in answers if answer["respondent"] is not None}) + \
            sum(answer["respondent"] is None for answer in answers)

    @staticmethod
    def counts(answers):
        return tuple(sum(answer["class"] == each for answer in answers) for each in CLASSES)

    def px(self, answers, neutral):
        positive, neither, negative = self.counts(answers)
        n = positive + negative + (neither if neutral == "counted" else 0)
        return {"positive": positive, "neutral": neither, "negative": negative, "n": n}

    @staticmethod
    def nps(answers):
        answers = [answer for answer in answers if answer["scale"] == "nps"]
        p, s, d = World.counts(answers)
        return {"promoters": p, "passives": s, "detractors": d, "n": p + s + d}

    def full_px(self, answers, neutral):
        found = self.px(answers, neutral)
        return dict(found, **wilson(found["positive"], found["n"])) if found["n"] else found

    def full_nps(self, answers):
        found = self.nps(answers)
        return dict(found, **nps_of(found["promoters"], found["detractors"], found["n"])) if found["n"] else found

    @staticmethod
    def mean_of(answers, scale):
        scores = [answer["score"] for answer in answers if answer["scale"] == scale]
        return {"n": len(scores), **({"value": sum(scores) / len(scores)} if scores else {})}

    @staticmethod
    def lost(answers):
        lost = [answer["lost"] for answer in answers if answer["lost"] is not None]
        return {"n": len(lost), "sum": sum(lost), **({"mean": sum(lost) / len(lost)} if lost else {})}

    def aspect_answers(self, answers, name):
        return [dict(answer, score=answer["aspects"][name], **{"class": self.class_of(answer["scale"], answer["aspects"][name])})
                for answer in answers if name in answer["aspects"]]

    # --- scopes
    def in_scope(self, scope, attributes):
        return all(attributes.get(name) is not None and attributes[name] == value for name, value in scope.items())

    def scope_keys(self):
        found = set()
        things = [answer["attributes"] for answer in self.counting]
        for dimensions in self.experience.get("scopes", [[]]):
            for attributes in things:
                if all(attributes.get(name) is not None for name in dimensions):
                    found.add(tuple((name, attributes[name]) for name in DIMENSIONS if name in dimensions))
        return found

    def score(self, scope, window):
        span = Window(window, self.zone, self.now)
        mine = [answer for answer in self.counting if self.in_scope(scope, answer["attributes"])]
        now, before = ([answer for answer in mine if inside(answer["at"])] for inside in (span.inside, span.before))
        targets, neutral, least = self.experience.get("targets", {}), self.experience.get("neutral", "counted"), self.min_answers
        found = {"n": len(now), "people": self.people(now), "insufficient": len(now) < least}
        put = lambda name, figure: found.update({name: figure}) if figure["n"] >= least else None
        px_now, px_before, nps_now, nps_before = self.full_px(now, neutral), self.full_px(before, neutral), self.full_nps(now), self.full_nps(before)
        put("nps", nps_now)
        put("px", px_now)
        put("csat", self.mean_of(now, "stars5"))
        put("ces", self.mean_of(now, "ces7"))
        put("lost_minutes", self.lost(now))
        aspects = self.aspects(now, neutral, least)
        if aspects:
            found["aspects"] = aspects
        impact = {}
        if "px" in found and "px" in targets:
            impact["px"] = px_now["n"] * (px_now["value"] - percent(targets["px"]))
        if "nps" in found and "nps" in targets:
            impact["nps"] = nps_now["n"] * (nps_now["value"] - targets["nps"])
        if impact:
            found["impact"] = impact
        change = {}
        if min(nps_now["n"], nps_before["n"]) >= least:
            change["nps"] = {"previous": nps_before["value"], "difference": nps_now["value"] - nps_before["value"], "previous_n": nps_before["n"],
                             "z": z_of(*(nps_adjusted(each["promoters"], each["n"], each["detractors"]) for each in (nps_now, nps_before)))}
        if min(px_now["n"], px_before["n"]) >= least:
            change["px"] = {"previous": px_before["value"], "difference": px_now["value"] - px_before["value"], "previous_n": px_before["n"],
                            "z": z_of(*(share_adjusted(each["positive"], each["n"]) for each in (px_now, px_before)))}
        if change:
            found["change"] = change
        self.rates(found, scope, span, least)
        attainment = self.attainment([verdict for verdict in self.verdicts if self.in_scope(scope, verdict) and span.inside(parse_instant(verdict["decided_at"]))])
        if attainment:
            found["attainment"] = attainment
        return found

    def aspects(self, answers, neutral, least):
        found, targets = {}, self.experience.get("targets", {})
        for name in sorted({name for answer in answers for name in answer["aspects"]}):
            some = self.aspect_answers(answers, name)
            figure = self.full_px(some, neutral)
            if len({answer["scale"] for answer in some}) == 1:
                figure["mean"] = sum(answer["score"] for answer in some) / len(some)
            if figure["n"] and "px" in targets:
                figure["impact"] = figure["n"] * (figure["value"] - percent(targets["px"]))
            found[name] = figure if figure["n"] >= least else {"n": figure["n"]}
        return found

    def rates(self, found, scope, span, least):
        triple = lambda answer: (answer["respondent"], answer["ticket"], answer["survey"])
        answered, latest = {triple(answer) for answer in self.said}, {}
        for offer in self.offered:
            if triple(offer) not in latest or (latest[triple(offer)]["at"], latest[triple(offer)]["id"]) < (offer["at"], offer["id"]):
                latest[triple(offer)] = offer
        asked = [offer for offer in latest.values() if self.in_scope(scope, offer["attributes"]) and span.inside(offer["at"])]
        if asked:
            hits = sum(triple(offer) in answered for offer in asked)
            found["response_rate"] = {"value": hits / len(asked), "answered": hits, "offered": len(asked)}
        asked_about = {offer["ticket"] for offer in self.offered}
        by_verdict = {}
        for verdict in self.verdicts:
            if verdict["kind"] == "sla" and verdict["verdict"] in ("met", "breached"):
                by_verdict.setdefault(verdict["ticket"], set()).add(verdict["verdict"])
        solved = [(name, ticket) for name, ticket in self.tickets.items()
                  if ticket.solved() and span.inside(ticket.solved_at) and self.in_scope(scope, ticket.attributes_at(ticket.solved_at))]

        def share(some):
            hits = sum(name in asked_about for name, _ in some)
            return {"value": hits / len(some), "offered": hits, "solved": len(some)}
        if solved:
            coverage = share(solved)
            for word in ("met", "breached"):
                some = [pair for pair in solved if pair[0] in by_verdict and (word == "breached") == ("breached" in by_verdict[pair[0]])]
                if some:
                    coverage[word] = share(some)
            found["coverage"] = coverage

    # --- verdicts
    @staticmethod
    def view(verdicts, which):
        clocks = {}
        for verdict in verdicts:
            word = verdict["verdict"] if which == "contract" else verdict["honest"]
            if word not in ("met", "breached") or which == "honest" and verdict["honest_excluded"]:
                continue
            clock = clocks.setdefault(verdict["clock"], {"met": 0, "n": 0})
            clock["met"], clock["n"] = clock["met"] + (word == "met"), clock["n"] + 1
        for clock in clocks.values():
            clock["value"] = clock["met"] / clock["n"]
        met, n = sum(clock["met"] for clock in clocks.values()), sum(clock["n"] for clock in clocks.values())
        return {"met": met, "n": n, "clocks": clocks, **({"value": met / n} if n else {})}

    def attainment(self, verdicts):
        verdicts = [verdict for verdict in verdicts if verdict["kind"] == "sla" and verdict["attainment"]]
        contract, honest = self.view(verdicts, "contract"), self.view(verdicts, "honest")
        if not contract["n"] and not honest["n"]:
            return None
        found = {"contract": contract, "honest": honest}
        if contract["n"] and honest["n"]:
            found["gap"] = contract["value"] - honest["value"]
        return found

    def attainment_of(self, contract):
        zone = oracle.zone_of(contract.get("time_zone", "UTC"))
        first, _, _ = month_of(zone, self.now)
        return self.attainment([verdict for verdict in self.verdicts if matches(contract.get("match", {}), verdict)
                                and first <= parse_instant(verdict["decided_at"]) <= self.now])

    # --- key experience indicators
    def kei(self, kei):
        """{n, value?, met?, trend?}"""
        span = Window(kei["window"], self.zone, self.now)
        now, before = self.kei_figure(kei, span.inside), self.kei_figure(kei, span.before)
        found = {"n": now["n"]}
        if now.get("value") is None:
            return found
        measure, target = kei["measure"], target_of(kei)
        less = measure in ("lost_minutes", "reopen_rate", "repeat_contact_rate", "bounce_count", "experienced_p50", "experienced_p90") or \
            measure.startswith("tier_share:") and measure != "tier_share:1"
        value = now["value"]
        found.update({"value": value, "met": value <= target + 1e-12 if less else value >= target - 1e-12})
        if before.get("value") is not None:
            found["trend"] = {"previous": before["value"], "difference": value - before["value"], "previous_n": before["n"]}
            if measure in ("px", "nps"):
                found["trend"]["z"] = z_of(now["adjusted"], before["adjusted"])
        return found

    def kei_figure(self, kei, inside):
        measure, match = kei["measure"], kei.get("match", {})
        if measure in ("px", "nps", "csat", "ces", "lost_minutes") or measure.startswith("aspect:"):
            return self.kei_answers(measure, [answer for answer in self.counting if inside(answer["at"]) and matches(match, answer["attributes"])])
        if measure == "honest_attainment":
            view = self.view([verdict for verdict in self.verdicts if verdict["kind"] == "sla" and verdict["attainment"] and
                              inside(parse_instant(verdict["decided_at"])) and matches(match, verdict)], "honest")
            return {"n": view["n"], "value": view.get("value")}
        if measure == "repeat_contact_rate":
            return self.repeat_contacts(match, inside)
        some = [ticket for ticket in self.tickets.values()
                if ticket.solved() and inside(ticket.solved_at) and matches(match, ticket.attributes_at(ticket.solved_at))]
        n = len(some)
        if not n:
            return {"n": 0}
        if measure == "reopen_rate":
            return {"n": n, "value": sum(ticket.reopens_then > 0 for ticket in some) / n}
        if measure == "bounce_count":
            return {"n": n, "value": sum(ticket.bounces_then for ticket in some) / n}
        if measure == "first_contact_resolution":
            return {"n": n, "value": sum(ticket.first_contact for ticket in some) / n}
        if measure.startswith("tier_share:"):
            tier = int(measure.split(":")[1])
            return {"n": n, "value": sum(max(ticket.tiers_then, default=0) == tier for ticket in some) / n}
        lives = sorted(ticket.solved_at - ticket.created_at for ticket in some)
        tenths = 5 if measure == "experienced_p50" else 9
        return {"n": n, "value": next(life for place, life in enumerate(lives, 1) if 10 * place >= tenths * n)}

    def kei_answers(self, measure, answers):
        neutral = self.experience.get("neutral", "counted")
        if measure == "nps":
            figure = self.full_nps(answers)
            if figure["n"]:
                figure["adjusted"] = nps_adjusted(figure["promoters"], figure["n"], figure["detractors"])
        elif measure == "px" or measure.startswith("aspect:"):
            figure = self.full_px(self.aspect_answers(answers, measure[7:]) if measure != "px" else answers, neutral)
            if figure["n"]:
                figure["adjusted"] = share_adjusted(figure["positive"], figure["n"])
        elif measure == "lost_minutes":
            figure = self.lost(answers)
            figure["value"] = figure.get("mean")
        else:
            figure = self.mean_of(answers, "stars5" if measure == "csat" else "ces7")
        return figure if figure["n"] >= self.min_answers else {"n": figure["n"]}

    def repeat_contacts(self, match, inside):
        some, hits = 0, 0
        for name, ticket in self.tickets.items():
            first = ticket.first()
            if not inside(ticket.created_at) or not matches(match, first):
                continue
            some += 1
            hits += first["requester"] is not None and first["service"] is not None and any(
                other != name and mate.first()["requester"] == first["requester"] and mate.first()["service"] == first["service"]
                and ticket.created_at - 7 * DAY <= mate.created_at <= ticket.created_at and (mate.created_at, other) < (ticket.created_at, name)
                for other, mate in self.tickets.items())
        return {"n": some, **({"value": hits / some} if some else {})}

    # --- contracts
    def of_contract(self, contract, pxa):
        after = self.now - oracle.duration(pxa["window"])
        surveys = pxa.get("surveys")
        return [answer for answer in self.counting if after < answer["at"] <= self.now and matches(contract.get("match", {}), answer["attributes"])
                and (surveys is None or answer["survey"] in surveys)]

    def credit(self, contract):
        zone, credits = oracle.zone_of(contract.get("time_zone", "UTC")), contract["credits"]
        first, _, _ = month_of(zone, self.now)
        return self.credit_of(contract, credits, lambda at: first <= at <= self.now)

    def credit_of(self, contract, credits, inside):
        fee = round(float(credits["monthly_fee"]) * 100)
        rounding = credits.get("rounding", "half_up")
        at_risk = whole(fee * hundredths(credits["at_risk"]), 10000, rounding)
        lines, sums = [], {False: 0, True: 0}
        for line in credits["lines"]:
            kind, clock = line["clock"].split("/", 1)
            some = [verdict for verdict in self.verdicts if verdict["kind"] == kind and verdict["clock"] == clock and
                    matches(contract.get("match", {}), verdict) and inside(parse_instant(verdict["decided_at"]))]
            views = {}
            for which in ("contract", "honest"):
                view = self.view(some, which)
                views[which] = {name: view[name] for name in ("met", "n", "value") if name in view}
            view, bonus = views[line.get("view", "contract")], line.get("bonus", False)
            reached = view["n"] and view["met"] * 10000 >= hundredths(line["target"]) * view["n"]
            due = bool(view["n"]) and bool(reached) == bonus
            amount = whole(fee * hundredths(credits["at_risk"]) * hundredths(line["allocation"]) * hundredths(line["share"]), 10 ** 12, rounding) if due else 0
            sums[bonus] += amount
            lines.append({"clock": line["clock"], "view": line.get("view", "contract"), "bonus": bonus, "due": due, "amount_minor": amount,
                          "target": percent(line["target"]), "allocation": percent(line["allocation"]), "share": percent(line["share"]), **views})
        return {"currency": credits["currency"], "monthly_fee_minor": fee, "at_risk_minor": at_risk, "lines": lines,
                "credit_minor": min(sums[False], at_risk), "bonus_minor": min(sums[True], at_risk)}


class Watermelon:
    """One scope of a contract: ripe or clear, asked at instants in order."""

    def __init__(self, contract, scope):
        self.contract, self.scope, self.state, self.since = contract, scope, "clear", None
        self.window = oracle.duration(contract["watermelon"]["window"])

    def answers(self, world, at):
        return [answer for answer in world.counting if at - self.window < answer["at"] <= at
                and matches(self.contract.get("match", {}), answer["attributes"]) and world.in_scope(self.scope, answer["attributes"])]

    def figures(self, world, at):
        answers, targets, found = self.answers(world, at), world.experience.get("targets", {}), {}
        for name, figure in (("px", world.full_px(answers, world.experience.get("neutral", "counted"))), ("nps", world.full_nps(answers))):
            if name in targets:
                if figure["n"] < world.min_answers:
                    figure = {key: value for key, value in figure.items() if key not in ("value", "low", "high")}
                found[name] = dict(figure, target=percent(targets["px"]) if name == "px" else targets["nps"])
        return found

    def attainment(self, world):
        verdicts = [verdict for verdict in world.verdicts if verdict["kind"] == "sla" and verdict["attainment"] and matches(self.contract.get("match", {}), verdict)
                    and world.in_scope(self.scope, verdict) and world.now - self.window < parse_instant(verdict["decided_at"]) <= world.now]
        view, limit = world.view(verdicts, "contract"), world.experience["targets"]["attainment"]
        found = {name: view[name] for name in ("met", "n", "value") if name in view}
        return dict(found, target=percent(limit)), bool(view["n"]) and view["met"] * 10000 >= hundredths(limit) * view["n"]

    def below_lately(self, world):
        """Was a point estimate below its target at some instant of the last 24 hours, by the answers as they stand now?"""
        now, edges = world.now, {world.now}
        for answer in world.counting:
            edges |= {at for at in (answer["at"], answer["at"] + self.window) if now - DAY <= at <= now}
        edges.add(now - DAY)  # below until this instant: the day is not over before it
        return any("value" in figure and figure["value"] < figure["target"] for at in edges for figure in self.figures(world, at).values())

    def ask(self, world):
        """True when it turned."""
        _, held = self.attainment(world)
        before = self.state
        if self.state == "clear":
            if held and any("high" in figure and figure["high"] < figure["target"] for figure in self.figures(world, world.now).values()):
                self.state = "ripe"
        elif not held or not self.below_lately(world):
            self.state = "clear"
        if self.state != before:
            self.since = world.now
        return self.state != before


def whole(numerator, denominator, rounding):
    return (2 * numerator + denominator) // (2 * denominator) if rounding == "half_up" else numerator // denominator


def hundredths(text):
    return round(float(text.rstrip("%")) * 100)


def percent(text):
    return float(text.rstrip("%")) / 100.0


def target_of(kei):
    target = kei["target"]
    if isinstance(target, str):
        return percent(target) if target.endswith("%") else oracle.duration(target)
    return float(target)


def matches(match, attributes):
    for name, wanted in match.items():
        if attributes.get(name) not in (wanted if isinstance(wanted, list) else [wanted]) or attributes.get(name) is None:
            return False
    return True


def accepted(events, scales):
    """Without repetitions, and without what is refused."""
    seen, found = set(), []
    for event in events:
        if event["type"] == "feedback.submitted":
            feedback = event["feedback"]
            if feedback["scale"] not in scales:
                continue
            table = [score for part in scales[feedback["scale"]] for score in part]
            if feedback["score"] not in table or any(score is not None and score not in table for score in feedback.get("aspects", {}).values()):
                continue
        key = (event.get("source"), event["id"])
        if key in seen:
            continue
        seen.add(key)
        found.append(event)
    return found


# --- experience agreements --------------------------------------------------------------------------------------------
class Agreement:
    """One contract's pxa: take midnights and moves in order, state after each."""

    def __init__(self, contract):
        self.contract, self.pxa = contract, contract["pxa"]
        self.zone = oracle.zone_of(contract.get("time_zone", "UTC"))
        self.state, self.since, self.plan_until = "no_data", None, None

    def midnights(self, after, until):
        """local midnights in (after, until]"""
        found = []
        for days in range(after // DAY - 2, until // DAY + 3):
            at = midnight(self.zone, days)
            if after < at <= until and at not in found:
                found.append(at)
        return found

    def plan_end(self, at):
        return midnight(self.zone, local_date(self.zone, at) + self.pxa.get("plan_days", 90))

    def decide(self, world):
        """The outcome of the local midnight world.now."""
        answers = world.of_contract(self.contract, self.pxa)
        decisive = [answer for answer in answers if answer["class"] != "neutral" or self.pxa["neutral"] == "counted"]
        figure = world.full_px(answers, self.pxa["neutral"])
        n, least, limit = figure["n"], self.pxa.get("min_answers", 30), hundredths(self.pxa["threshold"])
        few, before = n < least, self.state
        good = not few and figure["positive"] * 10000 >= limit * n
        if before in ("no_data", "provisional", "healthy"):
            after = ("provisional" if n else "no_data") if few else ("healthy" if good else "plan")
        elif before == "plan" and world.now >= self.plan_until:
            after = "plan" if few else "healthy" if good else "release_right"
        else:
            after = before
        self.go(after, world.now)
        if self.since is None:
            self.since = world.now  # null only while nothing was decided
        evidence = {"px": dict(figure, threshold=percent(self.pxa["threshold"])), "people": world.people(answers), "min_answers": least,
                    "tickets": len({answer["ticket"] for answer in decisive if answer["ticket"] is not None}),
                    "after": print_instant(world.now - oracle.duration(self.pxa["window"]))}
        if few:
            evidence["px"] = {name: value for name, value in evidence["px"].items() if name not in ("value", "low", "high")}
        else:
            proven = figure["low"] >= percent(self.pxa["threshold"]) if good else figure["high"] < percent(self.pxa["threshold"])
            evidence["confidence"] = "proven" if proven else "unproven"
        if after != before:
            bad = sorted((answer for answer in decisive if answer["class"] != "positive"), key=lambda answer: (answer["at"], answer["id"]))
            evidence["answers"] = {(answer["survey"], answer["id"], answer["ticket"], answer["class"], print_instant(answer["at"])) for answer in bad}
        return self.said(before, world.now, evidence)

    def go(self, to, at):
        if to != self.state:
            self.since = at
            self.plan_until = self.plan_end(at) if to == "plan" else None
        self.state = to

    def move(self, event, at):
        before = self.state
        if event["to"] == before != "plan":
            return None  # it is there already
        if event["to"] == "plan":
            self.state = None
        self.go(event["to"], at)
        return dict(self.said(before, at, None), by=event["by"], reason=event["reason"], moved=True)

    def said(self, before, at, evidence):
        return {"decided_at": print_instant(at), "from": before, "to": self.state, "moved": before != self.state, "since": print_instant(self.since),
                "plan_until": print_instant(self.plan_until), "evidence": evidence}


# --- alerts of negative answers ---------------------------------------------------------------------------------------
class Detractors:
    """Lines in the order of arrival; the records of each key, as (state, n, detected_at, effective_at, by)."""

    def __init__(self, policy, scales):
        rule = policy["experience"].get("detractor_repeat")
        self.every, self.stop, self.timeout = ((oracle.duration(rule[name]) if name in rule else None) for name in ("every", "stop_after", "ack_timeout")) \
            if rule else (None, None, None)
        self.scales, self.alerts, self.records = scales, {}, {}

    def put(self, key, state, at, effective, **more):
        self.records.setdefault(key, []).append({"state": state, "detected_at": print_instant(at), "effective_at": print_instant(effective), **more})

    def wait_until(self, now, inclusive):
        """Pages up to now."""
        for key, alert in sorted(self.alerts.items()):
            while alert["live"] and alert["next"] is not None and (alert["next"] <= now if inclusive else alert["next"] < now):
                if self.stop is not None and alert["next"] > alert["fired"] + self.stop:
                    alert["next"] = None
                    break
                alert["n"] += 1
                self.put(key, "repeated", alert["next"], alert["effective"], n=alert["n"])
                alert["next"] += self.every

    def take(self, key, event, at, negative):
        """event: the present truth of this answer after a line at `at` (None: taken back)."""
        alert = self.alerts.get(key)
        if event is not None and negative:
            t = parse_instant(event["time"])
            if alert is None or alert["last"] == "withdrawn":
                self.alerts[key] = {"live": True, "last": "firing", "fired": at, "effective": t, "n": 0,
                                    "next": at + self.every if self.every else None}
                self.put(key, "firing", at, t)
            elif not alert["live"]:
                alert.update(fired=at, live=True, last="repeated", n=alert["n"] + 1, next=at + self.every if self.every else None)
                self.put(key, "repeated", at, alert["effective"], n=alert["n"])
        elif alert is not None and alert["live"]:
            word = "withdrawn" if event is None else "resolved"
            alert.update(live=False, last=word)
            self.put(key, word, at, alert["effective"])
        elif alert is not None and event is None and alert["last"] == "resolved":
            pass

    def acknowledge(self, key, by, at):
        alert = self.alerts.get(key)
        if alert is None or not alert["live"]:
            return
        alert["last"] = "acknowledged"
        if self.every:
            alert["next"] = at + self.timeout if self.timeout is not None else None
        self.put(key, "acknowledged", at, alert["effective"], **({"by": by} if by is not None else {}))


def escape(text):
    return text.replace("%", "%25").replace("/", "%2F")


def detractor_key(event):
    feedback = event["feedback"]
    return "/".join(escape(part) for part in (event.get("ticket") or event["customer"], "experience", feedback.get("survey") or "", feedback["id"], "detractor"))
