"""The fences of README.md and docs/*.md, and running them. See README.md beside this file."""
import glob
import json
import os
import re
import subprocess

TREE = os.path.abspath(os.environ.get("SLAD_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("SLAD_BUILD") or os.path.join(TREE, "build", "asan"))
ZONES = os.environ.get("SLAD_ZONEINFO") or os.path.join(TREE, "tests", "zoneinfo")
MARK = re.compile(r"^<!-- (file: (?P<file>[\w./-]+)|run|run: (?P<needs>daemon)|run: exits (?P<status>\d)|json|not run: (?P<why>.+?)) -->$")


class Fence:
    """One fence: its page and line, what it is, its lines, and its mark (None: it has none)."""

    def __init__(self, page, line, info, lines, mark):
        self.page, self.line, self.info, self.lines, self.mark = page, line, info, lines, mark
        found = MARK.match(mark or "")
        self.file = found and found["file"]
        self.why = found and found["why"]
        self.needs_daemon = bool(found and found["needs"])
        self.status = int(found["status"] or 0) if found else 0
        self.kind = None if not found else "file" if self.file else "not run" if self.why else "json" if " json " in mark else "run"

    @property
    def place(self):
        return f"{self.page}:{self.line}"


def pages():
    return [os.path.relpath(path, TREE) for path in [os.path.join(TREE, "README.md"), *sorted(glob.glob(os.path.join(TREE, "docs", "*.md")))]]


def fences(page):
    found, open_at, mark = [], None, None
    with open(os.path.join(TREE, page), encoding="utf-8") as file:
        lines = file.read().split("\n")
    for number, line in enumerate(lines, 1):
        if open_at is None and line.startswith("```"):
            open_at = number
            mark = next((text for text in reversed(lines[:number - 1]) if text.strip()), "")
        elif open_at is not None and line == "```":
            found.append(Fence(page, open_at, lines[open_at - 1][3:], lines[open_at:number - 1], mark if mark.startswith("<!--") else None))
            open_at = None
    if open_at is not None:
        raise SystemExit(f"{page}:{open_at}: a fence that does not end")
    return found


HIDDEN = re.compile(r"^<!-- file: ([\w./-]+)\n(.*?)^-->$", re.M | re.S)
CHECK = re.compile(r"^<!-- check: ([\w./ -]+) -->$", re.M)


def prepare(page, found, directory):
    """Writes every file of the page, the hidden ones too; then slactl check reads what its `check` marks name, put together."""
    with open(os.path.join(TREE, page), encoding="utf-8") as file:
        text = file.read()
    for name, body in HIDDEN.findall(text):
        write_text(os.path.join(directory, name), body)
    for fence in found:
        if fence.kind == "file":
            write_text(os.path.join(directory, fence.file), "\n".join(fence.lines) + "\n")
    wrong = []
    for names in CHECK.findall(text):
        body = 'version: "check"\n'
        for name in names.split():
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                body += file.read()
        write_text(os.path.join(directory, "check.yaml"), body)
        done = subprocess.run(["slactl", "check", "check.yaml"], capture_output=True, text=True, check=False, cwd=directory, env=environment(directory))
        if done.returncode != 0:
            wrong.append(f"{page}: {names}: {done.stderr}")
    return wrong


def commands(fence):
    """(command, expected lines) of a console fence: what follows "$ " goes on while lines begin with "> "."""
    found = []
    for line in fence.lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.startswith("> ") and not found[-1][1]:
            found[-1] = (found[-1][0] + "\n" + line[2:], [])
        else:
            found[-1][1].append(line)
    return found


def matches(expected, found):
    """Line by line; a line of "..." is any lines, and "..." in a line any text."""
    if not expected:
        return not found
    if expected[0] == "...":
        return any(matches(expected[1:], found[i:]) for i in range(len(found) + 1))
    pattern = ".*".join(re.escape(piece) for piece in expected[0].split("..."))
    return bool(found) and re.fullmatch(pattern, found[0]) is not None and matches(expected[1:], found[1:])


def environment(directory, **more):
    return {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "SLAD_ZONEINFO": ZONES, "TZ": "UTC", "HOME": directory, "USER": "night-shift",
            "LC_ALL": "C.UTF-8", **more}


def write_text(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run(fence, directory, **more):
    """What went wrong, as texts. One shell for the fence; every command must end as the mark says."""
    wrong = []
    for command, expected in commands(fence):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=directory, timeout=120,
                              env=environment(directory, **more))
        found = (done.stdout + done.stderr).rstrip("\n").split("\n") if done.stdout + done.stderr else []
        if done.returncode != fence.status:
            wrong.append(f"{fence.place}: {command!r} ended with {done.returncode}: {done.stdout[-600:]}{done.stderr[-900:]}")
        elif expected and not matches(expected, found):
            wrong.append(f"{fence.place}: {command!r} says\n" + "\n".join(found))
    return wrong


def read_json(fence):
    """Every value of the fence is JSON: one, or one a line."""
    text = "\n".join(fence.lines)
    decoder = json.JSONDecoder()
    while text.strip():
        try:
            _, end = decoder.raw_decode(text.strip())
        except ValueError as error:
            return [f"{fence.place}: {error}"]
        text = text.strip()[end:]
    return []
