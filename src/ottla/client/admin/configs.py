"""Settings of topics, brokers and groups: what is in force, and changes."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ottla.client.cluster import Cluster
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError, SettingsError, UnsupportedByBroker, error_of
from ottla.client.metadata import NOBODY
from ottla.client.results import (
    ConfigChange,
    ConfigEntry,
    ConfigResource,
    ConfigSynonym,
    DescribedConfigs,
    ResourceType,
)
from ottla.model.error_codes import ErrorCode
from ottla.protocol.api_table import ApiKey

from .items import CONTROLLER_AGAIN, each, itself

if TYPE_CHECKING:
    from ottla.protocol.messages import describe_configs as messages

SOURCES: Final = {
    1: "topic",
    2: "broker",
    3: "all brokers",
    4: "server.properties",
    5: "default",
    6: "broker logger",
    7: "client metrics",
    8: "group",
}
"""Where a value comes from, by the number in DescribeConfigs (KIP-226), in words for people."""

DEFAULT_SOURCE: Final = 5

TYPES: Final = {
    1: "boolean",
    2: "string",
    3: "int",
    4: "short",
    5: "long",
    6: "double",
    7: "list",
    8: "class",
    9: "password",
}
_PER_BROKER: Final = frozenset({ResourceType.BROKER, ResourceType.BROKER_LOGGER})


async def describe_configs(
    cluster: Cluster,
    resources: list[ConfigResource],
    names: Collection[str] | None,
    documentation: bool,
    deadline: Deadline,
) -> dict[ConfigResource, DescribedConfigs]:
    """Settings in force; those of one broker are asked of that broker."""
    from ottla.protocol.messages import describe_configs as messages

    async def attempt(pending: list[ConfigResource]) -> dict[ConfigResource, DescribedConfigs]:
        results: dict[ConfigResource, DescribedConfigs] = {}
        for node_id, mine in by_node(pending).items():
            request = messages.DescribeConfigsRequest(
                resources=[
                    messages.DescribeConfigsResource(
                        resource_type=resource.type,
                        resource_name=resource.name,
                        configuration_keys=None if names is None else list(names),
                    )
                    for resource in mine
                ],
                include_synonyms=True,
                include_documentation=documentation,
            )
            response = await cluster.ask(node_id, ApiKey.DESCRIBE_CONFIGS, request, messages.DescribeConfigsResponse)
            for result in response.results:
                described = _described(result)
                results[described.resource] = described
        return results

    return await each(cluster, resources, attempt, lambda found: found.error, CONTROLLER_AGAIN, deadline)


def _described(result: "messages.DescribeConfigsResult") -> DescribedConfigs:
    resource = ConfigResource(ResourceType(result.resource_type), result.resource_name)
    return DescribedConfigs(
        resource=resource,
        entries={entry.name: _entry(resource, entry) for entry in sorted(result.configs, key=lambda e: e.name)},
        error=error_of(result.error_code, result.error_message, subject=str(resource)),
    )


def _entry(resource: ConfigResource, entry: "messages.DescribeConfigsResourceResult") -> ConfigEntry:
    source = entry.config_source
    return ConfigEntry(
        name=entry.name,
        value=entry.value,
        source=SOURCES.get(source, "unknown"),
        # Version 0 knows nothing but whether it is a default.
        is_default=source == DEFAULT_SOURCE or entry.is_default,
        read_only=entry.read_only,
        sensitive=entry.is_sensitive,
        type=TYPES.get(entry.config_type, ""),
        synonyms=[
            ConfigSynonym(synonym.name, synonym.value, SOURCES.get(synonym.source, "unknown"))
            for synonym in entry.synonyms
        ],
        documentation=entry.documentation or None,
    )


async def alter_configs(
    cluster: Cluster, changes: Mapping[ConfigResource, Sequence[ConfigChange]], validate_only: bool, deadline: Deadline
) -> dict[ConfigResource, BrokerError | None]:
    """Change single settings; those of one broker are changed by that broker, all others by any.

    A broker before 2.3 has no such request: see :mod:`.configs_before_2_3`.
    """
    from ottla.protocol.messages import incremental_alter_configs as messages

    async def attempt(pending: list[ConfigResource]) -> dict[ConfigResource, BrokerError | None]:
        results: dict[ConfigResource, BrokerError | None] = {}
        for node_id, mine in by_node(pending).items():
            request = messages.IncrementalAlterConfigsRequest(
                resources=[
                    messages.AlterConfigsResource(
                        resource_type=resource.type,
                        resource_name=resource.name,
                        configs=[
                            messages.AlterableConfig(
                                name=change.name, config_operation=change.operation, value=change.value
                            )
                            for change in changes[resource]
                        ],
                    )
                    for resource in mine
                ],
                validate_only=validate_only,
            )
            # Before KRaft only the controller would do; it is as good as any since.
            node_id = await cluster.controller() if node_id == NOBODY else node_id
            answer = messages.IncrementalAlterConfigsResponse
            response = await cluster.ask(node_id, ApiKey.INCREMENTAL_ALTER_CONFIGS, request, answer)
            for result in response.responses:
                resource = ConfigResource(ResourceType(result.resource_type), result.resource_name)
                results[resource] = error_of(result.error_code, result.error_message, subject=str(resource))
        if any(error is not None and error.code == ErrorCode.NOT_CONTROLLER for error in results.values()):
            cluster.forget_controller()
        return results

    try:
        return await each(cluster, changes, attempt, itself, CONTROLLER_AGAIN, deadline)
    except UnsupportedByBroker:
        if any(resource.type not in (ResourceType.TOPIC, ResourceType.BROKER) for resource in changes):
            raise
        from .configs_before_2_3 import alter_configs as alter_whole_configs

        return await alter_whole_configs(cluster, changes, validate_only, deadline)


def by_node(resources: list[ConfigResource]) -> dict[int, list[ConfigResource]]:
    """Sort resources by the broker to ask: its own for a broker's, any (NOBODY) for all others."""
    nodes: dict[int, list[ConfigResource]] = {}
    for resource in resources:
        nodes.setdefault(_node_of(resource), []).append(resource)
    return nodes


def _node_of(resource: ConfigResource) -> int:
    if resource.type not in _PER_BROKER or not resource.name:
        return NOBODY
    if not resource.name.isdecimal():
        raise SettingsError(f"{resource.name!r} is no broker: brokers are named by their ids, which are numbers")
    return int(resource.name)
