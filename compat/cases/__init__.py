"""All cases of the drivers, in the order of the table."""

from compat.case import Case
from compat.cases import admin, consume, groups, idempotence, members, produce, restart

CASES: tuple[Case, ...] = (
    *produce.CASES,
    *consume.CASES,
    *idempotence.CASES,
    *groups.CASES,
    *members.CASES,
    *restart.CASES,
    *admin.CASES,
)

GROUPS = {
    "produce": "Produce",
    "consume": "Consume",
    "idempotence": "Idempotent producer",
    "group": "Consumer groups",
    "member": "Static members, assignors",
    "restart": "Broker killed and restarted",
    "admin": "Admin calls",
    "tools": "Kafka's command-line tools",
    "together": "Different clients in one group",
}
"""Titles of the parts of the table."""
