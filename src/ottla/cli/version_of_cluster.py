"""What ``ottla version`` says of a cluster that was named."""

from ottla.client import Client

from .connecting import run
from .exits import DONE
from .options import Target


def ask(target: Target) -> dict[str, str]:
    """Return the cluster's id and brokers; raises what a client raises if it cannot be reached."""
    facts: dict[str, str] = {}

    async def work(client: Client) -> int:
        cluster = await client.admin.describe_cluster()
        facts["cluster"] = cluster.cluster_id or "none"
        facts["brokers"] = ", ".join(f"{broker.host}:{broker.port}" for broker in cluster.brokers)
        return DONE

    run(target, work, waiting_for="asking the cluster")
    return facts
