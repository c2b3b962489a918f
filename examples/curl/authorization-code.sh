#!/bin/sh
# Authorization code with PKCE (RFC 6749 §4.1, RFC 7636). A cookie jar plays the browser, and Maria's password is in a file:
# a program that fills the forms of the pages gets through without JavaScript. Prints the token answer.
set -eu
issuer=${ISSUER:-http://localhost:8080}
home=${EXAMPLES_HOME:-$(dirname "$0")/..}
redirect_uri=http://127.0.0.1/callback
scope='openid profile email offline_access'

jar=$(mktemp)
trap 'rm -f "$jar"' EXIT
browse() { curl -sS --fail-with-body --cookie "$jar" --cookie-jar "$jar" "$@"; }
base64url() { base64 | tr -d '=\n' | tr '+/' '-_'; }
# Every hidden field of a page, as lines of a configuration for curl: they go back as they came.
hidden_fields() {
  grep -o '<input type="hidden"[^>]*>' | sed 's/.* name="\([^"]*\)" value="\([^"]*\)".*/data-urlencode = "\1=\2"/'
}
parameter() { sed -n 's/.*[?&]'"$1"'=\([^&]*\).*/\1/p'; }

# 1. What the answer will have to fit.
verifier=$(openssl rand 32 | base64url)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64url)
state=$(openssl rand -hex 16)

# 2. The authorization request leads to the sign-in page.
page=$(browse --location --get "$issuer/oauth/authorize" \
  --data response_type=code --data client_id=curl --data-urlencode "redirect_uri=$redirect_uri" \
  --data-urlencode "scope=$scope" --data "state=$state" \
  --data "code_challenge=$challenge" --data code_challenge_method=S256)

# 3. The sign-in leads to the consent page.
page=$(echo "$page" | hidden_fields | browse --location --config - "$issuer/signin" \
  --data username=maria --data-urlencode password@"$home/data/maria.password")

# 4. The consent leads back to the application, with the code. Nobody listens there; the address is enough.
back=$(echo "$page" | hidden_fields | browse --config - --output /dev/null --write-out '%{redirect_url}' "$issuer/consent" \
  --data-urlencode "scope=$scope" --data decision=allow)
[ "$(echo "$back" | parameter state)" = "$state" ] || { echo "not the answer to this request: $back" >&2; exit 1; }

# 5. The code, with the verifier that only this program knows, becomes tokens.
printf %s "$verifier" | curl -sS --fail-with-body "$issuer/oauth/token" \
  --data grant_type=authorization_code --data client_id=curl --data-urlencode "redirect_uri=$redirect_uri" \
  --data "code=$(echo "$back" | parameter code)" --data-urlencode code_verifier@-
