"""An installation whose tasks come to be held, for the tests of that."""
import time

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewPartitions

import kit
from installation import Installation, instant

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


def event(ticket, kind="created", **more):
    return {"id": f"{ticket}-{kind}-{time.time()}", "source": "t", "type": f"ticket.{kind}", "time": instant(time.time()), "ticket": ticket,
            "actor": "agent", **more}


def created(ticket, priority="P2"):
    return event(ticket, customer="acme", priority=priority, status="New")


class Scene:
    def __init__(self, kafka=None):
        self.kafka = kafka or kit.shared_kafka()
        self.there = Installation(self.kafka, POLICY, partitions=PARTITIONS, transaction_timeout="1s", session_timeout="6s")
        self.topic = self.there.settings["tickets_topic"]
        self.group = f"{self.there.prefix}-tickets"
        self.configuration = kit.write("slactl.yaml", self.there.configuration(1))
        self.daemon = None
        self.count = 0
        self.logs = []

    def start(self, ready=True):
        self.daemon = self.there.daemon()
        if ready:
            self.daemon.wait_ready()

    def stop(self):
        self.daemon.stop()
        self.logs.append(self.daemon.output())

    def metric(self, name):
        page = self.daemon.get("/metrics")[1]
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.split(" ")[0].split("{")[0] == name)

    def load(self, number=20):
        self.count += 1
        names = [f"H{self.count}-{i}" for i in range(number)]
        self.there.send([created(name, "P1" if i % 4 == 0 else "P2") for i, name in enumerate(names)])
        return names

    def wait_breaches(self, names):
        kit.wait_until("breaches", lambda: all(f"{name}/sla/resolution/1/breach" in self.there.alerts() for name in names[::4]))

    def wait_held(self, number, reason):
        kit.wait_until(f"{number} tasks are held", lambda: self.metric("slad_tasks_held") == number)
        status, body = self.daemon.get("/readyz")
        kit.check(status == 503 and "is held" in body and reason in body, f"/readyz says {status}: {body}")
        kit.check("task_held" in self.daemon.output(), "the log says so")

    def task(self, *words, expect=0):
        return kit.slactl("task", *words, "--config", self.configuration, "--by", "the test", expect=expect).stdout

    def alter_offsets(self, *offsets):
        """Commits these for the group, as soon as it is empty (a static member stays for a session)."""
        reader = confluent_kafka.Consumer(self.kafka.client(group_id=self.group, enable_auto_commit=False))

        def altered():
            try:
                reader.commit(offsets=[confluent_kafka.TopicPartition(self.topic, p, offset) for p, offset in enumerate(offsets)],
                              asynchronous=False)
                return True
            except confluent_kafka.KafkaException:
                return False
        kit.wait_until("the group is empty", altered)
        reader.close()

    def put(self, topic, partition, key, value):
        producer = confluent_kafka.Producer(self.kafka.client())
        producer.produce(topic, partition=partition, key=key, value=value)
        kit.check(producer.flush(kit.LIMIT_S) == 0, "the broker does not take it")

    def add_partitions(self):
        admin = AdminClient(self.kafka.client())
        for name in (self.topic, *(self.there.topic(t) for t in ("relay", "state", "alerts"))):
            admin.create_partitions([NewPartitions(name, PARTITIONS + 1)])[name].result()
        kit.wait_until("they are there", lambda: self.kafka.topics()[self.topic] == PARTITIONS + 1)

    def committed(self):
        reader = confluent_kafka.Consumer(self.kafka.client(group_id=self.group, enable_auto_commit=False))
        places = reader.committed([confluent_kafka.TopicPartition(self.topic, p) for p in range(PARTITIONS)], timeout=30)
        reader.close()
        return places
