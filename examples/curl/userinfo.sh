#!/bin/sh
# UserInfo (OIDC Core §5.3): who is behind this access token?
set -eu
issuer=${ISSUER:-http://localhost:8080}
field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }

token=$("$(dirname "$0")/authorization-code.sh" | field access_token)

curl -sS --fail-with-body "$issuer/oauth/userinfo" --oauth2-bearer "$token"
