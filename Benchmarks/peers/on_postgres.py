"""Measures Throughline on Postgres beside other queues and a receiver on the same server, in one run.

Each peer has a database of its own on one new cluster, and its turn stands between two turns of Throughline; ratios are
Throughline's rate over the peer's, medians over the rounds. All of it is removed at the end.
"""

import argparse
import json
import signal
import statistics
import sys
from pathlib import Path
from typing import Any

from acknowledging import SECRET, TABLE, Figures, Place, Postgres, fresh_place
from compare import machine, note, table
from processes import Server, answers, free_port, output, wait_until

HERE = Path(__file__).parent
Row = dict[str, Any]
# How many jobs each drains: what it needs for some seconds.
COUNTS = {"pgqueuer": 10_000, "procrastinate": 2_000, "dbos": 500}
CONNECTIONS = (1, 64)


class Comparison:
    def __init__(self, place: Place, seconds: int) -> None:
        self.place, self.seconds = place, seconds
        self.postgres = Postgres(place.folder)
        self.number = 0

    def database(self) -> str:
        self.number += 1
        self.psql(f"CREATE DATABASE b{self.number}")
        return self.postgres.url.rsplit("/", 1)[0] + f"/b{self.number}"

    def psql(self, sql: str, url: str | None = None) -> None:
        output([self.postgres.program("psql"), "-qX", "-v", "ON_ERROR_STOP=1", url or self.postgres.url, "-c", sql])

    # Jobs

    def our_jobs(self) -> Row:
        text = output(
            [self.place.throughline, "bench", "--only", "jobs", "--quick", "--backlog", "10000", "--json"]
            + ["--folder", self.place.folder, "--postgres", self.postgres.url]
        )
        report = json.loads(text)
        drain = next(drain for drain in report["drains"] if not drain["over_loopback"])
        size = report["sizes"][0]
        row: Row = {
            "inserted": size["planned_per_second"],
            "drained": drain["per_second"],
            "pickup_p50_ms": drain["pickup_p50_ms"],
            "pickup_p95_ms": drain["pickup_p95_ms"],
            "bytes_per_event": size["bytes_per_event"],
        }
        for batch in size["batches"]:
            row[f"insert_{batch['size']}"] = batch["inserted_per_second"]
            row[f"exchange_{batch['size']}"] = batch["exchanged_per_second"]
        return row

    def their_jobs(self, queue: str) -> Row:
        command = [sys.executable, HERE / "postgres_queues.py", queue, "--count", str(COUNTS[queue])]
        report: Row = json.loads(output([*command, "--url", self.database()]).splitlines()[-1])
        return report

    def jobs(self, rounds: int) -> list[Row]:
        rows: dict[str, list[Row]] = {"throughline": []}
        ratios: dict[str, list[float]] = {}
        for number in range(rounds):
            note(f"round {number + 1} of {rounds}: jobs, throughline")
            before = self.our_jobs()
            rows["throughline"].append(before)
            for queue in COUNTS:
                note(f"round {number + 1} of {rounds}: jobs, {queue}")
                theirs = self.their_jobs(queue)
                after = self.our_jobs()
                rows.setdefault(queue, []).append(theirs)
                rows["throughline"].append(after)
                ours = (before["drained"] + after["drained"]) / 2
                ratios.setdefault(queue, []).append(ours / theirs["drained"])
                before = after
        return [
            {"name": name}
            | {key: statistics.median(row[key] for row in found) for key in found[0]}
            | {"ratio": statistics.median(ratios.get(name, [1.0]))}
            for name, found in rows.items()
        ]

    # Acknowledgements

    def our_server(self) -> tuple[Server, str]:
        folder = self.place.folder / "serve"
        folder.mkdir(exist_ok=True)
        command = [self.place.throughline, "bench", "--serve", "intake", "--folder", folder]
        server = Server([*command, "--postgres", self.postgres.url], log=folder / "log")
        return server, server.first_line()

    def starlette(self) -> tuple[Server, str]:
        url, port = self.database(), free_port()
        self.psql(TABLE, url)
        command = [sys.executable, "-m", "uvicorn", "starlette_receiver:app", "--app-dir", HERE, "--port", str(port)]
        environment = {"STORE": "postgres", "STRIPE_WEBHOOK_SECRET": SECRET, "DATABASE_URL": url}
        server = Server(
            [*command, "--workers", "2", "--no-access-log", "--log-level", "error"],
            environment,
            log=self.place.folder / "starlette.log",
        )
        wait_until(lambda: answers(port), "Starlette")
        return server, f"http://127.0.0.1:{port}"

    def acknowledgements(self, rounds: int) -> list[Row]:
        turns: dict[tuple[str, int], list[Figures]] = {}
        ratios: dict[int, list[float]] = {}
        for number in range(rounds):
            (ours, our_url), (theirs, their_url) = self.our_server(), self.starlette()

            def measure(name: str, url: str, connections: int, seconds: int) -> Figures:
                figures = self.place.drive(url, "/in/stripe", connections, seconds)
                turns.setdefault((name, connections), []).append(figures)
                return figures

            for url in (our_url, their_url):
                self.place.drive(url, "/in/stripe", 16, 1)
            for connections in CONNECTIONS:
                note(f"round {number + 1} of {rounds}: {connections} connections")
                before = measure("throughline", our_url, connections, self.seconds)
                other = measure("Starlette, asyncpg", their_url, connections, self.seconds)
                after = measure("throughline", our_url, connections, self.seconds)
                beside = (before.per_second + after.per_second) / 2
                ratios.setdefault(connections, []).append(beside / max(other.per_second, 0.001))
            ours.stop(signal.SIGKILL)
            theirs.stop()
        return [
            {"name": name, "connections": connections, "ratio": statistics.median(ratios[connections])}
            | {
                key: statistics.median(getattr(turn, key) for turn in found)
                for key in ("per_second", "p50", "p95", "p99")
            }
            | {"failed": sum(turn.failed for turn in found)}
            for (name, connections), found in turns.items()
        ]


def show(report: Row) -> None:
    about = report["machine"]
    print(f"Machine   {about['cores']} cores, {about['processor']}, {about['kernel']}, {about['file_system']}")
    print(f"Busy      {about['load_before']:.1f} processes wanted to run before it began\n")
    table(
        ["no-op jobs", "inserted/s", "drained/s", "throughline's ratio", "pickup p50 ms", "p95 ms"],
        [
            [row["name"], f"{row['inserted']:.0f}", f"{row['drained']:.0f}", f"{row['ratio']:.1f}"]
            + [f"{row['pickup_p50_ms']:.1f}", f"{row['pickup_p95_ms']:.1f}"]
            for row in report["jobs"]
        ],
    )
    ours = report["jobs"][0]
    table(
        ["throughline, jobs a commit", "inserted/s", "claimed and settled/s"],
        [[str(size), f"{ours[f'insert_{size}']:.0f}", f"{ours[f'exchange_{size}']:.0f}"] for size in (1, 50, 500)],
    )
    table(
        ["connections", "acknowledgements", "answers/s", "throughline's ratio", "p50 ms", "p95 ms", "p99 ms", "failed"],
        [
            [str(row["connections"]), row["name"], f"{row['per_second']:.0f}", f"{row['ratio']:.1f}"]
            + [f"{row[key]:.2f}" for key in ("p50", "p95", "p99")]
            + [str(row["failed"])]
            for row in report["acknowledgements"]
        ],
    )
    print(f"{ours['bytes_per_event']:.0f} bytes an event with its plan, open job and indexes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--throughline", type=Path, required=True, help="the program, built for release")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where all data is made and removed")
    parser.add_argument("--rounds", type=int, help="default: 3; 1 with --quick")
    parser.add_argument("--seconds", type=int, default=4, help="of each turn of acknowledgements")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    rounds = options.rounds or (1 if options.quick else 3)
    with fresh_place(options.throughline, options.folder) as place:
        report: Row = {"machine": machine(place.folder)}
        comparison = Comparison(place, options.seconds)
        report["jobs"] = comparison.jobs(rounds)
        report["acknowledgements"] = comparison.acknowledgements(rounds)
    if options.json:
        print(json.dumps(report))
    else:
        show(report)


if __name__ == "__main__":
    main()
