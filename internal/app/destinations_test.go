package app_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
	"github.com/reelhook/reelhook/internal/export/exporttest/vsftpd"
)

// object is a JSON object with members set on top.
func object(t *testing.T, members map[string]any, more ...any) string {
	t.Helper()
	all := map[string]any{}
	for name, value := range members {
		all[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i].(string)] = more[i+1]
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// call uses the API as another program would, with a key.
func call(t *testing.T, a *app.App, key, method, path, body string) (status int, reply map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(text, &reply)
	}
	if err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return resp.StatusCode, reply
}

// published fetches a movie's file.
func published(t *testing.T, m api.Movie) []byte {
	t.Helper()
	if m.URL == nil {
		t.Fatalf("no file: %+v", m)
	}
	resp, err := http.Get(*m.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestUploadThenWebhook is the multi-destination example of the contract (section
// 23): when the webhook comes, the file is on the server, whole.
func TestUploadThenWebhook(t *testing.T) {
	srv := sshd.Start(t, sshd.HostKeys)
	var atHook []byte
	rc := receive(t, func(_ http.ResponseWriter, _ *http.Request, _ int) {
		for _, name := range srv.Names("in") {
			atHook, _ = srv.Read("in/" + name)
		}
	})
	a, c := server(t, func(o *app.Options) { o.TrustNewHosts = true })
	settings := srv.Settings(t)
	delete(settings, "host-key") // trusted at first sight: the contract's documents pin nothing
	status, made := call(t, a, key, http.MethodPost, "/v2/connections", object(t, settings, "id", "my-saved-connection", "type", "sftp", "remote-path", "in"))
	if status != http.StatusOK || strings.Contains(fmt.Sprint(made), "PRIVATE KEY") {
		t.Fatalf("%d %v", status, made)
	}
	id := submit(t, c, fmt.Sprintf(quick, fmt.Sprintf(`{"id":"my-saved-connection","file":"override-__yyyy__.mp4"},
		{"type":"webhook","endpoint":%q,"content-type":"json","payload":"nested"}`, rc.URL)))
	m := exported(t, c, id)
	file := published(t, m)
	hooks := rc.got()
	if len(hooks) != 1 || !bytes.Equal(atHook, file) || hooks[0].header.Get("webhook-export") != "complete" {
		t.Fatalf("%d hooks, %d of %d bytes were there: %+v", len(hooks), len(atHook), len(file), m.Exports)
	}
	sum := sha256.Sum256(file)
	d := m.Exports[0].Destinations[0]
	if d.Type != "sftp" || d.Status != "uploaded" || d.SHA256 != hex.EncodeToString(sum[:]) || d.Bytes != int64(len(file)) ||
		!strings.HasPrefix(d.RemotePath, srv.Path("in/override-20")) || d.Seconds <= 0 {
		t.Errorf("shown as %+v", d)
	}
	nested := verified(t, hooks[0])["movie"].(map[string]any)["exports"].([]any)[0].(map[string]any)
	if nested["status"] != "uploaded" || nested["remote_path"] != d.RemotePath || nested["sha256"] != d.SHA256 {
		t.Errorf("the webhook says %v", nested)
	}
	status, tried := call(t, a, key, http.MethodPost, "/v2/connections/my-saved-connection/test", "{}")
	if status != http.StatusOK || tried["ok"] != true {
		t.Errorf("tried out: %d %v", status, tried)
	}
}

// TestFTPThenWebhook is the original's own example: the file by FTP, inline, then
// the webhook, which comes when all of it is there.
func TestFTPThenWebhook(t *testing.T) {
	srv := vsftpd.Start(t, "127.0.0.1")
	var atHook []byte
	rc := receive(t, func(http.ResponseWriter, *http.Request, int) { atHook, _ = srv.Read("in/promo.mp4") })
	_, c := server(t, nil)
	id := submit(t, c, fmt.Sprintf(quick, object(t, srv.Settings(), "type", "ftp", "remote-path", "./in/", "file", "promo.mp4")+
		fmt.Sprintf(`,{"type":"webhook","endpoint":%q,"content-type":"json"}`, rc.URL)))
	m := exported(t, c, id)
	file := published(t, m)
	if hooks := rc.got(); len(hooks) != 1 || !bytes.Equal(atHook, file) || verified(t, hooks[0])["project"] != id {
		t.Fatalf("%d hooks, %d of %d bytes were there: %+v", len(hooks), len(atHook), len(file), m.Exports)
	}
	if d := m.Exports[0].Destinations[0]; d.Status != "uploaded" || d.Message != "" {
		t.Errorf("shown as %+v", d)
	}
}

// TestFailedUpload holds that the webhook comes all the same, and says what did
// not.
func TestFailedUpload(t *testing.T) {
	srv, rc := vsftpd.Start(t, "127.0.0.1"), receive(t, nil)
	_, c := server(t, nil)
	wrong := object(t, srv.Settings(), "type", "ftp", "password", "wrong")
	id := submit(t, c, fmt.Sprintf(quick, wrong+`,`+object(t, srv.Settings(), "type", "ftp", "file", "second.mp4", "on-failure", "stop", "remote-path", "../out")+
		`,`+object(t, srv.Settings(), "type", "ftp", "file", "third.mp4")+fmt.Sprintf(`,{"type":"webhook","endpoint":%q,"payload":"nested"}`, rc.URL)))
	m := exported(t, c, id)
	var states []string
	for _, d := range m.Exports[0].Destinations {
		states = append(states, d.Status)
	}
	if got := strings.Join(states, " "); got != "failed failed skipped delivered" {
		t.Fatalf("%s: %+v", got, m.Exports)
	}
	h := rc.got()[0]
	if h.header.Get("webhook-export") != "partial" || len(srv.Names("")) != 0 {
		t.Errorf("%v, and on the server %v", h.header, srv.Names(""))
	}
	first := verified(t, h)["movie"].(map[string]any)["exports"].([]any)[0].(map[string]any)
	if first["status"] != "failed" || first["last_status"] != 530.0 || strings.Contains(fmt.Sprint(first), "wrong") {
		t.Errorf("the webhook says %v", first)
	}
}

// TestAccounts has two accounts use one server, and neither see the other's.
func TestAccounts(t *testing.T) {
	rc := receive(t, nil)
	a, _ := server(t, nil)
	clients := map[string]api.Client{}
	ids := map[string]string{}
	for _, name := range []string{"acme", "other"} {
		_, made := call(t, a, key, http.MethodPost, "/v2/keys", fmt.Sprintf(`{"role":"manager","account":%q}`, name))
		clients[name] = api.Client{BaseURL: a.URL(), Key: made["key"].(string)}
		status, hook := call(t, a, clients[name].Key, http.MethodPost, "/v2/connections", fmt.Sprintf(`{"id":"hook","type":"webhook","endpoint":%q}`, rc.URL+"/"+name))
		if status != http.StatusOK || !strings.HasPrefix(fmt.Sprint(hook["secret"]), "whsec_") {
			t.Fatalf("%d %v", status, hook)
		}
		ids[name] = submit(t, clients[name], fmt.Sprintf(quick, `{"id":"hook"}`))
	}
	for name, c := range clients {
		m := exported(t, c, ids[name])
		list, err := c.Deliveries(t.Context(), api.Query{})
		if err != nil || len(list.Deliveries) != 1 || list.Deliveries[0].Project != ids[name] || m.Exports[0].Status != "done" {
			t.Errorf("%s sees %+v, %v", name, list.Deliveries, err)
		}
	}
	if _, err := clients["acme"].Movie(t.Context(), ids["other"]); err == nil {
		t.Error("acme sees the other's movie")
	}
	if status, reply := call(t, a, clients["acme"].Key, http.MethodPost, "/v2/keys", `{"role":"viewer"}`); status != http.StatusForbidden {
		t.Errorf("a manager makes keys: %d %v", status, reply)
	}
}
