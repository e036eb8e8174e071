"""A synchronous worker in the style of Django: a management command that reads payments and saves them.

In a Django project this is ``shop/management/commands/save_payments.py``: ``Command`` derives from
``django.core.management.BaseCommand``, ``SETTINGS`` are ``django.conf.settings``, and ``save`` is a call of the ORM,
``Payment.objects.get_or_create(...)``. Here SQLite stands for the database, and there is nothing to install.
"""

import json
import sqlite3
import sys
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message

SETTINGS: dict[str, Any] = {
    "DATABASE": "db.sqlite3",
    "KAFKA": {
        "bootstrap.servers": "127.0.0.1:9092",
        "group.id": "payments",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    },
    "PAYMENTS_TOPIC": "payments",
}


class Command:
    """Save every payment exactly once: saved first, committed afterwards, and saved twice is saved once."""

    help = "Save payments from Kafka, until Ctrl-C or for a number of records."

    def __init__(self) -> None:
        self.stopping = False

    def handle(self, *, records: int | None = None) -> None:
        """Work until ``records`` were saved, or until told to stop."""
        database = sqlite3.connect(SETTINGS["DATABASE"])
        database.execute("CREATE TABLE IF NOT EXISTS payment (id TEXT PRIMARY KEY, amount INTEGER)")
        consumer = Consumer(SETTINGS["KAFKA"])
        consumer.subscribe([SETTINGS["PAYMENTS_TOPIC"]])
        saved = 0
        try:
            while not self.stopping and (records is None or saved < records):
                message = consumer.poll(0.1)
                if message is None:
                    continue
                if message.error():
                    raise KafkaException(message.error())
                self.save(database, message)
                consumer.commit(message=message, asynchronous=False)
                saved += 1
        finally:
            consumer.close()
            database.close()

    def save(self, database: sqlite3.Connection, message: Message) -> None:
        """Save one payment."""
        payment = json.loads(message.value() or b"{}")
        with database:
            database.execute("INSERT OR IGNORE INTO payment VALUES (?, ?)", (payment["id"], payment["amount"]))


if __name__ == "__main__":
    Command().handle(records=int(sys.argv[1]) if len(sys.argv) > 1 else None)
