"""Those that are compared for their durable acknowledgement: each takes deliveries and keeps them in its own way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import Server, answers, as_user, free_port, give, output, wait_until

SECRET = "whsec_bench_stripe"
HERE = Path(__file__).parent
TABLE = "CREATE TABLE events (id text PRIMARY KEY, type text NOT NULL, body bytea NOT NULL)"


@dataclass
class Figures:
    """Answers a second, times in milliseconds."""

    per_second: float
    p50: float
    p95: float
    p99: float
    failed: int = 0


@dataclass
class Place:
    """Where a comparison runs: our program and a folder for all data."""

    throughline: Path
    folder: Path
    body_size: int = 0

    def drive(
        self, url: str, path: str, connections: int, seconds: int, sign: str = "stripe", rate: int | None = None
    ) -> Figures:
        """Our load generator against any server, as fast as it answers or as many a second as are due."""
        text = output(
            [self.throughline, "bench", "--against", url, "--path", path, "--connections", str(connections)]
            + ["--seconds", str(seconds), "--sign", sign, "--json"]
            + (["--rate", str(rate)] if rate else [])
        )
        report = json.loads(text)
        self.body_size = report["body_bytes"]
        row = report["rows"][0]
        return Figures(row["per_second"], row["p50_ms"], row["p95_ms"], row["p99_ms"], row["failed"])


@contextmanager
def fresh_place(throughline: Path, folder: Path) -> Iterator[Place]:
    """A folder of its own in `folder`; at the end, however it comes, all servers are stopped and it is removed."""
    place = Path(tempfile.mkdtemp(prefix="throughline-peers-", dir=folder.resolve()))
    # Postgres runs as a user of its own and must come by.
    place.chmod(0o755)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield Place(throughline.resolve(), place)
    finally:
        Server.stop_all()
        shutil.rmtree(place, ignore_errors=True)


class Peer:
    """A server that is started for one round of turns."""

    name = ""
    keeps = ""
    server: Server

    def __init__(self, place: Place) -> None:
        self.place = place

    def start(self) -> None:
        raise NotImplementedError

    def measure(self, connections: int, seconds: int) -> Figures:
        raise NotImplementedError

    def memory(self) -> int:
        return self.server.memory()

    def stop(self) -> None:
        self.server.stop()

    def new_folder(self) -> Path:
        folder = self.place.folder / type(self).__name__
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


class Throughline(Peer):
    name = "throughline"
    keeps = "event, full sync"
    what, path = "intake", "/in/stripe"

    def start(self) -> None:
        folder = self.new_folder()
        command = [self.place.throughline, "bench", "--serve", self.what, "--folder", folder]
        self.server = Server(command, log=folder / "log")
        self.url = self.server.first_line()

    def measure(self, connections: int, seconds: int) -> Figures:
        return self.place.drive(self.url, self.path, connections, seconds)

    def stop(self) -> None:
        self.server.stop(signal.SIGKILL)


class ThroughlineStreet(Throughline):
    """Planned and done as well; a new server for each turn, so that what is left over disturbs nobody."""

    name = "throughline, with planning and jobs"
    keeps = "event, plan, job and effect, full sync"
    what = "street"

    def start(self) -> None:
        self.bytes = 0

    def measure(self, connections: int, seconds: int) -> Figures:
        super().start()
        try:
            figures = super().measure(connections, seconds)
            self.bytes = max(self.bytes, self.server.memory())
            return figures
        finally:
            super().stop()

    def memory(self) -> int:
        return self.bytes

    def stop(self) -> None:
        pass


class ThroughlineEmpty(Throughline):
    name = "throughline, empty handler"
    keeps = "nothing"
    path = "/bench/empty"


class FastAPIEmpty(Peer):
    name = "FastAPI, empty handler"
    keeps = "nothing"
    store, path = "none", "/empty"
    workers = os.cpu_count() or 1

    def environment(self, folder: Path) -> dict[str, str]:
        return {}

    def start(self) -> None:
        folder = self.new_folder()
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "receiver:app", "--app-dir", HERE, "--port", str(port)]
        environment = {"STORE": self.store, "STRIPE_WEBHOOK_SECRET": SECRET, **self.environment(folder)}
        self.server = Server(
            [*command, "--workers", str(self.workers), "--no-access-log", "--log-level", "error"],
            environment,
            log=folder / "log",
        )
        self.url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(port), self.name)

    def measure(self, connections: int, seconds: int) -> Figures:
        return self.place.drive(self.url, self.path, connections, seconds)


class FastAPISQLite(FastAPIEmpty):
    """One process: more would only wait for the one writer's lock."""

    name = "FastAPI, SQLite"
    keeps = "row, full sync"
    store, path = "sqlite", "/in/stripe"
    workers = 1

    def environment(self, folder: Path) -> dict[str, str]:
        return {"DATABASE_PATH": str(folder / "events.db")}


class FastAPIPostgres(FastAPIEmpty):
    name = "FastAPI, Postgres"
    keeps = "row, synchronous_commit on"
    store, path = "postgres", "/in/stripe"

    def environment(self, folder: Path) -> dict[str, str]:
        self.postgres = Postgres(folder)
        return {"DATABASE_URL": self.postgres.url}

    def memory(self) -> int:
        return self.server.memory() + self.postgres.server.memory()

    def stop(self) -> None:
        self.server.stop()
        self.postgres.stop()


class PgBench(Peer):
    name = "pgbench, one row a commit"
    keeps = "row, synchronous_commit on; no HTTP, no check"

    def start(self) -> None:
        self.folder = self.new_folder()
        self.postgres = Postgres(self.folder)
        self.script = self.folder / "insert.sql"
        self.script.write_text(
            "\\set number random(1, 9000000000000000000)\n"
            "INSERT INTO events VALUES (:number::bigint::text, 'payment_intent.succeeded', convert_to(:body, 'UTF8')) "
            "ON CONFLICT DO NOTHING;\n"
        )

    def measure(self, connections: int, seconds: int) -> Figures:
        log = self.folder / "times"
        text = output(
            [self.postgres.program("pgbench"), "-n", "-M", "prepared", "-c", str(connections), "-j", "2"]
            + ["-T", str(seconds), "-f", self.script, "-D", f"body={like_a_body(self.place.body_size)}"]
            + ["-l", f"--log-prefix={log}", self.postgres.url]
        )
        rate = next(float(line.split()[2]) for line in text.splitlines() if line.startswith("tps"))
        files = list(self.folder.glob("times.*"))
        times = sorted(int(line.split()[2]) / 1000 for file in files for line in file.read_text().splitlines())
        for file in files:
            file.unlink()
        p50, p95, p99 = (times[int((len(times) - 1) * share)] for share in (0.5, 0.95, 0.99))
        return Figures(rate, p50, p95, p99)

    def memory(self) -> int:
        return self.postgres.server.memory()

    def stop(self) -> None:
        self.postgres.stop()


class Postgres:
    """A new cluster with a quarter gigabyte of buffers; all that makes commits durable is as it comes: on."""

    def __init__(self, folder: Path) -> None:
        data = folder / "postgres"
        data.mkdir()
        give(data, "postgres")
        output(as_user("postgres", [self.program("initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8"]))
        port = free_port()
        options: dict[str, object] = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": data}
        options |= {"shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": 200}
        settings = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
        self.server = Server(as_user("postgres", [self.program("postgres"), "-D", data, *settings]), log=folder / "log")
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        ready = [str(self.program("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(port)]
        wait_until(lambda: subprocess.run(ready).returncode == 0, "Postgres")
        output([self.program("psql"), "-q", self.url, "-c", TABLE])

    @staticmethod
    def program(name: str) -> Path:
        """The newest one; Debian keeps them beside the path."""
        places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
        found = places[-1] if places else shutil.which(name)
        if not found:
            raise RuntimeError(f"{name} is not there: install postgresql")
        return Path(found)

    def stop(self) -> None:
        # A fast shutdown, for which clients need not leave first.
        self.server.stop(signal.SIGINT)


class Redis(Peer):
    name = "Redis XADD"
    keeps = "entry, appendfsync always; no HTTP, no check"

    def start(self) -> None:
        folder = self.new_folder()
        self.port = free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        self.server = Server([*command, "--appendonly", "yes", "--appendfsync", "always"], log=folder / "log")
        wait_until(lambda: answers(self.port), self.name)

    def measure(self, connections: int, seconds: int) -> Figures:
        first = self.add(connections, 500)
        count = max(500, int(first.per_second * seconds))
        figures = self.add(connections, count)
        client = ["redis-cli", "-p", self.port]
        # redis-benchmark takes errors for answers; what is not there was not kept.
        figures.failed = 500 + count - int(output([*client, "XLEN", "events"]))
        output([*client, "FLUSHALL"])
        return figures

    def add(self, connections: int, count: int) -> Figures:
        command = ["redis-benchmark", "-p", str(self.port), "-c", str(connections), "-n", str(count), "--csv"]
        entry = ["XADD", "events", "*", "id", "__rand_int__", "body", like_a_body(self.place.body_size)]
        last = output([*command, "-r", "1000000000000", *entry]).splitlines()[-1]
        # The name of the test, which is the whole command unescaped, then: rate, mean, least, p50, p95, p99, most.
        rate, _, _, p50, p95, p99, _ = (float(value.strip('"')) for value in last.rsplit(",", 7)[1:])
        return Figures(rate, p50, p95, p99)


class Webhook(Peer):
    """Debian's webhook: checks a signature over the body and starts a command that does nothing."""

    name = "webhook"
    keeps = "nothing; a process is started"

    def start(self) -> None:
        folder = self.new_folder()
        port = free_port()
        signature = {"source": "header", "name": "X-Hub-Signature-256"}
        hook = {
            "id": "stripe",
            "execute-command": "/bin/true",
            "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": SECRET, "parameter": signature}},
            "trigger-rule-mismatch-http-response-code": 401,
        }
        (folder / "hooks.json").write_text(json.dumps([hook]))
        command = ["webhook", "-hooks", folder / "hooks.json", "-ip", "127.0.0.1", "-port", str(port)]
        self.server = Server(command, log=folder / "log")
        self.url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(port), self.name)

    def measure(self, connections: int, seconds: int) -> Figures:
        return self.place.drive(self.url, "/hooks/stripe", connections, seconds, sign="body")


def like_a_body(size: int) -> str:
    """JSON of about that size, for clients that make no deliveries of their own."""
    fields = {f"field_{number}": f"a value of the {number}th field of an order" for number in range(size)}
    text = "{"
    for name, value in fields.items():
        if len(text) >= size:
            break
        text += f'"{name}":"{value}",'
    return text[: max(size - 1, 1)].replace("'", " ") + "}"


PEERS: list[type[Peer]] = [
    ThroughlineStreet,
    ThroughlineEmpty,
    FastAPIPostgres,
    FastAPISQLite,
    FastAPIEmpty,
    Webhook,
    Redis,
    PgBench,
]
