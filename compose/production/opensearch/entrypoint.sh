#!/bin/sh
# The security plugin hashes the accounts' passwords from the environment when it first fills its index
# (`${envbc.…}` in internal_users.yml); the environment gets them from files, here and nowhere else.
set -eu
SEARCH_ADMIN_PASSWORD="$(cat /run/secrets/opensearch_admin_password)"
SEARCH_PLATFORM_PASSWORD="$(cat /run/secrets/opensearch_platform_password)"
export SEARCH_ADMIN_PASSWORD SEARCH_PLATFORM_PASSWORD
# The plugin reads key files only below its own configuration folder.
mkdir -p config/certificates
cp /run/secrets/ca.pem config/certificates/ca.pem
cp /run/secrets/node.pem config/certificates/node.pem
cp /run/secrets/node.key config/certificates/node.key
chmod 600 config/certificates/node.key
exec ./opensearch-docker-entrypoint.sh opensearch
