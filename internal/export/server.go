package export

import (
	"crypto/x509"
	"fmt"
	"strings"
	"unicode"
)

// Host is the member "host": the name or address of a server and nothing else, in
// lower case. protocol is what the client may have put in front of it, such as ftp.
func (s Settings) Host(protocol string) (string, error) {
	host := strings.TrimSuffix(strings.ToLower(s.Text("host")), ".")
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	switch {
	case host == "":
		return "", Refusal(fmt.Sprintf(`The %s destination has no host; set "host" to the server's name`, strings.ToUpper(protocol)))
	case strings.ContainsAny(host, "/@?#%") || strings.Count(host, ":") == 1:
		return "", Refusal(fmt.Sprintf(`"host" must be the server's name alone, without "%s://", user, port or path; these have settings of their own`, protocol))
	}
	return host, nil
}

// Authorities are those of the member "ca", in PEM, beside the ones that are trusted
// anyway: roots, or the system's when that is nil. Without the member they are roots.
func (s Settings) Authorities(roots *x509.CertPool) (*x509.CertPool, error) {
	if !s.Has("ca") {
		return roots, nil
	}
	all, ok := TrustAlso(roots, []byte(s.Text("ca")))
	if !ok {
		return nil, Refusal(`"ca" holds no certificate; it must be the authority's in PEM, from -----BEGIN CERTIFICATE----- on`)
	}
	return all, nil
}

// TrustAlso is a pool with the certificates of a PEM text added; ok is false when
// that holds none. A nil pool is the system's, or empty where there is none.
func TrustAlso(roots *x509.CertPool, pem []byte) (all *x509.CertPool, ok bool) {
	if roots != nil {
		all = roots.Clone()
	} else if system, err := x509.SystemCertPool(); err == nil {
		all = system
	} else {
		all = x509.NewCertPool()
	}
	return all, all.AppendCertsFromPEM(pem)
}

// Tidy is a server's text as it may be shown: without the secrets, on one line, and
// cut to 200 characters.
func Tidy(said string, secrets ...string) string {
	const most = 200
	for _, secret := range secrets {
		if secret != "" {
			said = strings.ReplaceAll(said, secret, "…")
		}
	}
	text := []rune(strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, said)))
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}
