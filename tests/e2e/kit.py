"""The end-to-end kit: real Kafka, real Redis, real browser, the real programs. See README.md beside this file.

Nothing here measures time: waits are generous and end as soon as what is waited for is there.
"""
import atexit
import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import uuid

import confluent_kafka

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.environ.get("SLAD_SOURCE") or os.path.join(HERE, "..", ".."))
BUILD = os.path.abspath(os.environ.get("SLAD_BUILD") or os.path.join(SOURCE, "build", "asan"))
SLAD = os.environ.get("SLAD_PROGRAM") or os.path.join(BUILD, "slad")
SLACTL = os.environ.get("SLACTL_PROGRAM") or os.path.join(BUILD, "slactl")
ZONEINFO = os.environ.get("SLAD_ZONEINFO") or os.path.join(SOURCE, "tests", "zoneinfo")
LIMIT_S = 120  # how long a wait may last before the test has failed


class Failure(AssertionError):
    """The test found something wrong."""


class Skip(Exception):
    """The test cannot run here (and says why)."""


def step(text):
    print(f"-- {text}", flush=True)


def check(condition, text):
    """text: what is wrong; a function that says it, when saying it takes long."""
    if not condition:
        raise Failure(text() if callable(text) else text)


def wait_until(what, probe, limit_s=LIMIT_S, pause_s=0.05):
    """Calls probe() until it returns something true, and returns that. A probe may raise OSError: not yet."""
    end = time.monotonic() + limit_s
    last = None
    while True:
        try:
            found = probe()
            if found:
                return found
        except OSError as error:
            last = error
        if time.monotonic() > end:
            raise Failure(f"waited {limit_s} s in vain: {what}" + (f" (last: {last})" if last else ""))
        time.sleep(pause_s)


TAKEN_PORTS = []  # sockets in the abstract namespace: what a test has taken is its own until it ends


def free_port():
    """A port of 127.0.0.1 whose successor is free too, below the range outgoing connections use; no other test gets it."""
    for candidate in range(26000 + os.getpid() * 74 % 6000 // 2 * 2, 32700, 2):
        taken = socket.socket(socket.AF_UNIX)
        with contextlib.ExitStack() as stack:
            try:
                taken.bind(f"\0slad-e2e-port-{candidate}")
            except OSError:
                taken.close()
                continue
            TAKEN_PORTS.append(taken)
            try:
                for port in (candidate, candidate + 1):
                    stack.enter_context(contextlib.closing(socket.socket())).bind(("127.0.0.1", port))
                return candidate
            except OSError:
                continue
    raise Failure("no free port")


def listening(port):
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# --- places and processes ---------------------------------------------------------------------------------------------

SCRATCH = tempfile.mkdtemp(prefix="slad-e2e.")  # a directory of this test's own, deleted when all else has ended
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
_logs = []  # (title, path) of what to show when the test fails


def place(name):
    """The path of a file of this test's own."""
    return os.path.join(SCRATCH, name)


def write(name, text):
    """Writes a file into the scratch directory and returns its path."""
    path = place(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def unique(name):
    """A name nobody else of this run uses: for topics, prefixes and groups on the shared broker."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def interruptible():
    """In a child: an interrupt ends it, even if we ourselves run in the background, where it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Process:
    """A program of ours running in the background, its output in a log that is shown when the test fails."""

    def __init__(self, title, command, environment=None, group=False):
        self.title = title
        self.command = [str(word) for word in command]
        self.log = place(f"{title}-{uuid.uuid4().hex[:4]}.log")
        _logs.append((title, self.log))
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=SCRATCH,
                                          env={**os.environ, "SLAD_ZONEINFO": ZONEINFO, **(environment or {})},
                                          start_new_session=group, preexec_fn=interruptible)
        atexit.register(self.end if group else self.kill)

    @property
    def running(self):
        return self.child.poll() is None

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def signal(self, number):
        if self.running:
            self.child.send_signal(number)

    def kill(self):
        """kill -9."""
        self.signal(signal.SIGKILL)
        self.child.wait()

    def end(self):
        """Asks it to end its own children and itself, then insists."""
        self.signal(signal.SIGTERM)
        try:
            self.child.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def stop(self, expect=0):
        """SIGTERM, and its exit status must be as expected (None: whatever)."""
        check(self.running, f"{self.title} ended by itself with status {self.child.returncode}")
        self.signal(signal.SIGTERM)
        try:
            status = self.child.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.title} does not end on SIGTERM") from None
        check(expect is None or status == expect, f"{self.title} ended with status {status}, expected {expect}")
        return status

    def wait_output(self, text, limit_s=LIMIT_S):
        def probe():
            if text in self.output():
                return True
            check(self.running, f"{self.title} ended with status {self.child.returncode} before it said {text!r}")
            return False
        wait_until(f"{self.title} says {text!r}", probe, limit_s)


def run(*command, stdin=None, expect=0):
    """Runs a program to its end; returns the finished process with text stdout and stderr."""
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=600,
                          cwd=SCRATCH, env={**os.environ, "SLAD_ZONEINFO": ZONEINFO}, check=False)
    if expect is not None and done.returncode != expect:
        raise Failure(f"{os.path.basename(str(command[0]))} {' '.join(map(str, command[1:3]))}... ended with status {done.returncode}, "
                      f"expected {expect}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done


def need(program):
    """Skips the test unless this program is built."""
    if not os.access(program, os.X_OK):
        raise Skip(f"{program} is not built")


def slactl(*arguments, stdin=None, expect=0):
    need(SLACTL)
    return run(SLACTL, *arguments, stdin=stdin, expect=expect)


class Daemon(Process):
    """slad with this configuration text. listen: host:port of its HTTP side, as the configuration says."""

    def __init__(self, configuration, listen, *arguments, title="slad"):
        need(SLAD)
        self.listen = listen
        path = write(f"{title}-{uuid.uuid4().hex[:4]}.yaml", configuration)
        super().__init__(title, [SLAD, "--config", path, *arguments])

    def get(self, path, token=None):
        """(status, body) of a GET; an OSError while nobody listens."""
        return http_get(f"http://{self.listen}{path}", token)

    def json(self, path, token=None):
        status, body = self.get(path, token)
        check(status == 200, f"GET {path}: {status}")
        return json.loads(body)

    def wait_ready(self):
        said = [""]

        def probe():
            check(self.running, f"{self.title} ended with status {self.child.returncode} before it was ready")
            status, said[0] = self.get("/readyz")
            return status == 200
        try:
            wait_until(f"{self.title} is ready", probe)
        except Failure as failure:
            raise Failure(f"{failure}; /readyz says: {said[0].strip()}") from None


def http_get(url, token=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


# --- Kafka ------------------------------------------------------------------------------------------------------------

class Record:
    """One record as read: bytes key and value (None: null), headers as a dict of bytes, timestamp in ms."""

    def __init__(self, message):
        self.topic, self.partition, self.offset = message.topic(), message.partition(), message.offset()
        self.key, self.value = message.key(), message.value()
        self.headers = dict(message.headers() or [])
        self.timestamp_ms = message.timestamp()[1]

    @property
    def json(self):
        return json.loads(self.value)

    def __repr__(self):
        return f"{self.topic}[{self.partition}]@{self.offset} {self.key!r}: {self.value!r}"


class Kafka:
    """A broker of scripts/kafka."""

    def __init__(self, version, port):
        self.version, self.port = version, port
        self.address = f"127.0.0.1:{port}"

    def script(self, command, *arguments, expect=0):
        return run(os.path.join(SOURCE, "scripts", "kafka"), command, self.version, *arguments, expect=expect)

    def start(self):
        done = self.script("start", self.port, expect=None)
        if done.returncode == 69:
            raise Skip("no Kafka: its jars cannot be had")
        check(done.returncode == 0, f"Kafka {self.version} does not start\n{done.stderr}")
        return self

    def stop(self):
        self.script("stop", self.port, expect=None)

    def restart(self):
        self.script("restart", self.port)

    def kill(self):
        self.script("kill", self.port)

    def codecs(self, topic, partition=0):
        """How the batches of records on the broker's disk are compressed: 0 not, 1 gzip, 3 lz4 (record batches, format 2)."""
        directory = self.script("status", self.port).stdout.split()[-1]
        found = set()
        for path in sorted(glob.glob(os.path.join(directory, "data", f"{topic}-{partition}", "*.log"))):
            with open(path, "rb") as file:
                segment = file.read()
            at = 0
            while at + 23 <= len(segment):
                length, = struct.unpack_from(">i", segment, at + 8)
                attributes, = struct.unpack_from(">h", segment, at + 21)
                if not attributes & 0x20:  # else the mark of a transaction's end
                    found.add(attributes & 7)
                at += 12 + length
        return found

    def tool(self, name, *arguments, expect=0):
        """One of Kafka's own tools, such as org.apache.kafka.tools.TopicCommand; told the broker's address."""
        return self.script("run-tool", name, "--bootstrap-server", self.address, *arguments, expect=expect)

    def client(self, **settings):
        return {"bootstrap.servers": self.address, "socket.nagle.disable": True, "log_level": 3,
                **{key.replace("_", "."): value for key, value in settings.items()}}

    def create_topic(self, name, partitions=4, **settings):
        from confluent_kafka.admin import AdminClient, NewTopic
        topic = NewTopic(name, partitions, 1, config={key.replace("_", "."): str(value) for key, value in settings.items()})
        admin = AdminClient(self.client())
        admin.create_topics([topic], operation_timeout=30)[name].result()

    def topics(self):
        """Name to number of partitions."""
        admin = confluent_kafka.Consumer(self.client(group_id=unique("metadata")))
        try:
            return {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=30).topics.items()}
        finally:
            admin.close()

    def produce(self, topic, records):
        """records: (key, value) pairs, text or bytes; a value of None is a tombstone. Partitions as Java clients choose them."""
        failed = []
        producer = confluent_kafka.Producer(self.client(partitioner="murmur2_random", linger_ms=5,
                                                       enable_idempotence=True))  # else a retry may change the order
        for key, value in records:
            while True:
                try:
                    producer.produce(topic, key=key, value=value, on_delivery=lambda error, _: error and failed.append(error))
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        check(producer.flush(LIMIT_S) == 0, f"not everything went to {topic}")
        check(not failed, f"{topic}: {failed[:3]}")

    def read(self, topic, committed=True):
        """Every record of a topic up to its present end, in order within a partition. committed=False shows aborted ones too."""
        with self.follow(topic, committed) as tail:
            return tail.to_end()

    def follow(self, topic, committed=True):
        return Tail(self, topic, committed)


class Tail:
    """Reads a topic from its beginning, on and on: a context manager."""

    def __init__(self, kafka, topic, committed=True):
        self.topic = topic
        self.consumer = confluent_kafka.Consumer(kafka.client(
            group_id=unique("kit"), enable_auto_commit=False, enable_partition_eof=True, fetch_wait_max_ms=20,
            isolation_level="read_committed" if committed else "read_uncommitted"))
        self.partitions = list(self.consumer.list_topics(topic, timeout=30).topics[topic].partitions)
        check(self.partitions, f"no topic {topic}")
        self.consumer.assign([confluent_kafka.TopicPartition(topic, number, confluent_kafka.OFFSET_BEGINNING)
                              for number in self.partitions])
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.consumer.close()

    def poll(self, limit_s=0.2):
        """The next record; None when there is none yet; an int when that partition's end was reached."""
        message = self.consumer.poll(limit_s)
        if message is None:
            return None
        if message.error():
            if message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                return message.partition()
            raise OSError(str(message.error()))
        record = Record(message)
        self.seen.append(record)
        return record

    def to_end(self):
        """Everything from the beginning to the present end of every partition (call it once, first)."""
        ended = set()

        def probe():
            found = self.poll()
            if isinstance(found, int):
                ended.add(found)
            return len(ended) == len(self.partitions)
        wait_until(f"the end of {self.topic}", probe, pause_s=0)
        return self.seen

    def wait(self, what, wanted):
        """Reads on until wanted(record) is true for one, and returns it. Records seen before count."""
        for record in self.seen:
            if wanted(record):
                return record

        def probe():
            found = self.poll()
            return found if isinstance(found, Record) and wanted(found) else None
        return wait_until(f"{what} in {self.topic}", probe, pause_s=0)


def own_kafka(version=None):
    """A broker of this test's own, which it may stop and kill; stopped at the test's end."""
    kafka = Kafka(version or os.environ.get("SLAD_KAFKA_VERSION", "4.1.1"), free_port())
    atexit.register(kafka.stop)
    return kafka.start()


def shared_kafka():
    """The broker of this ctest run (fixture KAFKA); outside ctest one of this test's own."""
    notes = os.path.join(BUILD, "e2e", "kafka.port")
    if os.path.exists(notes):
        with open(notes, encoding="utf-8") as file:
            version, port = file.read().split()
        if listening(int(port)):
            return Kafka(version, int(port))
    return own_kafka()


# --- Redis ------------------------------------------------------------------------------------------------------------

class Redis(Process):
    """A redis-server of this test's own, on a unix socket (socket: where one was that has ended), keeping nothing on disk."""

    def __init__(self, *arguments, socket=None):
        if not shutil.which("redis-server"):
            raise Skip("redis-server is not installed")
        self.socket = socket or place(f"redis-{uuid.uuid4().hex[:4]}.sock")
        super().__init__("redis", ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly",
                                   "no", "--dir", SCRATCH, *arguments])
        wait_until("redis answers", lambda: self.command_line("ping").startswith(("PONG", "NOAUTH")))

    def command_line(self, *words):
        done = run("redis-cli", "-s", self.socket, *words, expect=None)
        return done.stdout.strip()


# --- the browser ------------------------------------------------------------------------------------------------------

class Browser:
    """A headless Chromium with a fresh profile, and these arguments more: a context manager."""

    def __init__(self, width=1920, height=1080, *arguments):
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        for program in ("chromium", "chromedriver"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        # Browser and driver are started here and told their ports, for left to themselves they meet at "localhost", which
        # not every machine knows. Their directories go where ours go.
        self.profile = tempfile.mkdtemp(prefix="browser.", dir=SCRATCH)
        environment = {"TMPDIR": SCRATCH, "HOME": self.profile}
        port = free_port()
        self.browser = Process("chromium", [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad", "--hide-scrollbars",
            "--force-device-scale-factor=1", f"--window-size={width},{height}", f"--user-data-dir={self.profile}",
            f"--remote-debugging-port={port}", *arguments, "about:blank"], environment)
        wait_until("chromium listens", lambda: listening(port))
        driver_port = free_port()
        self.service = Process("chromedriver", ["chromedriver", f"--port={driver_port}"], environment)
        wait_until("chromedriver listens", lambda: listening(driver_port))
        options = Options()
        options.debugger_address = f"127.0.0.1:{port}"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Remote(command_executor=f"http://127.0.0.1:{driver_port}", options=options)
        self.driver.command_executor._commands["devtools"] = ("POST", "/session/$sessionId/goog/cdp/execute")
        self.driver.set_page_load_timeout(LIMIT_S)
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.driver.quit()
        self.service.end()
        self.browser.end()

    def open(self, url):
        self.driver.get(url)

    def command(self, name, **parameters):
        """A command of the browser's own protocol, such as Page.reload."""
        return self.driver.execute("devtools", {"cmd": name, "params": parameters})["value"]

    def before(self, script):
        """Runs this in every page opened from now on, before its own script."""
        self.command("Page.addScriptToEvaluateOnNewDocument", source=script)

    def resize(self, width, height):
        """A screen of this size that shows nothing but the page."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, screenWidth=width, screenHeight=height,
                     deviceScaleFactor=1, mobile=False)

    def press(self, *keys):
        """Types these keys to whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains
        chain = ActionChains(self.driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def texts(self, selector):
        """The visible text of every element that this CSS selector finds, read at one instant."""
        return self.driver.execute_script(
            "return Array.from(document.querySelectorAll(arguments[0]), e => e.innerText)", selector)

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def wait(self, what, probe):
        """Waits until probe(self) is true."""
        return wait_until(what, lambda: probe(self))

    def console(self):
        """What the page wrote to the console since the last call (errors of its own and of its security policy too)."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def screenshot(self, name):
        """Saves a picture under e2e/ in the build directory and returns its path."""
        folder = os.path.join(BUILD, "e2e")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name if name.endswith(".png") else f"{name}.png")
        check(self.driver.save_screenshot(path), f"no picture {path}")
        return path


# --- the frame of a test ----------------------------------------------------------------------------------------------

def main(*tests):
    """Runs these functions in order; 0 when all is well, 77 when skipped (1 with CI=true), 1 when not."""
    # What wants to end us gets an orderly end, so that nothing is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for test in tests:
        print(f"== {test.__name__}", flush=True)
        try:
            test()
        except Skip as reason:
            print(f"SKIPPED: {reason}", flush=True)
            sys.exit(1 if os.environ.get("CI") == "true" else 77)
        except Exception as error:
            if isinstance(error, Failure):
                frame = traceback.extract_tb(error.__traceback__)[1]
                print(f"FAILED: {error}\n  at {os.path.basename(frame.filename)}:{frame.lineno}: {frame.line}")
            else:
                traceback.print_exc(file=sys.stdout)
            for title, path in _logs:
                if os.path.exists(path):
                    with open(path, encoding="utf-8", errors="replace") as log:
                        print(f"--- the end of {title}'s log\n" + "".join(log.readlines()[-60:]))
            sys.exit(1)
    print("fine", flush=True)
