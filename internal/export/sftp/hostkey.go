package sftp

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export"
)

const pinHint = `write a fingerprint as ssh-keygen -l prints it ("SHA256:…") or a whole public key ("ssh-ed25519 AAAA…")`

// pin is a host key that is right. kind is "" for a fingerprint, which does not
// tell it.
type pin struct{ fingerprint, kind string }

func readPins(items []string) ([]pin, error) {
	var pins []pin
	for _, item := range items {
		for _, line := range strings.Split(item, "\n") {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			p, err := readPin(line)
			if err != nil {
				return nil, err
			}
			pins = append(pins, p)
		}
	}
	return pins, nil
}

func readPin(text string) (pin, error) {
	if sum, ok := strings.CutPrefix(text, "SHA256:"); ok {
		sum = strings.TrimRight(sum, "=")
		if raw, err := base64.RawStdEncoding.DecodeString(sum); err != nil || len(raw) != 32 {
			return pin{}, export.Refusal(`"host-key" holds a fingerprint that is cut off or damaged; ` + pinHint)
		}
		return pin{fingerprint: "SHA256:" + sum}, nil
	}
	key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if _, isCert := key.(*ssh.Certificate); err != nil || len(rest) > 0 || isCert {
		return pin{}, export.Refusal(`"host-key" cannot be read; ` + pinHint)
	}
	return pin{ssh.FingerprintSHA256(key), key.Type()}, nil
}

// families are the kinds of host key that are asked for, best first. SHA-1 and
// DSA are not among them.
var families = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

// certificates are the algorithms of host certificates.
var certificates = []string{
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
	ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
}

// hostKeys is what is known of one server's key before it shows it.
type hostKeys struct {
	address string
	pins    []pin
	// source says where pins come from.
	source string
	known  []*knownHosts
	// remember keeps a key at first use; nil when that is not allowed.
	remember func(fingerprint string) error
	// mayAsk tells that first-use trust could be had for the asking.
	mayAsk bool
}

// expect gathers what is known of a destination's server: what the client says,
// what the operator says, and only when both say nothing, and one of them allows
// it, what was seen at first use.
func (c *Carrier) expect(ctx context.Context, d *destination) (*hostKeys, error) {
	operators, err := c.known()
	if err != nil {
		return nil, err
	}
	h := &hostKeys{
		address: d.address(), pins: d.pins, source: "those that are pinned",
		known: []*knownHosts{d.known, operators}, mayAsk: c.Trust != nil,
	}
	if len(h.pins) > 0 || len(h.knownKinds()) > 0 || c.Trust == nil || !d.firstUse && !c.FirstUse {
		return h, nil
	}
	key, ok, err := c.Trust.HostKey(ctx, h.address)
	if err != nil {
		return nil, fmt.Errorf("the host keys seen before cannot be read: %w", err)
	}
	if ok {
		h.pins, h.source = []pin{{fingerprint: key}}, "those it had before: this server was trusted at first use"
	} else {
		h.remember = func(fingerprint string) error { return c.Trust.Remember(ctx, h.address, fingerprint) }
	}
	return h, nil
}

// knownKinds are the kinds of key by which known_hosts lines know the server.
func (h *hostKeys) knownKinds() (kinds []string) {
	for _, k := range h.known {
		kinds = append(kinds, k.kinds(h.address)...)
	}
	return kinds
}

// rounds returns the algorithms to offer, one list for each connection that may
// have to be made. A server shows one key, of the first kind offered that it has:
// so the kinds that are known to be right are offered alone. A fingerprint does
// not tell its kind; then every kind is tried by itself until one is right.
func (h *hostKeys) rounds() [][]string {
	kinds := h.knownKinds()
	for _, p := range h.pins {
		if p.kind == "" {
			return families
		}
		kinds = append(kinds, p.kind)
	}
	all := slices.Concat(families...)
	if len(kinds) == 0 {
		return [][]string{all}
	}
	var offered []string
	if slices.ContainsFunc(h.known, func(k *knownHosts) bool { return k != nil && k.authorities }) {
		offered = slices.Clone(certificates)
	}
	if slices.Contains(kinds, ssh.KeyAlgoRSA) { // one kind of key, two of signature (RFC 8332)
		kinds = append(kinds, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
	}
	for _, algorithm := range all {
		if slices.Contains(kinds, algorithm) {
			offered = append(offered, algorithm)
		}
	}
	if len(offered) == 0 { // only kinds that are not used any more
		offered = all
	}
	return [][]string{offered}
}

// check decides whether the key that the server has shown, and has proved to
// hold, is right: one source that knows it is enough, a revocation is final.
func (h *hostKeys) check(key ssh.PublicKey) error {
	shown := ssh.FingerprintSHA256(key)
	right, wrong := false, len(h.pins) > 0
	for _, p := range h.pins {
		right = right || p.fingerprint == shown
	}
	for _, k := range h.known {
		switch verdict, _ := k.judge(h.address, key); verdict {
		case revoked:
			return h.refuse("The server's host key %s is revoked. It must not be used any more: tell the server's operator", shown)
		case agrees:
			right = true
		case differs:
			wrong = true
		}
	}
	switch {
	case right:
		return nil
	case wrong:
		return h.refuse(`The server shows the host key %s, which is not among %s. It may have been set up anew, or somebody is in between: ask its operator, and change "host-key" or "known-hosts" only if the new key is right`, shown, h.source)
	case h.remember == nil:
		return h.refuse(`The server's host key is not known. It shows %s (%s): if that is right, put it into "host-key"%s`, shown, key.Type(), h.orAsk())
	}
	if err := h.remember(shown); err != nil {
		return fmt.Errorf("the host key cannot be remembered: %w", err)
	}
	h.pins = []pin{{fingerprint: shown}} // for when keys are exchanged again
	return nil
}

func (h *hostKeys) orAsk() string {
	if h.mayAsk {
		return `, or set "trust-host-key" to "first-use"`
	}
	return ""
}

const classHostKey = "host-key"

func (h *hostKeys) refuse(format string, args ...any) error {
	return &export.Fault{Step: export.StepHostKey, Class: classHostKey, Message: fmt.Sprintf(format, args...), Permanent: true}
}
