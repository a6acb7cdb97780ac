"""The vault: what is sealed opens only under the same key and purpose; the master key's file is private."""

import base64
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.vault import MasterKeyMissing, Vault, VaultError, create_master_key, open_vault

KEY = bytes(range(32))


@given(plaintext=st.binary(max_size=200), purpose=st.text(max_size=20).filter(lambda text: text.isprintable()))
@settings(max_examples=50)
def test_opens_what_it_sealed(plaintext: bytes, purpose: str) -> None:
    vault = Vault(KEY)
    assert vault.open(vault.seal(plaintext, purpose), purpose) == plaintext


def test_seals_the_same_text_differently_each_time() -> None:
    vault = Vault(KEY)
    assert vault.seal(b"secret", "p") != vault.seal(b"secret", "p")


def test_a_sealed_text_has_a_version_a_nonce_and_a_tag() -> None:
    sealed = Vault(KEY).seal(b"12345", "p")
    assert sealed[0] == 1
    assert len(sealed) == 1 + 12 + 5 + 16


def test_another_purpose_does_not_open() -> None:
    vault = Vault(KEY)
    with pytest.raises(VaultError, match="sealed webhook secret does not open — use the master key"):
        vault.open(vault.seal(b"secret", "vapid private key"), "webhook secret")


def test_another_key_does_not_open() -> None:
    with pytest.raises(VaultError, match="does not open"):
        Vault(bytes(32)).open(Vault(KEY).seal(b"secret", "p"), "p")


@pytest.mark.parametrize("place", range(1, 1 + 12 + 6 + 16))
def test_a_changed_byte_does_not_open(place: int) -> None:
    sealed = bytearray(Vault(KEY).seal(b"secret", "p"))
    sealed[place] ^= 1
    with pytest.raises(VaultError, match="does not open"):
        Vault(KEY).open(bytes(sealed), "p")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(27), b"\x02" + bytes(40)])
def test_what_has_no_known_format_is_named_so(sealed: bytes) -> None:
    with pytest.raises(VaultError, match="no format that this version knows"):
        Vault(KEY).open(sealed, "p")


def test_what_an_earlier_version_sealed_still_opens() -> None:
    sealed = base64.b64decode("AQqKN7hOmc5maQOLHetbw5RgvFm+yXy1WXFmusVF5+a5k8qdNskp5XHzI0w=")
    assert Vault(KEY).open(sealed, "golden") == b"sealed by 0.1.0"


def test_derived_keys_are_stable_and_apart() -> None:
    vault = Vault(KEY)
    assert vault.derive("a").hex() == "6ea6f6f7e8d431a0f3acf79898f1c449d66e16bfd6625b7f41fd68d41aeae995"
    assert vault.derive("a") == Vault(KEY).derive("a")
    assert len({vault.derive("a"), vault.derive("b"), Vault(bytes(32)).derive("a"), KEY}) == 4


def test_a_device_token_hash_is_stable_and_belongs_to_a_site() -> None:
    endpoint = "https://push.example/abc"
    issued = Vault(KEY).device_token_hash(1, endpoint)
    assert re.fullmatch(r"[0-9a-f]{64}", issued)
    assert issued == Vault(KEY).device_token_hash(1, endpoint)
    assert len({issued, Vault(KEY).device_token_hash(2, endpoint), Vault(KEY).device_token_hash(1, endpoint + "d")}) == 3
    assert issued != Vault(bytes(32)).device_token_hash(1, endpoint)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(VaultError, match=f"has {length} bytes"):
        Vault(bytes(length))


def test_shows_nothing_of_its_key() -> None:
    assert repr(Vault(KEY)) == "Vault(…)"


def test_creates_a_private_key_once(tmp_path: Path) -> None:
    path = create_master_key(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]
    before = path.read_bytes()
    assert len(base64.b64decode(before)) == 32
    with pytest.raises(VaultError, match="exists already"):
        create_master_key(tmp_path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_two_created_keys_differ(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert create_master_key(tmp_path / "a").read_bytes() != create_master_key(tmp_path / "b").read_bytes()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="cannot be written"):
        create_master_key(tmp_path / "missing")


def test_the_file_and_the_variable_give_the_same_vault(tmp_path: Path) -> None:
    text = create_master_key(tmp_path).read_text()
    sealed = open_vault(tmp_path, {}).seal(b"secret", "p")
    assert open_vault(tmp_path / "elsewhere", {"CLARION_MASTER_KEY": text}).open(sealed, "p") == b"secret"


def test_the_variable_wins_over_the_file(tmp_path: Path) -> None:
    create_master_key(tmp_path)
    sealed = Vault(KEY).seal(b"secret", "p")
    assert open_vault(tmp_path, {"CLARION_MASTER_KEY": base64.b64encode(KEY).decode()}).open(sealed, "p") == b"secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o602, 0o610, 0o644, 0o777])
def test_a_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = create_master_key(tmp_path)
    path.chmod(mode)
    with pytest.raises(VaultError, match=rf"mode {mode:04o}\) — run: chmod 600 {re.escape(str(path))}") as refused:
        open_vault(tmp_path, {})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_taken(tmp_path: Path, mode: int) -> None:
    create_master_key(tmp_path).chmod(mode)
    open_vault(tmp_path, {})


def test_a_missing_key_says_where_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyMissing, match=r"no master key at .*master\.key — restore it"):
        open_vault(tmp_path, {})


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode()])
def test_a_malformed_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(VaultError, match="needs 32") as refused:
        open_vault(tmp_path, {"CLARION_MASTER_KEY": text})
    assert not text or text not in str(refused.value)
    path = tmp_path / "master.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(VaultError, match="needs 32"):
        open_vault(tmp_path, {})


def test_a_file_that_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "master.key").mkdir(mode=0o700)
    with pytest.raises(VaultError, match="cannot be read"):
        open_vault(tmp_path, {})
