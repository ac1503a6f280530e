"""Shows whether jobs on Postgres go on at the same rate while another session holds an old snapshot open, and with
millions of jobs waiting.

The whole street works on a new cluster, under full load or at a rate that it can follow: first a while undisturbed,
then with a snapshot held, minute by minute. Rows that are dead stay in the tables as long as it is held; what must not
grow is the way to the next job.
All of it is removed at the end.
"""

import argparse
import json
import statistics
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from acknowledging import Place, Postgres, fresh_place
from compare import machine, note, table
from processes import Server, output

Row = dict[str, Any]
CONNECTIONS = 16

# Half of them due tomorrow, half available at a destination that a person has paused.
WAITING = """
    SET search_path = throughline, public;
    INSERT INTO destinations (name, cause, reason, since) VALUES ('elsewhere', 'person', 'a benchmark', 0);
    INSERT INTO jobs (id, effect, flow, destination, action, event, subject, state, priority, run_at, attempts, claims,
        stops_lane, is_restored, is_erased, created_at)
    SELECT gen_random_uuid(), 'waiting/' || number, 'waiting',
        CASE WHEN number % 2 = 0 THEN 'hook' ELSE 'elsewhere' END, 'send', gen_random_uuid(), gen_random_uuid(),
        CASE WHEN number % 2 = 0 THEN 'scheduled' ELSE 'available' END, 0,
        (extract(epoch FROM now() + interval '1 day') * 1000)::bigint, 0, 0, false, false, false, 0
    FROM generate_series(1, {count}) AS number;
    VACUUM ANALYZE jobs;
"""

COUNTERS = """
    SELECT json_build_object(
        'events', (SELECT n_tup_ins FROM pg_stat_user_tables WHERE schemaname = 'throughline' AND relname = 'events'),
        'done', (SELECT n_tup_ins FROM pg_stat_user_tables WHERE schemaname = 'throughline' AND relname = 'history'),
        'dead_jobs', (SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'throughline' AND relname = 'jobs'),
        'dead_pending',
            (SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'throughline' AND relname = 'pending'),
        'queue_bytes', pg_relation_size('throughline.jobs_queue'),
        'index_bytes', (SELECT sum(pg_indexes_size(relid)) FROM pg_stat_user_tables WHERE schemaname = 'throughline'),
        'table_bytes', (SELECT sum(pg_table_size(relid)) FROM pg_stat_user_tables WHERE schemaname = 'throughline'),
        'wal_bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'))
"""


class Street:
    """The whole street on a database of its own, under load."""

    def __init__(self, place: Place, waiting: int, rate: int | None) -> None:
        self.place, self.rate = place, rate
        self.postgres = Postgres(place.folder)
        folder = place.folder / "serve"
        folder.mkdir()
        command = [place.throughline, "bench", "--serve", "street", "--folder", folder]
        self.server = Server([*command, "--postgres", self.postgres.url], log=folder / "log")
        self.address = self.server.first_line()
        names = self.sql("SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')")
        self.url = self.postgres.url.rsplit("/", 1)[0] + "/" + names.split()[0]
        if waiting:
            note(f"{waiting} waiting jobs")
            self.sql(WAITING.format(count=waiting), self.url)

    def sql(self, text: str, url: str | None = None) -> str:
        psql = [self.postgres.program("psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", url or self.postgres.url]
        return output([*psql, "-c", "", *[part for line in text.split(";\n") if line.strip() for part in ("-c", line)]])

    def counters(self) -> Row:
        found: Row = json.loads(self.sql(COUNTERS, self.url))
        return found

    def minute(self, seconds: int) -> Row:
        """A stretch of load, and what the server did in it."""
        before, begun = self.counters(), time.monotonic()
        acknowledged = self.place.drive(self.address, "/in/stripe", CONNECTIONS, seconds, rate=self.rate)
        after, took = self.counters(), time.monotonic() - begun
        events = max(after["events"] - before["events"], 1)
        return {
            "acknowledged_per_second": acknowledged.per_second,
            "p99_ms": acknowledged.p99,
            "failed": acknowledged.failed,
            "done_per_second": (after["done"] - before["done"]) / took,
            "behind": after["events"] - after["done"],
            "wal_bytes_per_event": (after["wal_bytes"] - before["wal_bytes"]) / events,
        } | {name: after[name] for name in ("dead_jobs", "dead_pending", "queue_bytes", "index_bytes", "table_bytes")}

    def hold_snapshot(self) -> subprocess.Popen[str]:
        """A session that looks at one moment and goes away when it is told to."""
        session = subprocess.Popen(
            [str(self.postgres.program("psql")), "-qX", self.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert session.stdin and session.stdout
        session.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 'held' FROM throughline.jobs LIMIT 1;\n")
        session.stdin.write("SELECT 'held';\n")
        session.stdin.flush()
        # Its snapshot is taken when it answers.
        while "held" not in session.stdout.readline():
            pass
        # What it prints later is of no interest, but must not fill the pipe.
        threading.Thread(target=session.stdout.read, daemon=True).start()
        return session


def run(street: Street, before: int, minutes: int, seconds: int) -> Row:
    note("to warm up")
    street.minute(min(seconds, 20))
    rows: list[Row] = []
    for number in range(before):
        note(f"{number + 1} of {before}, undisturbed")
        rows.append({"snapshot": "none"} | street.minute(seconds))
    session = street.hold_snapshot()
    for number in range(minutes):
        note(f"{number + 1} of {minutes}, a snapshot held")
        rows.append({"snapshot": "held"} | street.minute(seconds))
    session.kill()
    undisturbed = statistics.median(row["done_per_second"] for row in rows if row["snapshot"] == "none")
    held = [row["done_per_second"] for row in rows if row["snapshot"] == "held"]
    return {
        "rows": rows,
        "undisturbed_per_second": undisturbed,
        "last_held_per_second": statistics.median(held[-3:]),
        "ratio": statistics.median(held[-3:]) / undisturbed,
    }


def show(report: Row) -> None:
    about = report["machine"]
    print(f"Machine   {about['cores']} cores, {about['processor']}, {about['kernel']}, {about['file_system']}")
    print(f"Busy      {about['load_before']:.1f} processes wanted to run before it began")
    print(f"Waiting   {report['waiting']} jobs")
    print(f"Load      {report['rate'] or 'as much as is answered'}{'/s' if report['rate'] else ''}\n")
    table(
        ["snapshot", "acknowledged/s", "p99 ms", "done/s", "behind", "dead jobs", "dead pending", "queue MiB"]
        + ["WAL KiB an event", "tables MiB", "indexes MiB", "failed"],
        [
            [row["snapshot"], f"{row['acknowledged_per_second']:.0f}", f"{row['p99_ms']:.1f}"]
            + [f"{row['done_per_second']:.0f}", str(row["behind"]), str(row["dead_jobs"]), str(row["dead_pending"])]
            + [f"{row['queue_bytes'] / 2**20:.1f}", f"{row['wal_bytes_per_event'] / 1024:.1f}"]
            + [f"{row['table_bytes'] / 2**20:.0f}", f"{row['index_bytes'] / 2**20:.0f}", str(row["failed"])]
            for row in report["rows"]
        ],
    )
    print(
        f"undisturbed {report['undisturbed_per_second']:.0f} jobs/s, after all that while under a snapshot "
        f"{report['last_held_per_second']:.0f}: {report['ratio']:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--throughline", type=Path, required=True, help="the program, built for release")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where all data is made and removed")
    parser.add_argument("--before", type=int, default=3, help="minutes without a snapshot")
    parser.add_argument("--minutes", type=int, default=10, help="minutes with one")
    parser.add_argument("--seconds", type=int, default=60, help="of each minute")
    parser.add_argument("--rate", type=int, help="deliveries that are due a second; without it as many as are answered")
    parser.add_argument("--waiting", type=int, default=0, help="jobs that wait all the while, such as 10000000")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    with fresh_place(options.throughline, options.folder) as place:
        report: Row = {"machine": machine(place.folder), "waiting": options.waiting, "rate": options.rate}
        report |= run(Street(place, options.waiting, options.rate), options.before, options.minutes, options.seconds)
    if options.json:
        print(json.dumps(report))
    else:
        show(report)


if __name__ == "__main__":
    main()
