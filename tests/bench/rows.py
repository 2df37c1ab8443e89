"""What the rows that need a broker share: the end-to-end kit on the release build, the load generator, the processes' clocks."""
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
os.environ["SLAD_BUILD"] = os.environ["BENCH_BUILD"]
import kit  # noqa: E402  (finds the release build by SLAD_BUILD)
from installation import Installation  # noqa: E402

KAFKA = kit.Kafka("4.1.1", int(os.environ["BENCH_KAFKA"].rpartition(":")[2]))
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def load_words(command, *arguments):
    return [os.path.join(os.environ["BENCH_BUILD"], "bench", "kafka_load"), command, KAFKA.address, *arguments]


def load(command, *arguments):
    """Runs kafka_load and returns the figures it prints."""
    done = subprocess.run(load_words(command, *arguments), stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return [float(word) for word in done.stdout.split()]


def kept(name, make):
    """What make() returned in the first round, such as a topic's name (JSON)."""
    path = os.path.join(os.environ["BENCH_WORK"], f"{name}.json")
    if not os.path.exists(path):
        made = make()
        with open(path, "w", encoding="utf-8") as file:
            json.dump(made, file)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def cpu_s(daemon):
    """Processor time of every thread of a process so far, in seconds (as exact as the kernel's ticks, 10 ms)."""
    with open(f"/proc/{daemon.child.pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def resident_bytes(daemon):
    with open(f"/proc/{daemon.child.pid}/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Offsets:
    """The offsets a group has committed in a topic, against the topic's present end."""

    def __init__(self, group, topic, partitions=4):
        import confluent_kafka
        self.reader = confluent_kafka.Consumer(KAFKA.client(group_id=group, enable_auto_commit=False))
        self.places = [confluent_kafka.TopicPartition(topic, number) for number in range(partitions)]
        self.ends = [self.reader.get_watermark_offsets(place, timeout=30)[1] for place in self.places]

    def reached(self):
        return all(place.offset >= end for place, end in zip(self.reader.committed(self.places, timeout=30), self.ends))

    def wait(self, daemon, pause_s=0.02, limit_s=kit.LIMIT_S):
        def probe():
            kit.check(daemon.running, f"slad ended with status {daemon.child.returncode}")
            return self.reached()
        kit.wait_until("slad has committed everything", probe, pause_s=pause_s, limit_s=limit_s)

    def close(self):
        self.reader.close()


def samples(daemon, name):
    """(labels, value) of a metric; [] while nobody answers."""
    try:
        lines = daemon.get("/metrics")[1].splitlines()
    except OSError:
        return []
    return [(line.split(" ")[0].partition("{")[2], float(line.rsplit(" ", 1)[1])) for line in lines
            if line.split(" ")[0].partition("{")[0] == name]


def metrics(daemon, name):
    """Every value of a metric."""
    return [value for _, value in samples(daemon, name)]


def metric(daemon, name):
    """Their sum."""
    return sum(metrics(daemon, name))


def quantile_s(daemon, name, share):
    """The upper bound of the histogram's bucket in which this share of what was observed lies, in seconds."""
    buckets = [(labels.split('"')[1], value) for labels, value in samples(daemon, f"{name}_bucket")]
    finite = [float(bound) for bound, value in buckets if bound != "+Inf" and value >= share * buckets[-1][1]]
    return min(finite) if finite else float("inf")


def events_read(daemon):
    """slad_events_total of tickets; 0 while nobody answers."""
    return int(sum(value for labels, value in samples(daemon, "slad_events_total") if labels.startswith('topic="tickets"')))


def wait_first_read(daemon):
    kit.wait_until("slad reads", lambda: events_read(daemon) > 0, pause_s=0.005)
    return time.monotonic()
