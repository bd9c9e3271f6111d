package listen

import (
	"fmt"
	"strings"

	"github.com/reelhook/reelhook/webhook"
)

// ParseKeys reads secrets (whsec_...) and public keys (whpk_...). Its errors say
// which of them is wrong and hold nothing of a secret.
func ParseKeys(texts []string) ([]webhook.Verifier, error) {
	keys := make([]webhook.Verifier, 0, len(texts))
	for i, text := range texts {
		key, err := parseKey(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("number %d of %d: %w", i+1, len(texts), err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseKey(text string) (webhook.Verifier, error) {
	if strings.HasPrefix(text, "whpk_") {
		return webhook.ParsePublicKey(text)
	}
	return webhook.ParseSecret(text)
}
