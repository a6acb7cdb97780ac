"""Secrets at rest: sealed under a master key that is kept outside the database."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER_KEY_FILE: Final = "master.key"
MASTER_KEY_VARIABLE: Final = "CLARION_MASTER_KEY"
KEY_BYTES: Final = 32

_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16


class VaultError(Exception):
    """The master key is missing, unsafe or wrong; the message is for the operator."""


class MasterKeyMissing(VaultError):
    """There is no master key, neither in the data directory nor in the variable."""


class Vault:
    """Seals and opens secrets, and derives keys, under one master key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        """Raises VaultError unless `key` has 32 bytes."""
        if len(key) != KEY_BYTES:
            raise VaultError(f"the master key has {len(key)} bytes — it needs exactly {KEY_BYTES}")
        self._key = key
        self._cipher = AESGCM(self.derive("seal"))

    def __repr__(self) -> str:
        return "Vault(…)"

    def seal(self, plaintext: bytes, purpose: str) -> bytes:
        """Encrypt under AES-256-GCM (NIST SP 800-38D): one byte of version, a random nonce of 12 bytes, ciphertext, tag of 16 bytes.

        `purpose` is authenticated with it: what was sealed for one purpose does not open for another.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plaintext, _associated(purpose))

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed for `purpose`. Raises VaultError if it was sealed by another key, for another purpose, or was changed since."""
        if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES:
            raise VaultError(f"the sealed {purpose} is in no format that this version knows — was it written by a newer Clarion?")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, _associated(purpose))
        except InvalidTag:
            raise VaultError(f"the sealed {purpose} does not open — use the master key that this database was made with") from None

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for `purpose`, always the same (HKDF-SHA256, RFC 5869).

        It tells nothing of the master key or of another purpose's.
        """
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=b"clarion", info=purpose.encode()).derive(self._key)

    def device_token_hash(self, site: int, endpoint: str) -> str:
        """The hash issued for a push subscription: 64 hexadecimal characters (HMAC-SHA256, RFC 2104), stable when it is registered again.

        Nobody without the master key can guess it from the endpoint, and two sites give two hashes.
        """
        return hmac.new(self.derive(f"device:{site}"), endpoint.encode(), hashlib.sha256).hexdigest()

    def receipt_key(self, site: int) -> bytes:
        """What a site's receipt tokens are made with (`clarion.receipt_tokens`)."""
        return self.derive(f"receipt:{site}")


def open_vault(data: Path, environ: Mapping[str, str]) -> Vault:
    """The vault of a data directory: under `CLARION_MASTER_KEY` (32 bytes in base64) if set, else under the file `master.key`.

    Raises MasterKeyMissing, and VaultError when the key is malformed or its file can be read by others.
    """
    given = environ.get(MASTER_KEY_VARIABLE)
    if given is not None:
        return Vault(_decode(given, MASTER_KEY_VARIABLE))
    path = data / MASTER_KEY_FILE
    return Vault(_decode(_read_private(path), str(path)))


def create_master_key(data: Path) -> Path:
    """Write a new random key to `master.key`, mode 0600, on disk for good when this returns. Raises VaultError if there is one already."""
    path = data / MASTER_KEY_FILE
    # Written whole under another name and then linked: a crash leaves either no key or all of it, and a key that exists is never replaced.
    draft = data / f".{MASTER_KEY_FILE}.{secrets.token_hex(8)}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(descriptor)
        os.link(draft, path)
        _sync_directory(data)
    except FileExistsError:
        raise VaultError(f"{path} exists already — it is never overwritten, for what it sealed would be lost") from None
    except OSError as error:
        raise VaultError(f"{path} cannot be written: {error.strerror} — check the directory's owner and mode") from None
    finally:
        draft.unlink(missing_ok=True)
    return path


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise VaultError(f"{path} can be read or written by others (mode {mode:04o}) — run: chmod 600 {path}")
            return file.read(1024).decode("ascii", "replace")
    except FileNotFoundError:
        raise MasterKeyMissing(f"there is no master key at {path} — restore it from a backup, or set {MASTER_KEY_VARIABLE}") from None
    except OSError as error:
        raise VaultError(f"{path} cannot be read: {error.strerror} — check its owner and mode") from None


def _decode(text: str, origin: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise VaultError(f"{origin} is not base64 — it needs {KEY_BYTES} random bytes, as from: openssl rand -base64 {KEY_BYTES}") from None
    if len(key) != KEY_BYTES:
        raise VaultError(f"{origin} holds {len(key)} bytes — it needs {KEY_BYTES}, as from: openssl rand -base64 {KEY_BYTES}")
    return key


def _associated(purpose: str) -> bytes:
    return _VERSION + purpose.encode()
