#!/bin/sh
# Hands out the right to read one Etsy shop for one hour: hand-out.sh USER CONNECTION SHOP
set -eu
here=$(dirname "$0")
until=$(node -p 'new Date(Date.now() + 3600e3).toISOString().slice(0, 19) + "Z"')

"$here/../../bin/gatehouse" token mint --env-format --user "$1" --connection "$2" \
  --caveat 'method = GET' --caveat "path = /v3/application/shops/$3/*" --caveat "time < $until"
