"""Read a topic as a member of a group: stop it, start it again, and it goes on where it stopped.

python examples/read_lines.py [how many lines, then stop]
"""

import os
import sys

from confluent_kafka import Consumer

limit = int(sys.argv[1]) if len(sys.argv) > 1 else None
consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("BOOTSTRAP", "127.0.0.1:9092"),
        "group.id": "readers",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe(["lines"])
count = 0
try:
    while limit is None or count < limit:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        print(message.value().decode())
        count += 1
        consumer.commit(message, asynchronous=False)
except KeyboardInterrupt:
    pass
finally:
    consumer.close()
