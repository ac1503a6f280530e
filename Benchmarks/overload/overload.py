"""Offers a server more than it can take and looks at what becomes of it. Run by script/overload."""

import argparse
import json
import os
import resource
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ANSWERS = {"200", "429", "503"}
MEMORY_MAX_MIB = 1024
ACK_P99_MAX_MS = 2500


class Server:
    """The whole street on a fresh journal, in a process of its own."""

    def __init__(self, binary, folder):
        self.process = subprocess.Popen(
            [binary, "bench", "--serve", "street", "--folder", folder], stdout=subprocess.PIPE, text=True
        )
        self.base = self.process.stdout.readline().strip()
        self.credential = self.process.stdout.readline().strip()
        self.port = int(self.base.rsplit(":", 1)[1])
        self.memory_peak = 0
        self.slowest_health = 0.0
        self.samples = []
        self.is_watching = True
        self.watch = threading.Thread(target=self.sample, daemon=True)
        self.watch.start()

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
        return 0

    def sample(self):
        """Once a second: memory, and how long a look at its health takes."""
        while self.is_watching:
            self.memory_peak = max(self.memory_peak, self.resident_mib())
            self.samples.append(self.resident_mib())
            begun = time.monotonic()
            try:
                urllib.request.urlopen(self.base + "/healthz", timeout=30).read()
                self.slowest_health = max(self.slowest_health, time.monotonic() - begun)
            except OSError:
                self.slowest_health = max(self.slowest_health, 30.0)
            time.sleep(1)

    def status(self):
        request = urllib.request.Request(
            self.base + "/v1/status", headers={"authorization": "Bearer " + self.credential}
        )
        return json.loads(urllib.request.urlopen(request, timeout=30).read())

    def settle(self, seconds):
        """Seconds until nothing is pending and no job is open."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            status = self.status()
            if status["pending"] == 0 and not any(sum(c.values()) for c in status["open_jobs"].values()):
                return time.monotonic() - begun
            time.sleep(0.5)
        raise SystemExit(f"error: after {seconds} s there is still work: {self.status()}")

    def end(self):
        self.is_watching = False
        self.process.kill()
        self.process.wait()


def load(binary, server, seconds, connections, rate=None):
    command = [binary, "bench", "--json", "--against", server.base, "--path", "/in/stripe"]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    if rate:
        command += ["--rate", str(rate)]
    result = subprocess.run(command, text=True, capture_output=True)
    if result.returncode != 0:
        raise SystemExit(f"error: the load failed: {result.stderr[-2000:]}")
    row = json.loads(result.stdout)["rows"][0]
    row["answered"] = sum(row["answers"].values())
    return row


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port), timeout=30)
    return peer


def ask(peer, request=b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"):
    peer.settimeout(30)
    peer.sendall(request)
    return peer.recv(65536)


def crowd(server, count):
    """So many connections that have said something once and rest; those that are still there answer."""
    peers = []
    for _ in range(count):
        peer = connect(server.port)
        peer.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        peers.append(peer)
    answered = sum(1 for peer in peers if peer.recv(4096).startswith(b"HTTP/1.1 200"))
    return peers, answered


def pesterers(server, stop):
    """Senders that trickle a body, stop in the middle of a head, or send headers without end; counts what they get."""
    seen = {}
    head = b"POST /in/stripe HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"
    chooser = selectors.DefaultSelector()
    slow = [connect(server.port) for _ in range(200)]
    for index, peer in enumerate(slow):
        peer.setblocking(False)
        peer.send(head if index % 2 else b"POST /in/stripe HTT")
        chooser.register(peer, selectors.EVENT_READ)

    def note(answer):
        word = answer.split(b" ")[1].decode() if answer.startswith(b"HTTP/1.1 ") else "closed"
        seen[word] = seen.get(word, 0) + 1

    while not stop.is_set():
        try:
            note(ask(connect(server.port), b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: " + b"a" * 40000 + b"\r\n\r\n"))
        except OSError:
            note(b"")
        for index, peer in enumerate(slow):
            try:
                if index % 2:
                    peer.send(b"a")
            except OSError:
                pass
        for key, _ in chooser.select(timeout=0.2):
            try:
                note(key.fileobj.recv(4096))
            except OSError:
                note(b"")
            chooser.unregister(key.fileobj)
            key.fileobj.close()
            index = slow.index(key.fileobj)
            peer = connect(server.port)
            peer.setblocking(False)
            peer.send(head if index % 2 else b"POST /in/stripe HTT")
            chooser.register(peer, selectors.EVENT_READ)
            slow[index] = peer
    for peer in slow:
        peer.close()
    return seen


def measure(options, folder):
    say = lambda text: print(text, file=sys.stderr, flush=True)
    server = Server(options.throughline, folder)
    found, broken = {}, []

    def expect(holds, words):
        if not holds:
            broken.append(words)

    try:
        found["idle_mib"] = round(server.resident_mib())
        say("what it can take: 64 connections for 10 s")
        load(options.throughline, server, 3, 64)
        usual = load(options.throughline, server, 10, 64)
        found["capacity"] = usual
        server.settle(600)

        rate = 4 * usual["per_second"]
        say(f"overload: {rate:.0f}/s for {options.seconds} s, with slow, half-open and oversized senders beside it")
        stop, seen = threading.Event(), {}
        beside = threading.Thread(target=lambda: seen.update(pesterers(server, stop)), daemon=True)
        beside.start()
        server.memory_peak, server.slowest_health = 0, 0.0
        over = load(options.throughline, server, options.seconds, options.connections, rate)
        stop.set()
        beside.join(timeout=60)
        found["overload"] = over | {
            "offered_per_second": rate,
            "memory_peak_mib": round(server.memory_peak),
            "slowest_health_ms": round(server.slowest_health * 1000),
            "beside": seen,
        }
        others = set(over["answers"]) - ANSWERS - {"none"}
        expect(not others, f"answers that are none of {sorted(ANSWERS)}: {over['answers']}")
        expect(over["answers"].get("none", 0) == 0, f"connections ended without an answer: {over['answers']}")
        expect(over["p99_ms"] <= ACK_P99_MAX_MS, f"p99 of what was accepted is {over['p99_ms']} ms")
        expect(server.memory_peak <= MEMORY_MAX_MIB, f"{server.memory_peak:.0f} MiB resident at the peak")
        expect(set(seen) <= {"408", "431", "400", "closed"}, f"slow and oversized senders got {seen}")

        say("recovery")
        found["recovery"] = {"settled_s": round(server.settle(1800), 1)}
        after = load(options.throughline, server, 10, 64)
        found["recovery"] |= {"capacity": after, "mib": round(server.resident_mib())}
        expect(set(after["answers"]) <= {"200", "none"} and not after["answers"].get("none"), f"after it: {after}")
        expect(after["per_second"] > 0.7 * usual["per_second"], f"after it: {after['per_second']:.0f}/s")
        server.settle(600)

        # Two for the look at its health and for the framework, which holds one itself.
        count = 10_000 - 64 - 2
        say(f"{count} idle connections beside a load of 64")
        before = server.resident_mib()
        peers, answered = crowd(server, count)
        found["crowd"] = {"connections": count, "answered": answered}
        row = load(options.throughline, server, 10, 64, usual["per_second"] / 2)
        found["crowd"] |= {"load": row, "kib_each": round((server.resident_mib() - before) * 1024 / count, 1)}
        expect(answered == count, f"{answered} of {count} connections were answered")
        expect(set(row["answers"]) <= {"200", "none"} and not row["answers"].get("none"), f"beside them: {row}")
        alive = sum(1 for peer in peers[::100] if ask(peer).startswith(b"HTTP/1.1 200"))
        expect(alive == len(peers[::100]), f"{alive} of {len(peers[::100])} idle connections still answer")
        for peer in peers:
            peer.close()
    finally:
        server.end()
    return found, broken


def show(found):
    over, crowd_, usual = found["overload"], found["crowd"], found["capacity"]
    print(f"capacity    {usual['per_second']:.0f} acknowledged/s, p99 {usual['p99_ms']:.0f} ms; idle {found['idle_mib']} MiB")
    print(f"overload    offered {over['offered_per_second']:.0f}/s, answered {over['answers']}, beside {over['beside']}")
    print(f"            accepted {over['per_second']:.0f}/s, p50 {over['p50_ms']:.0f} ms, p99 {over['p99_ms']:.0f} ms; "
          f"peak {over['memory_peak_mib']} MiB; slowest /healthz {over['slowest_health_ms']} ms")
    print(f"recovery    settled after {found['recovery']['settled_s']} s, "
          f"then {found['recovery']['capacity']['per_second']:.0f}/s; {found['recovery']['mib']} MiB")
    print(f"crowd       {crowd_['connections']} idle connections, {crowd_['kib_each']} KiB each; beside them "
          f"{crowd_['load']['per_second']:.0f}/s, p99 {crowd_['load']['p99_ms']:.0f} ms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--throughline", required=True)
    parser.add_argument("--seconds", type=int, default=300, help="how long the overload lasts")
    parser.add_argument("--connections", type=int, default=1000, help="of the overload")
    parser.add_argument("--folder", default=".", help="where the journal is made and removed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < 12_000:
        raise SystemExit(f"error: this system lets a process open {hard} files; 12,000 are needed (ulimit -n)")
    folder = tempfile.mkdtemp(prefix="throughline-overload-", dir=options.folder)
    try:
        found, broken = measure(options, os.path.abspath(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(found | {"broken": broken}))
    else:
        show(found)
    for words in broken:
        print("does not hold: " + words, file=sys.stderr)
    sys.exit(1 if broken else 0)


main()
