"""An installation with a Redis, for the tests of snapshots."""
import time

import kit
from installation import Installation, check_alerts, check_no_double, check_outcomes, instant

POLICY = """\
version: "1"
statuses: {New: {state: open}, Solved: {state: solved}, Closed: {state: closed}}
agreements:
  - name: all
    kind: sla
    clocks:
      resolution: {measure: resolution, target: {P1: 2s, default: 2d}}
"""
PARTITIONS = 2
EVERY = "1s"


def created(ticket, priority="P2"):
    return {"id": f"{ticket}-c", "source": "t", "type": "ticket.created", "time": instant(time.time()), "ticket": ticket,
            "customer": "acme", "priority": priority, "status": "New", "actor": "requester"}


def closed(ticket):
    return {"id": f"{ticket}-x", "source": "t", "type": "ticket.updated", "time": instant(time.time()), "ticket": ticket,
            "actor": "agent", "status": "Closed"}


class Scene:
    """An installation with a Redis, and what has been told of it so far."""

    def __init__(self, *redis_arguments, **settings):
        self.redis = kit.Redis(*redis_arguments)
        self.there = Installation(kit.shared_kafka(), POLICY, partitions=PARTITIONS, snapshot="redis", redis=self.redis.socket,
                                  snapshot_every=EVERY, redis_timeout="1s", **{"snapshot_bucket_bytes_max": "2KiB", **settings})
        self.logs, self.count, self.tickets = [], 0, []
        self.daemon = None

    def start(self, **settings):
        self.daemon = self.there.daemon(**settings)
        self.daemon.wait_ready()

    def kill(self):
        self.daemon.kill()
        self.logs.append(self.daemon.output())

    def restart(self, **settings):
        self.kill()
        self.start(**settings)

    def metric(self, name):
        page = self.daemon.get("/metrics")[1]
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
                   if line.startswith(name + " ") or line.startswith(name + "{") or line.split(" ")[0] == name)

    def restored_from(self, source):
        return self.metric(f'slad_restored_from_total{{from="{source}"}}')

    def load(self, number=40, urgent=4):
        """Some tickets that stay open, and every urgent-th, whose time is up in two seconds. Waits for its breach."""
        self.count += 1
        names = [f"T{self.count}-{i}" for i in range(number)]
        urgent = names[::urgent] if urgent else []
        self.there.send([created(name, "P1" if name in urgent else "P2") for name in names])
        self.tickets += names
        self.there.wait_read(self.daemon)
        kit.wait_until("every breach is announced", lambda: all(
            f"{name}/sla/resolution/1/breach" in self.there.alerts() for name in urgent))

    def wait_snapshot(self):
        """Until everything that is known now is in Redis, in both heads' generations."""
        for _ in range(2):
            self.load(4 * PARTITIONS, urgent=0)
            begun = time.monotonic()

            def younger():
                ages = [float(line.rsplit(" ", 1)[1]) for line in self.daemon.get("/metrics")[1].splitlines()
                        if line.startswith("slad_snapshot_age_seconds{")]
                return len(ages) == PARTITIONS and max(ages) + 1.2 < time.monotonic() - begun # the gauge is up to a second old
            kit.wait_until("snapshots", younger)

    def check_restart(self, source, **settings):
        """kill -9 and start: everything comes from there, and nothing is said twice."""
        self.restart(**settings)
        kit.check(self.restored_from(source) == PARTITIONS,
                  f"restored from {[(s, self.restored_from(s)) for s in ('snapshot', 'previous', 'state', 'nothing')]}, "
                  f"expected {source}")
        kit.wait_until(f"{len(self.tickets)} tickets", lambda: self.metric("slad_task_tickets") == len(self.tickets))
        check_no_double(self.there.alerts())

    def end(self):
        """Against replay."""
        self.there.send([closed(name) for name in self.tickets])
        self.there.wait_read(self.daemon)
        until = time.time()
        self.daemon.stop()
        self.logs.append(self.daemon.output())
        replayed_alerts, replayed_outcomes = self.there.replayed(until)
        places = {r.key.decode(): r.partition for r in self.there.kafka.read(self.there.settings["tickets_topic"]) if r.key}
        count = check_outcomes(self.there.outcomes(), replayed_outcomes)
        excused = check_alerts(self.there.alerts(), replayed_alerts, replayed_outcomes, self.logs, places.__getitem__)
        print(f"{len(self.tickets)} tickets, {count} outcomes equal; excused: {dict(excused)}")
