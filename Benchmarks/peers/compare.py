"""Measures Throughline and what others would build it from, side by side on this machine and disk.

Each peer's turn stands between two turns of Throughline; its ratio is to the mean of these two. Figures are medians
over the rounds. Everything is started on new data in --folder and removed at the end.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from acknowledging import PEERS, Figures, Peer, Place, Throughline, fresh_place
from processes import output

HERE = Path(__file__).parent
QUEUES = {"huey": 2000, "persist-queue": 2000, "dbos": 200}
CONNECTIONS = (1, 16, 64)
Row = dict[str, Any]


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def median(values: list[float]) -> float:
    return statistics.median(values) if values else 0.0


def middle(turns: list[Figures]) -> Row:
    rows = [asdict(turn) for turn in turns]
    figures: Row = {name: median([row[name] for row in rows]) for name in ("per_second", "p50", "p95", "p99")}
    return figures | {"failed": sum(row["failed"] for row in rows)}


def acknowledge(place: Place, rounds: int, seconds: int) -> list[Row]:
    turns: dict[tuple[str, int], list[Figures]] = {}
    ratios: dict[tuple[str, int], list[float]] = {}
    bytes_of: dict[str, int] = {}
    for number in range(rounds):
        ours, peers = Throughline(place), [make(place) for make in PEERS]
        for peer in [ours, *peers]:
            peer.start()
        # Pages and pools are warm before anything counts.
        for peer in [ours, *peers]:
            peer.measure(16, 1)
        for connections in CONNECTIONS:
            before = ours.measure(connections, seconds)
            turns.setdefault((ours.name, connections), []).append(before)
            for peer in peers:
                note(f"round {number + 1} of {rounds}: {connections} connections, {peer.name}")
                figures = peer.measure(connections, seconds)
                after = ours.measure(connections, seconds)
                turns.setdefault((peer.name, connections), []).append(figures)
                turns[ours.name, connections].append(after)
                beside = (before.per_second + after.per_second) / 2
                ratios.setdefault((peer.name, connections), []).append(figures.per_second / max(beside, 0.001))
                before = after
        for peer in [ours, *peers]:
            bytes_of[peer.name] = max(bytes_of.get(peer.name, 0), peer.memory())
        for peer in [ours, *peers]:
            peer.stop()
    everyone: list[type[Peer]] = [Throughline, *PEERS]
    return [
        {"name": peer.name, "keeps": peer.keeps, "connections": connections}
        | middle(turns[peer.name, connections])
        | {"ratio": median(ratios.get((peer.name, connections), [1.0])), "bytes": bytes_of[peer.name]}
        for connections in CONNECTIONS
        for peer in everyone
    ]


def our_jobs(place: Place) -> Row:
    """Ours as in service (drained), and alone in the journal, one job a commit."""
    text = output(
        [place.throughline, "bench", "--only", "jobs", "--quick", "--backlog", "10000", "--json"]
        + ["--folder", place.folder]
    )
    report = json.loads(text)
    drains = {drain["over_loopback"]: drain for drain in report["drains"]}
    size = report["sizes"][0]
    return {
        "inserted": size["planned_per_second"],
        "inserted_alone": size["batches"][0]["inserted_per_second"],
        "in_process": drains[False]["per_second"],
        "over_loopback": drains[True]["per_second"],
        "alone_p50_ms": drains[True]["alone_p50_ms"],
        "alone_p95_ms": drains[True]["alone_p95_ms"],
    }


def their_jobs(place: Place, peer: str, stand_in: str) -> Row:
    def run(clients: int, *arguments: str) -> Row:
        with tempfile.TemporaryDirectory(dir=place.folder) as folder:
            command = [sys.executable, HERE / "queues.py", peer, "--folder", folder, "--count", str(QUEUES[peer])]
            report: Row = json.loads(output([*command, "--clients", str(clients), *arguments]).splitlines()[-1])
            return report

    alone, many, sent = run(1), run(64), run(64, "--stand-in", stand_in)
    return {
        "inserted": many["inserted_per_second"],
        "inserted_alone": alone["inserted_per_second"],
        # The better of the two: for some, threads only wait for each other.
        "in_process": max(alone["drained_per_second"], many["drained_per_second"]),
        "over_loopback": sent["drained_per_second"],
        "alone_p50_ms": sent["alone_p50_ms"],
        "alone_p95_ms": sent["alone_p95_ms"],
    }


def work(place: Place, rounds: int) -> list[Row]:
    figures: dict[str, list[Row]] = {"throughline": []}
    ratios: dict[str, list[float]] = {}
    for number in range(rounds):
        note(f"round {number + 1} of {rounds}: jobs, throughline")
        before = our_jobs(place)
        figures["throughline"].append(before)
        for peer in QUEUES:
            note(f"round {number + 1} of {rounds}: jobs, {peer}")
            ours = Throughline(place)
            ours.start()
            theirs = their_jobs(place, peer, ours.url + "/bench/empty")
            ours.stop()
            after = our_jobs(place)
            figures["throughline"].append(after)
            figures.setdefault(peer, []).append(theirs)
            beside = (before["over_loopback"] + after["over_loopback"]) / 2
            ratios.setdefault(peer, []).append(theirs["over_loopback"] / beside)
            before = after
    return [
        {"name": name}
        | {key: median([row[key] for row in rows]) for key in rows[0]}
        | {"ratio": median(ratios.get(name, [1.0]))}
        for name, rows in figures.items()
    ]


def machine(folder: Path) -> Row:
    names = [
        line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], text=True, capture_output=True).stdout.strip()
    return {
        "cores": os.cpu_count(),
        "processor": names[0] if names else "unknown",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "file_system": kind,
        "load_before": os.getloadavg()[0],
    }


def table(headings: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings))]
    for row in [headings, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()


def show(report: Row) -> None:
    about = report["machine"]
    print(f"Machine   {about['cores']} cores, {about['processor']}, {about['kernel']}, {about['file_system']}")
    print(f"Busy      {about['load_before']:.1f} processes wanted to run before it began")
    print(f"Body      {report['body_bytes']} bytes, a signed payment_intent.succeeded\n")
    table(
        ["connections", "", "answers/s", "ratio", "p50 ms", "p95 ms", "p99 ms", "failed", "MiB", "keeps"],
        [
            [str(row["connections"]), row["name"], f"{row['per_second']:.0f}", f"{row['ratio']:.2f}"]
            + [f"{row[name]:.2f}" for name in ("p50", "p95", "p99")]
            + [str(row["failed"]), str(row["bytes"] >> 20), row["keeps"]]
            for row in report["acknowledgements"]
        ],
    )
    jobs = report["jobs"]
    table(
        [
            "jobs",
            "inserted/s",
            "by one client/s",
            "done in process/s",
            "done over loopback/s",
            "ratio",
            "alone p50 ms",
            "p95 ms",
        ],
        [
            [row["name"]]
            + [f"{row[name]:.0f}" for name in ("inserted", "inserted_alone", "in_process", "over_loopback")]
            + [f"{row['ratio']:.2f}", f"{row['alone_p50_ms']:.1f}", f"{row['alone_p95_ms']:.1f}"]
            for row in jobs
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--throughline", type=Path, required=True, help="the program, built for release")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where all data is made and removed")
    parser.add_argument("--rounds", type=int, help="default: 3; 1 with --quick")
    parser.add_argument("--seconds", type=int, help="of each turn; default: 4; 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="a first look in some four minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    rounds = options.rounds or (1 if options.quick else 3)
    seconds = options.seconds or (1 if options.quick else 4)
    with fresh_place(options.throughline, options.folder) as place:
        report: Row = {"machine": machine(place.folder)}
        report["acknowledgements"] = acknowledge(place, rounds, seconds)
        report["body_bytes"] = place.body_size
        report["jobs"] = work(place, rounds)
    if options.json:
        print(json.dumps(report))
    else:
        show(report)


if __name__ == "__main__":
    main()
