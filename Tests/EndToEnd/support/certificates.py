"""Certificates for a run, made by the openssl command and good for two days."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


class Certificate:
    """For localhost and 127.0.0.1, and signed by itself: who trusts the file trusts this certificate alone."""

    def __init__(self, directory: Path, name: str, kind: str = "ec"):
        directory.mkdir(parents=True, exist_ok=True)
        self.file = directory / f"{name}.pem"
        self.key_file = directory / f"{name}.key"
        key = ["-newkey", "rsa:2048"] if kind == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        subprocess.run(
            ["openssl", "req", "-x509", *key, "-nodes", "-days", "2", "-subj", f"/CN={name}"]
            + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
            + ["-keyout", str(self.key_file), "-out", str(self.file)],
            check=True,
            capture_output=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {"TLS_CERT_FILE": str(self.file), "TLS_KEY_FILE": str(self.key_file)}

    @property
    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.file.read_text())

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))
