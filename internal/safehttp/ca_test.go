package safehttp

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestLoadCAs(t *testing.T) {
	srv, _ := secure(t)
	cert := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	other := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}))
	wrong := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no certificate")}))
	damaged := strings.Replace(cert, "M", "!", 3)
	for name, tc := range map[string]struct{ text, says string }{
		"one":                {cert, ""},
		"two":                {cert + cert, ""},
		"comments":           {"# our own\nSubject: x\n" + cert + "\n# the end\n", ""},
		"others between":     {other + cert + other, ""},
		"line ends of DOS":   {strings.ReplaceAll(cert, "\n", "\r\n"), ""},
		"nothing":            {"", "holds no certificate"},
		"text":               {"hello", "holds no certificate"},
		"only others":        {other, "holds no certificate"},
		"DER":                {string(srv.Certificate().Raw), "holds no certificate"},
		"second damaged":     {cert + damaged, "block 2, which begins in line " + line(cert)},
		"damaged, then good": {"\n" + damaged + cert, "block 1, which begins in line 2, is not PEM"},
		"cut off":            {cert[:len(cert)/2], "block 1, which begins in line 1, is not PEM"},
		"no certificate":     {cert + wrong, "block 2, which begins in line " + line(cert)},
	} {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		pool, err := LoadCAs(file)
		if tc.says != "" {
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), file) {
				t.Errorf("%s: got %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p := Policy{AllowNetworks: nets("127.0.0.0/8")}
		if err := get(p.Client(Options{RootCAs: pool}), srv.URL); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LoadCAs("/nowhere/ca.pem"); err == nil || err.Error() != "the file of CA certificates /nowhere/ca.pem does not exist" {
		t.Errorf("got %v", err)
	}
	if _, err := LoadCAs(t.TempDir()); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("got %v", err)
	}
}

// line is the number of the line behind a text, as errors have it.
func line(text string) string { return strconv.Itoa(1+strings.Count(text, "\n")) + "," }
