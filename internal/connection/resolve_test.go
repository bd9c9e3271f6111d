package connection_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/seal"
)

// stored are the connections of the table below.
var stored = []string{
	`{"id":"s","type":"sftp","host":"files.example.org","username":"u","password":"hunter2","remote-path":"/in","secure":true}`,
	`{"id":"open","type":"ftp","host":"h","password":"hunter2","allow-host-override":true}`,
	`{"id":"plain","type":"ftp","host":"h","username":"anonymous"}`,
	`{"id":"aws","type":"s3","region":"eu-central-1","secret-access-key":"hunter2"}`,
	`{"id":"signs","type":"webhook"}`,
	`{"id":"hook","type":"webhook","endpoint":"https://h/Hook"}`,
	`{"id":"query","type":"webhook","endpoint":"https://h/hook?k=hunter2"}`,
}

func TestResolve(t *testing.T) {
	f := setup(t)
	for _, text := range stored {
		f.create(text)
	}
	for _, c := range []struct{ name, destination, want, says string }{
		{"nothing of its own", `{"id":"s"}`, `sftp host*="files.example.org" password*="hunter2" remote-path*="/in" secure*=true username*="u"`, ""},
		{"an id with space around it", `{"id":" s "}`, `sftp host*="files.example.org" password*="hunter2" remote-path*="/in" secure*=true username*="u"`, ""},
		{"what may be overridden", `{"id":"s","type":"SFTP","remote_path":"/out","file":"f","username":"v"}`,
			`sftp file="f" host*="files.example.org" password*="hunter2" remote-path="/out" secure*=true username="v"`, ""},
		{"what says nothing", `{"id":"s","host":"","port":null,"remote-path":" ","password":"","allow-host-override":false}`,
			`sftp host*="files.example.org" password*="hunter2" remote-path=" " secure*=true username*="u"`, ""},
		{"the same host", `{"id":"s","host":"FILES.example.org ","secure":"true"}`,
			`sftp host*="files.example.org" password*="hunter2" remote-path*="/in" secure*=true username*="u"`, ""},
		{"another host", `{"id":"s","host":"evil"}`, "", `"host" of the connection 's' cannot be overridden, for its secrets would go elsewhere`},
		{"another port", `{"id":"s","port":2222}`, "", `"port" of the connection`},
		{"no list either", `{"id":"s","host":["files.example.org"]}`, "", `"host" of the connection`},
		{"a proxy", `{"id":"s","proxy":"http://evil"}`, "", `"proxy" of the connection`},
		{"another host key", `{"id":"s","trust_host_key":true}`, "", `"trust-host-key" of the connection`},
		{"leave to override", `{"id":"s","host":"evil","allow-host-override":true}`, "", `"host" of the connection`},
		{"another type", `{"id":"s","type":"ftp"}`, "", `The connection 's' is of type sftp, which cannot be overridden`},
		{"a host that may be overridden", `{"id":"open","host":"other","port":1}`, `ftp host="other" password*="hunter2" port=1`, ""},
		{"no secrets", `{"id":"plain","host":"other"}`, `ftp host="other" username*="anonymous"`, ""},
		{"an endpoint where there is none", `{"id":"aws","endpoint":"evil"}`, "", `"endpoint" of the connection`},
		{"a bucket", `{"id":"aws","bucket":"b"}`, `s3 bucket="b" region*="eu-central-1" secret-access-key*="hunter2"`, ""},
		{"whatever is signed", `{"id":"signs","endpoint":"https://h"}`, `webhook endpoint="https://h" secret*=…`, ""},
		{"one endpoint is signed for", `{"id":"hook","endpoint":"https://evil"}`, "", `"endpoint" of the connection`},
		{"the same endpoint", `{"id":"hook","endpoint":"https://h/hook"}`, `webhook endpoint*="https://h/Hook" secret*=…`, ""},
		{"a secret in the address", `{"id":"query","endpoint":"https://h/hook"}`, "", `"endpoint" of the connection`},
		{"no id", `{"type":"ftp","host":"h"}`, `ftp host="h" type="ftp"`, ""},
		{"an empty id", `{"id":"","type":"ftp"}`, `ftp id="" type="ftp"`, ""},
		{"unknown", `{"id":"x"}`, "", `Unknown connection 'x': create a connection of this id, or take "id" out and write its settings here`},
		{"unknown with a type", `{"id":"x","type":"ftp"}`, "", "Unknown connection 'x'"},
		{"no id at all", `{"id":"../x"}`, "", "Unknown connection '../x'"},
		{"a webhook's own id", `{"id":"x","type":"webhook","endpoint":"https://h"}`, `webhook endpoint="https://h" id="x" type="webhook"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := f.resolve(c.destination)
			if c.says != "" {
				refuses(t, c.destination, err, c.says)
				return
			}
			if got := write(d); err != nil || got != c.want {
				t.Errorf("got %s, %v\nwant %s", got, err, c.want)
			}
			if (d.Connection != "") != (len(d.Stored) > 0) {
				t.Errorf("connection %q with %v", d.Connection, d.Stored)
			}
			if !strings.EqualFold(d.Text("type"), d.Type) { // carriers look there
				t.Errorf("type %q among the settings, not %q", d.Text("type"), d.Type)
			}
		})
	}
}

// write shows a destination, with a star at what is stored but the type.
func write(d export.Destination) string {
	parts := []string{d.Type}
	for _, name := range slices.Sorted(maps.Keys(d.Settings)) {
		if name == "type" && d.Stored[name] {
			continue
		}
		value := string(d.Settings[name])
		if strings.Contains(value, "whsec_") {
			value = "…"
		}
		if d.Stored[name] {
			name += "*"
		}
		parts = append(parts, name+"="+value)
	}
	return strings.Join(parts, " ")
}

func TestResolveDoesNotChangeTheConnection(t *testing.T) {
	f := setup(t, parse(t, `{"id":"d","type":"ftp","file":"a"}`))
	d, err := f.resolve(`{"id":"d","file":"b","port":1}`)
	f.must(err)
	d.Settings["host"], d.Stored["x"] = nil, true
	if got := f.setting("d", "file"); got != `"a"` {
		t.Errorf("the file is %s", got)
	}
	again, err := f.resolve(`{"id":"d"}`)
	f.must(err)
	if got := write(again); got != `ftp file*="a"` {
		t.Errorf("it has become %s", got)
	}
}

// What the store or the keys cannot do may work later, and is no refusal.
func TestResolveFails(t *testing.T) {
	f := setup(t)
	f.create(`{"id":"a","type":"ftp","host":"h","password":"hunter2"}`)
	broken := errors.New("disk on fire")
	f.store.FailReads = broken
	for what, err := range map[string]error{
		"resolve": second(f.resolve(`{"id":"a","type":"webhook"}`)), "list": second(f.List(t.Context(), "")), "get": second(f.Get(t.Context(), "", "a")),
		"put": f.put(`{"id":"a","type":"ftp"}`), "identity": second(f.Identity(t.Context(), "", "a")),
	} {
		if !errors.Is(err, broken) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	f.store.FailReads, f.store.FailWrites = nil, broken
	if err := f.put(`{"id":"a","type":"ftp"}`); !errors.Is(err, broken) {
		t.Errorf("put: got %v", err)
	}
	f.store.FailWrites = nil

	keys, err := seal.Parse([]string{seal.New()})
	f.must(err)
	f.keys = keys
	f.open()
	_, err = f.resolve(`{"id":"a"}`)
	if _, refused := errors.AsType[export.Refusal](err); refused || !errors.Is(err, seal.ErrNoKey) ||
		!strings.Contains(err.Error(), "what is sealed of connection 'a' cannot be opened") {
		t.Errorf("a lost key: got %v", err)
	}
	if c, err := f.Get(t.Context(), "", "a"); err != nil || c.Settings.Text("host") != "h" {
		t.Errorf("it cannot even be seen: %v, %v", c, err)
	}
	if err := f.put(`{"id":"a","type":"ftp","host":"h","password":"(redacted)"}`); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("kept all the same: %v", err)
	}
	f.must(f.put(`{"id":"a","type":"ftp","host":"h","password":"new"}`))
	if got := f.setting("a", "password"); got != `"new"` {
		t.Errorf("the password is %s", got)
	}
}

// Whoever can write to the database cannot have secrets sent elsewhere.
func TestStoredCannotBeTamperedWith(t *testing.T) {
	f := setup(t)
	f.create(`{"id":"a","type":"ftp","host":"h","password":"hunter2"}`)
	f.create(`{"id":"b","type":"ftp","host":"evil","password":"x"}`)
	a, b := [2]string{"", "a"}, [2]string{"", "b"}
	row := f.store.Rows[a]
	row.Shown, row.Type = []byte(`{"host":"evil"}`), "sftp"
	f.store.Rows[a] = row
	if d, err := f.resolve(`{"id":"a"}`); err != nil || d.Text("host") != "h" || d.Type != "ftp" {
		t.Errorf("the host is %s, %v", d.Text("host"), err)
	}
	row.Sealed = f.store.Rows[b].Sealed
	f.store.Rows[a] = row
	if d, err := f.resolve(`{"id":"a"}`); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("that of another opens: %v, %v", d.Settings, err)
	}
	if _, err := f.Get(t.Context(), "", "none"); !errors.Is(err, connection.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func second[A any](_ A, err error) error { return err }
