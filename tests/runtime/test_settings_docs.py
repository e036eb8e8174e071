"""The reference page and the descriptions: complete, of this table, and honest about what has an effect."""

from dataclasses import fields
from pathlib import Path

import pytest

from ottla.log.cleaner.config import CleanerConfig
from ottla.log.config import LogConfig
from ottla.runtime.settings.descriptions import describe, meaning
from ottla.runtime.settings.model import Effect, Setting
from ottla.runtime.settings.table import BROKER, BROKER_SETTING_OF_TOPIC, CLIENT_METRICS, GROUP, TOPIC
from tools import generate_settings_docs

ALL = [setting for table in (BROKER, TOPIC, GROUP, CLIENT_METRICS) for setting in table.values()]
SOURCES = Path(__file__).parents[2] / "src" / "ottla"
INSIDE = {"config.py", "listeners.py", "topic_defaults.py"}
"""Modules of the settings themselves that put several settings together for others."""


def test_the_page_is_of_this_table() -> None:
    assert generate_settings_docs.main(["--check"]) == 0


def test_the_page_names_every_setting_that_clients_see() -> None:
    text = "".join(generate_settings_docs.page())
    for setting in ALL:
        assert (f"| `{setting.name}` |" in text) == (not setting.internal) or setting.name in TOPIC


def test_every_setting_is_described_in_whole_sentences() -> None:
    for setting in ALL:
        assert meaning(setting)[0].isupper(), setting.name
        assert meaning(setting).endswith("."), setting.name
        assert len(meaning(setting).split()) > 2, setting.name


def test_what_has_no_effect_says_so() -> None:
    for setting in ALL:
        assert ("without effect" in describe(setting)) == (setting.effect is not Effect.ACTIVE), setting.name


@pytest.fixture(scope="module")
def sources() -> str:
    """The broker's; a client has settings of its own, some with the same names."""
    files = (path for path in SOURCES.rglob("*.py") if path.parent.name != "settings" or path.name in INSIDE)
    files = (path for path in files if path.relative_to(SOURCES).parts[0] != "client")
    return "".join(path.read_text("utf-8") for path in files)


def dotted(config: type, prefix: str = "") -> set[str]:
    return {prefix + field.name.replace("_", ".") for field in fields(config)}


def test_a_setting_has_an_effect_if_it_is_read(sources: str) -> None:
    """Whoever begins to read a setting, or no longer does, has to say so in the table."""
    of_logs = dotted(LogConfig) | {"internal.segment.bytes"}
    read_by_fields = of_logs | dotted(CleanerConfig, "log.cleaner.")
    read_by_fields |= {BROKER_SETTING_OF_TOPIC[name] for name in of_logs if name in BROKER_SETTING_OF_TOPIC}

    def wrong(setting: Setting) -> bool:
        is_read = f'"{setting.name}"' in sources
        if setting.effect is Effect.ACTIVE:
            return not (is_read or setting.name in read_by_fields)
        return is_read

    distinct = [setting for setting in ALL if "." in setting.name]
    assert [setting.name for setting in distinct if wrong(setting)] == []
