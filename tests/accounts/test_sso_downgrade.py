"""A single sign-on provider behind TLS that sends browsers, codes or secrets where there is none."""

import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.accounts import single_sign_on
from app.accounts.single_sign_on import Refusal, SignInRefused
from app.core import clock
from app.core.settings import get_settings

ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def _certificate(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = clock.now()
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(host, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@contextmanager
def _provider(folder: Path, plain: str | None) -> Iterator[str]:
    """A provider's https address; `plain` is the address of its own that it gives without TLS."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            here = f"https://127.0.0.1:{server.server_port}"
            said = {"issuer": here} | {each: f"{here}/{each}" for each in ADDRESSES}
            if plain:
                said[plain] = said[plain].replace("https://", "http://")
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = _certificate(folder).wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("plain", [None, *ADDRESSES])
def test_a_provider_with_tls_leads_nowhere_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: str | None
) -> None:
    with _provider(tmp_path, plain) as issuer, httpx2.Client(verify=False, trust_env=False) as client:
        monkeypatch.setenv("WHETSTONE_OIDC_ISSUER", issuer)
        get_settings.cache_clear()
        try:
            if plain is None:
                assert single_sign_on._discover(client).token == f"{issuer}/token_endpoint"
                return
            with pytest.raises(SignInRefused) as refused:
                single_sign_on._discover(client)
            assert refused.value.refusal is Refusal.REFUSED
        finally:
            monkeypatch.undo()
            get_settings.cache_clear()
