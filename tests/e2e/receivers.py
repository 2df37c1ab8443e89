"""Stand-ins for those whom `slactl relay` tells: an HTTP server that keeps what it was sent, answers as it is told to, and knows what
PagerDuty's Events API v2 and Standard Webhooks 1.0.0 document. And alerts to be sent."""
import base64
import hashlib
import hmac
import http.server
import json
import socket
import struct
import threading
import time

import kit
from installation import instant

STATES = ("firing", "repeated", "acknowledged", "resolved", "withdrawn")
SEVERITIES = ("critical", "error", "warning", "info")


def alert(ticket, state="firing", revision=1, stage="breach", severity="critical", customer="acme", at=None, **more):
    """(key, record as JSON text) of one record of slad.alerts."""
    at = at or time.time()
    key = f"{ticket.replace('%', '%25').replace('/', '%2F')}/sla/resolution/1/{stage}"
    record = {"key": key, "ticket": ticket, "kind": "sla", "agreement": "gold", "clock": "resolution", "cycle": 1, "stage": stage,
              "state": state, **({"n": revision} if state == "repeated" else {}), **({"by": "kim"} if state == "acknowledged" else {}),
              "severity": severity, "effective_at": instant(at - 60), "due_at": instant(at - 60), "target_ms": 14400000,
              "elapsed_ms": 14400000, "remaining_ms": 0, "overrun_ms": 60000, "turn": "provider", "risk": None, "customer": customer,
              "service": "network", "priority": "P1", "group": "network-l2", "policy": "1@1f3a9c", "flags": [],
              "reason": "counted 4h of 4h on berlin since 10:15", "arrival": {"detected_at": instant(at), "revision": revision}, **more}
    return key, json.dumps(record)


def history(tickets):
    """A life of each ticket's breach, interleaved: firing, repeated, acknowledged, resolved."""
    for number, state in enumerate(("firing", "repeated", "acknowledged", "resolved"), 1):
        for ticket in tickets:
            yield alert(ticket, state, number)


_kafka = []


class Ground:
    """A topic of alerts of its own, and relays to it."""

    def __init__(self, partitions=3):
        if not _kafka:
            _kafka.append(kit.shared_kafka())
        self.kafka = _kafka[0]
        self.prefix = kit.unique("slad")
        self.topic = f"{self.prefix}.alerts"
        self.kafka.create_topic(self.topic, partitions, cleanup_policy="compact")

    def put(self, *records):
        self.kafka.produce(self.topic, list(records))

    def command(self, to, url, *more):
        return ["relay", "--to", to, "--brokers", self.kafka.address, "--prefix", self.prefix, "--set", "session_timeout=6s",
                "--url", url, "--retry-min", "1s", "--retry-max", "2s", "--timeout", "2s", "--report-every", "1s", *more]

    def start(self, to, url, *more):
        kit.need(kit.SLACTL)
        relay = kit.Process("relay", [kit.SLACTL, *self.command(to, url, *more)])
        relay.wait_output("relay_assigned")
        return relay

    def once(self, to, url, *more, expect=0):
        return kit.slactl(*self.command(to, url, *more), "--once", expect=expect).stderr


class Request:
    """One that came: when, its headers in lower case, its body as JSON, and what it was answered."""

    def __init__(self, handler, body):
        self.at = time.monotonic()
        self.wall = time.time()
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.raw = body
        self.body = json.loads(body)
        self.answered = None


class Receiver:
    """An HTTP server at a port of its own. decide(request, number) gives the answer: a status, (status, headers), "hang", "reset"; it
    is asked under a lock. check(request) raises what is wrong with a request: that is found by `.check()`."""

    def __init__(self, decide, check=lambda request: None):
        self.requests, self.faults = [], []
        self.lock = threading.Lock()
        self.decide, self.check_one = decide, check
        self.ended = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a client that was killed or has lost its patience

        Handler.disable_nagle_algorithm = True
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler, body):
        request = Request(handler, body)
        with self.lock:
            try:
                self.check_one(request)
            except Exception as fault:
                self.faults.append(f"{fault!r}: {body[:400]!r} {request.headers}")
            answer = self.decide(request, len(self.requests))
            request.answered = answer[0] if isinstance(answer, tuple) else answer
            self.requests.append(request)
        if answer == "hang":
            self.ended.wait(30)
            handler.close_connection = True
            return
        if answer == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        text = b"" if status == 204 else b'{"status":"success"}'
        if text:
            handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def taken(self):
        """The requests that were answered 2xx, in the order in which they came."""
        with self.lock:
            return [r for r in self.requests if isinstance(r.answered, int) and r.answered // 100 == 2]

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        kit.check(not self.faults, lambda: f"{len(self.faults)} requests were not as documented: " + "\n".join(self.faults[:3]))


# --- what is documented -----------------------------------------------------------------------------------------------

def check_pagerduty(key):
    """Events API v2: https://developer.pagerduty.com/docs/send-alert-event"""
    def check(request):
        body = request.body
        assert request.path == "/v2/enqueue", request.path
        assert request.headers["content-type"] == "application/json"
        assert len(request.raw) <= 512 * 1024
        assert body["routing_key"] == key and len(key) == 32
        assert body["event_action"] in ("trigger", "acknowledge", "resolve")
        assert 0 < len(body["dedup_key"].encode()) <= 255
        assert set(body) <= {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
        if body["event_action"] == "trigger":
            payload = body["payload"]
            assert 0 < len(payload["summary"]) <= 1024
            assert payload["source"] and payload["severity"] in SEVERITIES
            assert set(payload) <= {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
            assert payload["timestamp"].endswith("Z") and isinstance(payload["custom_details"], dict)
    return check


def check_webhook(*secrets):
    """Standard Webhooks 1.0.0: every one of these secrets (whsec_...) has signed."""
    def check(request):
        identity, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        assert "." not in identity and abs(int(timestamp) - request.wall) < 300
        signatures = request.headers["webhook-signature"].split(" ")
        for secret in secrets:
            signed = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), f"{identity}.{timestamp}.".encode() + request.raw,
                              hashlib.sha256).digest()
            assert f"v1,{base64.b64encode(signed).decode()}" in signatures, signatures
        assert request.headers["content-type"] == "application/json"
        body = request.body
        assert body["type"] in {f"slad.alert.{state}" for state in STATES + ("removed",)}
        assert body["timestamp"].endswith("Z") and body["data"]["key"]
        assert body["type"].endswith("." + body["data"]["state"])
    return check
