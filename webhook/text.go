package webhook

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// textForm is how a kind of key is written: a prefix that tells the kind, and
// base64 (specification, "Signature scheme").
type textForm struct{ prefix, name string }

var (
	secretText  = textForm{"whsec_", "secret"}
	privateText = textForm{"whsk_", "private key"}
	publicText  = textForm{"whpk_", "public key"}
)

func (f textForm) encode(key []byte) string {
	return f.prefix + base64.StdEncoding.EncodeToString(key)
}

// decode reads a key with its prefix or, as the specification's libraries do,
// without. Its errors hold nothing of the text.
func (f textForm) decode(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	for _, other := range []textForm{secretText, privateText, publicText} {
		if other != f && strings.HasPrefix(text, other.prefix) {
			return nil, fmt.Errorf("webhook: this is a %s (%s); a %s begins with %s", other.name, other.prefix, f.name, f.prefix)
		}
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, f.prefix))
	if err != nil {
		return nil, fmt.Errorf("webhook: the %s is not %s followed by standard base64: %w", f.name, f.prefix, err)
	}
	return key, nil
}
