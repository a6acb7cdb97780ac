"""Settings: defaults, then `clarion.toml` in the data directory, then `CLARION_…` variables, then the command's flags; the last wins."""

import difflib
import os
import re
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from clarion import faults
from clarion.clock import HOUR
from clarion.domain.durations import parse_duration

FILE: Final = "clarion.toml"
VARIABLE_PREFIX: Final = "CLARION_"
DATABASE_FILE: Final = "clarion.db"
SHORTEST_KEPT: Final = HOUR
"""What is forgotten sooner could be gone before anybody asks."""

OTHER_VARIABLES: Final = frozenset(
    {
        "CLARION_DATA",
        "CLARION_MASTER_KEY",
        "CLARION_API_KEY",
        "CLARION_DEBUG",
        "CLARION_FAULT",
        # For clients and receivers, such as those among the examples: they may stand in the same environment.
        "CLARION_URL",
        "CLARION_WEBHOOK_SECRET",
    }
)
"""Variables that are no settings: they are read elsewhere."""

# Kubernetes sets these for a service that is called `clarion`.
_FROM_KUBERNETES = re.compile(r"CLARION_(?:\w+_)?(?:SERVICE_(?:HOST|PORT)\w*|PORT_\d+_\w+)")


class ConfigError(Exception):
    """A setting is unknown or has a value that it cannot have; the message is for the operator."""


HostPattern = Annotated[str, Meta(max_length=253, pattern=r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")]
"""A host, or `*.` and a domain for every host below it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can set; `clarion.default.toml` says what each means."""

    data: Path
    """The data directory; set by `--data` or `CLARION_DATA` only, for the file lies in it."""
    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    database_url: str = f"sqlite:///{DATABASE_FILE}"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    rate_limit_per_second: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    push_endpoint_hosts: tuple[HostPattern, ...] = ()
    dangerous_allow_private_targets: bool = False
    delivery_concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 512
    delivery_per_host: Annotated[int, Meta(ge=1, le=10_000)] = 32
    engine_batch: Annotated[int, Meta(ge=1, le=100_000)] = 1_024
    ingest_queue: Annotated[int, Meta(ge=1, le=10_000_000)] = 50_000
    keep_explanations: str = "30d"

    @property
    def database(self) -> Path:
        """The SQLite file that `database_url` names; a relative path starts at the data directory."""
        return self.data / self.database_url.removeprefix("sqlite:///")

    @property
    def explanations_kept(self) -> int:
        """`keep_explanations` in microseconds."""
        return parse_duration(self.keep_explanations)


NAMES: Final = tuple(name for name in Settings.__struct_fields__ if name != "data")
"""Every setting that the file and the variables may name."""

_TYPES: Final = {field.name: field.type for field in msgspec.structs.fields(Settings)}


def default_file() -> str:
    """Text of the annotated default file: every setting, commented out, with its default."""
    return (Path(__file__).parent / "clarion.default.toml").read_text(encoding="utf-8")


def data_directory(given: Path | None, environ: Mapping[str, str]) -> Path:
    """The data directory: `given` if any, else `CLARION_DATA`, else `./data`."""
    return given if given is not None else Path(environ.get("CLARION_DATA") or "data")


def load_settings(data: Path, environ: Mapping[str, str] = os.environ, flags: Mapping[str, object] | None = None) -> Settings:
    """The settings of a data directory. A flag that is None was not given.

    Raises ConfigError, with the place of the setting, for one that is unknown, of the wrong type or out of range,
    and for a `CLARION_FAULT` that names no fault point: a crash test must not pass because nothing crashed.
    """
    try:
        faults.read_fault(environ.get(faults.VARIABLE, ""))
    except ValueError as error:
        raise ConfigError(f"environment: {faults.VARIABLE} {error}") from None
    values: dict[str, Any] = {}
    for origin, layer, strict in (
        (str(data / FILE), _read_file(data / FILE), True),
        ("environment", _read_variables(environ), False),
        ("command line", {name: value for name, value in (flags or {}).items() if value is not None}, True),
    ):
        for name, value in layer.items():
            values[name] = _convert(origin, name, value, strict=strict)
    settings = Settings(data=data, **values)
    if settings.delivery_per_host > settings.delivery_concurrency:
        both = f"delivery_per_host ({settings.delivery_per_host}) is above delivery_concurrency ({settings.delivery_concurrency})"
        raise ConfigError(f"{both} — one host cannot have more than there is")
    return settings


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error} — fix it there") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror} — check its owner and mode") from None


def _read_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(VARIABLE_PREFIX) or variable in OTHER_VARIABLES or _FROM_KUBERNETES.fullmatch(variable):
            continue
        if variable == "CLARION_PORT" and text.startswith("tcp://"):
            continue  # Kubernetes again: this one has the name of a setting
        name = variable.removeprefix(VARIABLE_PREFIX).lower()
        if variable != variable.upper():
            raise ConfigError(f"environment: unknown variable {variable} — write it in capitals")
        found[name] = [part.strip() for part in text.split(",") if part.strip()] if name == "push_endpoint_hosts" else text.strip()
    return found


def _convert(origin: str, name: str, value: object, *, strict: bool) -> object:
    shown = VARIABLE_PREFIX + name.upper() if origin == "environment" else name
    if name not in NAMES:
        close = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.6)
        advice = f"did you mean {close[0]}?" if close else f"the settings are {', '.join(NAMES)}"
        raise ConfigError(f"{origin}: unknown setting {shown} — {advice}")
    if name == "database_url":
        return _database_url(origin, shown, value)
    if name == "keep_explanations":
        return _duration(origin, shown, value)
    try:
        return msgspec.convert(value, _TYPES[name], strict=strict)
    except msgspec.ValidationError as error:
        choices = typing.get_args(_TYPES[name]) if typing.get_origin(_TYPES[name]) is Literal else ()
        reason = f"expected one of {', '.join(choices)}" if choices else _lower(str(error))
        raise ConfigError(f"{origin}: {shown} = {_brief(value)} does not fit: {reason} — correct it there") from None


def _database_url(origin: str, shown: str, value: object) -> str:
    # The value is never shown: it may hold a password.
    if isinstance(value, str):
        if value.startswith(("postgresql:", "postgres:")):
            raise ConfigError(
                f"{origin}: {shown} names PostgreSQL, but this version keeps to SQLite — leave it out or use sqlite:///{DATABASE_FILE}"
            )
        if value.startswith("sqlite:///") and value.removeprefix("sqlite:///") and "\0" not in value:
            return value
    raise ConfigError(f"{origin}: {shown} is no database that this version knows — write it as sqlite:///{DATABASE_FILE}")


def _duration(origin: str, shown: str, value: object) -> str:
    reason = "expected a text such as 30d"
    if isinstance(value, str):
        try:
            if parse_duration(value) >= SHORTEST_KEPT:
                return value
            reason = "it is shorter than 1h"
        except ValueError as error:
            reason = f"it {error}"
    raise ConfigError(f"{origin}: {shown} = {_brief(value)} does not fit: {reason} — correct it there")


def _brief(value: object) -> str:
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 60 else text[:57] + "…"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
