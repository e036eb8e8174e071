"""Names of the keys in the metastore: the one module that knows them.

::

    cluster                          the cluster's id
    features                         finalized feature levels
    controller                       who is the controller, and since which epoch
    producer_ids                     the first producer id that was not handed out yet
    brokers/<id>                     a broker's registration
    topics/<name>                    a topic: its id and how many partitions it has
    partitions/<topic id>/<index>    a partition: replicas, ISR, leader, epochs
    configs/<type>/<name>            the settings of one resource; the default broker's name is ``<default>``

A topic and its partitions have keys of their own, so that leaders can change an ISR by compare-and-swap without
meeting one another. Partitions hang on the topic's id, not its name: they are written before the topic's key, in as
many transactions as it takes, and count only once that key is there and says so. Values are JSON objects
(:mod:`ottla.metadata.records`).
"""

from enum import IntEnum
from typing import NamedTuple

from ottla.model.ids import Uuid, uuid_from_text, uuid_to_text

CLUSTER = "cluster"
FEATURES = "features"
CONTROLLER = "controller"
PRODUCER_IDS = "producer_ids"
BROKERS = "brokers/"
TOPICS = "topics/"
PARTITIONS = "partitions/"
CONFIGS = "configs/"

DEFAULT_BROKER = "<default>"


class ConfigResourceType(IntEnum):
    """What settings belong to; the numbers are the wire's (``org.apache.kafka.common.config.ConfigResource``)."""

    UNKNOWN = 0
    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class ConfigResource(NamedTuple):
    """One topic, broker (an empty name: all brokers), group or client-metrics subscription."""

    type: ConfigResourceType
    name: str


CLUSTER_DEFAULT = ConfigResource(ConfigResourceType.BROKER, "")
"""Settings of all brokers."""

TYPE_NAMES = {
    ConfigResourceType.TOPIC: "topic",
    ConfigResourceType.BROKER: "broker",
    ConfigResourceType.GROUP: "group",
    ConfigResourceType.CLIENT_METRICS: "client-metrics",
}
TYPES_BY_NAME = {name: kind for kind, name in TYPE_NAMES.items()}


def topic(name: str) -> str:
    """Key of a topic."""
    return TOPICS + name


def partitions(topic_id: Uuid) -> str:
    """Prefix of a topic's partitions."""
    return f"{PARTITIONS}{uuid_to_text(topic_id)}/"


def partition(topic_id: Uuid, index: int) -> str:
    """Key of a partition."""
    return f"{PARTITIONS}{uuid_to_text(topic_id)}/{index}"


def broker(broker_id: int) -> str:
    """Key of a broker's registration."""
    return f"{BROKERS}{broker_id}"


def config(resource: ConfigResource) -> str:
    """Key of a resource's settings."""
    name = DEFAULT_BROKER if resource == CLUSTER_DEFAULT else resource.name
    return f"{CONFIGS}{TYPE_NAMES[resource.type]}/{name}"


def parse_partition(key: str) -> tuple[str, int]:
    """Return the topic id's text and the index of a partition's key."""
    _, topic_id, index = key.split("/")
    return topic_id, int(index)


def parse_config(key: str) -> ConfigResource | None:
    """Return whose settings a key holds; None for a type that this version does not know."""
    _, type_name, name = key.split("/", 2)
    kind = TYPES_BY_NAME.get(type_name)
    if kind is None:
        return None
    if kind == ConfigResourceType.BROKER and name == DEFAULT_BROKER:
        return CLUSTER_DEFAULT
    return ConfigResource(kind, name)


def topic_id_from_text(text: str) -> Uuid:
    """Return the id that a partition's key names."""
    return uuid_from_text(text)
