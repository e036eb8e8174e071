"""Groups: their states, members and lag, rebalances and commits (Kafka's ``GroupCoordinatorMetrics``).

Lag is what is below the partition's high watermark and not below the committed offset. A group that has not committed
an offset for a partition has no lag there; one for a partition that is gone is not told.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ottla.broker.metrics.samples import OTHER, Collected, labelled, single
from ottla.coordinator.group.classic import GroupState
from ottla.model.ids import TopicPartition
from ottla.runtime.metrics import Kind, Metric
from ottla.runtime.metrics_text import Sample, labels_text

if TYPE_CHECKING:
    from ottla.broker.node import Node

MBEAN = "kafka.server:type=group-coordinator-metrics,name="
GROUP = ("group",)
GROUP_PARTITION = ("group", "topic", "partition")

LAG = Metric(
    "ottla_group_partition_lag_records",
    Kind.GAUGE,
    "Records of a partition that a group has not committed yet.",
    GROUP_PARTITION,
)
COMMITTED = Metric(
    "ottla_group_partition_committed_offset",
    Kind.GAUGE,
    "Offset that a group has committed for a partition.",
    GROUP_PARTITION,
)
GROUP_LAG = Metric("ottla_group_lag_records", Kind.GAUGE, "Lag of a group in all partitions together.", GROUP)
MEMBERS = Metric("ottla_group_members", Kind.GAUGE, "Members of a group.", GROUP)
GROUPS = Metric(
    "ottla_groups",
    Kind.GAUGE,
    "Groups by state.",
    ("state",),
    "kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups*",
)
OFFSETS = Metric(
    "ottla_group_offsets",
    Kind.GAUGE,
    "Committed offsets of all groups.",
    (),
    "kafka.coordinator.group:type=GroupMetadataManager,name=NumOffsets",
)
LOADING = Metric("ottla_groups_loading", Kind.GAUGE, "1 while groups are still being read from the log after a start.")
REBALANCES = Metric(
    "ottla_group_rebalances_total",
    Kind.COUNTER,
    "Rebalances that began, by what set them off: new_member, leader_rejoined, metadata_changed, member_replaced, "
    "member_left, session_expired, sync_expired, not_stored, too_large.",
    ("reason",),
)
COMPLETED = Metric(
    "ottla_group_rebalances_completed_total",
    Kind.COUNTER,
    "Rebalances that ended with an assignment.",
    (),
    MBEAN + "group-completed-rebalance-count",
)
COMMITS = Metric(
    "ottla_group_offset_commits_total", Kind.COUNTER, "Offsets committed.", (), MBEAN + "offset-commit-count"
)
EXPIRED = Metric(
    "ottla_group_offsets_expired_total",
    Kind.COUNTER,
    "Offsets that were let go because nobody had committed them anew for offsets.retention.minutes.",
    (),
    MBEAN + "offset-expiration-count",
)

METRICS = (
    LAG,
    COMMITTED,
    GROUP_LAG,
    MEMBERS,
    GROUPS,
    OFFSETS,
    LOADING,
    REBALANCES,
    COMPLETED,
    COMMITS,
    EXPIRED,
)


class Survey:
    """One walk over all groups, as far as the limit tells them apart, and the sums of the rest."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._limit = node.config.int("ottla.metrics.max.series")
        self.states = {state.value: 0 for state in GroupState}
        self.offset_count = 0
        self.group_rows: list[tuple[str, int, int]] = []
        """Labels, members, lag."""
        self.offset_rows: list[tuple[str, int, int]] = []
        """Labels, committed offset, lag."""
        self.other_groups = [0, 0, 0]
        """How many groups, their members and their lag."""
        self.other_offsets = [0, 0]
        """How many offsets that could have been told, and their lag."""

    def walk(self) -> Iterator[None]:
        """Look at everything; the event loop may turn wherever this yields."""
        for group, offsets in self._node.groups.groups_and_offsets():
            self.states[group.state.value] += 1
            group_lag = 0
            for topic, partitions in list(offsets.items()):
                for index, committed in list(partitions.items()):
                    group_lag += self._take(group.group_id, topic, index, committed.offset)
                    yield
            if len(self.group_rows) < self._limit and group.group_id != OTHER:
                self.group_rows.append((labels_text(GROUP, (group.group_id,)), len(group.members), group_lag))
            else:
                self.other_groups[0] += 1
                self.other_groups[1] += len(group.members)
                self.other_groups[2] += group_lag
            yield

    def _take(self, group_id: str, topic: str, index: int, offset: int) -> int:
        self.offset_count += 1
        log = self._node.logs.get(TopicPartition(topic, index))
        if log is None:
            return 0
        lag = max(0, log.high_watermark - offset)
        if len(self.offset_rows) < self._limit and group_id != OTHER:
            self.offset_rows.append((labels_text(GROUP_PARTITION, (group_id, topic, index)), offset, lag))
        else:
            self.other_offsets[0] += 1
            self.other_offsets[1] += lag
        return lag


def collect(node: "Node") -> Collected:
    """Yield what is told of groups."""
    survey = Survey(node)
    yield LAG, _lags(survey)
    yield COMMITTED, (("", labels, offset) for labels, offset, _ in survey.offset_rows)
    yield GROUP_LAG, _of_groups(survey, 2)
    yield MEMBERS, _of_groups(survey, 1)
    yield GROUPS, labelled(GROUPS, survey.states.items())
    yield OFFSETS, single(survey.offset_count)
    yield LOADING, single(int(node.groups.is_loading))
    figures = node.groups.figures
    yield REBALANCES, labelled(REBALANCES, ((reason.value, count) for reason, count in figures.rebalances.items()))
    yield COMPLETED, single(figures.completed_rebalances)
    yield COMMITS, single(figures.offset_commits)
    yield EXPIRED, single(figures.expired_offsets)


def _lags(survey: Survey) -> Iterator[Sample | None]:
    yield from survey.walk()
    for labels, _, lag in survey.offset_rows:
        yield "", labels, lag
    if survey.other_offsets[0]:
        yield "", labels_text(GROUP_PARTITION, (OTHER, "", "")), survey.other_offsets[1]


def _of_groups(survey: Survey, place: int) -> Iterator[Sample]:
    for row in survey.group_rows:
        figure = row[place]
        assert isinstance(figure, int)
        yield "", row[0], figure
    if survey.other_groups[0]:
        yield "", labels_text(GROUP, (OTHER,)), survey.other_groups[place]
