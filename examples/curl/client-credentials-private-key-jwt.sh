#!/bin/sh
# The same without any secret that travels: private_key_jwt (RFC 7523 §2.2, OIDC Core §9).
set -eu
issuer=${ISSUER:-http://localhost:8080}
home=${EXAMPLES_HOME:-$(dirname "$0")/..}
gatehouse=$(dirname "$0")/../../bin/gatehouse
key=$home/data/curl-key.pem

base64url() { base64 | tr -d '=\n' | tr '+/' '-_'; }

# Once: a key pair, and a client that is registered with its public half.
if [ ! -f "$key" ]; then
  (umask 077 && openssl genpkey -algorithm ed25519 -out "$key")
  x=$(openssl pkey -in "$key" -pubout -outform DER | tail -c 32 | base64url)
  echo '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "'"$x"'"}]}' |
    "$gatehouse" client create --config "$home/gatehouse.yaml" --client-id curl-key --client-name 'A job with a key' \
      --grant-types client_credentials --token-endpoint-auth-method private_key_jwt --jwks - \
      --scope notes:read --resources https://notes.example > /dev/null
fi

# Each time: an assertion for this server alone, good for a minute and for one request.
now=$(date +%s)
header=$(printf '{"alg":"EdDSA","typ":"client-authentication+jwt"}' | base64url)
claims=$(printf '{"iss":"curl-key","sub":"curl-key","aud":"%s","jti":"%s","iat":%d,"exp":%d}' \
  "$issuer" "$(openssl rand -hex 16)" "$now" "$((now + 60))" | base64url)
input=$(mktemp)
trap 'rm -f "$input"' EXIT
printf %s "$header.$claims" > "$input"
signature=$(openssl pkeyutl -sign -inkey "$key" -rawin -in "$input" | base64url)

printf %s "$header.$claims.$signature" | curl -sS --fail-with-body "$issuer/oauth/token" \
  --data client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
  --data-urlencode client_assertion@- \
  --data grant_type=client_credentials \
  --data resource=https://notes.example \
  --data scope=notes:read
