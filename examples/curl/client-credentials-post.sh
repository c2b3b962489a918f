#!/bin/sh
# The same with the secret in the body: client_secret_post (RFC 6749 §2.3.1).
set -eu
issuer=${ISSUER:-http://localhost:8080}
home=${EXAMPLES_HOME:-$(dirname "$0")/..}

curl -sS --fail-with-body "$issuer/oauth/token" \
  --data client_id=curl-post \
  --data-urlencode client_secret@"$home/data/curl-post.secret" \
  --data grant_type=client_credentials \
  --data resource=https://notes.example \
  --data scope=notes:read
