"""The browser SDK's files as they are served: versioned by their content, compressed once, with what a page needs to pin them."""

import gzip
import hashlib
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

NAMES: Final = ("clarion.js", "service-worker.js")
MANIFEST: Final = "manifest.json"
VERSION_DIGITS: Final = 16


class SdkFile(NamedTuple):
    """One file in both forms."""

    content: bytes
    gzipped: bytes
    """The same for the same content: no time is written into it."""
    media_type: str
    tag: str
    """Of an entity tag (RFC 9110 §8.8.3), without its quotes."""


class SdkFiles(NamedTuple):
    """All files of one version."""

    version: str
    """The first 16 hexadecimal digits of SHA-256 over the scripts."""
    files: Mapping[str, SdkFile]
    """By name: the scripts, and the manifest that names them."""


class _Entry(msgspec.Struct):
    """What the manifest says of a script."""

    path: str
    integrity: str
    """Subresource Integrity metadata: what the attribute `integrity` takes."""
    bytes: int
    gzipped: int


def read_sdk(directory: Path) -> SdkFiles | None:
    """The files that the build has put into a directory; None where it has not. Raises OSError for what is there and cannot be read."""
    try:
        return assemble({name: (directory / name).read_bytes() for name in NAMES})
    except FileNotFoundError:
        return None


def assemble(scripts: Mapping[str, bytes]) -> SdkFiles:
    """What is served for scripts of these names and contents."""
    digest = hashlib.sha256()
    for name, content in sorted(scripts.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    version = digest.hexdigest()[:VERSION_DIGITS]
    files = {name: _file(content, "text/javascript; charset=utf-8") for name, content in scripts.items()}
    entries = {
        name: _Entry(f"/sdk/{version}/{name}", _integrity(file.content), len(file.content), len(file.gzipped))
        for name, file in files.items()
    }
    manifest = msgspec.json.encode({"version": version, "files": entries})
    return SdkFiles(version, {**files, MANIFEST: _file(manifest, "application/json")})


def _file(content: bytes, media_type: str) -> SdkFile:
    return SdkFile(content, gzip.compress(content, mtime=0), media_type, hashlib.sha256(content).hexdigest()[:32])


def _integrity(content: bytes) -> str:
    return "sha384-" + b64encode(hashlib.sha384(content).digest()).decode()
