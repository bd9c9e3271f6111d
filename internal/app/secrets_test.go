package app_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/export/email"
	"github.com/reelhook/reelhook/internal/export/exporttest"
	"github.com/reelhook/reelhook/internal/export/exporttest/gateway"
	"github.com/reelhook/reelhook/internal/export/exporttest/mailbox"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// planted are the secrets of a full run, by what they are.
var planted = map[string]string{
	"a password in a movie": "planted-inline-password", "a wrong password": "planted-wrong-password", "a header in a movie": "planted-inline-header",
	"a query in a movie": "planted-query-token", "a token of a connection": "planted-bearer-token", "a signed URL": "planted-url-signature",
	"a header of a connection": "planted-connection-header", "the mailbox's password": mailbox.Password, "a passphrase": "planted-passphrase",
	"a variable": "planted-variable", "a variable's variable": "planted-inner-variable", "a variable of a scene": "planted-scene-variable",
	"a password of a connection": "planted-connection-password", "a secret key": gateway.Secret, "a mail password": "planted-mail-password",
}

// ledger is everything a run says to anybody.
type ledger struct {
	mu    sync.Mutex
	texts map[string][]byte
}

func (l *ledger) Write(p []byte) (int, error) {
	l.add("the log", p)
	return len(p), nil
}

func (l *ledger) add(where string, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.texts == nil {
		l.texts = map[string][]byte{}
	}
	l.texts[where] = append(append(l.texts[where], text...), '\n')
}

// search looks for secrets, also as they may be spelled.
func (l *ledger) search(t *testing.T, secrets map[string]string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, secret := range secrets {
		quoted, _ := json.Marshal(secret)
		for _, spelled := range []string{
			secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)),
		} {
			for where, text := range l.texts {
				if i := bytes.Index(text, []byte(spelled)); i >= 0 {
					t.Errorf("%s is in %s: …%s…", what, where, text[max(0, i-80):min(len(text), i+80)])
				}
			}
		}
	}
}

// TestNoSecretShows has movies go everywhere, well and badly, with secrets in every
// place where there can be one, and looks for them in the database, the logs, and
// every reply of the API.
func TestNoSecretShows(t *testing.T) {
	var said ledger
	files, box, store := sshd.Start(t, sshd.HostKeys), mailboxFor(t), gateway.Start(t, t.TempDir(), "", "")
	data := t.TempDir()
	var keys []string
	t.Run("run", func(t *testing.T) {
		a, c := server(t, func(o *app.Options) {
			o.Data, o.WebhookSecrets, o.ExportBudget = data, nil, 3*time.Second
			o.Log = slog.New(slog.NewTextHandler(io.MultiWriter(&said, t.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
			o.RootCAs, o.SMTP, o.SMTPFrom = box.roots, box.url, "videos@example.org"
		})
		keys = everywhere(t, a, c, &said, files, box, store)
	})
	for _, name := range []string{"reelhook.db", "reelhook.db-wal"} {
		if text, err := os.ReadFile(filepath.Join(data, name)); err == nil {
			said.add("the database", text)
		}
	}
	secrets := map[string]string{"the private key": strings.Split(sshd.PrivateKey(t, "ed25519", ""), "\n")[2], "the SSH password": sshd.Password}
	for what, secret := range planted {
		secrets[what] = secret
	}
	for i, key := range keys {
		secrets[fmt.Sprint("key ", i)] = key
	}
	master, err := os.ReadFile(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(master)) {
		if strings.HasPrefix(word, "rhm_") {
			secrets["the master key"] = word
		}
	}
	if secrets["the master key"] == "" || len(said.texts) < 10 {
		t.Fatalf("looked at %d texts", len(said.texts))
	}
	said.search(t, secrets)
}

// postbox is a mail server, and what it takes to send there: its address and its authority.
type postbox struct {
	*mailbox.Box
	url   *url.URL
	roots *x509.CertPool
}

// everywhere makes connections and movies, and reads all there is to read. It
// returns the secrets that the server made and showed once.
func everywhere(t *testing.T, a *app.App, c api.Client, said *ledger, files *sshd.Server, box postbox, store *gateway.Server) (made []string) {
	t.Helper()
	rc := receive(t, nil)
	ask := func(method, path, body string) map[string]any {
		status, reply := call(t, a, key, method, path, body)
		text, _ := json.Marshal(reply)
		if s, ok := reply["secret"].(string); ok { // shown this once
			made = append(made, s)
			text = bytes.ReplaceAll(text, []byte(s), nil)
		}
		if k, ok := reply["key"].(string); ok {
			made = append(made, k)
			text = bytes.ReplaceAll(text, []byte(k), nil)
		}
		said.add(fmt.Sprintf("the reply to %s %s (%d)", method, path, status), text)
		return reply
	}
	sftp, s3 := files.Settings(t), store.Settings()
	for _, connection := range []string{
		object(t, sftp, "id", "files", "type", "sftp", "remote-path", "in"),
		object(t, sftp, "id", "wrong", "type", "sftp", "private-key", nil, "password", planted["a password of a connection"]),
		object(t, s3, "id", "store", "type", "s3"),
		object(t, nil, "id", "hook", "type", "webhook", "endpoint", rc.URL+"/own", "token", planted["a token of a connection"],
			"headers", map[string]string{"X-Own": planted["a header of a connection"]}),
		object(t, nil, "id", "broken", "type", "email", "host", "127.0.0.1", "port", 1, "username", "u", "password", planted["a mail password"],
			"from", "a@example.org", "to", "b@example.org", "subject", "s", "message", "m"),
		object(t, sftp, "id", "locked", "type", "sftp", "private-key", sshd.PrivateKey(t, "rsa", planted["a passphrase"]), "passphrase", planted["a passphrase"]),
	} {
		ask(http.MethodPost, "/v2/connections", connection)
	}
	ask(http.MethodPost, "/v2/keys", `{"role":"viewer","account":"acme"}`)
	destinations := []string{
		`{"id":"files"}`, `{"id":"store","key":"a/__filename__"}`,
		`{"type":"email","to":"editor@example.org","subject":"done","message":"__video_url__","attach":true}`,
		object(t, sftp, "type", "sftp", "private-key", nil, "password", planted["a wrong password"]),
		object(t, sftp, "type", "sftp", "host", "10.9.9.9", "private-key", nil, "password", planted["a password in a movie"]),
		object(t, nil, "type", "ftp", "host", "127.0.0.1", "port", 1, "username", "u", "password", planted["a password in a movie"]),
		object(t, nil, "type", "http-put", "url", rc.URL+"/put?X-Amz-Signature="+planted["a signed URL"]),
		`{"id":"wrong"}`, `{"id":"hook","payload":"nested"}`,
		object(t, nil, "type", "webhook", "endpoint", rc.URL+"/hook?token="+planted["a query in a movie"], "payload", "nested",
			"headers", map[string]string{"Authorization": "Bearer " + planted["a header in a movie"]}),
		object(t, nil, "type", "webhook", "endpoint", "http://127.0.0.1:1/hook?token="+planted["a query in a movie"], "retries", 0),
		`{"id":"files","host":"10.0.0.1"}`, `{"id":"nobody"}`,
		object(t, nil, "type", "http-put", "url", rc.URL+"/variables", "headers", map[string]string{"Authorization": "{{scheme}} {{ftp_password}}"}),
	}
	id := submit(t, c, strings.Replace(fmt.Sprintf(quick, strings.Join(destinations, ",")), `"scenes":[{"duration":1`, fmt.Sprintf(
		`"variables":{"scheme":"Bearer","ftp_password":"%s{{inner}}","inner":"%s","length_token":1},"scenes":[{"variables":{"token":"%s"},"duration":"{{length_token}}"`,
		planted["a variable"], planted["a variable's variable"], planted["a variable of a scene"]), 1))
	m := exported(t, c, id)
	for i, want := range []string{"uploaded", "uploaded", "sent", "failed", "failed", "failed", "uploaded", "failed", "delivered", "delivered", "failed", "failed", "failed", "uploaded"} {
		if got := m.Exports[0].Destinations[i]; got.Status != want {
			t.Errorf("destination %d is %s and not %s: %s", i, got.Status, want, got.Message)
		}
	}
	filled := 0
	for _, h := range rc.got() {
		said.add("a webhook's body", h.body)
		if h.header.Get("Authorization") == "Bearer "+planted["a variable"]+planted["a variable's variable"] {
			filled++
		}
	}
	if filled == 0 || m.Duration == nil || *m.Duration != 1 { // seconds, which a variable says that is hidden too
		t.Errorf("%d headers were filled in, the movie ended as %+v", filled, m)
	}
	readAll(t, c, id, ask)
	return made
}

// readAll asks for everything.
func readAll(t *testing.T, c api.Client, id string, ask func(method, path, body string) map[string]any) {
	t.Helper()
	for _, path := range []string{
		"/v2/movies?format=full", "/v2/movies?format=full&project=" + id, "/v2/movies/" + id, "/v2/connections", "/v2/keys", "/v2/endpoints", "/v2/deliveries",
		"/v2/account",
	} {
		ask(http.MethodGet, path, "")
	}
	for _, name := range []string{"files", "wrong", "store", "hook", "broken", "locked"} {
		ask(http.MethodGet, "/v2/connections/"+name, "")
		ask(http.MethodPost, "/v2/connections/"+name+"/test", "{}")
	}
	list, err := c.Deliveries(t.Context(), api.Query{Limit: 200})
	if err != nil || len(list.Deliveries) < 8 {
		t.Fatalf("%d deliveries, %v", len(list.Deliveries), err)
	}
	for _, d := range list.Deliveries {
		ask(http.MethodGet, "/v2/deliveries/"+d.ID, "")
		ask(http.MethodGet, "/v2/deliveries/"+d.ID+"/proof", "")
	}
}

func mailboxFor(t *testing.T) postbox {
	t.Helper()
	certificate, authority := exporttest.Certificate(t)
	box := mailbox.Start(t, certificate)
	u, err := email.ParseServer(fmt.Sprintf("smtp://%s:%s@localhost:%d", mailbox.User, mailbox.Password, box.Addr.Port))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(authority), 0o600); err != nil {
		t.Fatal(err)
	}
	roots, err := safehttp.LoadCAs(file)
	if err != nil {
		t.Fatal(err)
	}
	return postbox{box, u, roots}
}
