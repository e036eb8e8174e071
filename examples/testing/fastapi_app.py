"""A FastAPI application that writes orders to Kafka and learns from a consumer of its own which were shipped."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI, HTTPException

ORDERS = "orders"
SHIPMENTS = "shipments"


def make_app(bootstrap_servers: str) -> FastAPI:
    """Return the application; it connects when it starts."""
    shipped: dict[str, dict[str, Any]] = {}

    async def follow(consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            shipment = json.loads(record.value or b"{}")
            shipped[shipment["order"]] = shipment
            await consumer.commit()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        consumer = AIOKafkaConsumer(
            SHIPMENTS,
            bootstrap_servers=bootstrap_servers,
            group_id="shop",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers) as producer, consumer:
            app.state.producer = producer
            following = asyncio.create_task(follow(consumer))
            yield
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    @app.post("/orders/{number}", status_code=202)
    async def order(number: str, content: dict[str, Any]) -> None:
        value = json.dumps({"order": number, **content}).encode()
        await app.state.producer.send_and_wait(ORDERS, value, key=number.encode())

    @app.get("/orders/{number}")
    async def look(number: str) -> dict[str, Any]:
        if number not in shipped:
            raise HTTPException(404, "not shipped yet")
        return shipped[number]

    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(make_app(os.environ.get("BOOTSTRAP", "127.0.0.1:9092")))
