package connection_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
)

func TestParse(t *testing.T) {
	got := parse(t, ` {"ID":" acme ","Type":"SFTP","host":"h","pass_word":" p","Port":22,"declared":true,"created_at":"x","headers":{"X_Own":"a"}} `)
	want := connection.Connection{ID: "acme", Type: "sftp", Settings: export.Settings{
		"host": json.RawMessage(`"h"`), "password": nil, "pass-word": json.RawMessage(`" p"`), "port": json.RawMessage(`22`),
		"headers": json.RawMessage(`{"X_Own":"a"}`),
	}}
	delete(want.Settings, "password")
	if diff := cmp.Diff(fields(want), fields(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range []struct{ text, says string }{
		{``, "is a JSON object"}, {`[]`, "is a JSON object"}, {`null`, "is a JSON object"}, {`"hunter2"`, "is a JSON object"}, {`{} {}`, "is a JSON object"},
		{`{"password":"hunter2","Password":"hunter2"}`, `has "password" twice`},
		{`{"x":"` + strings.Repeat("a", 64<<10) + `"}`, "at most 64 KiB"},
	} {
		_, err := connection.Parse([]byte(c.text))
		refuses(t, cut(c.text), err, c.says)
	}
}

func cut(s string) string { return s[:min(len(s), 40)] }

// fields shows what a connection does not show by itself.
func fields(c connection.Connection) map[string]any {
	return map[string]any{"account": c.Account, "id": c.ID, "type": c.Type, "settings": c.Settings, "declared": c.Declared,
		"created": c.CreatedAt, "updated": c.UpdatedAt}
}

// However something is printed, no secret shows.
func TestNothingSecretShows(t *testing.T) {
	f := setup(t)
	c := parse(t, `{"id":"acme","type":"webhook","endpoint":"https://h/?k=hunter2","secret":"whsec_aHVudGVyMg==","token":"hunter2"}`)
	f.create(`{"id":"acme","type":"webhook","endpoint":"https://h/?k=hunter2","secret":"whsec_aHVudGVyMg==","token":"hunter2"}`)
	listed, err := f.List(t.Context(), "")
	f.must(err)
	got, err := f.Get(t.Context(), "", "acme")
	f.must(err)
	identity, err := f.Identity(t.Context(), "", "acme")
	f.must(err)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	for _, v := range []any{c, &c, listed, got, identity, &identity, map[string]any{"c": c, "i": identity}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
		logger.Info("x", "v", v)
		text, err := json.Marshal(v)
		f.must(err)
		log.Write(text)
	}
	for _, secret := range []string{"hunter2", "aHVudGVyMg", "68756e74657232", "Bearer"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s shows in\n%s", secret, log.String())
		}
	}
	for _, row := range f.store.Rows {
		if all := string(row.Shown) + string(row.Sealed); strings.Contains(all, "hunter2") || !strings.Contains(string(row.Shown), "https://h/?(redacted)") {
			t.Errorf("stored is %s", all)
		}
	}
}

func TestCreate(t *testing.T) {
	f := setup(t)
	c := parse(t, `{"id":"acme-sftp","type":"SFTP","host":"files.example.org","username":"u","password":"hunter2","host-key":"SHA256:a","remote-path":null}`)
	c.Account = "acme"
	created, secret, err := f.Create(t.Context(), c)
	f.must(err)
	want := map[string]any{"account": "acme", "id": "acme-sftp", "type": "sftp", "declared": false, "created": f.now, "updated": f.now,
		"settings": export.Settings{"host": json.RawMessage(`"files.example.org"`), "username": json.RawMessage(`"u"`),
			"password": json.RawMessage(`"(redacted)"`), "host-key": json.RawMessage(`"SHA256:a"`)}}
	got, err := f.Get(t.Context(), "acme", "acme-sftp")
	f.must(err)
	for _, c := range []connection.Connection{created, got} {
		if diff := cmp.Diff(want, fields(c)); diff != "" || secret != "" {
			t.Errorf("secret %q, (-want +got):\n%s", secret, diff)
		}
	}
	text, err := json.Marshal(got)
	f.must(err)
	if want := `{"created_at":"2026-01-02T03:04:05.000000006Z","declared":false,"host":"files.example.org","host-key":"SHA256:a","id":"acme-sftp",` +
		`"password":"(redacted)","type":"sftp","updated_at":"2026-01-02T03:04:05.000000006Z","username":"u"}`; string(text) != want {
		t.Errorf("it is marshalled as %s", text)
	}
	d := f.checked[0]
	if d.Type != "sftp" || d.Connection != "acme-sftp" || d.Secret("password") != "hunter2" || !d.Stored["host"] {
		t.Errorf("checked was %v", d)
	}

	if _, _, err := f.Create(t.Context(), c); !errors.Is(err, connection.ErrExists) {
		t.Errorf("again: got %v", err)
	}
	for _, account := range []string{"", "other"} {
		if _, err := f.Get(t.Context(), account, "acme-sftp"); !errors.Is(err, connection.ErrNotFound) {
			t.Errorf("account %q sees it: %v", account, err)
		}
		c.Account = account
		if _, _, err := f.Create(t.Context(), c); err != nil {
			t.Errorf("account %q may not have one too: %v", account, err)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	f := setup(t)
	for _, c := range []struct{ text, says string }{
		{`{"type":"ftp"}`, `"id" must be 1 to 64 letters`},
		{`{"id":"a/b","type":"ftp"}`, `"id" must be`},
		{`{"id":"` + strings.Repeat("a", 65) + `","type":"ftp"}`, `"id" must be`},
		{`{"id":"a"}`, `"type" must be one of ftp, sftp, s3, webhook, not ""`},
		{`{"id":"a","type":"gopher"}`, `not "gopher"`},
		{`{"id":"a","type":"ftp","password":"(redacted)"}`, `"password" is (redacted), and no such value is kept here: write it out`},
		{`{"id":"a","type":"s3","headers":{"x":"(redacted)"}}`, `"headers" is (redacted)`},
	} {
		_, _, err := f.Create(t.Context(), parse(t, c.text))
		refuses(t, cut(c.text), err, c.says)
	}
	large := connection.Connection{ID: "a", Type: "ftp", Settings: export.Settings{"x": json.RawMessage(`"` + strings.Repeat("a", 64<<10) + `"`)}}
	_, _, err := f.Create(t.Context(), large)
	refuses(t, "large settings", err, "at most 64 KiB")
	_, _, err = f.Create(t.Context(), connection.Connection{ID: "a", Type: "ftp", Settings: export.Settings{"x": json.RawMessage(`{`)}})
	refuses(t, "no JSON", err, `"x" is not JSON`)
	f.fault = export.Refusal("the carrier says no")
	_, _, err = f.Create(t.Context(), parse(t, `{"id":"a","type":"ftp","password":"hunter2"}`))
	refuses(t, "the carrier", err, "the carrier says no")
	if len(f.store.Rows) > 0 {
		t.Errorf("stored all the same: %v", f.store.Rows)
	}
	f.fault = nil
	for i := range 200 {
		f.create(fmt.Sprintf(`{"id":"c%d","type":"ftp"}`, i))
	}
	_, _, err = f.Create(t.Context(), parse(t, `{"id":"a","type":"ftp"}`))
	refuses(t, "one too many", err, "There are 200 connections, which is the most")
}

func TestPut(t *testing.T) {
	f := setup(t)
	if err := f.put(`{"id":"a","type":"ftp"}`); !errors.Is(err, connection.ErrNotFound) {
		t.Errorf("none to replace: got %v", err)
	}
	f.create(`{"id":"a","type":"ftp","host":"h","username":"u","password":"hunter2","port":21,"headers":{"A":"s3cret","B":"b"}}`)
	made := f.now
	f.now = f.now.Add(time.Hour)
	refuses(t, "another spelling of a port", f.put(`{"id":"a","type":"ftp","host":"h","port":21.0e0,"password":"(redacted)"}`), `With another "port"`)
	got, err := f.Put(t.Context(), parse(t, `{"id":"a","type":"ftp","host":"h","port":21,"password":"(redacted)","headers":{"A":"(redacted)","C":"c"},"file":"f"}`))
	f.must(err)
	if !got.CreatedAt.Equal(made) || !got.UpdatedAt.Equal(f.now) || got.Settings.Has("username") || string(got.Settings["password"]) != `"(redacted)"` {
		t.Errorf("got %v", fields(got))
	}
	if p, h := f.setting("a", "password"), f.setting("a", "headers"); p != `"hunter2"` || h != `{"A":"s3cret","C":"c"}` {
		t.Errorf("kept were %s and %s", p, h)
	}
	// As it was read, but for what is new.
	read, err := f.Get(t.Context(), "", "a")
	f.must(err)
	text, err := json.Marshal(read)
	f.must(err)
	f.must(f.put(strings.Replace(string(text), `"f"`, `"<&>"`, 1)))
	if p, file := f.setting("a", "password"), f.setting("a", "file"); p != `"hunter2"` || file != `"\u003c\u0026\u003e"` {
		t.Errorf("kept were %s and %s", p, file)
	}
	refuses(t, "an unknown header", f.put(`{"id":"a","type":"ftp","host":"h","port":21,"headers":{"X":"(redacted)"}}`), `"headers" is (redacted)`)
	refuses(t, "an unknown secret", f.put(`{"id":"a","type":"ftp","host":"h","port":21,"passphrase":"(redacted)"}`), `"passphrase" is (redacted)`)
	f.must(f.put(`{"id":"a","type":"sftp","host":"evil","password":"new"}`))
	if p := f.setting("a", "password"); p != `"new"` {
		t.Errorf("the password is %s", p)
	}
}

// Whoever may change a connection may not have its secrets sent to themselves.
func TestPutDoesNotRedirectSecrets(t *testing.T) {
	const full = `{"id":"a","type":"sftp","host":"h","username":"u","password":"hunter2","host-key":"k"}`
	for _, c := range []struct{ text, says string }{
		{`{"id":"a","type":"sftp","host":"evil","password":"(redacted)","host-key":"k"}`, `With another "host" the stored secrets would go elsewhere: write "password" out anew`},
		{`{"id":"a","type":"sftp","host":"h","password":"(redacted)","host-key":"evil"}`, `"host-key"`},
		{`{"id":"a","type":"sftp","host":"h","password":"(redacted)"}`, `"host-key"`},
		{`{"id":"a","type":"sftp","host":"h","host-key":"k","password":"(redacted)","proxy":"http://evil"}`, `"proxy"`},
		{`{"id":"a","type":"ftp","host":"h","host-key":"k","password":"(redacted)"}`, `"type"`},
		{`{"id":"a","type":"sftp","host":"h","host-key":"k","password":"(redacted)","allow-host-override":true}`, `"allow-host-override"`},
	} {
		f := setup(t)
		f.create(full)
		refuses(t, c.text, f.put(c.text), c.says)
		f.must(f.put(strings.Replace(c.text, "(redacted)", "new", 1)))
	}
	f := setup(t)
	f.create(`{"id":"a","type":"sftp","host":"h","password":"hunter2","allow-host-override":true}`)
	f.must(f.put(`{"id":"a","type":"sftp","host":"other","password":"(redacted)"}`))
	secret := f.create(`{"id":"w","type":"webhook","endpoint":"https://h/"}`)
	f.must(f.put(`{"id":"w","type":"webhook","endpoint":"https://other/","secret":"(redacted)"}`)) // nobody gets to see it there
	if got := f.setting("w", "secret"); got != `"`+secret+`"` {
		t.Errorf("the secret is %s", got)
	}
}

// An address with a secret in it can be kept, or written out.
func TestPutKeepsAddress(t *testing.T) {
	f := setup(t)
	f.create(`{"id":"w","type":"webhook","endpoint":"https://h/a&b?k=hunter2","token":"hunter2"}`)
	c, err := f.Get(t.Context(), "", "w")
	f.must(err)
	text, err := json.Marshal(c)
	f.must(err)
	f.must(f.put(string(text)))
	if got, err := f.resolve(`{"id":"w"}`); err != nil || got.Text("endpoint") != "https://h/a&b?k=hunter2" {
		t.Errorf("the endpoint is %s, %v", got.Text("endpoint"), err)
	}
	refuses(t, "another path", f.put(strings.Replace(string(text), "https://h/", "https://h/x", 1)), `With another "endpoint"`)
	refuses(t, "another path alone", f.put(`{"id":"w","type":"webhook","endpoint":"https://h/x?(redacted)"}`), `"endpoint" is (redacted)`)
	refuses(t, "another address", f.put(`{"id":"w","type":"webhook","endpoint":"https://evil/","token":"(redacted)"}`), `With another "endpoint"`)
}

func TestDelete(t *testing.T) {
	f := setup(t)
	f.create(`{"id":"a","type":"ftp"}`)
	f.must(f.Delete(t.Context(), "", "a"))
	for _, id := range []string{"a", "", "a/b"} {
		if err := f.Delete(t.Context(), "", id); !errors.Is(err, connection.ErrNotFound) {
			t.Errorf("%q: got %v", id, err)
		}
	}
	_, err := f.resolve(`{"id":"a"}`)
	refuses(t, "deleted", err, "Unknown connection 'a'")
}

func TestDeclared(t *testing.T) {
	f := setup(t)
	f.create(`{"id":"a","type":"ftp","host":"stored","password":"hunter2"}`)
	f.create(`{"id":"b","type":"ftp","host":"stored"}`)
	a, other := parse(t, `{"id":"a","type":"sftp","host":"declared","password":"s3cret"}`), parse(t, `{"id":"c","type":"ftp"}`)
	other.Account = "acme"
	f.open(a, other)
	all, err := f.List(t.Context(), "")
	f.must(err)
	if len(all) != 2 || all[0].ID != "a" || !all[0].Declared || all[0].Type != "sftp" || string(all[0].Settings["password"]) != `"(redacted)"` || all[1].ID != "b" {
		t.Errorf("listed are %v", all)
	}
	if d, err := f.resolve(`{"id":"a"}`); err != nil || d.Text("host") != "declared" || d.Secret("password") != "s3cret" {
		t.Errorf("resolved is %v, %v", d.Settings, err)
	}
	got, err := f.Get(t.Context(), "", "a")
	f.must(err)
	text, err := json.Marshal(got)
	f.must(err)
	if want := `{"declared":true,"host":"declared","id":"a","password":"(redacted)","type":"sftp"}`; string(text) != want {
		t.Errorf("it is marshalled as %s", text)
	}
	_, _, created := f.Create(t.Context(), a)
	_, rotated := f.RotateSecret(t.Context(), "", "a", 0)
	for what, err := range map[string]error{"create": created, "put": f.put(`{"id":"a","type":"ftp"}`), "delete": f.Delete(t.Context(), "", "a"), "rotate": rotated} {
		if !errors.Is(err, connection.ErrDeclared) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if d, err := f.resolve(`{"id":"c"}`); err == nil {
		t.Errorf("that of another account is resolved: %v", d)
	}
}

func TestDeclaredIsRefused(t *testing.T) {
	f := setup(t)
	for _, c := range []struct {
		texts []string
		says  string
	}{
		{[]string{`{"id":"a","type":"ftp"}`, `{"id":"a","type":"sftp"}`}, "connection 'a' is declared twice"},
		{[]string{`{"id":"a b","type":"ftp"}`}, `the declared connection 'a b': "id" must be`},
		{[]string{`{"id":"w","type":"webhook"}`}, `the declared connection 'w': A webhook connection needs a "secret" to sign with`},
	} {
		var all []connection.Connection
		for _, text := range c.texts {
			all = append(all, parse(t, text))
		}
		_, err := connection.New(connection.Options{Store: f.store, Keys: f.keys, Types: types, Declared: all})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: got %v, want %s", c.texts, err, c.says)
		}
	}
}
