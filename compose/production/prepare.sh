#!/bin/sh
# Makes what compose.yaml reads from secrets/ for a trial on one machine: an authority of its own, certificates, passwords.
# What is there already stays. In production, put certificates of your authority and passwords of your vault there instead.
#
#     ./prepare.sh [NAME OF THE SITE]      (default: localhost)
set -eu
umask 077
cd "$(dirname "$0")"
site="${1:-localhost}"
mkdir -p secrets
cd secrets

random() { openssl rand -hex 24; }

secret() { # FILE VALUE
  [ -s "$1" ] || printf '%s' "$2" > "$1"
}

if [ ! -s ca.key ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -sha256 \
    -subj "/O=concord/CN=concord trial authority" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem 2>/dev/null
fi

certificate() { # FILE COMMON-NAME SUBJECT-ALTERNATIVE-NAMES
  [ -s "$1.pem" ] && return 0
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=concord/CN=$2" \
    -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=critical,digitalSignature\n' "$3" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -sha256 \
    -extfile "$1.ext" -out "$1.pem" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

for number in 1 2 3; do
  certificate "opensearch-$number" "opensearch-$number" \
    "DNS:opensearch-$number,DNS:opensearch,DNS:localhost,IP:127.0.0.1"
done
certificate postgres postgres DNS:postgres
certificate objects objects DNS:objects,DNS:localhost
certificate proxy "$site" "DNS:$site"
certificate admin admin DNS:admin

secret opensearch_admin_password "$(random)"
secret opensearch_platform_password "$(random)"
secret postgres_password "$(random)"
secret grafana_password "$(random)"
secret secret_key "$(random)$(random)"
secret opensearch_url "https://concord:$(cat opensearch_platform_password)@opensearch:9200"
secret database_url "postgresql://concord:$(cat postgres_password)@postgres/concord?sslmode=verify-full&sslrootcert=/run/secrets/ca.pem"

if [ ! -s s3_credentials ]; then
  id="$(random)"
  key="$(random)"
  printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$id" "$key" > s3_credentials
  printf '{"identities": [{"name": "concord", "credentials": [{"accessKey": "%s", "secretKey": "%s"}], "actions": ["Read", "Write", "List", "Admin"]}]}\n' \
    "$id" "$key" > objects.json
fi
# Containers read these as users of their own, and Docker mounts files as they are. The folder stays closed to others.
chmod 644 ./*.pem ./*.key opensearch_* postgres_password grafana_password secret_key database_url s3_credentials objects.json
chmod 600 ca.key admin.key
echo "secrets/ is ready for https://$site"
