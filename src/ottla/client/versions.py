"""Which versions of which APIs this client uses: the newest that both sides have, up to a limit of our own."""

from typing import Final

from ottla.model.errors import UnsupportedVersion
from ottla.protocol.api import api
from ottla.protocol.api_table import ApiKey

from .errors import UnsupportedByBroker

_NEWEST: Final[dict[int, int]] = {
    # Later versions name topics by their ids, which a client that keeps names gains nothing from.
    ApiKey.PRODUCE: 12,
    ApiKey.FETCH: 12,
    ApiKey.OFFSET_COMMIT: 9,
    ApiKey.OFFSET_FETCH: 9,
    # Unstable in Kafka 4.2 (KIP-939).
    ApiKey.INIT_PRODUCER_ID: 5,
}


def choose(api_key: int, offered: dict[int, tuple[int, int]], newest: int | None = None) -> int:
    """Return the version to use for an API of a broker that offers these; ``newest`` limits it for one call.

    Raises UnsupportedByBroker where there is none.
    """
    try:
        known = api(api_key)
    except UnsupportedVersion:
        raise UnsupportedByBroker(f"API key {api_key} is not known here") from None
    versions = offered.get(api_key)
    if versions is None:
        raise UnsupportedByBroker(f"the broker has no {known.name} requests: it is too old or too new for this")
    first, last = known.request_versions
    last = min(last, _NEWEST.get(api_key, last), versions[1], last if newest is None else newest)
    first = max(first, versions[0])
    if first > last:
        raise UnsupportedByBroker(
            f"the broker has {known.name} in the versions {versions[0]} to {versions[1]}, of which none will do here"
        )
    return last
