"""Changing settings (``ConfigAdminManager``, ``ConfigurationControlManager``, ``ControllerConfigurationValidator``).

Settings are stored as texts by resource. The older request names all that a resource shall have, the newer one only
what changes; either way the whole of what would be in force is checked. A broker's own settings are changed through
that broker (``node_id``), which alone can tell whether it could live with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from ottla.metadata import keys, records
from ottla.metadata.image import Image
from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.metastore.interface import Delete, Operation, Put
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .config_schema import ConfigSchema
from .decision import Decision, Step
from .topic_names import validate_topic_name

STORED_TYPES = frozenset(keys.TYPE_NAMES)


class ConfigOperation(IntEnum):
    """What to do with a setting (``AlterConfigOp.OpType``)."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """One setting of an incremental request; ``operation`` is as it came."""

    name: str
    operation: int
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One resource of a request. ``resource_type`` is as it came.

    ``replacement`` (all that it shall have) belongs to the older request, ``changes`` to the newer one.
    """

    resource_type: int
    resource_name: str
    replacement: tuple[tuple[str, str | None], ...] | None = None
    changes: tuple[ConfigChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """The answer for one resource."""

    resource_type: int
    resource_name: str
    error: ApiError | None = None


def alter_configs(
    image: Image, alterations: Sequence[Alteration], *, schema: ConfigSchema, node_id: int
) -> Decision[Altered]:
    """Decide which resources get which settings."""
    resources = [(one.resource_type, one.resource_name) for one in alterations]
    answers: list[Altered] = []
    steps: list[Step] = []
    for alteration, resource in zip(alterations, resources, strict=True):
        error: ApiError | None = None
        try:
            if resources.count(resource) > 1:
                raise _invalid_request("Each resource must appear at most once.")
            operations = _alter(image, alteration, schema, node_id)
            if operations:
                steps.append(Step(operations))
        except ApiError as refused:
            error = refused
        answers.append(Altered(resource_type=resource[0], resource_name=resource[1], error=error))
    return Decision(answers=tuple(answers), steps=tuple(steps))


def _alter(image: Image, alteration: Alteration, schema: ConfigSchema, node_id: int) -> tuple[Operation, ...]:
    _check_form(alteration)
    resource = _resource(alteration, node_id)
    current = image.config(resource)
    changed: Mapping[str, str | None]
    if alteration.replacement is not None:
        changed = dict(alteration.replacement)
        values = {name: value for name, value in changed.items() if value is not None}
    else:
        values, changed = _changed(resource, current, alteration.changes, schema)
    _check_name(resource)
    schema.validate(resource, values, changed)
    _check_existence(image, resource)
    if values == current:
        return ()
    return (Put(keys.config(resource), records.encode_config(values)) if values else Delete(keys.config(resource)),)


def _check_form(alteration: Alteration) -> None:
    if alteration.replacement is not None:
        names = [name for name, _ in alteration.replacement]
        nulls = [name for name, value in alteration.replacement if value is None]
    else:
        names = [change.name for change in alteration.changes]
        nulls = [
            change.name
            for change in alteration.changes
            if change.value is None and change.operation != ConfigOperation.DELETE
        ]
    if nulls:
        raise _invalid_request(f"Null value not supported for : {', '.join(nulls)}")
    if len(set(names)) < len(names):
        raise _invalid_request("Error due to duplicate config keys")


def _resource(alteration: Alteration, node_id: int) -> ConfigResource:
    try:
        resource = ConfigResource(ConfigResourceType(alteration.resource_type), alteration.resource_name)
    except ValueError:
        resource = ConfigResource(ConfigResourceType.UNKNOWN, alteration.resource_name)
    if resource.type not in STORED_TYPES:
        raise _invalid_request(f"Unknown resource type {alteration.resource_type}")
    if resource.type == ConfigResourceType.BROKER and resource.name:
        try:
            broker_id = int(resource.name)
        except ValueError:
            raise _invalid_request(f"Node id must be an integer, but it is: {resource.name}") from None
        if broker_id != node_id:
            raise _invalid_request(f"Unexpected broker id, expected {node_id}, but received {resource.name}")
        resource = ConfigResource(resource.type, str(broker_id))
    return resource


def _check_name(resource: ConfigResource) -> None:
    if resource.type == ConfigResourceType.TOPIC:
        if not resource.name:
            raise _invalid_request("Default topic resources are not allowed.")
        validate_topic_name(resource.name)
    elif resource.type == ConfigResourceType.GROUP and not resource.name:
        raise _invalid_request("Default group resources are not allowed.")
    elif resource.type == ConfigResourceType.CLIENT_METRICS and not resource.name:
        raise _invalid_request("Subscription name can't be empty")


def _check_existence(image: Image, resource: ConfigResource) -> None:
    if resource.type == ConfigResourceType.TOPIC and resource.name not in image.topics:
        raise ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{resource.name}' does not exist.")


def _changed(
    resource: ConfigResource, current: Mapping[str, str], changes: Sequence[ConfigChange], schema: ConfigSchema
) -> tuple[dict[str, str], dict[str, str | None]]:
    values = dict(current)
    changed: dict[str, str | None] = {}
    for change in changes:
        value = _new_value(resource, current.get(change.name), change, schema)
        changed[change.name] = value
        if value is None:
            values.pop(change.name, None)
        else:
            values[change.name] = value
    return values, changed


def _new_value(resource: ConfigResource, current: str | None, change: ConfigChange, schema: ConfigSchema) -> str | None:
    try:
        operation = ConfigOperation(change.operation)
    except ValueError:
        raise _invalid_request(f"Unknown operation {change.operation} for {change.name}") from None
    if operation == ConfigOperation.SET:
        return change.value
    if operation == ConfigOperation.DELETE:
        return None
    default = schema.list_default(resource, change.name)
    if default is None:
        raise ApiError(
            ErrorCode.INVALID_CONFIG,
            f"Can't {operation.name} to key {change.name} because its type is not LIST.",
        )
    members = [part for part in current.split(",") if part] if current is not None else list(default)
    for part in (change.value or "").split(","):
        if operation == ConfigOperation.SUBTRACT:
            if part in members:
                members.remove(part)
        elif part not in members:
            members.append(part)
    return ",".join(members)


def _invalid_request(message: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_REQUEST, message)
