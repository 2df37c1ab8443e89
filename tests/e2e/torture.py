"""Torture on real parts: one to three processes on a real Kafka and a real Redis, under load, killed, stopped for longer than any time-out
and continued, ended in order; Redis killed, wiped, hanging, rolled back; the broker restarted. What was published stands against
`slactl replay` of the same events: nothing missing but what a logged silence excuses, nothing doubled."""
import collections
import os
import random
import re
import shutil
import signal
import time

import kit
from installation import Installation, check_alerts, check_no_double, check_outcomes
from load import Load, POLICY

NAMES = ("one", "two", "three")
PARTITIONS = 6
# librdkafka before 2.2.0 aborts when a group's leader is closed, or loses its session, before it has assigned anything
# (github.com/confluentinc/librdkafka/issues/4312). To slad it is a kill like any other.
LIBRDKAFKA_4312 = "rd_kafka_sticky_assignor_state_destroy"
# Closing a client may hang in librdkafka while the broker is away; then the daemon's own watchdog ends the stop (architecture: shutdown).
HARD_WAY = "the stop hangs: ended the hard way"


class Torture:
    def __init__(self, version, minutes, seed, rate):
        print(f"seed {seed} ({minutes:g} minutes, {rate:g} tickets a second, Kafka {version})", flush=True)
        self.dice = random.Random(seed)
        self.seconds = minutes * 60
        self.kafka = kit.own_kafka(version)
        self.redis = kit.Redis()
        self.there = Installation(self.kafka, POLICY, partitions=PARTITIONS, accept_age="800d", allowed_skew="1h",
                                  session_timeout="6s", transaction_timeout="2s", snapshot="redis", redis=self.redis.socket,
                                  snapshot_every="2s", redis_timeout="1s", snapshot_bucket_bytes_max="4KiB")
        self.load = Load(self.there, random.Random(seed + 1), rate)
        self.processes, self.stopped = {}, {}  # name -> daemon; name -> when it is continued
        self.logs = []
        self.counts = collections.Counter()
        self.dump = None

    # --- processes ---

    def start(self):
        free = [name for name in NAMES if name not in self.processes]
        if free:
            name = self.dice.choice(free)
            self.processes[name] = self.there.daemon(instance=name)
            self.count("starts")

    def bury(self, name):
        daemon = self.processes.pop(name)
        self.stopped.pop(name, None)
        self.logs.append(daemon.output())

    def running(self):
        return [name for name in self.processes if name not in self.stopped]

    def kill(self):
        name = self.dice.choice(list(self.processes))
        self.processes[name].kill()
        self.bury(name)
        self.count("kills")

    def end_in_order(self):
        running = self.running()
        if len(running) > 1:
            name = self.dice.choice(running)
            if self.processes[name].running:
                self.stop(name)

    def stop(self, name):
        daemon = self.processes[name]
        status = daemon.stop(expect=None)
        known, hard = LIBRDKAFKA_4312 in daemon.output(), HARD_WAY in daemon.output()
        kit.check(status == 0 or known or hard, f"{name} ended with status {status}:\n{daemon.output()[-3000:]}")
        self.bury(name)
        self.count("killed by librdkafka #4312" if known else "stops ended the hard way" if hard else "orderly stops")

    def freeze(self):
        """For longer than the session and the transaction time-out: others take over, and then it wakes up."""
        running = self.running()
        if running:
            name = self.dice.choice(running)
            self.processes[name].signal(signal.SIGSTOP)
            self.stopped[name] = time.monotonic() + self.dice.choice((1, 9, 12))
            self.count("freezes")

    def thaw(self, all_of_them=False):
        for name, until in list(self.stopped.items()):
            if all_of_them or time.monotonic() >= until:
                self.processes[name].signal(signal.SIGCONT)
                del self.stopped[name]

    def see_to_the_dead(self):
        for name in list(self.processes):
            if not self.processes[name].running:
                text = self.processes[name].output()
                kit.check("cannot_go_on" in text or LIBRDKAFKA_4312 in text, f"{name} ended by itself:\n{text[-3000:]}")
                self.bury(name)
                self.count("killed by librdkafka #4312" if LIBRDKAFKA_4312 in text else "gave up by themselves")

    # --- Redis and the broker ---

    def redis_killed(self):
        self.redis.kill()
        time.sleep(self.dice.uniform(0, 3))
        self.redis = kit.Redis(socket=self.redis.socket)
        self.count("Redis killed, and empty again")

    def redis_wiped(self):
        self.redis.command_line("flushall")
        self.count("Redis wiped")

    def redis_hangs(self):
        self.redis.signal(signal.SIGSTOP)
        time.sleep(self.dice.uniform(0.5, 3))
        self.redis.signal(signal.SIGCONT)
        self.count("Redis hanging")

    def redis_rolled_back(self):
        dump = kit.place("dump.rdb")
        if self.dump is None:
            self.redis.command_line("save")
            self.dump = kit.place("old.rdb")
            shutil.copy(dump, self.dump)
            return
        self.redis.kill()
        shutil.copy(self.dump, dump)
        self.redis = kit.Redis("--dbfilename", "dump.rdb", socket=self.redis.socket)
        self.dump = None
        self.count("Redis rolled back")

    def broker_restarted(self):
        if self.counts["broker restarts"] < 1 + self.seconds / 300:
            self.kafka.restart()
            self.count("broker restarts")

    # --- the course ---

    def count(self, what):
        self.counts[what] += 1
        print(f"   {what} ({len(self.processes)} processes)", flush=True)

    def go(self):
        begun = time.monotonic()
        deeds = [(self.start, 5), (self.kill, 5), (self.end_in_order, 2), (self.freeze, 3), (self.redis_killed, 1),
                 (self.redis_wiped, 1), (self.redis_hangs, 1), (self.redis_rolled_back, 2), (self.broker_restarted, 1)]
        self.start()
        first = next(iter(self.processes.values()))
        first.wait_ready()
        self.load.start()
        # before a task has committed anything it has not begun: killed now, its first start would be a later one
        kit.wait_until("every task has begun", lambda: self.begun(first))
        while (spent := time.monotonic() - begun) < self.seconds:
            self.thaw()
            self.see_to_the_dead()
            # one process in the first third, up to three in the second, one in the last
            wanted = 3 if self.seconds / 6 < spent < self.seconds * 2 / 3 else 1
            if not self.running() or len(self.processes) < wanted:
                self.start()
            elif len(self.running()) > wanted:
                self.end_in_order()
            else:
                self.dice.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]()
            time.sleep(self.dice.uniform(0.2, 4))
        self.settle()

    @staticmethod
    def begun(daemon):
        """It has committed an epoch of every task."""
        return len(set(re.findall(r'slad_task_epoch\{task="(\d+)"\}', daemon.get("/metrics")[1]))) == PARTITIONS

    def settle(self):
        """One process, everything read, every clock ended."""
        self.thaw(all_of_them=True)
        self.see_to_the_dead()
        while len(self.processes) > 1:
            self.stop(self.dice.choice(list(self.processes)))
            self.see_to_the_dead()
        if not self.processes:
            self.start()
        last = next(iter(self.processes.values()))
        last.wait_ready()
        kit.wait_until("it holds every task", lambda: self.begun(last))
        time.sleep(3)
        self.load.stopping.set()
        self.load.join()
        self.there.wait_read(last)
        self.until = time.time()
        last.stop()
        self.bury(next(iter(self.processes)))

    def judge(self):
        # lines of several processes, in the order of time
        lines = sorted(line for log in self.logs for line in log.splitlines() if line[:2] == "20")
        replayed_alerts, replayed_outcomes = self.there.replayed(self.until)
        places = {r.key.decode(): r.partition for r in self.kafka.read(self.there.settings["tickets_topic"])}
        if os.environ.get("SLAD_KILL_KEEP"):  # for a look at a ticket of a run that failed
            kit.write(f"{self.there.prefix}/logs", "\n".join(lines))
            os.system(f"cp -r {kit.place(self.there.prefix)} {os.environ['SLAD_KILL_KEEP']}")
        letters = self.kafka.read(self.there.topic("deadletters"))
        kit.check(not letters, f"{len(letters)} dead letters, such as {letters[:1]}")
        outcomes, alerts = self.there.outcomes(), self.there.alerts()
        equal = check_outcomes(outcomes, replayed_outcomes)
        check_no_double(alerts)
        excused = check_alerts(alerts, replayed_alerts, replayed_outcomes, ["\n".join(lines)], places.__getitem__)
        self.summary(lines, alerts, replayed_alerts, equal, excused)

    def summary(self, lines, alerts, replayed_alerts, equal, excused):
        live = [line for line in lines if " task_live " in line]
        print(f"{self.load.tickets} tickets, {self.load.sent} events")
        for what, number in sorted(self.counts.items()):
            print(f"  {number:5} {what}")
        print(f"  {sum(' rebalance ' in line for line in lines):5} rebalances seen")
        for source in ("snapshot", "previous", "state", "nothing"):
            print(f"  {sum(f'from={source} ' in line for line in live):5} tasks restored from {source}")
        print(f"  {len(alerts):5} alert keys announced, of {len(replayed_alerts)} in replay; {equal} outcomes equal")
        for reason, number in excused.items():
            print(f"  {number:5} not announced, excused: {reason}")
        print("missing 0, doubled 0")
        kit.check(len(alerts) > self.load.tickets / 4, "too few alerts to prove anything")
        kit.check(any("from=snapshot " in line for line in live), "no task was restored from a snapshot")


def run(version, minutes):
    seed = int(os.environ.get("SLAD_TORTURE_SEED", str(random.randrange(1 << 30))))
    torture = Torture(version, minutes, seed, float(os.environ.get("SLAD_TORTURE_RATE", "40")))
    torture.go()
    kit.step("everything read, every clock ended: against replay")
    torture.judge()
