"""A webhook receiver on Starlette alone: Stripe's signature checked, one insert, then the answer."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from receiver import opened, verify
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with opened() as keep:
        app.state.keep = keep
        yield


async def receive(request: Request) -> Response:
    body = await request.body()
    verify(request.headers.get("stripe-signature", ""), body)
    event = json.loads(body)
    await request.app.state.keep(event["id"], event["type"], body)
    return Response(b'{"status":"ok"}', media_type="application/json")


app = Starlette(routes=[Route("/in/stripe", receive, methods=["POST"])], lifespan=lifespan)
