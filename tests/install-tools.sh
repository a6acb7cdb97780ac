#!/usr/bin/env bash
# The programs outside Python that tests run: php with its curl extension, node, curl. Installs what is missing from Debian's packages where it may;
# elsewhere it says so, and the tests that need it are skipped (under CI they fail).
set -u

missing=()
command -v curl >/dev/null || missing+=(curl)
command -v node >/dev/null || missing+=(nodejs)
if ! command -v php >/dev/null; then
  missing+=(php-cli php-curl)
elif ! php -m 2>/dev/null | grep -qx curl; then
  missing+=(php-curl)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "Installing what the tests of the example clients need: ${missing[*]}"
  if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
    exit 0
  fi
fi
echo "SKIPPED: tests that need ${missing[*]}; install them to run these tests" >&2
exit 0
