package connection_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
)

// TestWarnings has settings that nobody reads, each with what it may be meant to be.
func TestWarnings(t *testing.T) {
	v := &connection.Vault{Options: connection.Options{Known: map[string][]string{
		"sftp": {"host", "port", "username", "password", "private-key", "remote-path", "file"}, "webhook": {"endpoint", "headers"},
	}}}
	for _, tc := range []struct{ kind, names, want string }{
		{"sftp", "host port username password private-key remote-path file source on-failure allow-host-override", ""},
		{"webhook", "endpoint headers secret token client-cert client-key ca authorization username password", ""},
		{"sftp", "remote-pth", "remote-pth: remote-path"},
		{"sftp", "hots", "hots: host"},
		{"sftp", "user", "user: username"},
		{"sftp", "privatekey hostname", "hostname: host, privatekey: private-key"},
		{"sftp", "path folder x", "folder: , path: remote-path, x: "},
		{"webhook", "host url endpoint-url", "endpoint-url: endpoint, host: , url: "},
		{"sftp", strings.Repeat("é", 100), strings.Repeat("é", 64) + "…: "},
		{"another", "anything", ""},
	} {
		c := connection.Connection{Type: tc.kind, Settings: export.Settings{}}
		for name := range strings.FieldsSeq(tc.names) {
			c.Settings[name] = []byte(`"planted"`)
		}
		var got []string
		for _, w := range v.Warnings(c) {
			_, hint, _ := strings.Cut(w.Message, "meant to be '")
			hint, _, _ = strings.Cut(hint, "'")
			got = append(got, w.Path+": "+hint)
			if !strings.HasPrefix(w.Message, "Destinations of type "+tc.kind+" have no setting '"+w.Path+"'; it does nothing") || strings.Contains(w.Message, "planted") {
				t.Errorf("it says %s", w.Message)
			}
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s: -want +got\n%s", tc.names, diff)
		}
	}
}

// TestManyWarnings: nobody reads a thousand.
func TestManyWarnings(t *testing.T) {
	v := &connection.Vault{Options: connection.Options{Known: map[string][]string{"ftp": {"host"}}}}
	c := connection.Connection{Type: "ftp", Settings: export.Settings{}}
	for i := range 1000 {
		c.Settings[strings.Repeat("x", i+1)] = []byte("1")
	}
	if all := v.Warnings(c); len(all) != 21 || all[20].Path != "" {
		t.Errorf("%d warnings", len(all))
	}
}
