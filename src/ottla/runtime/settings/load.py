"""A node's static settings: a properties file and what ``--set`` adds to it.

Mistakes end the start with one line that says what is wrong and how to mend it (:class:`OperatorError`); a name that
nobody knows is a mistake with ``--set`` and a warning in a file, as a file may have been made for another version.
"""

from collections.abc import Iterator, Mapping, Sequence

from ottla.model.errors import OperatorError

from .checks import conflict
from .listeners import AddressError, advertised_listeners, client_listeners
from .model import Effect, Setting, SettingError, Value
from .properties import Property, iter_properties
from .table import BROKER, BROKER_SETTING_OF_TOPIC, DYNAMIC_ONLY, TOPIC, broker_setting, defaults
from .values import parse_value, wanted


class Settings:
    """What the operator has written down: by name, as text and as typed values; and what there is to say about it."""

    __slots__ = ("texts", "unknown", "values", "warnings")

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self.texts: dict[str, str] = {}
        """The texts of the settings that are known, without defaults."""
        self.values: dict[str, Value] = {}
        """Their typed values."""
        self.unknown: dict[str, str] = {}
        """What a file said of settings that nobody knows."""
        self.warnings: list[str] = []
        """Lines for the operator."""
        for name, text in (texts or {}).items():
            setting = broker_setting(name)
            if setting is None:
                raise SettingError(f"there is no setting {name}")
            self._put(name, text, parse_value(setting, text))

    def _put(self, name: str, text: str, value: Value) -> None:
        self.texts[name] = text
        self.values[name] = value

    @property
    def without_effect(self) -> list[str]:
        """The names that were given and change nothing in Ottla."""
        found = (name for name in self.texts if _is_without_effect(broker_setting(name)))
        return sorted(found)


def _is_without_effect(setting: Setting | None) -> bool:
    return setting is not None and setting.effect is not Effect.ACTIVE


def load(config_path: str | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Return the settings of the file at ``config_path`` with ``overrides`` (each ``name=value``) put over them.

    OperatorError if the file cannot be read, if a value is refused, if values contradict each other, or if an
    override names a setting that does not exist.
    """
    return load_text(_read(config_path) if config_path is not None else "", config_path or "", overrides)


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (pathlib costs 10 ms of the start)
            raw = file.read()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OperatorError(
            f"cannot read the configuration file {path}: {reason}; give --config the path of a properties file"
        ) from None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # what Java takes every properties file for


def load_text(text: str, source: str, overrides: Sequence[str] = ()) -> Settings:
    """Return the settings of a properties file's text; ``source`` is what messages call the file."""
    settings = Settings()
    for key, value, line in _last_of_each(text, source):
        _take_from_file(settings, f"{source} line {line}", key, value)
    for override in overrides:
        _take_override(settings, override)
    _join_node_id(settings)
    _check_addresses(settings)
    found = conflict(settings.values)
    if found is not None:
        raise OperatorError(found)
    return settings


def _last_of_each(text: str, source: str) -> Iterator[Property]:
    try:
        last = {found.key: found for found in iter_properties(text)}
    except SettingError as error:
        raise OperatorError(f"{source} {error}; write a backslash as two") from None
    yield from last.values()


def _take_from_file(settings: Settings, where: str, name: str, text: str) -> None:
    setting = None if name in DYNAMIC_ONLY else broker_setting(name)
    if setting is None:
        settings.unknown[name] = text
        settings.warnings.append(f"{where}: {_unknown(name)}; the line is ignored")
    else:
        settings._put(name, text, _typed(where, setting, name, text))


def _take_override(settings: Settings, override: str) -> None:
    name, equals, text = override.partition("=")
    name = name.strip()
    if not equals or not name:
        raise OperatorError(f"--set {override}: give it as --set name=value")
    setting = None if name in DYNAMIC_ONLY else broker_setting(name)
    if setting is None:
        raise OperatorError(f"--set {name}: {_unknown(name)}")
    settings._put(name, text, _typed("--set", setting, name, text))


def _typed(where: str, setting: Setting, name: str, text: str) -> Value:
    try:
        return parse_value(setting, text)
    except SettingError:
        raise OperatorError(f"{where}: {name} cannot be {text.strip()!r}; give {wanted(setting)}") from None


def _unknown(name: str) -> str:
    if name in DYNAMIC_ONLY:
        return f"{name} can only be set while the node runs, with kafka-configs or another admin client"
    if name in TOPIC:
        broker_name = BROKER_SETTING_OF_TOPIC.get(name)
        hint = f"; the default for all topics is {broker_name}" if broker_name else ""
        return f"{name} is a setting of topics, not of a node{hint}"
    from difflib import get_close_matches  # slow to import, and only for a mistake

    near = get_close_matches(name, BROKER, n=1, cutoff=0.6)
    return f"there is no setting {name}" + (f"; did you mean {near[0]}?" if near else "")


def _join_node_id(settings: Settings) -> None:
    """``broker.id`` is the older name of ``node.id``: either will do, and both must agree."""
    node_id = settings.values.get("node.id")
    broker_id = settings.values.get("broker.id")
    if node_id is None and isinstance(broker_id, int) and broker_id >= 0:
        settings._put("node.id", settings.texts["broker.id"], broker_id)
    elif node_id is not None and broker_id is None:
        settings._put("broker.id", settings.texts["node.id"], node_id)
    elif node_id is not None and broker_id is not None and node_id != broker_id:
        raise OperatorError(
            f"node.id is {node_id} and broker.id is {broker_id}: they are two names for one number; remove broker.id"
        )


def _check_addresses(settings: Settings) -> None:
    values = {**defaults(), **settings.values}
    try:
        if not client_listeners(values):
            raise AddressError("listeners: none is left for clients; give one such as PLAINTEXT://:9092")
        advertised_listeners(values)
    except AddressError as error:
        raise OperatorError(str(error)) from None
