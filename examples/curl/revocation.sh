#!/bin/sh
# Revocation (RFC 7009): a token that is no longer needed is ended before its time. The client may ask about its own tokens, so it
# sees the difference: prints {"active":true,…}, then {"active":false}.
set -eu
issuer=${ISSUER:-http://localhost:8080}
home=${EXAMPLES_HOME:-$(dirname "$0")/..}
field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }
ask() { curl -sS --fail-with-body --user "curl-basic:$(cat "$home/data/curl-basic.secret")" "$@"; }

token=$(ask "$issuer/oauth/token" \
  --data grant_type=client_credentials --data resource=https://door.example --data scope=door:open | field access_token)

printf %s "$token" | ask "$issuer/oauth/introspect" --data-urlencode token@-
echo
printf %s "$token" | ask "$issuer/oauth/revoke" --data-urlencode token@- > /dev/null
printf %s "$token" | ask "$issuer/oauth/introspect" --data-urlencode token@-
