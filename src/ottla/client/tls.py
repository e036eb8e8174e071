"""TLS on the client's side: certificates in PEM, from the settings of Kafka's clients or of librdkafka.

- Trust: ``ssl.truststore.location`` or ``ssl.ca.location`` (a PEM file), ``ssl.truststore.certificates`` (the text
  itself), else the system's.
- A certificate of our own: ``ssl.keystore.location`` (a PEM file with key and chain), or ``ssl.keystore.key`` and
  ``ssl.keystore.certificate.chain`` (the texts), or ``ssl.certificate.location`` and ``ssl.key.location``.

Java's own keystores (JKS, PKCS12) are refused with the command that converts them.
"""

import os
import re
import ssl
import tempfile

from .errors import SettingsError
from .settings import ClientSettings


def make_context(settings: ClientSettings) -> ssl.SSLContext:
    """Return the context for ``security.protocol`` SSL and SASL_SSL; SettingsError for a file that does not do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = settings.text("ssl.endpoint.identification.algorithm") == "https"
    if not settings.switch("enable.ssl.certificate.verification"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if ciphers := settings.text("ssl.cipher.suites"):
        # TLS 1.3's suites are not chosen this way; OpenSSL keeps them all.
        names = [name.strip() for name in ciphers.split(",") if not name.strip().startswith("TLS_")]
        if names:
            try:
                context.set_ciphers(":".join(names))
            except ssl.SSLError as error:
                raise SettingsError(f"ssl.cipher.suites: OpenSSL knows none of {', '.join(names)}") from error
    _trust(context, settings)
    _own_certificate(context, settings)
    return context


def _trust(context: ssl.SSLContext, settings: ClientSettings) -> None:
    text = settings.text("ssl.truststore.certificates")
    name = "ssl.truststore.location" if settings.is_set("ssl.truststore.location") else "ssl.ca.location"
    path = settings.text(name)
    try:
        if text:
            name = "ssl.truststore.certificates"
            context.load_verify_locations(cadata=_with_line_breaks(text))
        elif path:
            _refuse_java_store("ssl.truststore", path, settings)
            if os.path.isdir(path):  # noqa: PTH112  # pathlib would cost a start-up its import
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
        else:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(f"{name}: {path or 'its text'} holds no certificates in PEM form") from error
    except OSError as error:
        raise SettingsError(f"{name}: cannot read {path}: {error.strerror}") from error


def _own_certificate(context: ssl.SSLContext, settings: ClientSettings) -> None:
    password = settings.text("ssl.key.password") or settings.text("ssl.keystore.password") or None
    if settings.is_set("ssl.keystore.location"):
        path = settings.text("ssl.keystore.location")
        _refuse_java_store("ssl.keystore", path, settings)
        _load_chain(context, "ssl.keystore.location", path, None, password)
    elif settings.is_set("ssl.certificate.location"):
        key_path = settings.text("ssl.key.location") or None
        _load_chain(context, "ssl.certificate.location", settings.text("ssl.certificate.location"), key_path, password)
    elif settings.is_set("ssl.keystore.key"):
        # OpenSSL reads keys from files only: one that nobody else can read, for as long as it takes.
        texts = (settings.text("ssl.keystore.key"), settings.text("ssl.keystore.certificate.chain"))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write("\n".join(_with_line_breaks(text) for text in texts))
            file.flush()
            _load_chain(context, "ssl.keystore.key", file.name, None, password)


def _load_chain(context: ssl.SSLContext, name: str, path: str, key_path: str | None, password: str | None) -> None:
    try:
        # The password is never asked for at the terminal: a missing one is an error.
        context.load_cert_chain(path, key_path, password=password or "")
    except ssl.SSLError as error:
        why = "its key needs another ssl.key.password" if _is_encrypted(key_path or path) else str(error)
        raise SettingsError(f"{name}: no key with its certificate in PEM form ({why})") from error
    except OSError as error:
        raise SettingsError(f"{name}: cannot read {key_path or path}: {error.strerror}") from error


def _is_encrypted(path: str) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123  # pathlib would cost a start-up its import
        return b"ENCRYPTED" in file.read()


def _refuse_java_store(prefix: str, path: str, settings: ClientSettings) -> None:
    kind = settings.text(f"{prefix}.type").upper()
    if (settings.is_set(f"{prefix}.type") and kind != "PEM") or path.endswith((".jks", ".p12", ".pfx")):
        raise SettingsError(
            f"{prefix}.location: {path} is a Java keystore, PEM is needed; "
            f"keytool -importkeystore makes PKCS12 of it, openssl pkcs12 -in FILE.p12 -out FILE.pem makes PEM"
        )


def _with_line_breaks(text: str) -> str:
    """Return PEM text that stood on one line of a properties file with its lines again."""
    blocks = []
    for kind, body in re.findall(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", text, re.DOTALL):
        packed = "".join(body.split())
        lines = [packed[start : start + 64] for start in range(0, len(packed), 64)]
        blocks.append("\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""]))
    return "".join(blocks)
