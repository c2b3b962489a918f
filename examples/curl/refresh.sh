#!/bin/sh
# Refresh (RFC 6749 §6): a new access token, here for less than the first, and the successor of the refresh token.
set -eu
issuer=${ISSUER:-http://localhost:8080}
field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }

tokens=$("$(dirname "$0")/authorization-code.sh")

echo "$tokens" | field refresh_token | tr -d '\n' | curl -sS --fail-with-body "$issuer/oauth/token" \
  --data grant_type=refresh_token --data client_id=curl \
  --data-urlencode refresh_token@- \
  --data scope='openid profile'
