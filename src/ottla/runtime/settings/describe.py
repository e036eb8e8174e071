"""What DescribeConfigs says of a setting: value, source, synonyms, flags (``ConfigHelper`` of 4.2.0).

Imported by whoever answers the request; entries come in the order of their names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .config import BrokerConfig
from .dynamic import is_dynamic
from .model import Setting, Source, Value
from .table import (
    BROKER,
    BROKER_SETTING_OF_TOPIC,
    CLIENT_METRICS,
    DYNAMIC_ONLY,
    GROUP,
    TOPIC,
    broker_setting,
    synonyms,
)
from .texts import value_to_text
from .topics import group_values, topic_values
from .values import parse_value

UNKNOWN_TYPE = 0
"""The type of a setting that nobody knows."""


class Synonym(NamedTuple):
    """A name that gives, or would give, a setting its value, with the value and where it stands."""

    name: str
    value: str | None
    source: Source


class Entry(NamedTuple):
    """One setting of one resource."""

    name: str
    value: str | None
    read_only: bool
    source: Source
    sensitive: bool
    synonyms: Sequence[Synonym]
    type: int
    setting: Setting | None

    @property
    def documentation(self) -> str | None:
        """What the setting does; None for one that nobody knows."""
        if self.setting is None:
            return None
        from .descriptions import describe  # several hundred texts, for the few requests that ask for them

        return describe(self.setting)


def describe_topic(config: BrokerConfig, configs: Mapping[str, str], names: Iterable[str] | None = None) -> list[Entry]:
    """Return the settings of a topic whose own are ``configs``; all of them when ``names`` is None."""
    values = topic_values(config, configs)
    entries = []
    for name in _chosen(TOPIC, names):
        setting = TOPIC[name]
        broker_name = BROKER_SETTING_OF_TOPIC.get(name)
        found = _broker_synonyms(config, broker_name) if broker_name is not None else []
        if name in configs:
            found.insert(0, Synonym(name, value_to_text(values[name]), Source.DYNAMIC_TOPIC_CONFIG))
        if setting.internal and name not in configs:
            continue
        entries.append(_entry(setting, values[name], found))
    return entries


def describe_group(config: BrokerConfig, configs: Mapping[str, str], names: Iterable[str] | None = None) -> list[Entry]:
    """Return the settings of a group whose own are ``configs``; all of them when ``names`` is None."""
    return _flat(GROUP, group_values(config, configs), configs, names, Source.GROUP_CONFIG, defaults_shown=True)


def describe_client_metrics(configs: Mapping[str, str], names: Iterable[str] | None = None) -> list[Entry]:
    """Return the settings of a client-metrics subscription whose own are ``configs``."""
    values = {name: setting.default for name, setting in CLIENT_METRICS.items()}
    values.update({name: parse_value(CLIENT_METRICS[name], text) for name, text in configs.items() if name in values})
    return _flat(CLIENT_METRICS, values, configs, names, Source.CLIENT_METRICS_CONFIG, defaults_shown=False)


def _flat(
    table: Mapping[str, Setting],
    values: Mapping[str, Value],
    configs: Mapping[str, str],
    names: Iterable[str] | None,
    source: Source,
    *,
    defaults_shown: bool,
) -> list[Entry]:
    entries = []
    for name in _chosen(table, names):
        text = value_to_text(values[name])
        if name in configs:
            found = [Synonym(name, text, source)]
        else:
            found = [Synonym(name, text, Source.DEFAULT_CONFIG)] if defaults_shown else []
        entries.append(_entry(table[name], values[name], found))
    return entries


def describe_broker(config: BrokerConfig, names: Iterable[str] | None = None) -> list[Entry]:
    """Return every setting of this broker, those in a file that nobody knows included."""
    given = {**config.static.texts, **config.static.unknown, **config.cluster_dynamic, **config.dynamic}
    known = (name for name, setting in BROKER.items() if not setting.internal and name not in DYNAMIC_ONLY)
    return [_broker_entry(config, name) for name in _chosen({*known, *given}, names)]


def describe_cluster(config: BrokerConfig, names: Iterable[str] | None = None) -> list[Entry]:
    """Return the dynamic settings of all brokers: those that were set, and nothing else."""
    entries = []
    for name in _chosen(config.cluster_dynamic, names):
        entry = _broker_entry(config, name)
        found = [synonym for synonym in entry.synonyms if synonym.source is Source.DYNAMIC_DEFAULT_BROKER_CONFIG]
        entries.append(
            entry._replace(
                value=None if entry.sensitive else config.cluster_dynamic[name],
                source=Source.DYNAMIC_DEFAULT_BROKER_CONFIG,
                synonyms=found,
            )
        )
    return entries


def _broker_entry(config: BrokerConfig, name: str) -> Entry:
    setting = broker_setting(name)
    found = _broker_synonyms(config, name)
    source = found[0].source if found else Source.DEFAULT_CONFIG
    if setting is None:
        return Entry(name, None, True, source, True, found, UNKNOWN_TYPE, None)
    value = value_to_text(config.values.get(name))
    read_only = name in DYNAMIC_ONLY or name not in BROKER or not is_dynamic(name)
    return Entry(name, value, read_only, source, setting.sensitive, found, setting.type, setting)


def _broker_synonyms(config: BrokerConfig, name: str) -> list[Synonym]:
    """Return what gives the broker's setting its value, layer by layer, the nearest first.

    What comes before the first that has the setting's own name is left out: Kafka does so to hide overrides for
    listeners, and hides hours that stand for milliseconds with them.
    """
    setting = broker_setting(name)
    hidden = setting is None or setting.sensitive
    found = []
    for source, texts in _layers(config):
        for synonym in synonyms(name):
            if synonym in texts:
                text = texts[synonym]
                found.append(Synonym(synonym, None if hidden else text, source))
    for synonym in synonyms(name):
        default = BROKER.get(synonym)
        if default is not None and default.default is not None and synonym not in DYNAMIC_ONLY:
            found.append(Synonym(synonym, value_to_text(default.default), Source.DEFAULT_CONFIG))
    own = next((index for index, synonym in enumerate(found) if synonym.name == name), len(found))
    return found[own:]


def _layers(config: BrokerConfig) -> Iterator[tuple[Source, Mapping[str, str]]]:
    yield Source.DYNAMIC_BROKER_CONFIG, config.dynamic
    yield Source.DYNAMIC_DEFAULT_BROKER_CONFIG, config.cluster_dynamic
    yield Source.STATIC_BROKER_CONFIG, {**config.static.unknown, **config.static.texts}


def _entry(setting: Setting, value: Value, found: Sequence[Synonym]) -> Entry:
    source = found[0].source if found else Source.DEFAULT_CONFIG
    return Entry(setting.name, value_to_text(value), False, source, setting.sensitive, found, setting.type, setting)


def _chosen(known: Iterable[str], names: Iterable[str] | None) -> list[str]:
    """Return the known names that were asked for, sorted; an empty request asks for all, like none."""
    asked = set(names or ())
    return sorted(name for name in known if not asked or name in asked)
