"""The API's document (docs/openapi.yaml) as a checker of answers, and the installation of two customers that the API tests ask."""
import http.client
import json
import os
import re
import ssl
import time
import urllib.parse

import kit
from installation import instant

try:
    import yaml
    from jsonschema import Draft202012Validator, RefResolver
except ImportError as error:
    yaml, MISSING = None, str(error)

DOCS = os.path.join(kit.SOURCE, "docs")

POLICY = """\
version: "1"
calendars:
  always: {always: true}
  berlin: {time_zone: Europe/Berlin, week: {mon-fri: ["08:00-18:00"]}}
statuses:
  New: {state: open}
  Awaiting User: {state: waiting, on: customer}
  Awaiting Vendor: {state: waiting, on: supplier}
  Resolved: {state: solved}
  Closed: {state: closed}
groups:
  service-desk: {party: provider, tier: 1}
  network-l2: {party: provider, tier: 2}
agreements:
  - name: everyone
    kind: sla
    calendar: always
    attainment_target: 95%
    clocks:
      first-response: {measure: first_response, target: 15m, warn_at: [50%]}
      resolution: {measure: resolution, target: {P1: 2h, default: 8h}, warn_at: [50%, 30m left]}
  - name: l2-ola
    kind: ola
    calendar: always
    clocks: {l2-handling: {measure: handling, of: {group: network-l2}, mode: cumulative, target: 2h, supports: sla/resolution}}
experience:
  min_answers: 1
  neutral: counted
  windows: [30d]
  time_zone: Europe/Berlin
  scopes: [[customer], [contract], [user_group]]
  targets: {px: 80%, nps: 20, attainment: 95%}
  detractor_alert: true
  keis:
    - {name: acme-px, measure: px, match: {customer: acme}, window: 30d, target: 80%, owner: "Head of Retail IT", review_by: 2027-10-31}
    - {name: all-px, measure: px, window: 30d, target: 80%, owner: "Head of IT", review_by: 2027-10-31}
contracts:
  - name: acme-gold
    match: {customer: acme, contract: acme-gold}
    time_zone: Europe/Berlin
    pxa: {window: 30d, threshold: 80%, min_answers: 1, neutral: counted, plan_days: 90}
    watermelon: {window: 30d}
    credits:
      currency: EUR
      monthly_fee: "40000.00"
      at_risk: 10%
      lines: [{clock: sla/resolution, target: 95%, allocation: 50%, share: 40%}]
  - name: borealis-gold
    match: {customer: borealis, contract: borealis-gold}
    time_zone: Europe/Berlin
    pxa: {window: 30d, threshold: 80%, min_answers: 1, neutral: counted, plan_days: 90}
    watermelon: {window: 30d}
    credits:
      currency: EUR
      monthly_fee: "50000.00"
      at_risk: 10%
      lines: [{clock: sla/resolution, target: 95%, allocation: 50%, share: 40%}]
"""


def events(now_s, customers=("acme", "borealis"), each=2):
    """Tickets of each customer, on all courses of life there are: breached, paused at the customer, with the second line, solved; with answers."""
    lines = []
    for customer in customers:
        for i in range(each):
            ticket = f"{customer[:1].upper()}{i}"
            attributes = {"customer": customer, "contract": f"{customer}-gold", "service": "network", "category": "incident",
                          "user_group": "stores"}

            def say(minutes, kind, **more):
                lines.append({"id": f"{ticket}-{len(lines)}", "source": "t", "type": kind, "time": instant(now_s - minutes * 60),
                              "ticket": ticket, **more})
            say(150, "ticket.created", priority="P1" if i == 0 else "P3", status="New", group="service-desk", actor="requester",
                requester=f"{customer}-person", **attributes)
            say(140, "ticket.updated", group="network-l2", actor="agent", assignee=f"{customer}-agent")
            if i == 1:
                say(60, "ticket.message", status="Awaiting User", actor="agent", public=True)
        solved = f"{customer[:1].upper()}-solved"
        lines.append({"id": f"{solved}-1", "source": "t", "type": "ticket.created", "time": instant(now_s - 9000), "ticket": solved,
                      "customer": customer, "contract": f"{customer}-gold", "priority": "P1", "status": "New", "actor": "requester",
                      "user_group": "stores"})
        lines.append({"id": f"{solved}-2", "source": "t", "type": "ticket.updated", "time": instant(now_s - 300), "ticket": solved,
                      "status": "Resolved", "actor": "agent"})
        for score in (1, 2, 5):
            lines.append({"id": f"{customer}-answer-{score}", "source": "t", "type": "feedback.submitted", "time": instant(now_s - 200),
                          "ticket": solved, "feedback": {"id": f"{customer}-f{score}", "survey": "post", "touchpoint": "resolution",
                                                         "scale": "stars5", "score": score, "respondent": f"{customer}-u{score}"}})
    return lines


def need():
    if yaml is None:
        raise kit.Skip(f"python3-yaml and python3-jsonschema are needed: {MISSING}")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def ask(port, path, method="GET", token=None, body=None, headers=None, tls=None, host="127.0.0.1"):
    """One request on a connection of its own."""
    if tls is not None:
        connection = http.client.HTTPSConnection(host, port, timeout=60, context=tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=60)
    all_headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    try:
        connection.request(method, path, body=body, headers=all_headers)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
    finally:
        connection.close()


def quote(text):
    return urllib.parse.quote(text, safe="")


class Document:
    """docs/openapi.yaml: which paths there are, and whether an answer is what it says."""

    def __init__(self):
        need()
        with open(os.path.join(DOCS, "openapi.yaml"), encoding="utf-8") as file:
            self.text = file.read()
        self.tree = yaml.safe_load(self.text)
        self.asked = set()

    def operations(self):
        for path, item in self.tree["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def follow(self, node):
        while "$ref" in node:
            place = node["$ref"]
            kit.check(place.startswith("#/"), f"openapi: {place} stands where only places of the document itself may")
            node = self.tree
            for key in place[2:].split("/"):
                node = node[key]
            node = {**node}
        return node

    def validator(self, schema):
        base = "file://" + os.path.join(DOCS, "openapi.yaml")
        resolver = RefResolver(base, self.tree, store={base: self.tree},
                               handlers={"file": lambda uri: yaml.safe_load(open(urllib.parse.urlparse(uri).path, encoding="utf-8"))})
        return Draft202012Validator(schema, resolver=resolver)

    def check(self, method, path, answer):
        """The answer to this operation (path as it stands in the document): its status is named there, its type and its body fit."""
        operation = self.tree["paths"][path][method.lower()]
        self.asked.add((method, path))
        responses = operation["responses"]
        found = responses.get(str(answer.status), responses.get("default"))
        kit.check(found is not None, f"{method} {path}: {answer.status} is not in the document\n{answer.body[:500]}")
        content = self.follow(found).get("content")
        if not content:
            return answer
        kind = answer.headers.get("content-type", "").split(";")[0]
        kit.check(kind in content, f"{method} {path}: {answer.status} with {kind}, the document says {list(content)}")
        if "json" in kind:
            errors = sorted(self.validator(content[kind]["schema"]).iter_errors(answer.json), key=lambda e: list(e.absolute_path))
            kit.check(not errors, lambda: f"{method} {path}: {[(list(e.absolute_path), e.message[:300], [c.message[:300] for c in e.context][:6]) for e in errors[:3]]}")
        return answer


class Served:
    """A daemon with the broker in it (no Kafka), and the events above read."""

    def __init__(self, document, name="api", **settings):
        self.document = document
        self.port = kit.free_port()
        prefix = kit.unique("slad")
        notes = kit.place(f"{prefix}.address")
        self.policy = kit.write(f"{prefix}/policy.yaml", POLICY)
        lines = {"prefix": prefix, "instance": "one", "listen": f"127.0.0.1:{self.port}", "policy": self.policy,
                 "zoneinfo_dir": kit.ZONEINFO, "state_dir": kit.place(prefix), "alerts_from": "2020-01-01T00:00:00Z", **settings}
        self.daemon = kit.Daemon("".join(f"{key}: {value}\n" for key, value in lines.items()), f"127.0.0.1:{self.port}", "--embedded",
                                 "--embedded-address-file", notes, title=name)
        self.notes = notes
        self.token = None
        self.tls = None

    def ready(self):
        kit.wait_until("it is ready", lambda: self.ask("/readyz").status == 200)
        with open(self.notes, encoding="utf-8") as file:
            address = file.read().strip()
        self.kafka = kit.Kafka("embedded", int(address.rsplit(":", 1)[1]))
        self.kafka.address = address
        return self

    def feed(self):
        now_s = time.time()
        everything = events(now_s)
        self.kafka.produce("tickets", [(e["ticket"], json.dumps(e)) for e in everything if e["type"].startswith("ticket")])
        self.kafka.produce("feedback", [(e["ticket"], json.dumps(e)) for e in everything if e["type"].startswith("feedback")])
        wanted = ["A0/sla/resolution/1/breach", "B0/sla/resolution/1/breach"]
        kit.wait_until("the breaches are told", lambda: all(self.ask(f"/api/v1/alerts/{quote(key)}").status == 200 for key in wanted))
        kit.wait_until("contracts are told", lambda: len(self.json("/api/v1/contracts")) >= 2)
        kit.wait_until("clocks are told", lambda: len({c["customer"] for c in self.json("/api/v1/tickets")}) == 2)
        kit.wait_until("the detractors are told", lambda: len(self.json("/api/v1/alerts?stage=detractor")) == 4)
        kit.wait_until("scores are told", lambda: len(self.json("/api/v1/scores?kind=score")) >= 5)
        return self

    def ask(self, path, **more):
        kit.check(self.daemon.running, f"slad ended with status {self.daemon.child.returncode}")
        return ask(self.port, path, **{"token": self.token, "tls": self.tls, **more})

    def json(self, path, **more):
        answer = self.ask(path, **more)
        kit.check(answer.status == 200, f"GET {path}: {answer.status} {answer.body[:300]}")
        return answer.json

    def checked(self, template, path=None, method="GET", **more):
        """Asks, and checks the answer against the document."""
        return self.document.check(method, template, self.ask(path or template, method=method, **more))


class Stream:
    """A client of /api/v1/stream: events as (event, id, data)."""

    def __init__(self, port, query="", token=None, headers=None, tls=None):
        self.connection = (http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=tls) if tls is not None
                           else http.client.HTTPConnection("127.0.0.1", port, timeout=60))
        self.connection.request("GET", f"/api/v1/stream{query}", headers={**({"Authorization": f"Bearer {token}"} if token else {}),
                                                                           **(headers or {})})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.last_id = None

    def next(self):
        event, data, number = None, None, None
        while True:
            line = self.answer.readline().decode()
            if line == "":
                return None
            line = line.rstrip("\n")
            if line == "" and event is not None:
                self.last_id = number or self.last_id
                return event, number, json.loads(data)
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                data = value
            elif name == "id":
                number = value

    def until(self, wanted):
        """Everything up to the event of this name."""
        found = []
        while True:
            one = self.next()
            kit.check(one is not None, f"the stream ended before {wanted}")
            found.append(one)
            if one[0] == wanted:
                return found

    def close(self):
        self.answer.close()
        self.connection.close()


def certificate(name, days=30):
    """A self-signed certificate for 127.0.0.1; (certificate, key)."""
    paths = kit.place(f"{name}.crt"), kit.place(f"{name}.key")
    kit.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", days, "-subj",
            f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1])
    return paths


def trusting(path):
    return ssl.create_default_context(cafile=path)


def routes_of_the_server():
    """(method, path) of every row of http.c's table, a star for what the document calls {..}."""
    with open(os.path.join(kit.SOURCE, "src", "shell", "http.c"), encoding="utf-8") as file:
        return {(method, path) for path, method in re.findall(r'\{"(/[^"]*)",\s*EVHTTP_REQ_(\w+)', file.read())}
