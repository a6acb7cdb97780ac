"""Rules for the tokens by which the push services of mobile apps know a device."""

import re
from typing import Final

from clarion.contract.limits import APNS_TOKEN_CHARACTERS, FCM_TOKEN_CHARACTERS
from clarion.contract.problems import Problems
from clarion.contract.text import text_problem
from clarion.domain.records import APNS

_FCM: Final = re.compile(r"[\x21-\x7e]+")
_APNS: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def read_device_token(problems: Problems, provider: str, value: object) -> str:
    """A device's token of `fcm` or `apns`, the latter in lower case; what is wrong goes to `problems`."""
    least, most = APNS_TOKEN_CHARACTERS if provider == APNS else (1, FCM_TOKEN_CHARACTERS)
    problem = "token is required" if value is None else text_problem("token", value, most)
    text = str(value)
    if problem is None and provider == APNS and (len(text) < least or not _APNS.fullmatch(text)):
        problem = f"token must be {least} to {most} hexadecimal digits, two for each byte"
    if problem is None and provider != APNS and not _FCM.fullmatch(text):
        problem = "token must be printable ASCII without spaces"
    if problem is not None:
        problems.add(problem, "token")
    return text.lower() if provider == APNS else text
