#!/usr/bin/env bash
# What `make deploy STACK=…` runs: resources, image, functions. All of it may be repeated.
set -euo pipefail
cd "$(dirname "$0")/../.."

stack=${1:?name a stack: dev, staging or production}
for tool in az pulumi git; do
    command -v "$tool" > /dev/null || { echo "$tool is not here: see docs/how-to/azure.md" >&2; exit 1; }
done

program=(pulumi --non-interactive -C backend/deploy/pulumi)
told() { "${program[@]}" stack output "$1" 2> /dev/null; }
has() { "${program[@]}" config get "lightning:$1" > /dev/null 2>&1; }

"${program[@]}" stack select --create "$stack"
if ! told registry > /dev/null; then
    has JWT_SIGNING_KEY || .venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(48), end="")' |
        "${program[@]}" config set --secret lightning:JWT_SIGNING_KEY
    "${program[@]}" up --yes --skip-preview
elif ! has JWT_SIGNING_KEY; then
    # Another one would end every sign-in and make every lockfile untrusted.
    echo "lightning:JWT_SIGNING_KEY of this stack is not in its configuration here; set the same one." >&2
    exit 1
fi

tag=$(git rev-parse --short=12 HEAD)
az acr build --registry "$(told registry)" --image "lightning:$tag" --file Dockerfile .
"${program[@]}" config set lightning:image "$(told login_server)/lightning:$tag"
"${program[@]}" up --yes --skip-preview

if app=$(told function_app); then
    make functions
    az functionapp deployment source config-zip --build-remote true --src dist/functions.zip \
        --resource-group "$(told resource_group)" --name "$app"
fi
echo "Lightning is at $(told url)"
