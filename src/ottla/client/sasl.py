"""SASL on the client's side: PLAIN (RFC 4616) and SCRAM (RFC 5802, RFC 7677), as machines of tokens.

:meth:`Exchange.first` is the token to begin with, :meth:`Exchange.answer` takes the broker's and returns the next, or
None when there is nothing more to say. A broker that cannot prove that it knows the password is refused.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from typing import Protocol

from .errors import AuthenticationFailed, SettingsError
from .settings import ClientSettings

LEAST_ITERATIONS = 4096
MOST_ITERATIONS = 10_000_000
"""A broker that asks for more rounds than this would only keep us busy."""


class Exchange(Protocol):
    """One authentication."""

    @property
    def done(self) -> bool:
        """Whether both sides have said what they had to."""

    def first(self) -> bytes:
        """Return the token to begin with."""

    def answer(self, token: bytes) -> bytes | None:
        """Take a token of the broker's; raise AuthenticationFailed if it will not do."""


class Plain:
    """User and password in the clear: for TLS, or a network that one trusts."""

    def __init__(self, user: str, password: str) -> None:
        self._token = f"\0{user}\0{password}".encode()
        self.done = False

    def first(self) -> bytes:
        """Return the only token."""
        return self._token

    def answer(self, token: bytes) -> bytes | None:
        """Take the broker's empty answer."""
        self.done = True
        return None


class Scram:
    """A proof of the password that does not show it, both ways."""

    def __init__(self, algorithm: str, user: str, password: str, nonce: str) -> None:
        self._algorithm = algorithm
        self._password = password.encode()
        self._nonce = nonce
        name = user.replace("=", "=3D").replace(",", "=2C")
        self._first_bare = f"n={name},r={nonce}"
        self._signature: bytes | None = None
        self.done = False

    def first(self) -> bytes:
        """Return user and nonce."""
        return f"n,,{self._first_bare}".encode()

    def answer(self, token: bytes) -> bytes | None:
        """Answer the challenge with the proof, then check the broker's own."""
        if self._signature is None:
            return self._prove(token)
        fields = _fields(token)
        if "e" in fields:
            raise AuthenticationFailed(f"the broker refused the login: {fields['e']}")
        if not hmac.compare_digest(_from_base64(fields.get("v", "")), self._signature):
            raise AuthenticationFailed("the broker does not know the password: it may be another broker than it claims")
        self.done = True
        return None

    def _prove(self, challenge: bytes) -> bytes:
        fields = _fields(challenge)
        if "e" in fields:
            raise AuthenticationFailed(f"the broker refused the login: {fields['e']}")
        nonce = fields.get("r", "")
        salt = _from_base64(fields.get("s", ""))
        rounds = fields.get("i", "")
        if not nonce.startswith(self._nonce) or nonce == self._nonce or not salt or not rounds.isdecimal():
            raise AuthenticationFailed("the broker's SCRAM challenge is malformed")
        if not LEAST_ITERATIONS <= int(rounds) <= MOST_ITERATIONS:
            raise AuthenticationFailed(f"the broker asks for {rounds} SCRAM iterations")
        salted = hashlib.pbkdf2_hmac(self._algorithm, self._password, salt, int(rounds))
        client_key = self._mac(salted, b"Client Key")
        without_proof = f"c=biws,r={nonce}"
        signed = f"{self._first_bare},{challenge.decode()},{without_proof}".encode()
        signature = self._mac(hashlib.new(self._algorithm, client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._signature = self._mac(self._mac(salted, b"Server Key"), signed)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def _mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self._algorithm)


def make_exchange(settings: ClientSettings) -> Exchange:
    """Begin an authentication with ``sasl.mechanism`` and the user that the settings name."""
    user, password = credentials(settings)
    mechanism = settings.text("sasl.mechanism")
    if mechanism == "PLAIN":
        return Plain(user, password)
    algorithm = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}[mechanism]
    return Scram(algorithm, user, password, base64.b64encode(os.urandom(24)).decode())


_JAAS_OPTION = re.compile(r"""(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;"']+)""")


def credentials(settings: ClientSettings) -> tuple[str, str]:
    """Return user and password, of ``sasl.jaas.config`` or of ``sasl.username`` and ``sasl.password``."""
    jaas = settings.text("sasl.jaas.config")
    if jaas:
        options = {name: _unquote(value) for name, value in _JAAS_OPTION.findall(jaas)}
        user, password = options.get("username", ""), options.get("password", "")
        if not user:
            raise SettingsError('sasl.jaas.config: it needs username="..." and password="..."')
        return user, password
    user = settings.text("sasl.username")
    if not user:
        raise SettingsError("SASL needs a user: set sasl.jaas.config, or sasl.username and sasl.password")
    return user, settings.text("sasl.password")


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ("'", '"') else text


def _fields(token: bytes) -> dict[str, str]:
    try:
        text = token.decode()
    except UnicodeDecodeError:
        raise AuthenticationFailed("the broker's SCRAM answer is malformed") from None
    return {part[:1]: part[2:] for part in text.split(",") if part[1:2] == "="}


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AuthenticationFailed("the broker's SCRAM answer is malformed") from None
