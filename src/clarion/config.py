"""Settings: defaults, then `clarion.toml` in the data directory, then `CLARION_…` variables, then the command's flags; the last wins."""

import difflib
import os
import re
import tomllib
import typing
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec
from msgspec import Meta

from clarion import faults
from clarion.clock import HOUR, SECOND
from clarion.domain.durations import parse_duration
from clarion.sizes import MIB, parse_size

FILE: Final = "clarion.toml"
VARIABLE_PREFIX: Final = "CLARION_"
DATABASE_FILE: Final = "clarion.db"
SQLITE: Final = "sqlite:///"
POSTGRESQL: Final = ("postgresql://", "postgres://")
OFF: Final = "off"
"""In place of a limit: there is none."""
FOREVER: Final = "forever"
"""In place of how long something is kept: it is never removed."""

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


Network = Annotated[str, Meta(max_length=43, pattern=r"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?\Z")]
"""An IP address, or a network with the length of its prefix."""
PublicUrl = Annotated[str, Meta(max_length=255, pattern=r"^(https?://[A-Za-z0-9.\-_\[\]:]+(/[A-Za-z0-9.\-_~/]*)?)?\Z")]
"""Where clients reach the server, or nothing."""


Role = Literal["api", "engine", "delivery"]
ROLES: Final[tuple[Role, ...]] = typing.get_args(Role)
"""What a process can do: take requests, run workflows, send what they want sent."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can set; `clarion.default.toml` says what each means."""

    data: Path
    """The data directory; set by `--data` or `CLARION_DATA` only, for the file lies in it."""
    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)] = ROLES
    database_url: str = f"{SQLITE}{DATABASE_FILE}"
    """Never shown: it may hold a password. `database_shown` may be."""
    database_connections: Annotated[int, Meta(ge=8, le=1_000)] = 13
    partitions: Annotated[int, Meta(ge=1, le=4_096)] = 64
    node_lease_seconds: Annotated[int, Meta(ge=1, le=60)] = 5
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    rate_limit_per_second: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    sdk_rate_per_app: Annotated[int, Meta(ge=0, le=1_000_000)] = 5_000
    sdk_rate_per_address: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    sdk_rate_per_subscriber: Annotated[int, Meta(ge=0, le=1_000_000)] = 20
    trusted_proxies: tuple[Network, ...] = ("127.0.0.1", "::1")
    public_url: PublicUrl = ""
    push_endpoint_hosts: tuple[HostPattern, ...] = ()
    dangerous_allow_private_targets: bool = False
    delivery_concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 512
    delivery_per_host: Annotated[int, Meta(ge=1, le=10_000)] = 32
    engine_batch: Annotated[int, Meta(ge=1, le=100_000)] = 1_024
    ingest_queue: Annotated[int, Meta(ge=1, le=10_000_000)] = 50_000
    max_lag: str = "1h"
    max_inbox: Annotated[int, Meta(ge=0, le=1_000_000_000_000)] = 5_000_000
    min_free_disk: str = "512MiB"
    max_database_size: str = OFF
    metrics_public: bool = False
    keep_events: str = "365d"
    keep_explanations: str = "30d"
    keep_deliveries: str = "90d"
    keep_runs: str = "90d"
    export_events: Literal["no", "ndjson", "parquet"] = "no"
    export_directory: Annotated[str, Meta(min_length=1, pattern=r"^[^\0]*\Z")] = "export"

    def __repr__(self) -> str:
        return f"Settings({str(self.data)!r}, …)"

    @property
    def is_shared(self) -> bool:
        """Whether `database_url` names PostgreSQL, where several processes can serve one database."""
        return self.database_url.startswith(POSTGRESQL)

    @property
    def database(self) -> Path | None:
        """The SQLite file that `database_url` names; a relative path starts at the data directory. None where it names PostgreSQL."""
        return None if self.is_shared else self.data / self.database_url.removeprefix(SQLITE)

    @property
    def database_shown(self) -> str:
        """Which database that is, without user, password and options: for messages."""
        return str(self.database) if self.database is not None else shown_url(self.database_url)

    @property
    def lag_allowed(self) -> int | None:
        """`max_lag` in microseconds; None for off."""
        return _LAG.read(self.max_lag)

    @property
    def free_disk_kept(self) -> int | None:
        """`min_free_disk` in bytes; None for off."""
        return _FREE.read(self.min_free_disk)

    @property
    def database_size_allowed(self) -> int | None:
        """`max_database_size` in bytes; None for off."""
        return _SIZE.read(self.max_database_size)

    def kept(self, kind: str) -> int | None:
        """How long `events`, `explanations`, `deliveries` or `runs` are kept, in microseconds; None: forever."""
        return _KEPT.read(str(getattr(self, f"keep_{kind}")))

    @property
    def exports(self) -> Path:
        """Where exported events go; a relative path starts at the data directory."""
        return self.data / self.export_directory


NAMES: Final = tuple(name for name in Settings.__struct_fields__ if name != "data")
"""Every setting that the file and the variables may name."""

_LISTS: Final = frozenset({"push_endpoint_hosts", "roles", "trusted_proxies"})
"""Settings that are lists; a variable has them with commas between."""

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
    if settings.export_events == "parquet" and find_spec("pyarrow") is None:
        raise ConfigError(
            "export_events = parquet needs pyarrow, which is not installed — run: pip install 'clarion[parquet]', or choose ndjson"
        )
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
        found[name] = [part.strip() for part in text.split(",") if part.strip()] if name in _LISTS else text.strip()
    return found


def _convert(origin: str, name: str, value: object, *, strict: bool) -> object:
    shown = VARIABLE_PREFIX + name.upper() if origin == "environment" else name
    if name not in NAMES:
        close = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.6)
        advice = f"did you mean {close[0]}?" if close else f"the settings are {', '.join(NAMES)}"
        raise ConfigError(f"{origin}: unknown setting {shown} — {advice}")
    if name == "database_url":
        return _database_url(origin, shown, value)
    if name == "roles":
        return _roles(origin, shown, value)
    if name in _LIMITS:
        return _limit(origin, shown, value, _LIMITS[name])
    try:
        converted: object = msgspec.convert(value, _TYPES[name], strict=strict)
    except msgspec.ValidationError as error:
        choices = typing.get_args(_TYPES[name]) if typing.get_origin(_TYPES[name]) is Literal else ()
        reason = f"expected one of {', '.join(choices)}" if choices else _lower(str(error))
        raise ConfigError(f"{origin}: {shown} = {_brief(value)} does not fit: {reason} — correct it there") from None
    if name == "trusted_proxies" and isinstance(converted, tuple):
        _check_networks(origin, shown, converted)
    return converted


def _check_networks(origin: str, shown: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise ConfigError(f"{origin}: {shown}: {network} is no IP address or network — write it as 10.0.0.1 or 10.0.0.0/8") from None


def _roles(origin: str, shown: str, value: object) -> tuple[Role, ...]:
    if isinstance(value, list | tuple) and value and all(role in ROLES for role in value):
        return tuple(role for role in ROLES if role in value)
    raise ConfigError(f"{origin}: {shown} = {_brief(value)} does not fit: expected some of {', '.join(ROLES)} — correct it there")


def _database_url(origin: str, shown: str, value: object) -> str:
    try:
        return read_database_url(value)
    except ValueError as error:
        raise ConfigError(f"{origin}: {shown} {error}") from None


def read_database_url(value: object) -> str:
    """A database's URL as it was given. Raises ValueError with what is wrong, which shows nothing of it: it may hold a password."""
    if isinstance(value, str) and "\0" not in value:
        if value.startswith(SQLITE) and value.removeprefix(SQLITE):
            return value
        if value.startswith(POSTGRESQL):
            _check_postgresql(value)
            return value
    raise ValueError(
        f"is no database that this version knows — write it as {SQLITE}{DATABASE_FILE} or postgresql://USER:PASSWORD@HOST/DATABASE"
    )


def _check_postgresql(url: str) -> None:
    advice = "write it as postgresql://USER:PASSWORD@HOST/DATABASE, with %XX for what is no letter or digit of user and password"
    try:
        parts = urlsplit(url)
        for host in parts.netloc.rpartition("@")[2].split(","):  # a primary and its standbys
            _ = urlsplit(f"//{host}").port
    except ValueError:
        raise ValueError(f"is no URL: its host or port cannot be read — {advice}") from None
    if parts.fragment:
        raise ValueError(f"is no URL: there is a # in it — {advice}")
    if not unquote(parts.path).strip("/"):
        raise ValueError(f"names a server but no database — {advice}")


def shown_url(url: str) -> str:
    """Which PostgreSQL database a URL names, without user, password and options."""
    parts: SplitResult = urlsplit(url)
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


class _Limit(NamedTuple):
    """A limit that is a text, and that there may be none of."""

    parse: Callable[[str], int]
    """Raises ValueError."""
    least: int
    too_small: str
    """What is wrong with one below `least`."""
    example: str
    none: str = OFF
    """What says that there is no limit."""

    def read(self, text: str) -> int | None:
        """The limit; None where there is none. Raises ValueError with what is wrong."""
        if text == self.none:
            return None
        limit = self.parse(text)
        if limit < self.least:
            raise ValueError(self.too_small)
        return limit


# What is forgotten sooner than an hour after could be gone before anybody asks; how far the engine lags is looked at once a second.
_LAG: Final = _Limit(parse_duration, SECOND, "is shorter than 1s", "1h")
_KEPT: Final = _Limit(parse_duration, HOUR, "is shorter than 1h", "30d", FOREVER)
_FREE: Final = _Limit(parse_size, MIB, "is smaller than 1MiB", "512MiB")
_SIZE: Final = _FREE._replace(example="100GiB")

_LIMITS: Final = {
    "max_lag": _LAG,
    "min_free_disk": _FREE,
    "max_database_size": _SIZE,
    **dict.fromkeys(("keep_events", "keep_explanations", "keep_deliveries", "keep_runs"), _KEPT),
}


def _limit(origin: str, shown: str, value: object, limit: _Limit) -> str:
    reason = f"expected a text such as {limit.example}, or {limit.none}"
    if isinstance(value, str):
        try:
            limit.read(value)
        except ValueError as error:
            reason = f"it {error}"
        else:
            return value
    raise ConfigError(f"{origin}: {shown} = {_brief(value)} does not fit: {reason} — correct it there")


def _brief(value: object) -> str:
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 60 else text[:57] + "…"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
