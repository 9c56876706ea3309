"""Certificates: that of a server, checked before it is used, and those that its clients trust."""

from __future__ import annotations

import ssl
from functools import partial
from pathlib import Path

from harness.failures import HarnessFailure

MAKE_ONE = "pip install trustme && python -m trustme   # writes server.pem, server.key, and client.pem to trust them"


def default_trust() -> ssl.SSLContext:
    """What a client of a server trusts: the authorities in the file `SSL_CERT_FILE`, or else those of the system."""
    return ssl.create_default_context()


def speaks_tls(cert: str | Path | None, key: str | Path | None) -> bool:
    """Whether the server speaks TLS: it has a certificate, and can use it without asking for a passphrase.

    Args:
        cert: the certificate, and those between it and its authority, as PEM.
        key: the private key, as PEM; None if it is in the file of the certificate.

    Raises:
        HarnessFailure: a file cannot be read, the two do not belong together, the key is encrypted, or it has no
            certificate.
    """
    if cert is None and key is not None:
        raise HarnessFailure(f"The private key {key} needs its certificate.", do="tls_cert=…   # or --tls-cert …")
    if cert is None:
        return False
    for path in (cert, key or cert):
        _check_readable(Path(path))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, partial(_refuse_encrypted, key or cert))
    except ssl.SSLError as error:
        what = f"{cert} and {key} are no certificate and its" if key else f"{cert} is no certificate with its"
        raise HarnessFailure(f"{what} private key, as PEM.", there_was=str(error), do=MAKE_ONE) from error
    return True


def _check_readable(path: Path) -> None:
    """`load_cert_chain` does not say which of its files cannot be read."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise HarnessFailure(f"{path} cannot be read: {error.strerror}.", do=MAKE_ONE) from error


def _refuse_encrypted(key: str | Path) -> str:
    raise HarnessFailure(f"The private key in {key} is encrypted.", do=f"openssl pkey -in {key} -out server.key")
