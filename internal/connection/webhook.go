package connection

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/webhook"
)

// maxSigners bounds what signs one webhook: half the signatures that webhook.Verify
// looks at.
const maxSigners = 8

const authorization = "Authorization"

// Identity is what a webhook connection has a webhook sent with. It shows itself
// redacted however it is printed, logged or marshalled.
type Identity struct {
	// Signers sign, the current secret first. There is always one.
	Signers []webhook.Signer
	// Headers are sent along, Authorization with them if the connection has a token
	// or a user name.
	Headers map[string]string
	// Certificate is the client's, nil for none. RootCAs are trusted beside the
	// others, in PEM; nil for none.
	Certificate *tls.Certificate
	RootCAs     []byte
	// Version changes whenever anything of this does, and with each start.
	Version string
}

// String is the version.
func (i Identity) String() string { return "identity " + i.Version + " (redacted)" }

// Format is String for every verb: %d would print the fields.
func (i Identity) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, i.String()) }

// LogValue is String, for slog.
func (i Identity) LogValue() slog.Value { return slog.StringValue(i.String()) }

// MarshalText is String, also for JSON.
func (i Identity) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// Identity returns what to send a webhook with at this moment, or ErrNotFound. It
// is a Refusal when the connection is not for webhooks.
func (v *Vault) Identity(ctx context.Context, account, id string) (Identity, error) {
	e, err := v.find(ctx, account, id)
	if err != nil {
		return Identity{}, err
	}
	if e.Type != export.Webhook {
		return Identity{}, export.Refusal(fmt.Sprintf("The connection '%s' is of type %s and not for webhooks", e.ID, e.Type))
	}
	i, err := e.identity()
	if err != nil {
		return Identity{}, err
	}
	version := hmac.New(sha256.New, v.salt)
	text, _ := json.Marshal(e.Settings) // it was JSON when it was stored
	version.Write(text)
	for _, f := range e.former {
		if !v.now().Before(f.Expires) {
			continue
		}
		signer, err := webhook.ParseSecret(f.Secret)
		if err != nil {
			return Identity{}, fmt.Errorf("a former secret of connection '%s' cannot be used: %w", e.ID, err)
		}
		i.Signers = append(i.Signers, signer)
		version.Write([]byte(f.Secret))
	}
	i.Version = hex.EncodeToString(version.Sum(nil)[:8])
	return i, nil
}

// checkWebhook tells what is wrong with a webhook connection, but for what the leaf
// knows.
func (c Connection) checkWebhook() error {
	if _, err := c.identity(); err != nil {
		return err
	}
	if names := c.traveling(); len(names) > 0 && !c.Settings.Has("endpoint") && !c.Settings.Bool(allowOverride, false) {
		return export.Refusal(fmt.Sprintf(`"%s" is for one host: set "endpoint", or set "%s" to true to have it sent to whatever endpoint a movie names`,
			cut(names[0]), allowOverride))
	}
	return nil
}

// identity is that of the settings alone. The errors are Refusals.
func (c Connection) identity() (i Identity, err error) {
	if i.Signers, err = signers(c.Settings); err != nil {
		return i, err
	}
	if i.Headers, err = headers(c.Settings); err != nil {
		return i, err
	}
	if i.Certificate, err = clientCertificate(c.Settings); err != nil {
		return i, err
	}
	if c.Settings.Has("ca") {
		i.RootCAs = []byte(c.Settings.Secret("ca"))
		return i, checkCA(i.RootCAs)
	}
	return i, nil
}

// signers are those of "secret", which may be several: the current one first.
func signers(s export.Settings) (all []webhook.Signer, err error) {
	texts := s.List("secret")
	if len(texts) == 0 {
		return nil, export.Refusal(`A webhook connection needs a "secret" to sign with: whsec_ and the base64 of 24 to 64 random bytes`)
	}
	if len(texts) > maxSigners {
		return nil, export.Refusal(fmt.Sprintf(`"secret" may be at most %d secrets`, maxSigners))
	}
	for _, text := range texts {
		signer, err := webhook.ParseSecret(text)
		if err != nil {
			return nil, export.Refusal(`"secret" must be whsec_ and the base64 of 24 to 64 random bytes`)
		}
		all = append(all, signer)
	}
	return all, nil
}

// headerName is a token (RFC 9110, section 5.6.2).
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// headers are the stored ones, and what the connection logs in with.
func headers(s export.Settings) (map[string]string, error) {
	all := map[string]string{}
	if s.Has("headers") {
		var given map[string]json.RawMessage
		if json.Unmarshal(s["headers"], &given) != nil {
			return nil, export.Refusal(`"headers" must be an object of names and their values`)
		}
		for name, value := range given {
			text := export.Text(value)
			switch {
			case string(value) == "null":
				continue
			case !headerName.MatchString(name):
				return nil, export.Refusal(`A name in "headers" cannot be sent; names have letters, digits and hyphens`)
			case text == "" && value[0] != '"':
				return nil, export.Refusal(fmt.Sprintf(`The header "%s" must be a text or a number`, cut(name)))
			case strings.ContainsFunc(text, isControl):
				return nil, export.Refusal(fmt.Sprintf(`The header "%s" holds a line break or another control character`, cut(name)))
			}
			all[name] = text
		}
	}
	own, err := credentials(s)
	if err != nil || own == "" {
		return all, err
	}
	for name := range all {
		if http.CanonicalHeaderKey(name) == authorization {
			return nil, export.Refusal(`The connection would send two Authorization headers: leave one of "headers", "token", "authorization" and "username" out`)
		}
	}
	all[authorization] = own
	return all, nil
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// credentials is the Authorization header that the settings ask for, "" for none:
// Bearer (RFC 6750) of a token, Basic (RFC 7617) of a user name and password.
func credentials(s export.Settings) (string, error) {
	var all []string
	if s.Has("authorization") {
		all = append(all, s.Text("authorization"))
	}
	if s.Has("token") {
		all = append(all, "Bearer "+s.Text("token"))
	}
	if s.Has("username") || s.Has("password") {
		name, password := s.Secret("username"), s.Secret("password")
		if strings.Contains(name, ":") || strings.ContainsFunc(name+password, isControl) {
			return "", export.Refusal(`"username" may hold no colon, and it and "password" no control characters`)
		}
		all = append(all, "Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
	}
	switch {
	case len(all) > 1:
		return "", export.Refusal(`A webhook logs in in one way: leave all but one of "token", "authorization" and "username" out`)
	case len(all) == 0:
		return "", nil
	case strings.ContainsFunc(all[0], isControl) || strings.Contains(s.Text("token"), " "):
		return "", export.Refusal(`"token" and "authorization" may hold no line break or other control character, and a token no space`)
	}
	return all[0], nil
}

// clientCertificate is what the connection proves itself with in TLS, nil for
// nothing.
func clientCertificate(s export.Settings) (*tls.Certificate, error) {
	if !s.Has("client-cert") && !s.Has("client-key") {
		return nil, nil
	}
	cert, err := tls.X509KeyPair([]byte(s.Secret("client-cert")), []byte(s.Secret("client-key")))
	if err != nil { // err may show a bit of what was in the wrong place
		return nil, export.Refusal(`"client-cert" and "client-key" must be a certificate and its unencrypted private key, both in PEM, that belong together`)
	}
	return &cert, nil
}

// checkCA tells whether a PEM text has certificates, all of which can be read.
func checkCA(text []byte) error {
	found := false
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return export.Refusal(`"ca" has a certificate that cannot be read`)
		}
		found = true
	}
	if !found {
		return export.Refusal(`"ca" must be the PEM text of one or more certificates: -----BEGIN CERTIFICATE----- …`)
	}
	return nil
}
