"""The beginning of a connection: TCP, TLS, versions, login; and what to tell people when it does not come about."""

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING, cast

from ottla import __version__
from ottla.model.error_codes import ErrorCode
from ottla.protocol.api_table import ApiKey
from ottla.protocol.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse

from .address import Address
from .connection import Connection
from .errors import AuthenticationFailed, ConnectionFailed, InvalidResponse, check
from .settings import ClientSettings

if TYPE_CHECKING:
    from ottla.protocol.messages.sasl_authenticate import SaslAuthenticateResponse
    from ottla.protocol.messages.sasl_handshake import SaslHandshakeResponse


async def connect(address: Address, settings: ClientSettings, tls: ssl.SSLContext | None) -> Connection:
    """Connect, agree on versions, log in.

    Raises ConnectionFailed where nothing answers, AuthenticationFailed where TLS or SASL ends it, InvalidResponse where
    somebody answers who is no Kafka broker.
    """
    setup_s = settings.seconds("socket.connection.setup.timeout.ms")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(setup_s):
            _, connection = await loop.create_connection(
                lambda: Connection(address, settings.text("client.id"), settings.seconds("request.timeout.ms")),
                address.host,
                address.port,
                ssl=tls,
            )
    except TimeoutError as error:
        raise ConnectionFailed(
            f"cannot reach {address}: no answer within {setup_s * 1000:.0f} ms "
            f"(is the host right, no firewall between{'' if tls is None else ', and does it speak TLS'}?)"
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise AuthenticationFailed(
            f"cannot trust {address}: {error.verify_message} (see ssl.truststore.location and "
            "ssl.endpoint.identification.algorithm)"
        ) from error
    except ssl.SSLError as error:
        raise AuthenticationFailed(f"no TLS with {address}: {_ssl_reason(error)}") from error
    except ConnectionResetError as error:
        raise ConnectionFailed(f"{address} closed the connection at once{_closed_hint(tls)}") from error
    except OSError as error:
        raise ConnectionFailed(f"cannot reach {address}: {_os_reason(error)}") from error
    try:
        await _agree_on_versions(connection, tls)
        if settings.text("security.protocol").startswith("SASL_"):
            await _log_in(connection, settings)
        connection.widen()
    except Exception:
        await connection.wait_closed()
        raise
    except BaseException:
        connection.close()
        raise
    return connection


async def _agree_on_versions(connection: Connection, tls: ssl.SSLContext | None) -> None:
    request = ApiVersionsRequest(client_software_name="ottla", client_software_version=__version__)
    try:
        answer = cast("ApiVersionsResponse", await connection.request(ApiKey.API_VERSIONS, request, version=3))
        if answer.error_code == ErrorCode.UNSUPPORTED_VERSION:
            request = ApiVersionsRequest()
            answer = cast("ApiVersionsResponse", await connection.request(ApiKey.API_VERSIONS, request, version=0))
    except (ConnectionFailed, InvalidResponse) as error:
        if isinstance(error, ConnectionFailed) and isinstance(error.__cause__, ssl.SSLError):
            raise AuthenticationFailed(f"no TLS with {connection.address}: {_ssl_reason(error.__cause__)}") from error
        raise type(error)(f"{error}{_closed_hint(tls)}") from error
    check(answer.error_code, subject=f"ApiVersions at {connection.address}")
    connection.versions = {entry.api_key: (entry.min_version, entry.max_version) for entry in answer.api_keys}


async def _log_in(connection: Connection, settings: ClientSettings) -> None:
    from ottla.protocol.messages.sasl_authenticate import SaslAuthenticateRequest
    from ottla.protocol.messages.sasl_handshake import SaslHandshakeRequest

    from .sasl import make_exchange

    exchange = make_exchange(settings)
    mechanism = settings.text("sasl.mechanism")
    handshake = cast(
        "SaslHandshakeResponse",
        await connection.request(ApiKey.SASL_HANDSHAKE, SaslHandshakeRequest(mechanism=mechanism)),
    )
    if handshake.error_code == ErrorCode.UNSUPPORTED_SASL_MECHANISM:
        offered = ", ".join(handshake.mechanisms) or "none"
        raise AuthenticationFailed(
            f"{connection.address} does not take sasl.mechanism {mechanism}; it offers {offered}"
        )
    if handshake.error_code == ErrorCode.ILLEGAL_SASL_STATE:
        raise AuthenticationFailed(
            f"{connection.address} wants no login: set security.protocol without SASL_ (PLAINTEXT or SSL)"
        )
    check(handshake.error_code, subject=f"login at {connection.address}")
    token: bytes | None = exchange.first()
    lifetime_ms = 0
    while token is not None:
        request = SaslAuthenticateRequest(auth_bytes=token)
        try:
            answer = cast("SaslAuthenticateResponse", await connection.request(ApiKey.SASL_AUTHENTICATE, request))
        except ConnectionFailed as error:
            raise AuthenticationFailed(f"{connection.address} closed the connection during the login") from error
        if answer.error_code:
            words = answer.error_message or "the user or the password is wrong"
            raise AuthenticationFailed(f"{connection.address} refused the login ({mechanism}): {words}")
        lifetime_ms = answer.session_lifetime_ms
        token = exchange.answer(answer.auth_bytes)
    if not exchange.done:
        raise AuthenticationFailed(f"{connection.address} ended the login ({mechanism}) too early")
    if lifetime_ms > 0:
        # Some time before, so that no request is under way when the broker closes it.
        connection.expires_at = asyncio.get_running_loop().time() + lifetime_ms * 0.85 / 1000


def _closed_hint(tls: ssl.SSLContext | None) -> str:
    if tls is None:
        return " (is it a Kafka listener, and without TLS? else set security.protocol)"
    return (
        " (is it a Kafka listener with TLS, and does it want a certificate of ours? "
        "see security.protocol and ssl.keystore.location)"
    )


def _ssl_reason(error: ssl.SSLError) -> str:
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if "wrong version number" in reason or "record layer failure" in reason:
        return "it does not speak TLS (set security.protocol to PLAINTEXT or SASL_PLAINTEXT?)"
    if "certificate required" in reason or "bad certificate" in reason:
        return f"it wants a certificate of ours ({reason}; see ssl.keystore.location)"
    return reason


def _os_reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (is the broker running, and is the port right?)"
    if error.errno is None:
        # asyncio's summary of several addresses (localhost: IPv6 and IPv4), each refused in its own way.
        return "nothing listens there (is the broker running, and is the port right?)"
    return os.strerror(error.errno).lower()
