#!/bin/sh
# What a script does with it: listings.sh CONNECTION SHOP, with GATEHOUSE_TOKEN set. It never sees Etsy's token or key.
set -eu
issuer=${ISSUER:-http://localhost:8080}

curl -sS --fail-with-body --oauth2-bearer "$GATEHOUSE_TOKEN" \
  "$issuer/vault/proxy/$1/v3/application/shops/$2/listings"
