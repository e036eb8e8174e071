"""``client.admin``: every administrative call, each found in a module of its noun, which is imported when called.

All of them take ``timeout_ms`` (default: ``default.api.timeout.ms``) for the call with all its retries. What may pass
by itself (a leader or coordinator that moved, a coordinator that is loading, a lost connection) is tried again until
then. They raise ClientError; where a call is about several things the failure of one is that result's ``error``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ottla.client.results import (
    ClusterDescription,
    CommittedOffset,
    ConfigChange,
    ConfigResource,
    CreatedTopic,
    DeletedRecords,
    DescribedConfigs,
    GroupDescription,
    ListedGroup,
    ListedOffset,
    LogDir,
    NewTopic,
    PartitionProducers,
    TopicDescription,
)
from ottla.model.ids import TopicPartition

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.errors import BrokerError

EARLIEST = -2
LATEST = -1
MAX_TIMESTAMP = -3
"""For :meth:`Admin.list_offsets` in the place of a time: first offset, end, offset of the largest timestamp."""


class Admin:
    """The administrative calls of one client."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster

    async def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False, timeout_ms: int | None = None
    ) -> dict[str, CreatedTopic]:
        """Create topics, or only say whether it could be done; results by name."""
        from .topics import create_topics

        return await create_topics(self._cluster, topics, validate_only, self._cluster.deadline(timeout_ms))

    async def delete_topics(
        self, names: Iterable[str], *, timeout_ms: int | None = None
    ) -> "dict[str, BrokerError | None]":
        """Delete topics; the error of each by its name, None where it was deleted."""
        from .topics import delete_topics

        return await delete_topics(self._cluster, list(names), self._cluster.deadline(timeout_ms))

    async def create_partitions(
        self, totals: Mapping[str, int], *, validate_only: bool = False, timeout_ms: int | None = None
    ) -> "dict[str, BrokerError | None]":
        """Raise the number of partitions of each topic *to* its total; the error of each by its name."""
        from .topics import create_partitions

        return await create_partitions(self._cluster, totals, validate_only, self._cluster.deadline(timeout_ms))

    async def list_topics(self, *, internal: bool = True, timeout_ms: int | None = None) -> list[TopicDescription]:
        """All topics by name, without offsets; ``internal``: ``__consumer_offsets`` and the like too."""
        from .topics import list_topics

        return await list_topics(self._cluster, internal, self._cluster.deadline(timeout_ms))

    async def describe_topics(
        self, names: Iterable[str], *, offsets: bool = False, timeout_ms: int | None = None
    ) -> dict[str, TopicDescription]:
        """Describe topics by name; an unknown one has ``error``. ``offsets``: ask the leaders for first and last."""
        from .topics import describe_topics

        return await describe_topics(self._cluster, list(names), offsets, self._cluster.deadline(timeout_ms))

    async def delete_records(
        self, before: Mapping[TopicPartition, int], *, timeout_ms: int | None = None
    ) -> dict[TopicPartition, DeletedRecords]:
        """Delete the records before an offset of each partition; -1 means all that there are."""
        from .offsets import delete_records

        return await delete_records(self._cluster, before, self._cluster.deadline(timeout_ms))

    async def list_offsets(
        self,
        timestamps_ms: Mapping[TopicPartition, int],
        *,
        read_committed: bool = False,
        timeout_ms: int | None = None,
    ) -> dict[TopicPartition, ListedOffset]:
        """Find the first offset of each partition whose record is not older than its time.

        In the place of a time may be EARLIEST, LATEST or MAX_TIMESTAMP. Where no record is that young the offset is -1.
        """
        from .offsets import list_offsets

        return await list_offsets(self._cluster, timestamps_ms, read_committed, self._cluster.deadline(timeout_ms))

    async def describe_configs(
        self,
        resources: Iterable[ConfigResource],
        *,
        names: Collection[str] | None = None,
        documentation: bool = False,
        timeout_ms: int | None = None,
    ) -> dict[ConfigResource, DescribedConfigs]:
        """The settings in force of each resource, all or those with the given names."""
        from .configs import describe_configs

        return await describe_configs(
            self._cluster, list(resources), names, documentation, self._cluster.deadline(timeout_ms)
        )

    async def alter_configs(
        self,
        changes: Mapping[ConfigResource, Sequence[ConfigChange]],
        *,
        validate_only: bool = False,
        timeout_ms: int | None = None,
    ) -> "dict[ConfigResource, BrokerError | None]":
        """Change single settings of resources, and leave the others as they are (IncrementalAlterConfigs).

        On a broker before 2.3 somebody else's change at the same moment is lost, and secrets cannot be kept.
        """
        from .configs import alter_configs

        return await alter_configs(self._cluster, changes, validate_only, self._cluster.deadline(timeout_ms))

    async def list_groups(
        self, *, states: Collection[str] = (), types: Collection[str] = (), timeout_ms: int | None = None
    ) -> list[ListedGroup]:
        """The groups of all brokers by id, all or those in the given states (``Stable``) and of the given types."""
        from .groups import list_groups

        return await list_groups(self._cluster, list(states), list(types), self._cluster.deadline(timeout_ms))

    async def describe_groups(
        self, group_ids: Iterable[str], *, timeout_ms: int | None = None
    ) -> dict[str, GroupDescription]:
        """Describe groups with their members. A group that is not there has the state ``Dead`` or an ``error``."""
        from .groups import describe_groups

        return await describe_groups(self._cluster, list(group_ids), self._cluster.deadline(timeout_ms))

    async def delete_groups(
        self, group_ids: Iterable[str], *, timeout_ms: int | None = None
    ) -> "dict[str, BrokerError | None]":
        """Delete groups without members, and their offsets; the error of each by its id."""
        from .groups import delete_groups

        return await delete_groups(self._cluster, list(group_ids), self._cluster.deadline(timeout_ms))

    async def group_offsets(
        self, group_id: str, partitions: Iterable[TopicPartition] | None = None, *, timeout_ms: int | None = None
    ) -> dict[TopicPartition, CommittedOffset]:
        """What a group has committed: for the partitions given (offset -1 where it has not), or all that it has."""
        from .group_offsets import group_offsets

        wanted = None if partitions is None else list(partitions)
        return await group_offsets(self._cluster, group_id, wanted, self._cluster.deadline(timeout_ms))

    async def alter_group_offsets(
        self,
        group_id: str,
        offsets: Mapping[TopicPartition, int],
        *,
        metadata: str = "",
        timeout_ms: int | None = None,
    ) -> "dict[TopicPartition, BrokerError | None]":
        """Set a group's offsets. Only a group without members can be changed: else UNKNOWN_MEMBER_ID for each."""
        from .group_offsets import alter_group_offsets

        return await alter_group_offsets(self._cluster, group_id, offsets, metadata, self._cluster.deadline(timeout_ms))

    async def delete_group_offsets(
        self, group_id: str, partitions: Iterable[TopicPartition], *, timeout_ms: int | None = None
    ) -> "dict[TopicPartition, BrokerError | None]":
        """Forget what a group has committed for partitions (of topics that no member is subscribed to)."""
        from .group_offsets import delete_group_offsets

        return await delete_group_offsets(self._cluster, group_id, list(partitions), self._cluster.deadline(timeout_ms))

    async def describe_cluster(self, *, timeout_ms: int | None = None) -> ClusterDescription:
        """The cluster's id, controller and brokers."""
        from .nodes import describe_cluster

        return await describe_cluster(self._cluster, self._cluster.deadline(timeout_ms))

    async def describe_log_dirs(
        self, brokers: Iterable[int] | None = None, *, timeout_ms: int | None = None
    ) -> list[LogDir]:
        """The log directories of the given brokers, or of all, with what lies in them."""
        from .nodes import describe_log_dirs

        wanted = None if brokers is None else list(brokers)
        return await describe_log_dirs(self._cluster, wanted, self._cluster.deadline(timeout_ms))

    async def describe_producers(
        self, partitions: Iterable[TopicPartition], *, timeout_ms: int | None = None
    ) -> dict[TopicPartition, PartitionProducers]:
        """The producers that each partition's leader remembers."""
        from .nodes import describe_producers

        return await describe_producers(self._cluster, list(partitions), self._cluster.deadline(timeout_ms))
