#!/bin/sh
# Introspection (RFC 7662): an API that was sent an opaque token asks what it is worth. gatehouse.yaml lets `resource-server` ask
# about tokens for the front door; anybody else would hear {"active":false}.
set -eu
issuer=${ISSUER:-http://localhost:8080}
home=${EXAMPLES_HOME:-$(dirname "$0")/..}
field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }

token=$(curl -sS --fail-with-body "$issuer/oauth/token" \
  --user "curl-basic:$(cat "$home/data/curl-basic.secret")" \
  --data grant_type=client_credentials --data resource=https://door.example --data scope=door:open | field access_token)

printf %s "$token" | curl -sS --fail-with-body "$issuer/oauth/introspect" \
  --user "resource-server:$(cat "$home/data/resource-server.secret")" \
  --data-urlencode token@-
