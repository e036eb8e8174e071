"""ListConfigResources (74), versions 0-1: names what has, or can have, settings.

- 0: client-metrics subscriptions only (KIP-714); 1: by type (KIP-1142).
"""

from collections.abc import Iterable

from ottla.broker.context import RequestContext
from ottla.metadata.image import Image
from ottla.metadata.keys import ConfigResourceType
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)

LISTED_TYPES = (
    ConfigResourceType.GROUP,
    ConfigResourceType.CLIENT_METRICS,
    ConfigResourceType.BROKER_LOGGER,
    ConfigResourceType.BROKER,
    ConfigResourceType.TOPIC,
)


def handle(request: ListConfigResourcesRequest, context: RequestContext) -> ListConfigResourcesResponse:
    """List the resources of the types asked for, of all types if none are named."""
    wanted: set[int] = {ConfigResourceType.CLIENT_METRICS}
    if context.api_version > 0:
        wanted = set(request.resource_types) or set(LISTED_TYPES)
    if not wanted <= set(LISTED_TYPES):
        return ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    image = context.node.image
    return ListConfigResourcesResponse(
        config_resources=[
            ConfigResource(resource_name=name, resource_type=kind)
            for kind in LISTED_TYPES
            if kind in wanted
            for name in _names(image, kind)
        ]
    )


def _names(image: Image, kind: ConfigResourceType) -> Iterable[str]:
    if kind == ConfigResourceType.TOPIC:
        return image.topics
    if kind in (ConfigResourceType.BROKER, ConfigResourceType.BROKER_LOGGER):
        return map(str, image.brokers)
    return sorted(resource.name for resource in image.configs if resource.type == kind)
