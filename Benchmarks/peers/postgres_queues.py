"""Drives a job queue for Python that keeps its jobs in Postgres: inserted, then drained by workers; each does nothing.

Prints one JSON object. Each is set up as its authors advise for throughput; where a size of batches is a setting, the
best of several is what counts.
"""

import argparse
import asyncio
import json
import logging
import statistics
import time
from datetime import timedelta
from typing import Any, Protocol

ALONE = 50


class Ends:
    """Counts the ends of jobs, and how long each took from its insertion."""

    def __init__(self) -> None:
        self.count = 0
        self.delays: list[float] = []

    def note(self, inserted_at: float) -> None:
        self.count += 1
        self.delays.append(time.time() - inserted_at)

    async def wait_for(self, count: int, limit: float = 300) -> None:
        end = time.monotonic() + limit
        while self.count < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.count} of {count} jobs done in {limit} s")
            await asyncio.sleep(0.0005)


class Queue(Protocol):
    async def open(self) -> None: ...
    async def insert_one(self) -> None: ...
    async def insert_many(self, count: int) -> None: ...
    async def start(self, batch: int) -> None: ...
    async def stop(self) -> None: ...


class PgQueuer:
    """Managers with a connection each, which claim in batches."""

    def __init__(self, url: str, ends: Ends, managers: int) -> None:
        self.url, self.ends, self.count = url, ends, managers

    async def open(self) -> None:
        import asyncpg
        from pgqueuer.db import AsyncpgDriver
        from pgqueuer.queries import Queries

        self.connection = await asyncpg.connect(self.url)
        self.queries = Queries(AsyncpgDriver(self.connection))
        if not await self.queries.has_table("pgqueuer"):
            await self.queries.install()

    async def insert_one(self) -> None:
        await self.queries.enqueue("effect", str(time.time()).encode())

    async def insert_many(self, count: int) -> None:
        payload = str(time.time()).encode()
        await self.queries.enqueue(["effect"] * count, [payload] * count, [0] * count)

    async def start(self, batch: int) -> None:
        import asyncpg
        from pgqueuer import PgQueuer as Application
        from pgqueuer.db import AsyncpgDriver
        from pgqueuer.models import Job

        self.managers, self.tasks = [], []
        for _ in range(self.count):
            manager = Application(AsyncpgDriver(await asyncpg.connect(self.url))).qm

            @manager.entrypoint("effect")
            async def effect(job: Job) -> None:
                self.ends.note(float(job.payload or b"0"))

            self.managers.append(manager)
            self.tasks.append(asyncio.create_task(manager.run(timedelta(seconds=1), batch_size=batch)))

    async def stop(self) -> None:
        for manager in self.managers:
            manager.shutdown.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Procrastinate:
    """One worker with many jobs at once over a pool; it claims them one by one."""

    def __init__(self, url: str, ends: Ends, managers: int) -> None:
        import procrastinate

        self.app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=4, max_size=20))

        @self.app.task(queue="jobs", name="effect")
        async def effect(inserted_at: float) -> None:
            ends.note(inserted_at)

        self.effect = effect

    async def open(self) -> None:
        await self.app.open_async()
        if not await self.app.check_connection_async():
            await self.app.schema_manager.apply_schema_async()

    async def insert_one(self) -> None:
        await self.effect.defer_async(inserted_at=time.time())

    async def insert_many(self, count: int) -> None:
        now = time.time()
        await self.effect.batch_defer_async(*[{"inserted_at": now} for _ in range(count)])

    async def start(self, batch: int) -> None:
        worker = self.app.run_worker_async(
            concurrency=batch, delete_jobs="successful", install_signal_handlers=False, fetch_job_polling_interval=0.1
        )
        self.task = asyncio.create_task(worker)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class DBOSQueue:
    """Workflows of one step, enqueued by its client."""

    def __init__(self, url: str, ends: Ends, managers: int) -> None:
        self.url, self.ends = url, ends

    async def open(self) -> None:
        from dbos import DBOS, DBOSClient

        ends = self.ends
        self.dbos = DBOS
        DBOS(config={"name": "bench", "system_database_url": self.url, "log_level": "ERROR"})

        @DBOS.step(name="send")
        def step(inserted_at: float) -> None:
            ends.note(inserted_at)

        @DBOS.workflow(name="effect")
        def effect(inserted_at: float) -> None:
            step(inserted_at)

        DBOS.launch()
        self.client = DBOSClient(system_database_url=self.url)
        self.is_listening = False

    async def insert_one(self) -> None:
        await asyncio.to_thread(
            self.client.enqueue, {"queue_name": "jobs", "workflow_name": "effect"}, time.time()
        )

    async def insert_many(self, count: int) -> None:
        for _ in range(count):
            await self.insert_one()

    async def start(self, batch: int) -> None:
        if not self.is_listening:
            await self.dbos.register_queue_async("jobs", polling_interval_sec=0.1)
        self.is_listening = True

    async def stop(self) -> None:
        pass


QUEUES: dict[str, Any] = {"pgqueuer": PgQueuer, "procrastinate": Procrastinate, "dbos": DBOSQueue}
BATCHES = {"pgqueuer": [10, 100, 500], "procrastinate": [20, 100], "dbos": [1]}


async def measure(name: str, url: str, count: int, managers: int) -> dict[str, float]:
    ends = Ends()
    queue: Queue = QUEUES[name](url, ends, managers)
    await queue.open()
    alone = min(count, 200)
    begin = time.monotonic()
    for _ in range(alone):
        await queue.insert_one()
    inserted_alone = alone / (time.monotonic() - begin)
    waiting, done = alone, 0
    rates: list[float] = []
    inserted: list[float] = []
    for batch in BATCHES[name]:
        begin = time.monotonic()
        for _ in range(0, count, 500):
            await queue.insert_many(500)
        inserted.append(count / (time.monotonic() - begin))
        waiting += count
        begin = time.monotonic()
        await queue.start(batch)
        await ends.wait_for(done + waiting)
        rates.append(waiting / (time.monotonic() - begin))
        done, waiting = done + waiting, 0
        await queue.stop()
    await queue.start(BATCHES[name][0])
    ends.delays.clear()
    for number in range(ALONE):
        await queue.insert_one()
        await ends.wait_for(done + number + 1)
    delays = sorted(ends.delays)
    await queue.stop()
    return {
        "inserted": max(inserted),
        "inserted_alone": inserted_alone,
        "drained": max(rates),
        "pickup_p50_ms": statistics.median(delays) * 1000,
        "pickup_p95_ms": delays[int(len(delays) * 0.95)] * 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queue", choices=QUEUES)
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--managers", type=int, default=4)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(measure(options.queue, options.url, options.count, options.managers))), flush=True)


if __name__ == "__main__":
    main()
