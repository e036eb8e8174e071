"""How long a consumer group needs to settle: members that all start at once, then one that leaves.

A member has settled when it owns partitions; the group has when every partition has an owner and nothing changes any
more. Both brokers wait three seconds for more members by default (``group.initial.rebalance.delay.ms``).
"""

from bench.programs import load
from bench.stage import Stage

MEMBERS = (3, 30, 300)
MANY = 300


def groups(stage: Stage) -> None:
    """Let groups of librdkafka consumers join, and one member leave."""
    brokers = stage.running()
    for members in MEMBERS:
        stage.say(f"{members} members")
        rounds = 1 if stage.effort.quick or members >= MANY else stage.effort.rounds
        for broker in stage.in_turns(rounds, brokers):
            with stage.topic(broker, partitions=members) as topic:
                result = load(broker, "group", topic=topic, clients=members, partitions=members, seconds=60)
            stage.figures.add("groups", f"{members} members join", "settle", broker.name, result["join_seconds"])
            stage.figures.add(
                "groups", f"one of {members} members leaves", "settle", broker.name, result["leave_seconds"]
            )
