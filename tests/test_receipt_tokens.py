"""Receipt tokens: only the genuine one is taken, and it says where the delivery is."""

import pytest

from clarion.receipt_tokens import Receivable, make_token, read_token
from clarion.vault import Vault

KEY = Vault(bytes(32)).receipt_key(1)
DELIVERY = "0123456789abcdef" * 2
TOKEN = make_token(KEY, DELIVERY, 255)


def test_a_genuine_one() -> None:
    assert TOKEN.startswith(f"255.{DELIVERY}.")
    assert len(TOKEN.rpartition(".")[2]) == 22
    assert read_token(KEY, TOKEN) == Receivable(DELIVERY, 255)


@pytest.mark.parametrize(
    "token",
    [
        "",
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN[:-2] + ("AA" if not TOKEN.endswith("AA") else "BB"),
        TOKEN.replace("255.", "254.", 1),
        TOKEN.replace("255.", "0255.", 1),
        TOKEN.replace("0123", "1123", 1),
        TOKEN.upper(),
        TOKEN + "\n",
        "٢٥٥" + TOKEN[3:],
        make_token(Vault(bytes(32)).receipt_key(2), DELIVERY, 255),
        make_token(Vault(b"\1" * 32).receipt_key(1), DELIVERY, 255),
    ],
)
def test_forged_ones(token: str) -> None:
    assert read_token(KEY, token) is None
