#!/bin/sh
# Client credentials (RFC 6749 §4.4): a program gets a token for itself. It proves itself by client_secret_basic (§2.3.1).
set -eu
issuer=${ISSUER:-http://localhost:8080}
home=${EXAMPLES_HOME:-$(dirname "$0")/..}

curl -sS --fail-with-body "$issuer/oauth/token" \
  --user "curl-basic:$(cat "$home/data/curl-basic.secret")" \
  --data grant_type=client_credentials \
  --data resource=https://notes.example \
  --data scope=notes:read
