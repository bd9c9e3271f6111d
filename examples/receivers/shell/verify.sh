#!/usr/bin/env bash
# Checks one stored webhook with OpenSSL 3: exit 0 when it is signed, 1 and a reason when it is not.
#   WEBHOOK_SECRET=whsec_… verify.sh headers.txt body.json
# WEBHOOK_SECRET holds secrets (whsec_) or public keys (whpk_), spaces between. headers.txt has a header
# a line, as curl and browsers show them. AT=1764000000 checks as of when it came instead of now.
# OpenSSL takes an HMAC key only as an argument, which ps shows: use it where nobody else is logged in.
set -euo pipefail

refuse() {
	echo "$1" >&2
	exit 1
}

header() { # the first header of that name
	awk -v name="$1:" '{ sub(/\r$/, "") } index(tolower($0), name) == 1 { sub(/^[^:]*:[ \t]*/, ""); print; exit }' "$headers"
}

decode() { openssl base64 -d -A; }

# One of the signatures must be the key's; what has another version is passed over.
signed() { # key
	local given
	case "$1" in
	whsec_?*)
		local hex want
		hex="$(printf %s "${1#whsec_}" | decode | od -An -v -tx1 | tr -d ' \n')"
		[ -n "$hex" ] || refuse "WEBHOOK_SECRET must be whsec_ and base64"
		want="v1,$(openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -binary "$content" | openssl base64 -A)"
		for given in $signatures; do
			# A server would compare in constant time; here nobody measures.
			[ "$given" != "$want" ] || return 0
		done
		;;
	whpk_?*)
		# An Ed25519 key in DER is these 12 bytes and the 32 of the key (RFC 8410, section 4).
		{ printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00' && printf %s "${1#whpk_}" | decode; } >"$scratch/key"
		for given in $signatures; do
			[[ "$given" = v1a,* ]] || continue
			printf %s "${given#v1a,}" | decode >"$scratch/signature"
			openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$scratch/key" \
				-in "$content" -sigfile "$scratch/signature" >/dev/null 2>&1 && return 0
		done
		;;
	*) refuse "WEBHOOK_SECRET must hold whsec_ or whpk_ and base64" ;;
	esac
	return 1
}

[ $# -eq 2 ] || refuse "usage: WEBHOOK_SECRET=whsec_… $0 headers.txt body.json"
headers="$1" body="$2"
id="$(header webhook-id)" timestamp="$(header webhook-timestamp)" signatures="$(header webhook-signature)"
[ -n "$id" ] && [ -n "$timestamp" ] && [ -n "$signatures" ] ||
	refuse "webhook-id, webhook-timestamp and webhook-signature are needed"
[[ "$timestamp" =~ ^[0-9]{1,12}$ ]] && age=$((${AT:-$(date +%s)} - 10#$timestamp)) && [ "${age#-}" -le 300 ] ||
	refuse "webhook-timestamp is not within five minutes"

scratch="$(mktemp -d)"
trap 'rm -r "$scratch"' EXIT
content="$scratch/content" # -rawin needs a file
{ printf '%s.%s.' "$id" "$timestamp" && cat "$body"; } >"$content"
set -f # a signature is not a pattern of file names
for key in ${WEBHOOK_SECRET:?is not set}; do
	signed "$key" && exit 0
done
refuse "no signature matches"
