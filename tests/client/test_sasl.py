"""Logins: the RFCs' own examples, and brokers that do not play by the rules."""

import base64

import pytest

from ottla.client import AuthenticationFailed, SettingsError
from ottla.client.sasl import Plain, Scram, credentials, make_exchange
from ottla.client.settings import ClientSettings

# RFC 7677, section 3.
NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
CLIENT_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def _scram() -> Scram:
    return Scram("sha256", "user", "pencil", NONCE)


def test_scram_is_the_rfcs_example() -> None:
    scram = _scram()
    assert scram.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert scram.answer(SERVER_FIRST) == CLIENT_FINAL
    assert not scram.done
    assert scram.answer(SERVER_FINAL) is None
    assert scram.done


def test_a_users_name_is_escaped() -> None:
    assert Scram("sha256", "a=b,c", "p", "n").first() == b"n,,n=a=3Db=2Cc,r=n"


@pytest.mark.parametrize(
    "challenge",
    [
        b"e=unknown-user",
        b"r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=!!!!,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=999999999",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=x",
        b"\xff\xfe",
        b"",
    ],
)
def test_a_challenge_that_will_not_do_ends_it(challenge: bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        _scram().answer(challenge)


@pytest.mark.parametrize("final", [b"e=invalid-proof", b"v=" + base64.b64encode(bytes(32)), b"v=", b"", b"v=%"])
def test_a_broker_that_cannot_prove_itself_is_refused(final: bytes) -> None:
    scram = _scram()
    scram.answer(SERVER_FIRST)
    with pytest.raises(AuthenticationFailed):
        scram.answer(final)
    assert not scram.done


def test_plain_is_one_token() -> None:
    plain = Plain("alice", "geheim ü")
    assert plain.first() == "\0alice\0geheim ü".encode()
    assert plain.answer(b"") is None
    assert plain.done


@pytest.mark.parametrize(
    ("jaas", "expected"),
    [
        ('org.apache.kafka.PlainLoginModule required username="alice" password="se cret";', ("alice", "se cret")),
        ("x required\n username='al' \n password='a\"b';", ("al", 'a"b')),
        ('x required username=al password="a\\"b\\\\c";', ("al", 'a"b\\c')),
        ('x required password="p=q;" username = "u";', ("u", "p=q;")),
    ],
)
def test_user_and_password_stand_in_the_jaas_line(jaas: str, expected: tuple[str, str]) -> None:
    assert credentials(ClientSettings({"sasl.jaas.config": jaas})) == expected


def test_or_in_two_settings() -> None:
    assert credentials(ClientSettings({"sasl.username": "u", "sasl.password": "p"})) == ("u", "p")


@pytest.mark.parametrize("settings", [{}, {"sasl.jaas.config": 'x required password="p";'}])
def test_a_login_needs_a_user(settings: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        credentials(ClientSettings(settings))


@pytest.mark.parametrize(("mechanism", "kind"), [("PLAIN", Plain), ("SCRAM-SHA-256", Scram), ("SCRAM-SHA-512", Scram)])
def test_the_mechanism_is_a_setting(mechanism: str, kind: type) -> None:
    given = {"sasl.mechanism": mechanism, "sasl.username": "u", "sasl.password": "p"}
    assert isinstance(make_exchange(ClientSettings(given)), kind)
