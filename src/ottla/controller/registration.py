"""Who belongs to the cluster, and who decides: a broker's registration and the controller's office."""

from ottla.metadata import keys, records
from ottla.metadata.image import Image
from ottla.metadata.records import BrokerRecord, ControllerRecord, Endpoint
from ottla.metastore.interface import Compare, DeletePrefix, Put
from ottla.model.ids import Uuid

from .decision import Decision, Step


def claim_office(image: Image, node_id: int, *, lease_id: int = 0) -> Step:
    """Become the controller, if the office is still held as the image says it is."""
    record = ControllerRecord(node_id, image.controller.epoch + 1)
    put = Put(keys.CONTROLLER, records.encode_controller(record), lease_id)
    return Step((put,), (Compare(keys.CONTROLLER, image.controller_revision),))


def name_cluster(cluster_id: str) -> Decision[None]:
    """Give a new cluster its id."""
    step = Step((Put(keys.CLUSTER, records.encode_cluster(cluster_id)),), (Compare(keys.CLUSTER, 0),))
    return Decision(answers=(), steps=(step,))


def register_broker(
    image: Image, broker_id: int, *, incarnation_id: Uuid, endpoints: tuple[Endpoint, ...], rack: str | None
) -> Decision[BrokerRecord]:
    """Write a broker's registration. Its epoch is above that of any before it, as revisions only grow."""
    before = image.brokers.get(broker_id)
    record = BrokerRecord(
        id=broker_id,
        epoch=image.revision + 1,
        incarnation_id=incarnation_id,
        endpoints=endpoints,
        rack=rack,
        extra=before.extra if before is not None else records.NOTHING,
    )
    return Decision(answers=(record,), steps=(Step((Put(keys.broker(broker_id), records.encode_broker(record)),)),))


def sweep(image: Image) -> Decision[None]:
    """Remove partitions that a controller left behind when it failed in the middle of a creation."""
    gone = [topic_id for topic_id in image.hidden_topic_ids if topic_id not in image.topics_by_id]
    return Decision(answers=(), steps=tuple(Step((DeletePrefix(keys.partitions(topic_id)),)) for topic_id in gone))
