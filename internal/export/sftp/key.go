package sftp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export"
)

// readKey reads a private key as OpenSSH, OpenSSL and the clouds write them. The
// library's errors are not passed on: they may show what was typed.
func readKey(text, passphrase string) (ssh.Signer, error) {
	text = strings.TrimSpace(text) + "\n"
	if strings.HasPrefix(text, "PuTTY-User-Key-File") {
		return nil, export.Refusal(`"private-key" is in PuTTY's format; export it as an OpenSSH key with PuTTYgen`)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, export.Refusal(`"private-key" is not a key; it must be the whole text from "-----BEGIN" to "-----END … PRIVATE KEY-----", line breaks included`)
	}
	if tooSlow(block) {
		return nil, export.Refusal(`"private-key" takes too long to open; give it fewer rounds with ssh-keygen -p -a 16`)
	}
	raw, err := ssh.ParseRawPrivateKey([]byte(text))
	if missing := new(ssh.PassphraseMissingError); errors.As(err, &missing) {
		if passphrase == "" {
			return nil, export.Refusal(`"private-key" is locked; set "passphrase"`)
		}
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase([]byte(text), []byte(passphrase))
		if err != nil {
			return nil, export.Refusal(`"passphrase" does not open "private-key"`)
		}
	}
	if err != nil {
		return nil, export.Refusal(`"private-key" cannot be read; it must be an Ed25519, RSA or ECDSA key in OpenSSH's format or PEM`)
	}
	return signer(raw)
}

func signer(raw any) (ssh.Signer, error) {
	switch raw.(type) {
	case *ed25519.PrivateKey, ed25519.PrivateKey, *ecdsa.PrivateKey, *rsa.PrivateKey:
	default:
		return nil, export.Refusal(`"private-key" must be an Ed25519, RSA or ECDSA key`)
	}
	key, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, export.Refusal(`"private-key" is of a kind that SSH does not know`)
	}
	if _, ok := raw.(*rsa.PrivateKey); ok { // not with SHA-1 (RFC 8332)
		algorithms := []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
		return ssh.NewSignerWithAlgorithms(key.(ssh.AlgorithmSigner), algorithms)
	}
	return key, nil
}

// tooSlow finds a key whose passphrase is hashed more often than anybody needs
// (OpenSSH: 16 or 24 times, 6 ms each): the number is the client's to choose, the
// processor is ours. The format is OpenSSH's PROTOCOL.key.
func tooSlow(block *pem.Block) bool {
	const most = 256
	body, ok := bytes.CutPrefix(block.Bytes, []byte("openssh-key-v1\x00"))
	if !ok {
		return false // older formats hash once, or do not open at all
	}
	var head struct {
		Cipher, KDF, Options string
		Rest                 []byte `ssh:"rest"`
	}
	var options struct {
		Salt   string
		Rounds uint32
	}
	if ssh.Unmarshal(body, &head) != nil || head.KDF == "none" {
		return false
	}
	return ssh.Unmarshal([]byte(head.Options), &options) != nil || options.Rounds > most
}
