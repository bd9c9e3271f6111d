package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/webhook"
)

// parsers are the Parse functions by what they parse.
var parsers = map[string]func(string) (any, error){
	"secret":      func(text string) (any, error) { return webhook.ParseSecret(text) },
	"private key": func(text string) (any, error) { return webhook.ParsePrivateKey(text) },
	"public key":  func(text string) (any, error) { return webhook.ParsePublicKey(text) },
}

func TestParse(t *testing.T) {
	raw := func(n int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n))) }
	const secretKey, privateKey, publicKey = "secret", "private key", "public key"
	for _, tc := range []struct {
		as, text string
		want     string // the error, "" for none
	}{
		{secretKey, vectorSecret, ""},
		{secretKey, "\t" + vectorSecret[6:] + "\r\n", ""},
		{secretKey, "whsec_" + raw(1), ""},
		{secretKey, "", "webhook: the secret is empty"},
		{secretKey, "whsec_", "webhook: the secret is empty"},
		{secretKey, "whsec_not base64!", "webhook: the secret is not whsec_ followed by standard base64: illegal base64 data at input byte 3"},
		{secretKey, vectorSecret[:37], "webhook: the secret is not whsec_ followed by standard base64: illegal base64 data at input byte 28"},
		{secretKey, "WHSEC_" + vectorSecret[6:], "webhook: the secret is not whsec_ followed by standard base64: illegal base64 data at input byte 5"},
		{secretKey, svixPrivate, "webhook: this is a private key (whsk_); a secret begins with whsec_"},
		{secretKey, " " + svixPublic, "webhook: this is a public key (whpk_); a secret begins with whsec_"},

		{privateKey, svixPrivate, ""},
		{privateKey, svixPrivate[5:] + "\n", ""},
		{privateKey, "whsk_" + raw(32), ""},
		{privateKey, "", "webhook: the private key has 0 bytes; an ed25519 key has 64, or 32 as a seed"},
		{privateKey, "whsk_" + raw(33), "webhook: the private key has 33 bytes; an ed25519 key has 64, or 32 as a seed"},
		{privateKey, "whsk_" + raw(64), "webhook: the two halves of the private key do not belong together"},
		{privateKey, "whsk_%", "webhook: the private key is not whsk_ followed by standard base64: illegal base64 data at input byte 0"},
		{privateKey, vectorSecret, "webhook: this is a secret (whsec_); a private key begins with whsk_"},
		{privateKey, svixPublic, "webhook: this is a public key (whpk_); a private key begins with whsk_"},

		{publicKey, svixPublic, ""},
		{publicKey, svixPublic[5:], ""},
		{publicKey, "", "webhook: the public key has 0 bytes; an ed25519 key has 32"},
		{publicKey, "whpk_" + raw(31), "webhook: the public key has 31 bytes; an ed25519 key has 32"},
		{publicKey, "whpk_" + strings.Repeat("A", 43) + "=", "webhook: the public key is all zeros, and anybody can sign for that one"},
		{publicKey, "whpk_%", "webhook: the public key is not whpk_ followed by standard base64: illegal base64 data at input byte 0"},
		{publicKey, vectorSecret, "webhook: this is a secret (whsec_); a public key begins with whpk_"},
		{publicKey, svixPrivate, "webhook: this is a private key (whsk_); a public key begins with whpk_"},
	} {
		_, err := parsers[tc.as](tc.text)
		if got := fmt.Sprint(err); err == nil && tc.want != "" || err != nil && got != tc.want {
			t.Errorf("%q as %s: got %s, want %s", tc.text, tc.as, got, tc.want)
		}
	}
}

func TestNewKeys(t *testing.T) {
	for _, tc := range []struct {
		make   func() string
		prefix string
		size   int
	}{{webhook.NewSecret, "whsec_", 32}, {webhook.NewPrivateKey, "whsk_", 64}} {
		a, b := tc.make(), tc.make()
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a, tc.prefix))
		if a == b || !strings.HasPrefix(a, tc.prefix) || err != nil || len(raw) != tc.size {
			t.Errorf("%q and %q, %d bytes, %v", a, b, len(raw), err)
		}
	}
}

func TestPublicKey(t *testing.T) {
	p := parsePrivateKey(t, svixPrivate).Public()
	parsed, err := webhook.ParsePublicKey(p.String())
	if p.String() != svixPublic || err != nil || parsed != p {
		t.Errorf("got %v, and parsed again %v, %v; want %s", p, parsed, err, svixPublic)
	}
	if text, err := json.Marshal(p); err != nil || string(text) != `"`+svixPublic+`"` {
		t.Errorf("as JSON %s, %v", text, err)
	}
}

// TestKeysAreSilent prints keys in every way there is.
func TestKeysAreSilent(t *testing.T) {
	secret, private := parseSecret(t, vectorSecret), parsePrivateKey(t, svixPrivate)
	for name, tc := range map[string]struct {
		out, want string
		leaks     []string // the key's start in base64, hex, bytes and quoted
	}{
		"Secret": {shown(t, secret) + secret.GoString(), "whsec_(redacted)",
			[]string{vectorSecret[6:16], "31f290f6", "31F290F6", "49 242 144", "0x31, 0xf2", `1\xf2\x90`, "1\xf2\x90"}},
		"PrivateKey": {shown(t, private) + private.GoString(), "whsk_(redacted)",
			[]string{svixPrivate[5:15], "e976ff74", "E976FF74", "233 118 255", "0xe9, 0x76", `\xe9v\xff`, "\xe9v\xff"}},
	} {
		for _, leak := range tc.leaks {
			if strings.Contains(tc.out, leak) {
				t.Errorf("%s: %q in %s", name, leak, tc.out)
			}
		}
		if strings.Count(tc.out, tc.want) < 20 {
			t.Errorf("%s: too little in %s", name, tc.out)
		}
	}
}

// shown is a key printed, marshalled and logged, alone and inside of others.
func shown[K fmt.Stringer](t *testing.T, k K) string {
	t.Helper()
	inside, field := struct{ hidden K }{k}, struct{ Shown K }{k}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p"} {
		fmt.Fprintf(&out, verb+verb+verb+verb+verb, k, &k, inside, field, []K{k})
	}
	for _, v := range []any{k, &k, field, map[string]K{"a": k}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k, "field", field)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "inside", inside)
	return out.String() + k.String()
}
