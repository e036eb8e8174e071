"""TLS: who is trusted, who we say that we are, and what people are told when it does not come about."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.client.fake import FakeBroker

from ottla.client import AuthenticationFailed, Client, ClientError, ConnectionFailed, SettingsError
from ottla.client.settings import ClientSettings
from ottla.client.tls import make_context

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, and a broker's and a client's certificate of it, in a folder."""
    folder = tmp_path_factory.mktemp("certificates")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(
        folder, "req", "-x509", *curve, "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA"
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("broker", "client"):
        _openssl(folder, "req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")
        (folder / f"{name}.pem").write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.crt").read_text())
    _openssl(folder, "ec", "-in", "client.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key")
    return folder


@contextlib.asynccontextmanager
async def _broker(certificates: Path, *, wants_certificate: bool = False) -> AsyncIterator[str]:
    """A fake broker with TLS, on localhost; its port after ``localhost:``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "broker.pem")
    if wants_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates / "ca.pem")
    broker = FakeBroker()
    # asyncio reports a handshake that a client breaks off; here it is meant to.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    await broker.start(context)
    try:
        yield broker.address
    finally:
        await broker.stop()


async def _connects(address: str, **settings: str) -> None:
    given = {"security.protocol": "SSL"} | {name.replace("_", "."): value for name, value in settings.items()}
    async with Client(address, given) as client:
        await client.connect()


async def test_a_broker_is_trusted_for_its_authority(certificates: Path) -> None:
    ca = certificates / "ca.pem"
    async with _broker(certificates) as address:
        await _connects(address, ssl_ca_location=str(ca))
        await _connects(address, ssl_truststore_location=str(ca), ssl_truststore_type="PEM")
        await _connects(address, ssl_truststore_certificates=ca.read_text())
        await _connects(address, ssl_truststore_certificates=" ".join(ca.read_text().split("\n")))
        await _connects(address, enable_ssl_certificate_verification="false")
        with pytest.raises(AuthenticationFailed, match=r"cannot trust 127.0.0.1:.*ssl.truststore.location"):
            await _connects(address)


async def test_the_name_must_be_the_certificates_unless_nobody_asks(certificates: Path) -> None:
    ca = str(certificates / "ca.pem")
    async with _broker(certificates) as address:
        other = address.replace("127.0.0.1", "127.0.0.2")
        with contextlib.suppress(ConnectionFailed):  # not every system has all of 127.0.0.0/8
            with pytest.raises(AuthenticationFailed, match=r"ssl.endpoint.identification.algorithm"):
                await _connects(other, ssl_ca_location=ca)
            await _connects(other, ssl_ca_location=ca, ssl_endpoint_identification_algorithm="")


async def test_a_broker_may_want_a_certificate_of_ours(certificates: Path) -> None:
    ca = str(certificates / "ca.pem")
    async with _broker(certificates, wants_certificate=True) as address:
        await _connects(address, ssl_ca_location=ca, ssl_keystore_location=str(certificates / "client.pem"))
        await _connects(
            address,
            ssl_ca_location=ca,
            ssl_certificate_location=str(certificates / "client.crt"),
            ssl_key_location=str(certificates / "client.key"),
        )
        await _connects(
            address,
            ssl_ca_location=ca,
            ssl_certificate_location=str(certificates / "client.crt"),
            ssl_key_location=str(certificates / "locked.key"),
            ssl_key_password="secret",
        )
        await _connects(
            address,
            ssl_ca_location=ca,
            ssl_keystore_key=" ".join((certificates / "client.key").read_text().split("\n")),
            ssl_keystore_certificate_chain=(certificates / "client.crt").read_text(),
        )
        # With TLS 1.3 the refusal comes behind the handshake, and sometimes not before the connection is gone.
        refused = r"want.? a certificate of ours.*ssl\.keystore\.location"
        with pytest.raises((AuthenticationFailed, ConnectionFailed), match=refused):
            await _connects(address, ssl_ca_location=ca)


async def test_who_does_not_speak_tls_is_told_apart(fake: FakeBroker, certificates: Path) -> None:
    async with _broker(certificates) as address:
        with pytest.raises(ClientError, match="is it a Kafka listener, and without TLS"):
            async with Client(address) as client:
                await client.connect()
    with pytest.raises(ClientError, match="TLS"):
        await _connects(fake.address, socket_connection_setup_timeout_ms="500")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"ssl.ca.location": "/nowhere/ca.pem"}, "ssl.ca.location: cannot read /nowhere/ca.pem: No such file"),
        ({"ssl.truststore.location": "/some/trust.jks"}, "is a Java keystore, PEM is needed"),
        ({"ssl.keystore.location": "/x", "ssl.keystore.type": "PKCS12"}, "is a Java keystore, PEM is needed"),
        ({"ssl.truststore.certificates": "nonsense"}, "ssl.truststore.certificates: its text holds no certificates"),
        ({"ssl.keystore.location": "CA"}, "ssl.keystore.location: no key with its certificate"),
        ({"ssl.certificate.location": "CLIENT", "ssl.key.location": "LOCKED"}, "needs another ssl.key.password"),
        ({"ssl.cipher.suites": "NONSENSE"}, "ssl.cipher.suites: OpenSSL knows none of NONSENSE"),
    ],
)
def test_files_that_will_not_do_are_said(certificates: Path, settings: dict[str, str], why: str) -> None:
    files = {"CA": "ca.pem", "CLIENT": "client.crt", "LOCKED": "locked.key"}
    given = {name: str(certificates / files[value]) if value in files else value for name, value in settings.items()}
    with pytest.raises(SettingsError, match=why):
        make_context(ClientSettings(given))


def test_the_systems_authorities_are_trusted_by_default() -> None:
    context = make_context(ClientSettings({"ssl.cipher.suites": "TLS_AES_256_GCM_SHA384,ECDHE-RSA-AES256-GCM-SHA384"}))
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
