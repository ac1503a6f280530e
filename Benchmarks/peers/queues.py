"""Drives a job queue for Python: so many jobs inserted, then claimed, done and settled by so many workers.

Prints one JSON object. With --stand-in each job is an HTTP request to that address, else it does nothing.
"""

import argparse
import http.client
import json
import logging
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

BODY = json.dumps({"event": "payment_succeeded", "note": "what the job carries " * 20}).encode()


class Work:
    """What a job does; counts the ends of jobs and how long each took from its insertion."""

    def __init__(self, stand_in: str | None) -> None:
        self.url = urlsplit(stand_in) if stand_in else None
        self.connections = threading.local()
        self.lock = threading.Lock()
        self.done = 0
        self.delays: list[float] = []

    def run(self, inserted_at: float) -> None:
        if self.url:
            self.send()
        with self.lock:
            self.done += 1
            self.delays.append(time.time() - inserted_at)

    def send(self) -> None:
        assert self.url and self.url.hostname
        connection = getattr(self.connections, "open", None)
        if connection is None:
            connection = http.client.HTTPConnection(self.url.hostname, self.url.port)
            self.connections.open = connection
        connection.request("POST", self.url.path, BODY, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the stand-in answered {answer.status}")

    def wait_for(self, count: int, limit: float = 300) -> None:
        end = time.monotonic() + limit
        while self.done < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.done} of {count} jobs done in {limit} s")
            time.sleep(0.005)


def spread(count: int, workers: int, job: Callable[[int], None]) -> float:
    """Calls `job` `count` times from so many threads; returns the seconds that it took."""
    start = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:

        def share(first: int) -> None:
            for number in range(first, count, workers):
                job(number)

        list(pool.map(share, range(workers)))
    return time.monotonic() - start


class Peer(Protocol):
    def insert(self, number: int) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Huey:
    """SqliteHuey with full sync and its own consumer of threads. It forgets a job as a worker takes it."""

    def __init__(self, folder: Path, work: Work, workers: int) -> None:
        from huey import SqliteHuey

        self.huey = SqliteHuey("bench", filename=str(folder / "huey.db"), fsync=True, results=False)
        self.task = self.huey.task()(work.run)
        self.workers = workers

    def insert(self, number: int) -> None:
        self.task(time.time())

    def start(self) -> None:
        self.consumer = self.huey.create_consumer(
            workers=self.workers, periodic=False, initial_delay=0.01, max_delay=0.1
        )
        self.consumer.start()

    def stop(self) -> None:
        self.consumer.stop(graceful=True)


class PersistQueue:
    """SQLiteAckQueue, whose connections sync in full (SQLite's own default): put, get, ack."""

    def __init__(self, folder: Path, work: Work, workers: int) -> None:
        import persistqueue

        self.queue = persistqueue.SQLiteAckQueue(str(folder), multithreading=True)
        with sqlite3.connect(":memory:") as fresh:
            assert fresh.execute("PRAGMA synchronous").fetchone() == (2,), "this SQLite does not sync in full by itself"
        self.work, self.workers = work, workers
        self.is_stopping = False

    def insert(self, number: int) -> None:
        self.queue.put(time.time())

    def start(self) -> None:
        self.threads = [threading.Thread(target=self.consume) for _ in range(self.workers)]
        for thread in self.threads:
            thread.start()

    def consume(self) -> None:
        from persistqueue.exceptions import Empty

        while not self.is_stopping:
            try:
                item = self.queue.get(timeout=0.1)
            except Empty:
                continue
            self.work.run(item)
            self.queue.ack(item)

    def stop(self) -> None:
        self.is_stopping = True
        for thread in self.threads:
            thread.join()


class DBOSQueue:
    """A DBOS workflow of one step, enqueued by its client, on SQLite as DBOS opens it (which syncs in full)."""

    def __init__(self, folder: Path, work: Work, workers: int) -> None:
        from dbos import DBOS, DBOSClient

        url = f"sqlite:///{folder}/dbos.sqlite"
        self.dbos = DBOS
        DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})

        @DBOS.step(name="send")
        def step(inserted_at: float) -> None:
            work.run(inserted_at)

        @DBOS.workflow(name="effect")
        def effect(inserted_at: float) -> None:
            step(inserted_at)

        # Makes the tables; no queue is listened to until it is registered.
        DBOS.launch()
        self.client = DBOSClient(system_database_url=url)

    def insert(self, number: int) -> None:
        self.client.enqueue({"queue_name": "jobs", "workflow_name": "effect"}, time.time())

    def start(self) -> None:
        self.dbos.register_queue("jobs", polling_interval_sec=0.1)

    def stop(self) -> None:
        self.client.destroy()
        self.dbos.destroy()


PEERS: dict[str, Callable[[Path, Work, int], Peer]] = {"huey": Huey, "persist-queue": PersistQueue, "dbos": DBOSQueue}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--stand-in")
    options = parser.parse_args()
    logging.disable(logging.WARNING)

    work = Work(options.stand_in)
    peer = PEERS[options.peer](options.folder, work, options.clients)
    inserting = spread(options.count, options.clients, peer.insert)
    start = time.monotonic()
    peer.start()
    work.wait_for(options.count)
    draining = time.monotonic() - start

    # One at a time, on a queue that is empty else.
    work.delays.clear()
    quiet = min(options.count, 50)
    for number in range(quiet):
        peer.insert(number)
        work.wait_for(options.count + number + 1)
    delays = sorted(work.delays)
    peer.stop()
    report = {
        "inserted_per_second": options.count / inserting,
        "drained_per_second": options.count / draining,
        "alone_p50_ms": statistics.median(delays) * 1000,
        "alone_p95_ms": delays[int(len(delays) * 0.95)] * 1000,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
