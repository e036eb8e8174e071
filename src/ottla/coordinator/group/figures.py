"""What is counted of the groups of one node."""

from .decision import Decision, RebalanceReason


class GroupFigures:
    """Counters since the start, in the meanings of Kafka's ``GroupCoordinatorMetrics``."""

    __slots__ = ("completed_rebalances", "expired_offsets", "offset_commits", "rebalances")

    def __init__(self) -> None:
        self.rebalances: dict[RebalanceReason, int] = dict.fromkeys(RebalanceReason, 0)
        """Rebalances that were begun, by what set them off."""
        self.completed_rebalances = 0
        """Generations whose leader has handed in the assignment."""
        self.offset_commits = 0
        """Offsets that were committed, not requests."""
        self.expired_offsets = 0

    def count(self, decision: Decision) -> None:
        """Count what a decision that is carried out means for its group."""
        if decision.rebalance is not None:
            self.rebalances[decision.rebalance] += 1
        if decision.settles:
            self.completed_rebalances += 1
