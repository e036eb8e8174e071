"""Settings are those of Kafka's clients: checked, with a warning for what nobody knows."""

from pathlib import Path

import pytest

from ottla import client
from ottla.client import SettingsError, settings_from_file
from ottla.client.settings import KNOWN, ClientSettings


def test_values_have_types_and_defaults() -> None:
    settings = ClientSettings({"request.timeout.ms": " 1500 ", "enable.idempotence": "FALSE", "acks": "1"})
    assert settings.number("request.timeout.ms") == 1500
    assert settings.seconds("request.timeout.ms") == 1.5
    assert settings.switch("enable.idempotence") is False
    assert settings.text("acks") == "1"
    assert settings.number("default.api.timeout.ms") == 60_000
    assert settings.text("group.id") == ""
    assert settings.is_set("acks")
    assert not settings.is_set("linger.ms")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("request.timeout.ms", "soon", "is not a whole number"),
        ("request.timeout.ms", "0", "is below 1"),
        ("enable.idempotence", "yes", "is neither true nor false"),
        ("security.protocol", "TLS", "is none of PLAINTEXT, SSL"),
        ("acks", "2", "is none of all, -1, 0, 1"),
        ("compression.type", "brotli", "is none of none, gzip"),
    ],
)
def test_a_wrong_value_is_named_with_its_setting(name: str, value: str, why: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: .*{why}"):
        ClientSettings({name: value})


def test_choices_do_not_mind_case() -> None:
    assert ClientSettings({"security.protocol": "sasl_ssl"}).text("security.protocol") == "SASL_SSL"


def test_an_unknown_setting_is_a_warning_and_one_without_meaning_is_none() -> None:
    settings = ClientSettings({"lingerms": "5", "key.serializer": "x", "reconnect.backoff.ms": "1", "acks": "all"})
    assert settings.warnings == ("the setting lingerms is not known here and has no effect",)


def test_keywords_go_before_settings() -> None:
    settings = ClientSettings({"linger.ms": "9", "acks": "1"}).replace({"linger_ms": 0, "enable_idempotence": False})
    assert settings.number("linger.ms") == 0
    assert settings.switch("enable.idempotence") is False
    assert settings.text("acks") == "1"
    with pytest.raises(TypeError, match=r"no setting linger\.s"):
        settings.replace({"linger_s": 1})


def test_every_default_is_a_value_that_it_would_take() -> None:
    for name, setting in KNOWN.items():
        if setting.default is not None:
            ClientSettings({name: str(setting.default)})


def test_a_file_is_a_properties_file(tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    path.write_text("# a comment\nsecurity.protocol=SSL\nclient.id : a\\\n  b\n")
    assert settings_from_file(str(path)) == {"security.protocol": "SSL", "client.id": "ab"}


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the settings file .*: No such file"):
        settings_from_file(str(tmp_path / "nowhere"))
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"a=\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        settings_from_file(str(wrong))
    wrong.write_text("a=\\u12")
    with pytest.raises(SettingsError, match="line 1"):
        settings_from_file(str(wrong))


def test_every_setting_is_looked_at_somewhere() -> None:
    package = Path(client.__file__).parent
    sources = "".join(path.read_text() for path in package.rglob("*.py") if path.name != "settings.py")
    composed = {"compression.gzip.level", "compression.lz4.level", "compression.zstd.level"}
    composed |= {"ssl.truststore.type", "ssl.keystore.type"}
    passwords_of_java_stores = {"ssl.truststore.password"}
    unused = {name for name in KNOWN if f'"{name}"' not in sources}
    assert unused == composed | passwords_of_java_stores
