#!/bin/sh
# Trusts the public authorities and the platform's own; then runs `concord`.
set -eu
own=/run/secrets/ca.pem
if [ -r "$own" ]; then
  # The platform's Python knows the public authorities through certifi; one file has to hold both.
  cat "$(python -c 'import certifi; print(certifi.where())')" "$own" > /tmp/authorities.pem
  export SSL_CERT_FILE=/tmp/authorities.pem AWS_CA_BUNDLE=/tmp/authorities.pem
fi
exec concord "$@"
