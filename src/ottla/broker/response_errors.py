"""Where the answers of each API tell error codes, so that they can be counted (``AbstractResponse.errorCounts``).

Produce and Fetch are not here: their handlers count errors where they make them, so that an answer without any costs
nothing.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ottla.protocol.api import ApiKey

Path = tuple[str, ...]
"""Fields that are lists, from the answer down to what has an ``error_code``; the answer itself has the empty path."""

ITSELF: Path = ()

PATHS: dict[ApiKey, tuple[Path, ...]] = {
    ApiKey.LIST_OFFSETS: (("topics", "partitions"),),
    ApiKey.METADATA: (ITSELF, ("topics",), ("topics", "partitions")),
    ApiKey.OFFSET_COMMIT: (("topics", "partitions"),),
    ApiKey.OFFSET_FETCH: (ITSELF, ("groups",), ("groups", "topics", "partitions"), ("topics", "partitions")),
    ApiKey.FIND_COORDINATOR: (ITSELF, ("coordinators",)),
    ApiKey.JOIN_GROUP: (ITSELF,),
    ApiKey.HEARTBEAT: (ITSELF,),
    ApiKey.LEAVE_GROUP: (ITSELF, ("members",)),
    ApiKey.SYNC_GROUP: (ITSELF,),
    ApiKey.DESCRIBE_GROUPS: (("groups",),),
    ApiKey.LIST_GROUPS: (ITSELF,),
    ApiKey.API_VERSIONS: (ITSELF,),
    ApiKey.CREATE_TOPICS: (("topics",),),
    ApiKey.DELETE_TOPICS: (("responses",),),
    ApiKey.DELETE_RECORDS: (("topics", "partitions"),),
    ApiKey.INIT_PRODUCER_ID: (ITSELF,),
    ApiKey.OFFSET_FOR_LEADER_EPOCH: (("topics", "partitions"),),
    ApiKey.DESCRIBE_CONFIGS: (("results",),),
    ApiKey.ALTER_CONFIGS: (("responses",),),
    ApiKey.DESCRIBE_LOG_DIRS: (ITSELF, ("results",)),
    ApiKey.CREATE_PARTITIONS: (("results",),),
    ApiKey.DELETE_GROUPS: (("results",),),
    ApiKey.INCREMENTAL_ALTER_CONFIGS: (("responses",),),
    ApiKey.OFFSET_DELETE: (ITSELF, ("topics", "partitions")),
    ApiKey.DESCRIBE_CLUSTER: (ITSELF,),
    ApiKey.DESCRIBE_PRODUCERS: (("topics", "partitions"),),
    ApiKey.LIST_CONFIG_RESOURCES: (ITSELF,),
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: (("topics",), ("topics", "partitions")),
}

COUNTED_BY_THE_HANDLER = frozenset({ApiKey.PRODUCE, ApiKey.FETCH})


def error_codes(key: ApiKey) -> Callable[[Any], Iterable[int]] | None:
    """Return what finds the error codes in an answer of this API, 0 for no error; None if its handler counts them."""
    paths = PATHS.get(key)
    if paths is None:
        assert key in COUNTED_BY_THE_HANDLER, f"nobody counts the errors of {key.name}"
        return None
    if paths == (ITSELF,):
        return _own_code

    def found(response: Any) -> list[int]:
        codes: list[int] = []
        for path in paths:
            items = [response]
            for name in path:
                items = [child for item in items for child in getattr(item, name) or ()]
            codes += [item.error_code for item in items]
        return codes

    return found


def _own_code(response: Any) -> tuple[int]:
    return (response.error_code,)
