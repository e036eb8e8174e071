"""A driver process of a Python library: ``python -m compat.python.driver LIBRARY``."""

import sys

from compat.python.loop import Adapter, Loop


def adapter(library: str) -> Adapter:
    """The adapter; its library is imported only here."""
    if library == "confluent":
        from compat.python.with_confluent import ConfluentAdapter

        return ConfluentAdapter()
    if library == "confluent-asyncio":
        from compat.python.with_confluent_asyncio import ConfluentAsyncioAdapter

        return ConfluentAsyncioAdapter()
    if library == "aiokafka":
        from compat.python.with_aiokafka import AiokafkaAdapter

        return AiokafkaAdapter()
    if library == "kafka-python":
        from compat.python.with_kafka_python import KafkaPythonAdapter

        return KafkaPythonAdapter()
    raise ValueError(library)


if __name__ == "__main__":
    Loop(adapter(sys.argv[1])).run()
