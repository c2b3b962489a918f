#!/bin/sh
# Resource owner password credentials (RFC 6749 §4.3), which OAuth 2.1 dropped. Only `loopback`, the client for first steps on the
# server's own machine, has the grant from the start; it answers nobody from elsewhere.
set -eu
issuer=${ISSUER:-http://localhost:8080}
home=${EXAMPLES_HOME:-$(dirname "$0")/..}

curl -sS --fail-with-body "$issuer/oauth/token" \
  --data grant_type=password --data client_id=loopback \
  --data username=maria --data-urlencode password@"$home/data/maria.password" \
  --data scope='openid profile'
