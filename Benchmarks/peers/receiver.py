"""A webhook receiver as FastAPI's documentation builds one: Stripe's signature checked, one insert, then the answer.

STORE says where it keeps what it takes: postgres (DATABASE_URL), sqlite (DATABASE_PATH), or none.
"""

import hashlib
import hmac
import json
import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

STORE = os.environ.get("STORE", "none")
SECRET = os.environ["STRIPE_WEBHOOK_SECRET"].encode()
TOLERANCE_SECONDS = 300

Keep = Callable[[str, str, bytes], Awaitable[None]]


def verify(header: str, body: bytes) -> None:
    """Stripe's rule: HMAC-SHA256 over the time and the body, no older than five minutes."""
    parts = [part.split("=", 1) for part in header.split(",") if "=" in part]
    times = [value for name, value in parts if name == "t"]
    marks = [value for name, value in parts if name == "v1"]
    if not times or not times[0].isdigit() or abs(time.time() - int(times[0])) > TOLERANCE_SECONDS:
        raise HTTPException(401, "no signature of this time")
    expected = hmac.new(SECRET, times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected, mark) for mark in marks):
        raise HTTPException(401, "wrong signature")


class SQLite:
    """One connection, one commit an event, each on the disk before it returns."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, type TEXT NOT NULL, body BLOB NOT NULL)"
        )
        self.lock = threading.Lock()

    def insert(self, id: str, type: str, body: bytes) -> None:
        with self.lock:
            self.connection.execute("INSERT INTO events VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (id, type, body))

    async def keep(self, id: str, type: str, body: bytes) -> None:
        await run_in_threadpool(self.insert, id, type, body)


@asynccontextmanager
async def opened() -> AsyncIterator[Keep]:
    if STORE == "sqlite":
        store = SQLite(os.environ["DATABASE_PATH"])
        yield store.keep
        store.connection.close()
    elif STORE == "postgres":
        async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=4, max_size=20) as pool:

            async def insert(id: str, type: str, body: bytes) -> None:
                await pool.execute("INSERT INTO events VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", id, type, body)

            yield insert
    else:

        async def nowhere(id: str, type: str, body: bytes) -> None:
            pass

        yield nowhere


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with opened() as keep:
        app.state.keep = keep
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/in/stripe")
async def receive(request: Request) -> dict[str, str]:
    body = await request.body()
    verify(request.headers.get("stripe-signature", ""), body)
    event = json.loads(body)
    await request.app.state.keep(event["id"], event["type"], body)
    return {"status": "ok"}


@app.post("/empty")
async def empty(request: Request) -> dict[str, str]:
    await request.body()
    return {"status": "ok"}
