"""One installation of slad on a broker of the kit: its topics, configuration, processes, and the comparison of what it published
with what `slactl replay` says of the same events."""
import collections
import datetime
import json
import re

import kit

BEHIND_MS = 2000
STAGES = {"breach": 1000}  # warn-N% by its number


def instant(seconds):
    """Seconds since 1970 as RFC 3339 with milliseconds."""
    ms = round(seconds * 1000)
    return datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


def milliseconds(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


class Installation:
    """Topics, configuration and policy under a prefix of their own. create=False leaves the topics to the test."""

    def __init__(self, kafka, policy, partitions=4, create=True, **settings):
        self.kafka = kafka
        self.prefix = kit.unique("slad")
        self.partitions = partitions
        self.policy = kit.write(f"{self.prefix}/policy.yaml", policy)
        self.settings = {"prefix": self.prefix, "brokers": kafka.address, "tickets_topic": f"{self.prefix}-in",
                         "feedback_topic": f"{self.prefix}-feedback", "policy": self.policy, "zoneinfo_dir": kit.ZONEINFO,
                         "state_dir": kit.place(self.prefix),
                         "log_burst_max": 100000, "shutdown_timeout": "60s", **settings}
        if create:
            self.create_topics()

    def create_topics(self):
        kit.slactl("topics", "--create", "--config", kit.write(f"{self.prefix}/topics.yaml", self.configuration(1)),
                   "--partitions", self.partitions)

    def topic(self, name):
        return f"{self.prefix}.{name}"

    def configuration(self, port, **settings):
        lines = {"instance": "one", "listen": f"127.0.0.1:{port}", **self.settings, **settings}
        return "".join(f"{key}: {value}\n" for key, value in lines.items())

    def daemon(self, *arguments, **settings):
        port = kit.free_port()
        return kit.Daemon(self.configuration(port, **settings), f"127.0.0.1:{port}", *arguments)

    def send(self, events):
        """Events (dicts) to tickets, keyed by their ticket, or to feedback."""
        tickets = [(e["ticket"], json.dumps(e)) for e in events if not e["type"].startswith("feedback")]
        feedback = [(e.get("ticket"), json.dumps(e)) for e in events if e["type"].startswith("feedback")]
        for topic, records in (("tickets_topic", tickets), ("feedback_topic", feedback)):
            if records:
                self.kafka.produce(self.settings[topic], records)

    def alerts(self):
        """Every alert record in order, by key."""
        by_key = collections.defaultdict(list)
        for record in self.kafka.read(self.topic("alerts")):
            if record.value is not None:
                by_key[record.key.decode()].append(record.json)
        return by_key

    def outcomes(self):
        return [record.json for record in self.kafka.read(self.topic("outcomes"))]

    def wait_read(self, daemon):
        """Until the daemon has read, and committed, what is in the topics now. Idle tasks commit within ten seconds."""
        def ends():
            found = {}
            for name in (self.settings["tickets_topic"],):
                with self.kafka.follow(name) as tail:
                    for partition in tail.partitions:
                        import confluent_kafka
                        low, high = tail.consumer.get_watermark_offsets(
                            confluent_kafka.TopicPartition(name, partition), timeout=30)
                        found[(name, partition)] = high
            return found

        import confluent_kafka
        wanted = ends()
        reader = confluent_kafka.Consumer(self.kafka.client(group_id=f"{self.prefix}-tickets", enable_auto_commit=False))

        def committed():
            kit.check(daemon.running, f"slad ended with status {daemon.child.returncode}")
            places = reader.committed([confluent_kafka.TopicPartition(*place) for place in wanted], timeout=30)
            return all(place.offset >= wanted[(place.topic, place.partition)] or
                       wanted[(place.topic, place.partition)] == 0 for place in places)
        try:
            kit.wait_until("slad has read everything", committed)
        finally:
            reader.close()

    # --- against the oracle ---

    def replayed(self, until_s, in_its_time=False):
        """(alerts by key, outcomes in order) of slactl replay over what is in the topics, each event arriving when it did; or
        in_its_time: each at the instant it tells of, as if slad had been there all along."""
        lines = []
        wrong = {(letter.headers["slad-topic"], letter.headers["slad-partition"], letter.headers["slad-offset"])
                 for letter in self.kafka.read(self.topic("deadletters")) if letter.headers["slad-error"] == b"wrong_key"}
        for topic in ("tickets_topic", "feedback_topic"):
            for record in self.kafka.read(self.settings[topic]):
                at = instant(record.timestamp_ms / 1000)
                if (record.topic.encode(), str(record.partition).encode(), str(record.offset).encode()) in wrong:
                    continue # replay knows no keys
                line = record.value.decode()
                if in_its_time:
                    lines.append((milliseconds(record.json["time"]), record.partition, record.offset, line))
                else:
                    lines.append((record.timestamp_ms, record.partition, record.offset, f'{{"arrived_at":"{at}",' + line[1:]))
        path = kit.write(f"{self.prefix}/events.ndjson", "".join(line[3] + "\n" for line in sorted(lines)))
        done = kit.slactl("replay", "--policy", self.policy, "--until", instant(until_s), "--emit", "alerts,outcomes", path)
        alerts, outcomes = collections.defaultdict(list), []
        for line in done.stdout.splitlines():
            record = json.loads(line)
            kind = record.pop("record")
            if kind == "alert":
                alerts[record["key"]].append(record)
            else:
                outcomes.append(record)
        return alerts, outcomes


def outcome_key(outcome):
    return (outcome["type"], outcome.get("ticket"), outcome.get("kind"), outcome.get("clock"), outcome.get("cycle"),
            (outcome.get("feedback") or {}).get("id"))


def last_outcomes(outcomes):
    """The last record of every key, without `arrival`. What foresight learns from is not replayed: it is outside the law (section 7)."""
    return {outcome_key(o): {key: value for key, value in o.items() if key != "arrival"} for o in outcomes
            if o["type"] != "risk_sample"}


def check_outcomes(published, replayed):
    """Equal but for arrival."""
    ours, theirs = last_outcomes(published), last_outcomes(replayed)
    missing, extra = sorted(map(str, theirs.keys() - ours.keys())), sorted(map(str, ours.keys() - theirs.keys()))
    kit.check(not missing, f"{len(missing)} outcomes of replay were not published, such as {missing[:3]}")
    kit.check(not extra, f"{len(extra)} outcomes were published that replay does not know, such as {extra[:3]}")
    wrong = [key for key in ours if ours[key] != theirs[key]]
    kit.check(not wrong, f"{len(wrong)} outcomes differ, such as\n  slad   {json.dumps(ours[wrong[0]]) if wrong else ''}\n"
                         f"  replay {json.dumps(theirs[wrong[0]]) if wrong else ''}")
    return len(ours)


def check_no_double(alerts):
    """No key has two `firing` without a `withdrawn` between."""
    for key, records in alerts.items():
        fired = False
        for record in records:
            kit.check(not (record["state"] == "firing" and fired), f"{key} fired twice: {[r['state'] for r in records]}")
            fired = record["state"] == "firing" or (fired and record["state"] != "withdrawn")


def behind_intervals(logs):
    """task -> [(from ms, until ms)] of the logs of one process after the other. What a killed process left open goes on."""
    intervals, open_since = collections.defaultdict(list), {}
    for log in logs:
        for line in log.splitlines():
            begun = re.search(r"behind_begins task=(\d+) from=(\S+)", line)
            ended = re.search(r"behind_ends task=(\d+) from=(\S+) until=(\S+)", line)
            if begun:
                task, at = int(begun[1]), milliseconds(begun[2])
                open_since[task] = min(at, open_since.get(task, at))
            elif ended and int(ended[1]) in open_since:
                task = int(ended[1])
                intervals[task].append((min(open_since.pop(task), milliseconds(ended[2])), milliseconds(ended[3])))
    for task, since in open_since.items():
        intervals[task].append((since, 1 << 62))
    return intervals


def stage_rank(stage):
    return STAGES.get(stage) or int(re.sub(r"\D", "", stage) or 0)


def story(ticket, published, replayed, intervals, partition_of):
    """What both said of one ticket, for people."""
    lines = [f"{ticket} in task {partition_of(ticket)}, behind {intervals[partition_of(ticket)]}"]
    for who, alerts in (("slad", published), ("replay", replayed)):
        for key, records in alerts.items():
            if key.split("/")[0] == ticket:
                lines += [f"  {who:6} {key} {r['state']} effective {r['effective_at']} detected {r['arrival']['detected_at']}"
                          f" elapsed {r['elapsed_ms']} of {r['target_ms']}" for r in records]
    return "\n".join(lines)


def overtaken(record, of_ticket):
    """Whether replay, which knew the record in the instant of its arrival, went at that moment straight to a higher stage of this cycle.
    of_ticket: the first record of every key that replay has of the ticket."""
    at = milliseconds(record["arrival"]["detected_at"])
    return any(first["stage"] != record["stage"] and stage_rank(first["stage"]) > stage_rank(record["stage"]) and
               all(first[name] == record[name] for name in ("ticket", "kind", "clock", "cycle")) and
               abs(milliseconds(first["arrival"]["detected_at"]) - at) < BEHIND_MS
               for first in of_ticket)


def true_after_all(records, outcomes_of_replay):
    """A breach that stands in the last verdict too, at the same instant. Replay is silent of one that late events bring to a clock
    which has ended; slad had not read yet what seemed to end it in time."""
    first, last = records[0], records[-1]
    verdict = outcomes_of_replay.get(("verdict", first["ticket"], first["kind"], first["clock"], first["cycle"], None))
    return (first["stage"] == "breach" and last["state"] == "resolved" and verdict is not None and verdict["ended"] and
            verdict.get("breached_at") == last["effective_at"])


def check_alerts(published, replayed, outcomes, logs, partition_of):
    """The kill test of the spine: a key of replay may be missing only if its stage fell inside a logged behind interval and a
    higher stage of its cycle was announced, or its clock ended there. Returns how many keys each exception excused."""
    check_no_double(published)
    # Stage risk depends on what was learned when (section 7): replay does not say it.
    published = {key: records for key, records in published.items() if records[0]["stage"] != "risk"}
    intervals = behind_intervals(logs)
    stopped = collections.defaultdict(list)  # a clock may end, and go on after a reopen
    for o in outcomes:
        if o["type"] == "verdict" and o.get("stopped_at"):
            stopped[outcome_key(o)[1:5]].append(milliseconds(o["stopped_at"]))
    excused = collections.Counter({"a higher stage was announced": 0, "its clock ended there": 0})
    # The one thing slad may say that replay does not: at a stage's very instant the proof against it lay in Kafka, not yet read.
    extra = [key for key in published if key not in replayed]
    outcomes_of_replay = last_outcomes(outcomes) if extra else {}
    of_ticket = collections.defaultdict(list)
    for records in replayed.values():
        of_ticket[records[0]["ticket"]].append(records[0])
    for key in list(extra):
        if overtaken(published[key][0], of_ticket[published[key][0]["ticket"]]):
            extra.remove(key)
            excused["(announced besides: the record that made it a higher stage was on its way)"] += 1
            continue
        if true_after_all(published[key], outcomes_of_replay):
            extra.remove(key)
            excused["(announced besides: a true breach, which replay learned of only when its clock had ended)"] += 1
            continue
        kit.check(published[key][-1]["state"] == "withdrawn", lambda key=key:
                  f"{key} was announced and stands, and replay does not know it\n"
                  + story(key.split("/")[0], published, replayed, intervals, partition_of))
    if extra:
        excused["(announced besides, and withdrawn: the proof was on its way)"] = len(extra)
    cycles = collections.defaultdict(list)  # (rank, when it was found) of what was announced
    for records in published.values():
        first = records[0]
        cycles[(first["ticket"], first["kind"], first["clock"], first["cycle"])].append(
            (stage_rank(first["stage"]), milliseconds(first["arrival"]["detected_at"])))
    for key, records in replayed.items():
        first, last = records[0], records[-1]
        if key in published:
            # resolved and withdrawn are final words; between firing, repeated and acknowledged the difference may be lagging
            over, ours = last["state"] in ("resolved", "withdrawn"), published[key][-1]
            kit.check((ours["state"] in ("resolved", "withdrawn")) == over, lambda key=key, first=first, last=last, ours=ours:
                      f"{key} ends {last['state']} in replay and {ours['state']} in slad\n"
                      + story(first["ticket"], published, replayed, intervals, partition_of))
            continue
        if last["state"] == "withdrawn":  # the proof was there before slad came to that instant
            excused["(replay took it back: it was never true)"] += 1
            continue
        cycle = (first["ticket"], first["kind"], first["clock"], first["cycle"])
        # Its instant, or when late proof made it true. What was withdrawn before it fired again was never true.
        at = milliseconds([r for r in records if r["state"] == "firing"][-1]["arrival"]["detected_at"])
        higher = [found for rank, found in cycles[cycle] if rank > stage_rank(first["stage"])]
        inside = [i for i in intervals[partition_of(first["ticket"])] if i[0] <= at <= i[1]]
        if not inside and any(found - at < BEHIND_MS for found in higher):
            # T follows the wall while a record is on its way: two stages passed in that moment are one jump
            excused["(folded with a higher stage while its record was on its way)"] += 1
            continue
        kit.check(inside, f"{key} (known from {first['arrival']['detected_at']}) was never announced, and its task was not behind then: "
                          f"{intervals[partition_of(first['ticket'])]}")
        if higher:
            excused["a higher stage was announced"] += 1
        elif any(begin <= at <= end for begin, end in inside for at in stopped[cycle]):
            excused["its clock ended there"] += 1
        elif last["state"] == "resolved" and any(begin <= milliseconds(last["arrival"]["detected_at"]) <= end for begin, end in inside):
            excused["(late proof made it true, and over, within one silence)"] += 1
        else:
            raise kit.Failure(f"{key} was never announced: behind then, but still true afterwards\n"
                              + story(first["ticket"], published, replayed, intervals, partition_of))
    return excused
