"""Checks of the data directory and of what the machine allows."""

import os
import resource
import shutil
from collections.abc import Mapping
from typing import Final

from clarion.cli.checks.finding import Finding
from clarion.config import Settings
from clarion.vault import MASTER_KEY_FILE, MASTER_KEY_VARIABLE, open_vault

MIB: Final = 1024 * 1024
LEAST_DISK: Final = 256 * MIB
LOW_DISK: Final = 2048 * MIB
LEAST_FILES: Final = 1024
FEW_FILES: Final = 8192


def directory(settings: Settings) -> Finding:
    """The data directory is there, is ours to write, and nobody else's."""
    data = settings.data
    if not data.is_dir():
        return Finding("directory", "failed", f"{data} is no directory", "run: clarion init")
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return Finding("directory", "failed", f"{data} cannot be written by this user", f"run as its owner, or: chown -R USER {data}")
    mode = data.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding("directory", "failed", f"{data} is open to others (mode {mode:04o})", f"run: chmod 700 {data}")
    return Finding("directory", "ok", f"{data} is private (mode {mode:04o})")


def master_key(settings: Settings, environ: Mapping[str, str]) -> Finding:
    """There is a master key, well-formed and private."""
    open_vault(settings.data, environ)
    origin = MASTER_KEY_VARIABLE if MASTER_KEY_VARIABLE in environ else str(settings.data / MASTER_KEY_FILE)
    return Finding("master key", "ok", f"{origin} holds a key")


def disk(settings: Settings) -> Finding:
    """There is room for the database to grow."""
    place = settings.data if settings.database is None else settings.database.parent
    if not place.is_dir():
        return Finding("disk", "failed", f"{place} is no directory", "make it, or correct database_url")
    free = shutil.disk_usage(place).free
    detail = f"{free // MIB} MiB are free at {place}"
    if settings.is_shared:
        return Finding("disk", "ok", f"{detail}; the database's disk is its server's to watch")
    if free < LEAST_DISK:
        return Finding("disk", "failed", detail, "make room, or move the data directory to a larger disk")
    if free < LOW_DISK:
        return Finding("disk", "warning", detail, "make room soon")
    return Finding("disk", "ok", detail)


def open_files() -> Finding:
    """The process may hold enough connections open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    detail = f"a process may open {'any number of' if soft == resource.RLIM_INFINITY else soft} files and connections"
    if soft == resource.RLIM_INFINITY or soft >= FEW_FILES:
        return Finding("open files", "ok", detail)
    advice = f"raise the limit: ulimit -n {FEW_FILES} (LimitNOFILE= in a systemd unit)"
    if hard != resource.RLIM_INFINITY and hard < FEW_FILES:
        advice += f"; the hard limit is {hard}"
    return Finding("open files", "failed" if soft < LEAST_FILES else "warning", detail, advice)
