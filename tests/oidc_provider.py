"""An OpenID Connect provider in a process of its own: `python tests/oidc_provider.py` prints its address.

It approves at once, checks what a strict provider checks (client, redirect address, PKCE, codes used once), and lies in
the ways that `POST /behaviour` asks for.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "whetstone-client", "canary-oidc-secret+/ 1"
KEY, FORGED = (rsa.generate_private_key(65537, 2048) for _ in range(2))
codes: dict[str, dict[str, str]] = {}
behaviour: dict[str, object] = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/.well-known/openid-configuration":
            self._send(200, self._metadata())
        elif path == "/jwks":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            keys = [public | {"kid": "one", "use": "sig", "alg": "RS256"}]
            self._send(200, {"keys": behaviour.get("keys", keys)})
        elif path == "/authorize":
            self._authorize({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
        else:
            self._send(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if self.path == "/behaviour":
            behaviour.clear()
            behaviour.update(json.loads(body))
            self._send(200, {})
        else:
            self._token({name: values[0] for name, values in parse_qs(body).items()})

    def _metadata(self) -> dict[str, object]:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        issuer = behaviour.get("discovered_issuer", self.issuer)
        return {"issuer": issuer} | {name: f"{self.issuer}/{path}" for name, path in names.items()}

    def _authorize(self, query: dict[str, str]) -> None:
        fits = query.get("client_id") == CLIENT and query.get("response_type") == "code"
        if not fits or query.get("code_challenge_method") != "S256" or "openid" not in query.get("scope", ""):
            self._send(400, {"error": "invalid_request"})
            return
        code = secrets.token_urlsafe()
        codes[code] = query
        answer = {"code": code, "state": query["state"]} | dict(behaviour.get("answer", {}))
        self.send_response(302)
        self.send_header("location", f"{query['redirect_uri']}?{urlencode(answer)}")
        self.send_header("content-length", "0")
        self.end_headers()

    def _token(self, form: dict[str, str]) -> None:
        asked = codes.pop(form.get("code", ""), None)
        scheme, _, pair = self.headers.get("authorization", "").partition(" ")
        given = (
            [unquote_plus(each) for each in base64.b64decode(pair).decode().split(":", 1)]
            if scheme == "Basic"
            else []
        )
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or given != [CLIENT, SECRET]
            or challenge != asked["code_challenge"]
            or form.get("redirect_uri") != asked["redirect_uri"]
        ):
            self._send(400, {"error": "invalid_grant"})
            return
        self._send(200, {"access_token": "unused", "token_type": "Bearer", "id_token": self._id_token(asked)})

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "person-1", "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "email": behaviour.get("email", ""), "email_verified": True,
        }  # fmt: skip
        claims |= dict(behaviour.get("claims", {}))
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm = str(behaviour.get("algorithm", "RS256"))
        key: object = FORGED if behaviour.get("forged") else KEY
        if algorithm == "none":
            key = None
        elif algorithm.startswith("HS"):
            key = SECRET.ljust(32, "x")
        return jwt.encode(claims, key, algorithm, headers={"kid": str(behaviour.get("kid", "one"))})

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)
