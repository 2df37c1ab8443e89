"""Tickets' lives at random, told to slad as time passes: answers, waits, changed minds, late proof, things told twice. Seconds long, so that
a test sees their ends."""
import heapq
import json
import threading
import time

import confluent_kafka
import kit
from installation import instant

POLICY = """\
version: "kill"
statuses:
  New: {state: open}
  Active: {state: open}
  Waiting: {state: waiting, on: customer}
  Solved: {state: solved}
  Closed: {state: closed}
agreements:
  - name: all
    kind: sla
    warn_at: [50%, 75%]
    clocks:
      resolution: {measure: resolution, target: {P1: 3s, P2: 6s, default: 12s}}
      first-response: {measure: first_response, start: creation_always, target: {P1: 2s, default: 4s}}
"""


def life(dice, ticket, born):
    """One ticket's events as (when it is sent, event): answers, waits, changed minds, late proof, things told twice."""
    number = 0
    told = []

    def tell(at, kind, late=0.0, **more):
        nonlocal number
        number += 1
        told.append((at + late, {"id": f"{ticket}-{number}", "source": "load", "type": f"ticket.{kind}", "time": instant(at),
                                 "ticket": ticket, "seq": number, **more}))

    end = born + dice.uniform(0.5, 14)
    tell(born, "created", customer=f"c{dice.randrange(5)}", service=f"s{dice.randrange(3)}", category="incident",
         priority=dice.choice(("P1", "P2", "P3")), status="New", actor="requester", requester="u", group="desk")
    if dice.random() < 0.8:  # sometimes the proof of an answer comes late
        tell(born + dice.uniform(0.2, 5), "message", late=dice.choice((0, 0, 0, dice.uniform(0.5, 4))), actor="agent", by="a", public=True)
    if dice.random() < 0.3:
        pause = dice.uniform(0.3, 4)
        tell(born + pause, "updated", status="Waiting", actor="agent")
        tell(born + pause + dice.uniform(0.5, 5), "updated", status="Active", actor="requester",
             late=dice.choice((0, 0, dice.uniform(0, 2))))
    if dice.random() < 0.2:
        tell(born + dice.uniform(0.3, 6), "updated", priority=dice.choice(("P1", "P2", "P3")), actor="agent")
    tell(end, "updated", status="Solved", actor="agent", late=dice.choice((0, 0, 0, 0, dice.uniform(0.5, 3))))
    tell(max(end, max(e[0] for e in told)) + dice.uniform(0.1, 1), "updated", status="Closed", actor="system")
    if dice.random() < 0.1:
        at, event = dice.choice(told)
        told.append((at + dice.uniform(0, 1), event))
    return told


class Load(threading.Thread):
    """Sends tickets' lives as time passes, until told to stop beginning new ones; then what is begun is told to its end."""

    def __init__(self, there, dice, rate=40.0):
        super().__init__(daemon=True)  # a test that fails ends all the same
        self.rate = rate
        self.topic, self.dice = there.settings["tickets_topic"], dice
        self.producer = confluent_kafka.Producer(there.kafka.client(partitioner="murmur2_random", linger_ms=2, acks="all"))
        self.stopping, self.sent, self.tickets = threading.Event(), 0, 0

    def run(self):
        due, order = [], 0
        birth = time.time()
        while due or not self.stopping.is_set():
            now = time.time()
            while not self.stopping.is_set() and birth <= now:
                self.tickets += 1
                for at, event in life(self.dice, f"K{self.tickets}", birth):
                    order += 1
                    heapq.heappush(due, (at, order, event))
                birth += self.dice.expovariate(self.rate)
            while due and due[0][0] <= now:
                event = heapq.heappop(due)[2]
                self.producer.produce(self.topic, key=event["ticket"], value=json.dumps(event))
                self.sent += 1
            self.producer.poll(0)
            time.sleep(0.005)
        kit.check(self.producer.flush(60) == 0, "not everything was sent")
