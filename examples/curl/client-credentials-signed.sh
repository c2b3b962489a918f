#!/bin/sh
# The same with a signed request (RFC 9421): the secret stays here, and what travels is good for this one request.
set -eu
issuer=${ISSUER:-http://localhost:8080}
home=${EXAMPLES_HOME:-$(dirname "$0")/..}
gatehouse=$(dirname "$0")/../../bin/gatehouse
secret=$home/data/curl-signed.secret

# Once: a client that signs. The answer that makes it is the only one that shows its secret.
if [ ! -f "$secret" ]; then
  (umask 077 && "$gatehouse" client create --config "$home/gatehouse.yaml" --client-id curl-signed \
    --client-name 'A job that signs' --grant-types client_credentials \
    --token-endpoint-auth-method http_message_signature \
    --scope notes:read --resources https://notes.example --json |
    sed -n 's/.*"client_secret": "\([^"]*\)".*/\1/p' > "$secret")
fi

# Each time: headers that sign method, address and body, with the time and a nonce; good for a minute, once.
body='grant_type=client_credentials&resource=https%3A%2F%2Fnotes.example&scope=notes%3Aread'
"$gatehouse" request sign "$issuer/oauth/token" --method POST --data "$body" \
  --client-id curl-signed --secret-file "$secret" |
  curl -sS --fail-with-body "$issuer/oauth/token" --header @- --data "$body"
