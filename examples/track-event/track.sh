#!/bin/sh
# Send one event to Clarion with curl.
#
#   CLARION_URL=http://127.0.0.1:8080 CLARION_API_KEY=clk_… sh track.sh user-1
set -eu

: "${CLARION_URL:?set it to where Clarion runs, for example http://127.0.0.1:8080}"
: "${CLARION_API_KEY:?set it to an API key with the scope events}"
profile_id=${1:-user-1}

# Chosen once, before the first try: however often the event is sent below, it stays one event.
event_id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

# Fine for values of your own. Text from outside needs escaping: build the body with jq instead.
body=$(cat <<JSON
{
  "event_name": "add_to_cart",
  "profile_id": "$profile_id",
  "event_id": "$event_id",
  "data": {"product_name": "Running Shoes", "price": 99.99}
}
JSON
)

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# --retry tries again after a lost connection, 429 and 503, and waits as long as Retry-After says.
# The key goes through standard input, because arguments can be seen by everybody on the machine.
status=$(curl --silent --show-error --max-time 30 --retry 3 --retry-all-errors \
  --output "$answer" --write-out '%{http_code}' \
  --header 'Content-Type: application/json' --data "$body" \
  --config - "$CLARION_URL/api/v1/events" <<CONFIG
header = "Api-Key: $CLARION_API_KEY"
CONFIG
)

if [ "$status" != 200 ]; then
  echo "Clarion answered $status: $(cat "$answer")" >&2
  exit 1
fi
cat "$answer"
echo
