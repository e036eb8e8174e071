"""Changes that clients make: to a broker's settings while it runs, and step by step to any resource's.

A broker's are refused in the words of ``DynamicBrokerConfig.validateConfigs``; Kafka answers INVALID_REQUEST there
(``ConfigAdminManager``). Steps are those of ``ConfigurationControlManager.incrementalAlterConfigResource``.
"""

from collections.abc import Mapping

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .checks import conflict
from .config import BrokerConfig
from .model import SettingError, UpdateMode, Values
from .table import BROKER, LISTENER_PREFIX, broker_setting, listener_base_name
from .values import parse_value

_CLUSTER_LEVEL_OF_LISTENERS = frozenset(("max.connections", "max.connection.creation.rate", "num.network.threads"))
"""What may be set for a listener of all brokers at once."""

_NEEDS_LISTENER = frozenset(
    (
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.truststore.certificates",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
    )
)
"""What can change while the broker runs for one listener only (``SslConfigs.RECONFIGURABLE_CONFIGS``)."""

_THREADS = (
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
)
"""Sizes of Kafka's thread pools, which change by half or double at most (``DynamicThreadPool``)."""

_SMALL_SET = 4


def is_dynamic(name: str) -> bool:
    """Whether the broker's setting ``name`` can be changed while it runs."""
    setting = broker_setting(name)
    return setting is not None and (name.startswith(LISTENER_PREFIX) or setting.update_mode is not UpdateMode.READ_ONLY)


def validate_broker_dynamic(config: BrokerConfig, configs: Mapping[str, str], *, per_broker: bool) -> None:
    """Refuse what cannot be the dynamic settings of a broker, or of all brokers when not ``per_broker``.

    ``configs`` are all of them as they would be after the change. ApiError with INVALID_REQUEST and Kafka's sentence.
    Names that nobody knows are let through, as Kafka does for settings of plugins.
    """
    read_only = [name for name in configs if name in BROKER and not is_dynamic(name)]
    _refuse("Cannot update these configs dynamically", read_only)
    needs_listener = [name for name in configs if name in _NEEDS_LISTENER]
    if needs_listener:
        raise _invalid(
            "These security configs can be dynamically updated only per-listener using the listener prefix: "
            f"HashSet({', '.join(needs_listener)})"
        )
    for name, text in configs.items():
        setting = broker_setting(name)
        if setting is not None:
            try:
                parse_value(setting, text)
            except SettingError as error:
                raise _invalid(str(error)) from None
    if not per_broker:
        _refuse(
            "Cannot update these configs at default cluster level, broker id must be specified",
            [name for name in configs if _is_per_broker(name)],
        )
    cluster, broker = (config.cluster_dynamic, configs) if per_broker else (configs, config.dynamic)
    after = config.layered(cluster, broker)
    found = conflict(after) or _leap(config.values, after)
    if found is not None:
        raise _invalid(found)


def _leap(before: Values, after: Values) -> str | None:
    """Return Kafka's sentence about a number that changes too much at once, or to what nothing can work with."""
    for name in _THREADS:
        now, wanted = before[name], after[name]
        assert isinstance(now, int)
        assert isinstance(wanted, int)
        start = f"Dynamic thread count update validation failed for {name}={wanted}, value should"
        if wanted < now // 2:
            return f"{start} be at least half the current value {now}"
        if wanted > now * 2:
            return f"{start} not be greater than double the current value {now}"
    now, wanted = before["log.cleaner.threads"], after["log.cleaner.threads"]
    assert isinstance(now, int)
    assert isinstance(wanted, int)
    if wanted != now:
        if wanted < 1:
            return "Log cleaner threads should be at least 1"
        if wanted < now // 2:
            return f"Log cleaner threads cannot be reduced to less than half the current value {now}"
        if wanted > now * 2:
            return f"Log cleaner threads cannot be increased to more than double the current value {now}"
    for name, value in after.items():
        if name.endswith("max.connection.creation.rate") and value != before.get(name) and value == 0:
            return "Invalid max.connection.creation.rate 0"
    return None


def _is_per_broker(name: str) -> bool:
    base = listener_base_name(name)
    if base is not None:
        return base not in _CLUSTER_LEVEL_OF_LISTENERS
    return name in BROKER and BROKER[name].update_mode is UpdateMode.PER_BROKER


def _refuse(sentence: str, names: list[str]) -> None:
    if names:
        kind = "Set" if len(names) <= _SMALL_SET else "HashSet"  # how Scala prints a small set and a large one
        raise _invalid(f"{sentence}: {kind}({', '.join(names)})")


def _invalid(message: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_REQUEST, message)
