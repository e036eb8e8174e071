"""DescribeConfigs (32), versions 0-4: settings with where they come from.

- 0: default or not; 1: source and synonyms (KIP-226); 2: no change; 3: type and description (KIP-569); 4: flexible.

Kafka 4.2 has dropped 0; Sarama up to 1.45 asks by it. Descriptions are our own words.
"""

from collections.abc import Iterable

from ottla.broker.context import RequestContext
from ottla.controller.topic_names import validate_topic_name
from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.protocol.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from ottla.runtime.logging_setup import list_loggers
from ottla.runtime.settings import Source
from ottla.runtime.settings.describe import (
    UNKNOWN_TYPE,
    Entry,
    describe_broker,
    describe_client_metrics,
    describe_cluster,
    describe_group,
    describe_topic,
)

SOURCES_FROM = 1
MALFORMED = (
    "This most likely occurs because of a request being malformed by the client library or the message was sent to an"
    " incompatible broker. See the broker logs for more details."
)


def handle(request: DescribeConfigsRequest, context: RequestContext) -> DescribeConfigsResponse:
    """Describe each resource."""
    results = []
    for resource in request.resources:
        result = DescribeConfigsResult(
            resource_type=resource.resource_type, resource_name=resource.resource_name, error_message=""
        )
        try:
            entries = _entries(resource, context)
        except ApiError as error:
            result.error_code = error.code
            result.error_message = error.message or ""
        else:
            result.configs = [
                _shown(
                    entry,
                    context.api_version,
                    synonyms=request.include_synonyms,
                    documentation=request.include_documentation,
                )
                for entry in entries
            ]
        results.append(result)
    return DescribeConfigsResponse(results=results)


def _entries(resource: DescribeConfigsResource, context: RequestContext) -> Iterable[Entry]:
    node, name, names = context.node, resource.resource_name, resource.configuration_keys
    match resource.resource_type:
        case ConfigResourceType.TOPIC:
            validate_topic_name(name)
            if name not in node.image.topics:
                raise ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            return describe_topic(node.config, node.image.topic_config(name), names)
        case ConfigResourceType.BROKER:
            if not name:
                return describe_cluster(node.config, names)
            if _broker_id(name) != node.node_id:
                raise _invalid(f"Unexpected broker id, expected {node.node_id} or empty string, but received {name}")
            return describe_broker(node.config, names)
        case ConfigResourceType.BROKER_LOGGER:
            if not name:
                raise _invalid("Broker id must not be empty")
            if _broker_id(name) != node.node_id:
                raise _invalid(f"Unexpected broker id, expected {node.node_id} but received {name}")
            return _logger_entries(names)
        case ConfigResourceType.GROUP:
            if not name:
                raise _invalid("Group name must not be empty")
            configs = node.image.config(ConfigResource(ConfigResourceType.GROUP, name))
            return describe_group(node.config, configs, names)
        case ConfigResourceType.CLIENT_METRICS:
            if not name:
                raise _invalid("Client metrics subscription name must not be empty")
            return describe_client_metrics(
                node.image.config(ConfigResource(ConfigResourceType.CLIENT_METRICS, name)), names
            )
        case _:
            raise _invalid(MALFORMED)


def _broker_id(name: str) -> int:
    try:
        return int(name)
    except ValueError:
        raise _invalid(f"Broker id must be an integer, but it is: {name}") from None


def _logger_entries(names: Iterable[str] | None) -> Iterable[Entry]:
    wanted = set(names or ())
    for name, level in list_loggers().items():
        if not wanted or name in wanted:
            yield Entry(name, level, False, Source.DYNAMIC_BROKER_LOGGER_CONFIG, False, (), UNKNOWN_TYPE, None)


def _shown(entry: Entry, version: int, *, synonyms: bool, documentation: bool) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=entry.name,
        value=None if entry.sensitive else entry.value,
        read_only=entry.read_only,
        is_default=version < SOURCES_FROM and entry.source == Source.DEFAULT_CONFIG,
        config_source=entry.source,
        is_sensitive=entry.sensitive,
        synonyms=[
            DescribeConfigsSynonym(name=one.name, value=None if entry.sensitive else one.value, source=one.source)
            for one in (entry.synonyms if synonyms else ())
        ],
        config_type=entry.type,
        documentation=entry.documentation if documentation else None,
    )


def _invalid(message: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_REQUEST, message)
