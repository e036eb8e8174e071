"""Changing single settings on brokers that can only replace all of a resource's (before Kafka 2.3 and KIP-339).

What is set is read, changed here, and written back whole, as Kafka's own tools did then: a change that somebody else
makes meanwhile is lost. Secrets, which a broker does not show, cannot be kept, so a resource that has one is refused.
"""

from collections.abc import Mapping, Sequence

from ottla.client.cluster import Cluster
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError, UnsupportedByBroker, error_of
from ottla.client.metadata import NOBODY
from ottla.client.results import ConfigChange, ConfigEntry, ConfigOperation, ConfigResource, ResourceType
from ottla.protocol.api_table import ApiKey

from .configs import by_node, describe_configs
from .items import CONTROLLER_AGAIN, each, itself


async def alter_configs(
    cluster: Cluster, changes: Mapping[ConfigResource, Sequence[ConfigChange]], validate_only: bool, deadline: Deadline
) -> dict[ConfigResource, BrokerError | None]:
    """Change single settings; errors by resource."""
    described = await describe_configs(cluster, list(changes), None, False, deadline)
    wanted = {
        resource: _changed(resource, found.entries, changes[resource])
        for resource, found in described.items()
        if found.error is None
    }
    refused = {resource: found.error for resource, found in described.items() if found.error is not None}

    async def attempt(pending: list[ConfigResource]) -> dict[ConfigResource, BrokerError | None]:
        from ottla.protocol.messages import alter_configs as messages

        results: dict[ConfigResource, BrokerError | None] = {}
        for node_id, mine in by_node(pending).items():
            request = messages.AlterConfigsRequest(
                resources=[
                    messages.AlterConfigsResource(
                        resource_type=resource.type,
                        resource_name=resource.name,
                        configs=[
                            messages.AlterableConfig(name=name, value=value) for name, value in wanted[resource].items()
                        ],
                    )
                    for resource in mine
                ],
                validate_only=validate_only,
            )
            node_id = await cluster.controller() if node_id == NOBODY else node_id
            response = await cluster.ask(node_id, ApiKey.ALTER_CONFIGS, request, messages.AlterConfigsResponse)
            for result in response.responses:
                resource = ConfigResource(ResourceType(result.resource_type), result.resource_name)
                results[resource] = error_of(result.error_code, result.error_message, subject=str(resource))
        return results

    return refused | await each(cluster, wanted, attempt, itself, CONTROLLER_AGAIN, deadline)


def _changed(
    resource: ConfigResource, entries: Mapping[str, ConfigEntry], changes: Sequence[ConfigChange]
) -> dict[str, str | None]:
    """Return the settings that the resource itself has, after the changes."""
    own = "topic" if resource.type is ResourceType.TOPIC else ("broker" if resource.name else "all brokers")
    result = {name: entry.value for name, entry in entries.items() if entry.source == own}
    changed = {change.name for change in changes}
    if any(entries[name].sensitive and name not in changed for name in result):
        raise UnsupportedByBroker(
            f"{resource} has a secret, which a broker before Kafka 2.3 would lose with any change"
        )
    for change in changes:
        name = change.name
        listed = _items(result.get(name, entries[name].value if name in entries else None))
        match change.operation:
            case ConfigOperation.SET:
                result[name] = change.value
            case ConfigOperation.DELETE:
                result.pop(name, None)
            case ConfigOperation.APPEND:
                result[name] = ",".join(dict.fromkeys([*listed, *_items(change.value)]))
            case ConfigOperation.SUBTRACT:
                gone = _items(change.value)
                result[name] = ",".join(item for item in listed if item not in gone)
    return result


def _items(value: str | None) -> list[str]:
    return [item.strip() for item in (value or "").split(",") if item.strip()]
