"""Settings: where they come from, which wins, what is refused; and the annotated default file."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from clarion.config import NAMES, ConfigError, Settings, data_directory, default_file, load_settings
from clarion.faults import POINTS

# A value of each setting other than its default, as the file has it and as a variable has it.
OTHER: Mapping[str, tuple[object, str]] = {
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": (9000, "9000"),
    "roles": (["engine", "delivery"], "engine, delivery"),
    "database_url": ("sqlite:////var/lib/other.db", "sqlite:////var/lib/other.db"),
    "database_connections": (30, "30"),
    "partitions": (16, "16"),
    "node_lease_seconds": (60, "60"),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
    "rate_limit_per_second": (50, "50"),
    "sdk_rate_per_app": (0, "0"),
    "sdk_rate_per_address": (7, "7"),
    "sdk_rate_per_subscriber": (1, "1"),
    "trusted_proxies": (["10.0.0.0/8", "2001:db8::1"], "10.0.0.0/8, 2001:db8::1"),
    "public_url": ("https://push.shop.example:8443/a", "https://push.shop.example:8443/a"),
    "push_endpoint_hosts": (["a.example", "*.b.example"], "a.example, *.b.example"),
    "dangerous_allow_private_targets": (True, "true"),
    "delivery_concurrency": (77, "77"),
    "delivery_per_host": (3, "3"),
    "engine_batch": (10, "10"),
    "ingest_queue": (99, "99"),
    "max_lag": ("90s", "90s"),
    "max_inbox": (0, "0"),
    "min_free_disk": ("2GiB", "2GiB"),
    "max_database_size": ("100GiB", "100GiB"),
    "metrics_public": (True, "true"),
    "keep_events": ("2w", "2w"),
    "keep_explanations": ("1d12h", "1d12h"),
    "keep_deliveries": ("1h", "1h"),
    "keep_runs": ("forever", "forever"),
    "export_events": ("parquet", "parquet"),
    "export_directory": ("/var/lib/export", "/var/lib/export"),
}


def write(data: Path, text: str) -> Path:
    (data / "clarion.toml").write_text(text, encoding="utf-8")
    return data


def shown(value: object) -> str:
    return msgspec.json.encode(value).decode()


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.database == tmp_path / "clarion.db"
    assert settings.rate_limit_per_second == 0
    assert settings.dangerous_allow_private_targets is False
    assert settings == Settings(data=tmp_path)


@pytest.mark.parametrize("kind", ["events", "explanations", "deliveries", "runs"])
@pytest.mark.parametrize(("text", "kept"), [("1h", 3_600_000_000), ("30d", 30 * 86_400_000_000), ("forever", None)])
def test_how_long_things_are_kept_is_read(kind: str, tmp_path: Path, text: str, kept: int | None) -> None:
    assert load_settings(tmp_path, {f"CLARION_KEEP_{kind.upper()}": text}).kept(kind) == kept


def test_how_long_things_are_kept_by_default(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    days = {kind: (settings.kept(kind) or 0) // 86_400_000_000 for kind in ("events", "explanations", "deliveries", "runs")}
    assert days == {"events": 365, "explanations": 30, "deliveries": 90, "runs": 90}


@pytest.mark.parametrize(("given", "place"), [("export", "{data}/export"), ("a/b", "{data}/a/b"), ("/var/x", "/var/x")])
def test_where_exports_go(given: str, place: str, tmp_path: Path) -> None:
    assert str(load_settings(tmp_path, {"CLARION_EXPORT_DIRECTORY": given}).exports) == place.format(data=tmp_path)


def test_parquet_without_its_library_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clarion.config.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"export_events = parquet needs pyarrow.*pip install 'clarion\[parquet\]', or choose ndjson"):
        load_settings(tmp_path, {"CLARION_EXPORT_EVENTS": "parquet"})
    assert load_settings(tmp_path, {"CLARION_EXPORT_EVENTS": "ndjson"}).export_events == "ndjson"


def test_the_examples_above_cover_every_setting() -> None:
    assert set(OTHER) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_file_sets_it(tmp_path: Path, name: str) -> None:
    value = OTHER[name][0]
    settings = load_settings(write(tmp_path, f"{name} = {shown(value)}\n"), {})
    assert getattr(settings, name) == (tuple(value) if isinstance(value, list) else value)
    assert settings != Settings(data=tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_wins_over_the_file(tmp_path: Path, name: str) -> None:
    default = getattr(Settings(data=tmp_path), name)
    value, text = OTHER[name]
    settings = load_settings(write(tmp_path, f"{name} = {shown(default)}\n"), {f"CLARION_{name.upper()}": text})
    assert getattr(settings, name) == (tuple(value) if isinstance(value, list) else value)


def test_a_flag_wins_over_a_variable_and_none_is_no_flag(tmp_path: Path) -> None:
    environ = {"CLARION_HOST": "10.0.0.1", "CLARION_PORT": "1"}
    settings = load_settings(tmp_path, environ, {"host": "10.0.0.2", "port": None})
    assert (settings.host, settings.port) == ("10.0.0.2", 1)


def test_the_default_file_names_every_setting_with_its_default_and_no_other(tmp_path: Path) -> None:
    commented = re.findall(r"^# ([a-z_]+ = .*)$", default_file(), re.MULTILINE)
    values = tomllib.loads("\n".join(commented))
    assert set(values) == set(NAMES)
    assert len(commented) == len(NAMES)
    assert load_settings(write(tmp_path, "\n".join(commented)), {}) == Settings(data=tmp_path)


def test_the_default_file_sets_nothing_as_it_stands() -> None:
    assert tomllib.loads(default_file()) == {}


def test_every_setting_is_explained_above_its_line() -> None:
    lines = default_file().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"# [a-z_]+ = ", line):
            assert re.match(r"# [A-Za-z\"]", lines[number - 1]), line


def test_dangerous_switches_say_so() -> None:
    switches = [name for name in NAMES if "private" in name or "insecure" in name]
    assert switches == ["dangerous_allow_private_targets"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", r"clarion\.toml: unknown setting prot — did you mean port\?"),
        ("delivery_concurency = 1", r"unknown setting delivery_concurency — did you mean delivery_concurrency\?"),
        ("zzz = 1", r"unknown setting zzz — the settings are host, port, "),
        ("data = '/x'", r"unknown setting data — "),
        ("[server]\nport = 1", r"unknown setting server — "),
        ("port = '80'", r'port = "80" does not fit: expected `int`, got `str` — correct it there'),
        ("port = 80.5", r"port = 80\.5 does not fit: expected `int`, got `float`"),
        ("port = true", r"port = true does not fit: expected `int`, got `bool`"),
        ("port = -1", r"port = -1 does not fit: expected `int` >= 0"),
        ("port = 65536", r"port = 65536 does not fit: expected `int` <= 65535"),
        ("host = ''", r"does not fit: expected `str` of length >= 1"),
        ("roles = ['cook']", r'roles = \["cook"\] does not fit: expected some of api, engine, delivery — correct it there'),
        ("roles = []", r"roles = \[\] does not fit: expected some of api, engine, delivery"),
        ("roles = 'api'", r'roles = "api" does not fit: expected some of api, engine, delivery'),
        ("log_level = 'loud'", r"log_level = \"loud\" does not fit: expected one of debug, info, warning, error"),
        ("trusted_proxies = ['proxy.example']", r"does not fit: expected `str` matching regex"),
        ("trusted_proxies = ['1.2.3']", r"trusted_proxies: 1\.2\.3 is no IP address or network"),
        ("trusted_proxies = ['10.0.0.0/33']", r"trusted_proxies: 10\.0\.0\.0/33 is no IP address or network"),
        ("public_url = 'push.shop.example'", r"does not fit: expected `str` matching regex"),
        ("public_url = 'javascript:alert(1)'", r"does not fit: expected `str` matching regex"),
        ("sdk_rate_per_app = -1", r"does not fit: expected `int` >= 0"),
        ("push_endpoint_hosts = 'a'", r"does not fit: expected `array`, got `str`"),
        ("push_endpoint_hosts = [1]", r"does not fit: expected `str`, got `int` - at `\$\[0\]`"),
        ("push_endpoint_hosts = ['https://a.example']", r"does not fit: expected `str` matching regex"),
        ("push_endpoint_hosts = ['a.*.example']", r"does not fit: expected `str` matching regex"),
        ("push_endpoint_hosts = ['']", r"does not fit: expected `str` matching regex"),
        ("dangerous_allow_private_targets = 1", r"expected `bool`, got `int`"),
        ("delivery_concurrency = 0", r"expected `int` >= 1"),
        ("keep_explanations = '59m'", r'keep_explanations = "59m" does not fit: it is shorter than 1h — correct it there'),
        ("keep_explanations = '30 days'", r'keep_explanations = "30 days" does not fit: it is no duration: write whole numbers'),
        ("keep_explanations = 30", r"keep_explanations = 30 does not fit: expected a text such as 30d, or forever"),
        ("keep_events = '3599s'", r'keep_events = "3599s" does not fit: it is shorter than 1h'),
        ("keep_deliveries = 'off'", r'keep_deliveries = "off" does not fit: it is no duration'),
        ("keep_runs = '3661d'", r'keep_runs = "3661d" does not fit: it is longer than 3660d'),
        ("export_events = 'csv'", r'export_events = "csv" does not fit: expected one of no, ndjson, parquet'),
        ("export_directory = ''", r"does not fit: expected `str` of length >= 1"),
        ("max_lag = '999ms'", r'max_lag = "999ms" does not fit: it is shorter than 1s — correct it there'),
        ("max_lag = 'never'", r'max_lag = "never" does not fit: it is no duration: '),
        ("max_lag = 60", r"max_lag = 60 does not fit: expected a text such as 1h, or off"),
        ("max_inbox = -1", r"max_inbox = -1 does not fit: expected `int` >= 0"),
        ("min_free_disk = '1023KiB'", r'min_free_disk = "1023KiB" does not fit: it is smaller than 1MiB'),
        ("min_free_disk = '512MB'", r'min_free_disk = "512MB" does not fit: it is no size: write a whole number with B, KiB, '),
        ("max_database_size = 1", r"max_database_size = 1 does not fit: expected a text such as 100GiB, or off"),
        ("port = 1979-05-27", r'port = "1979-05-27" does not fit'),
        ("port = \nhost = 1", r"is not TOML: .*line 1, column 8"),
        ("port = 1\nport = 2", r"is not TOML: "),
    ],
)
def test_the_file_is_refused_with_place_and_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        load_settings(write(tmp_path, text), {})
    assert str(refused.value).startswith(str(tmp_path / "clarion.toml"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("CLARION_PROT", "1", r"environment: unknown setting CLARION_PROT — did you mean port\?"),
        ("CLARION_port", "1", r"unknown variable CLARION_port — write it in capitals"),
        ("CLARION_PORT", "80x", r'CLARION_PORT = "80x" does not fit: expected `int`'),
        ("CLARION_PORT", "", r"CLARION_PORT = \"\" does not fit"),
        ("CLARION_DANGEROUS_ALLOW_PRIVATE_TARGETS", "maybe", r"does not fit: expected `bool`"),
        ("CLARION_ROLES", "", r"CLARION_ROLES = \[\] does not fit: expected some of api, engine, delivery"),
        ("CLARION_LOG_FORMAT", "xml", r"expected one of text, json"),
    ],
)
def test_a_variable_is_refused_by_name(tmp_path: Path, variable: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(tmp_path, {variable: text})


@pytest.mark.parametrize(
    "name",
    [
        "CLARION_DATA",
        "CLARION_MASTER_KEY",
        "CLARION_API_KEY",
        "CLARION_DEBUG",
        "CLARION_URL",
        "CLARION_WEBHOOK_SECRET",
        "PATH",
        "CLARIONS",
    ],
)
def test_other_variables_are_left_alone(tmp_path: Path, name: str) -> None:
    assert load_settings(tmp_path, {name: "x"}) == Settings(data=tmp_path)


@pytest.mark.parametrize("text", ["", *POINTS, "engine.after_commit:1", "engine.after_commit:999999999"])
def test_a_fault_point_that_is_known_is_left_alone(tmp_path: Path, text: str) -> None:
    assert load_settings(tmp_path, {"CLARION_FAULT": text}) == Settings(data=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nope.nope", r"names an unknown point nope\.nope — the points are ingest\.before_commit, "),
        ("engine", r"names an unknown point engine — "),
        (":2", r"names an unknown point  — "),
        ("x" * 1000, r"names an unknown point x{64} — "),
        ("engine.after_commit:", r"has a count that is no whole number from 1 on — write it as engine\.after_commit:2, or "),
        ("engine.after_commit:0", r"has a count that is no whole number"),
        ("engine.after_commit:-1", r"has a count that is no whole number"),
        ("engine.after_commit:1000000000", r"has a count that is no whole number"),
        ("engine.after_commit:x", r"has a count that is no whole number"),
    ],
)
def test_a_fault_that_would_never_happen_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"environment: CLARION_FAULT {message}"):
        load_settings(tmp_path, {"CLARION_FAULT": text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CLARION_PORT", "tcp://10.0.0.1:80"),
        ("CLARION_SERVICE_HOST", "10.0.0.1"),
        ("CLARION_SERVICE_PORT_HTTP", "80"),
        ("CLARION_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("CLARION_API_SERVICE_HOST", "10.0.0.1"),
    ],
)
def test_what_kubernetes_sets_for_a_service_called_clarion_is_left_alone(tmp_path: Path, name: str, text: str) -> None:
    assert load_settings(tmp_path, {name: text}) == Settings(data=tmp_path)


def test_roles_are_each_named_once_and_in_order(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"CLARION_ROLES": "delivery, api,delivery"}).roles == ("api", "delivery")
    assert load_settings(tmp_path, {"CLARION_ROLES": "api"}, {"roles": ["engine"]}).roles == ("engine",)


def test_one_host_cannot_have_more_than_there_is(tmp_path: Path) -> None:
    at_the_limit = {"CLARION_DELIVERY_CONCURRENCY": "5", "CLARION_DELIVERY_PER_HOST": "5"}
    assert load_settings(tmp_path, at_the_limit).delivery_per_host == 5
    with pytest.raises(ConfigError, match=r"delivery_per_host \(6\) is above delivery_concurrency \(5\)"):
        load_settings(tmp_path, at_the_limit | {"CLARION_DELIVERY_PER_HOST": "6"})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql://u:hunter2@db/clarion", "postgresql://db/clarion"),
        ("postgres://u:hunter2@db:5433/clarion?sslmode=require", "postgresql://db:5433/clarion"),
        ("postgresql://u:hunter%402@[::1]:5433/clarion", "postgresql://[::1]:5433/clarion"),
        ("postgresql:///clarion?host=/run/postgresql&password=hunter2", "postgresql:///clarion"),
        ("postgresql://u:hunter2@a:5432,b:5433/clarion?target_session_attrs=primary", "postgresql://a:5432,b:5433/clarion"),
    ],
)
def test_postgresql_is_taken_and_its_password_is_never_shown(tmp_path: Path, value: str, shown: str) -> None:
    settings = load_settings(write(tmp_path, f"database_url = '{value}'"), {})
    assert (settings.database_url, settings.is_shared, settings.database) == (value, True, None)
    assert settings.database_shown == shown
    assert "hunter" not in repr(settings)


def test_sqlite_is_one_file_for_one_process(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert (settings.is_shared, settings.database_shown) == (False, str(tmp_path / "clarion.db"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("postgresql://u:hunter2@db", "names a server but no database"),
        ("postgresql://u:hunter2@db/", "names a server but no database"),
        ("postgresql://u:hunter2@db:x/clarion", "is no URL: its host or port cannot be read"),
        ("postgresql://u:hunter2@a:5432,b:x/clarion", "is no URL: its host or port cannot be read"),
        ("postgresql://u:hunter2#@db/clarion", "is no URL: "),
        ("postgresql://u:hunter2@[db/clarion", "is no URL: its host or port cannot be read"),
        ("postgresql://u@db/clarion#hunter2", "is no URL: there is a # in it"),
    ],
)
def test_a_postgresql_url_that_is_none_is_refused_without_showing_it(tmp_path: Path, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"environment: CLARION_DATABASE_URL {message}") as refused:
        load_settings(tmp_path, {"CLARION_DATABASE_URL": value})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("value", ["", "sqlite://", "sqlite:///", "clarion.db", "mysql://u:hunter2@db/x", "postgresql:u:hunter2@db/x"])
def test_other_databases_are_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match="no database that this version knows — write it as sqlite:///") as refused:
        load_settings(tmp_path, {"CLARION_DATABASE_URL": value})
    assert "hunter2" not in str(refused.value)


def test_a_database_may_be_named_relative_to_the_data_directory_or_absolute(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"CLARION_DATABASE_URL": "sqlite:///sub/x.db"}).database == tmp_path / "sub" / "x.db"
    assert load_settings(tmp_path, {"CLARION_DATABASE_URL": "sqlite:////var/x.db"}).database == Path("/var/x.db")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "clarion.toml").mkdir()
    with pytest.raises(ConfigError, match=r"clarion\.toml cannot be read: "):
        load_settings(tmp_path, {})


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clarion.toml").write_bytes(b"host = '\xff'")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_settings(tmp_path, {})


def test_the_data_directory_is_the_flag_else_the_variable_else_here() -> None:
    assert data_directory(Path("/a"), {"CLARION_DATA": "/b"}) == Path("/a")
    assert data_directory(None, {"CLARION_DATA": "/b"}) == Path("/b")
    assert data_directory(None, {"CLARION_DATA": ""}) == Path("data")
    assert data_directory(None, {}) == Path("data")
