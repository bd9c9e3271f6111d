package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/connection"
)

// shownConnection is what a connection holds, also what it does not show by itself.
func shownConnection(c connection.Connection) string {
	text := c.Account + "/" + c.ID + " " + c.Type
	for _, name := range []string{"host", "password", "private-key", "headers", "secret", "port", "insecure"} {
		if value, ok := c.Settings[name]; ok {
			text += " " + name + "=" + string(value)
		}
	}
	return text
}

// TestDeclared: what reelhook.yaml says is what the server gets, with what it refers
// to.
func TestDeclared(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "key.pem", "-----BEGIN KEY-----\nabc\n-----END KEY-----\r\n")
	t.Setenv("REELHOOK_TEST_SECRET", " correct \"horse\"")
	t.Chdir(dir)
	for _, tc := range []struct{ name, list, want string }{
		{"none", ``, ``},
		{"an empty list", `[]`, ``},
		{"plain values", `[{"id":"a","type":"SFTP","host":"h","port":22,"insecure":true}]`, `/a sftp host="h" port=22 insecure=true`},
		{"from the environment", `[{"id":"a","type":"ftp","password":{"env":"REELHOOK_TEST_SECRET"}}]`, `/a ftp password=" correct \"horse\""`},
		{"from a file", `[{"id":"a","type":"sftp","private_key":{"file":"DIR/key.pem"}}]`, `/a sftp private-key="-----BEGIN KEY-----\nabc\n-----END KEY-----"`},
		{"from a file beside", `[{"id":"a","type":"sftp","private-key":{"file":"key.pem"}}]`, `/a sftp private-key="-----BEGIN KEY-----\nabc\n-----END KEY-----"`},
		{"in headers", `[{"id":"a","type":"webhook","headers":{"X-A":{"env":"REELHOOK_TEST_SECRET"},"X-B":"b"}}]`, `/a webhook headers={"X-A":" correct \"horse\"","X-B":"b"}`},
		{"in a list", `[{"id":"a","type":"webhook","secret":[{"env":"REELHOOK_TEST_SECRET"},"b"]}]`, `/a webhook secret=[" correct \"horse\"","b"]`},
		{"what only looks like it", `[{"id":"a","type":"webhook","headers":{"env":"a","file":"b"}}]`, `/a webhook headers={"env":"a","file":"b"}`},
		{"of accounts", `[{"id":"a","type":"ftp","account":"acme"},{"id":"a","type":"ftp","account":"default"}]`, "acme/a ftp\n/a ftp"},
		{"the id of the environment", `[{"id":{"env":"REELHOOK_TEST_SECRET"},"type":"ftp"}]`, `/correct "horse" ftp`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			all, err := declared(strings.ReplaceAll(tc.list, "DIR", dir)).connections()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range all {
				if got = append(got, shownConnection(c)); !c.Declared {
					t.Errorf("%v is not marked as declared", c)
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestDeclaredIsRefused: the errors say where, and hold no value.
func TestDeclaredIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "large", strings.Repeat("hunter2 ", 10_000))
	write(t, dir, "fits", strings.Repeat("hunter2 ", 5_000))
	write(t, dir, "empty", "")
	write(t, dir, "binary", "hunter2\xff")
	t.Setenv("REELHOOK_TEST_EMPTY", "")
	for _, tc := range []struct{ name, list, want string }{
		{"no JSON", `hunter2`, "--connections must be a list of connections"},
		{"no list", `{"id":"hunter2"}`, "--connections must be a list of connections"},
		{"a list of texts", `["hunter2"]`, "--connections must be a list of connections"},
		{"not in the environment", `[{"id":"a"},{"id":"b","password":{"env":"REELHOOK_NOWHERE"}}]`, `--connections, number 2: "password": the environment has no REELHOOK_NOWHERE, or nothing in it`},
		{"nothing in the environment", `[{"password":{"env":"REELHOOK_TEST_EMPTY"}}]`, `"password": the environment has no REELHOOK_TEST_EMPTY`},
		{"no name", `[{"password":{"env":["hunter2"]}}]`, `"password": env must be the name of a variable`},
		{"in headers", `[{"headers":{"X-A":{"env":"REELHOOK_NOWHERE"}}}]`, `"headers": "X-A": the environment has no REELHOOK_NOWHERE`},
		{"in a list", `[{"secret":["hunter2",{"env":"REELHOOK_NOWHERE"}]}]`, `"secret": number 2: the environment has no REELHOOK_NOWHERE`},
		{"no such file", `[{"password":{"file":"DIR/none"}}]`, `"password": open DIR/none: no such file or directory`},
		{"a folder", `[{"password":{"file":"DIR"}}]`, `"password": read DIR: is a directory`},
		{"no path", `[{"password":{"file":null}}]`, `"password": file must be the path of a file`},
		{"a large file", `[{"password":{"file":"DIR/large"}}]`, `"password": DIR/large has more than 64 KiB`},
		{"two files that are large together", `[{"password":{"file":"DIR/fits"},"passphrase":{"file":"DIR/fits"}}]`, "number 1: A connection may have at most 64 KiB of settings"},
		{"an empty file", `[{"password":{"file":"DIR/empty"}}]`, `"password": DIR/empty is empty`},
		{"no text", `[{"password":{"file":"DIR/binary"}}]`, `"password": DIR/binary is not UTF-8 text; keys and certificates must be in PEM`},
		{"two spellings", `[{"pass_word":"hunter2","pass-word":"hunter2"}]`, `number 1: The connection has "pass-word" twice`},
		{"no account", `[{"account":"Acme & Co"}]`, "number 1: The name of an account is 1 to 64 of the characters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := declared(strings.ReplaceAll(tc.list, "DIR", dir)).connections()
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), dir, "DIR"), tc.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// TestDeclaredSettings: the file, the environment and the flag each can have the
// list, and no mistake in one shows what is in it. All begin to serve, most where no
// machine can, or say what is wrong.
func TestDeclaredSettings(t *testing.T) {
	const nowhere, anywhere = "listen: nowhere.invalid:1\n", "listen: 127.0.0.1:0\n"
	const served = "listen on nowhere.invalid:1"
	yaml := func(list string) map[string]string { return map[string]string{"reelhook.yaml": nowhere + list} }
	missing := `"password": the environment has no REELHOOK_NOWHERE`
	for _, tc := range []struct {
		name  string
		files map[string]string
		env   []string
		args  []string
		code  int
		want  string
	}{
		{"in the file", yaml("connections:\n- id: acme-sftp\n  type: sftp\n  host: files.example.org\n  port: 2222\n  username: acme\n  password: {env: SFTP_PASSWORD}\n" +
			"- {id: hook, type: webhook, account: acme, endpoint: https://example.org/, headers: {X-Key: {file: key}}, secret: {env: HOOK_SECRET}}\n"),
			[]string{"SFTP_PASSWORD=hunter2", "HOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, nil, 1, served},
		{"what the file refers to is not there", yaml("connections:\n- {id: a, type: ftp, host: h, password: {env: REELHOOK_NOWHERE}}\n"), nil, nil, 1, "--connections, number 1: " + missing},
		{"settings that will not do", map[string]string{"reelhook.yaml": anywhere + "connections:\n- {id: a, type: gopher, password: hunter2}\n"}, nil, nil, 1, "declared connection 'a'"},
		{"a secret that is none", map[string]string{"reelhook.yaml": anywhere + "connections:\n- {id: a, type: webhook, secret: hunter2}\n"}, nil, nil, 1, `"secret" must be whsec_`},
		{"no list in the file", yaml("connections: {id: a, password: hunter2}\n"), nil, nil, 1, "--connections must be a list"},
		{"a text in the file", yaml("connections: hunter2\n"), nil, nil, 1, "--connections must be a list"},
		{"keys that are no texts", yaml("connections:\n- {id: a, headers: {1: hunter2, [a]: b}}\n"), nil, nil, 2, "reelhook.yaml"},
		{"nothing in the file", yaml("connections:\n"), nil, nil, 1, served},
		{"in the environment", yaml(""), []string{`REELHOOK_CONNECTIONS=[{"id":"a","type":"ftp","host":"h","password":{"env":"REELHOOK_NOWHERE"}}]`}, nil, 1, missing},
		{"the environment wins over the file", yaml("connections: hunter2\n"), []string{`REELHOOK_CONNECTIONS=[]`}, nil, 1, served},
		{"broken in the environment", yaml(""), []string{`REELHOOK_CONNECTIONS=[{"password":"hunter2"`}, nil, 1, "--connections must be a list"},
		{"a flag", yaml(""), nil, []string{"--connections", `[{"id":"a","type":"ftp","host":"h","password":{"env":"REELHOOK_NOWHERE"}}]`}, 1, missing},
		{"a flag wins over both", yaml("connections: hunter2\n"), []string{`REELHOOK_CONNECTIONS=hunter2`}, []string{"--connections", "[]"}, 1, served},
		{"broken in a flag", yaml(""), nil, []string{"--connections", `[{"password":"hunter2"`}, 1, "--connections must be a list"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "key", "hunter2\n")
			for name, content := range tc.files {
				write(t, dir, name, content)
			}
			_, stderr, code := reelhook(t, dir, tc.env, append([]string{"serve"}, tc.args...)...)
			if code != tc.code || !strings.Contains(stderr, tc.want) || strings.Contains(stderr, "hunter2") {
				t.Errorf("status %d, want %d; got\n%s\nwant it to hold %q", code, tc.code, stderr, tc.want)
			}
		})
	}
}

// TestFileSetsNoArguments: what only a command line can say is no setting.
func TestFileSetsNoArguments(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"set", "replace", "config"} {
		write(t, dir, "reelhook.yaml", name+": x\n")
		if _, stderr, code := reelhook(t, dir, nil, "version"); code != 2 || !strings.Contains(stderr, `no setting "`+name+`"`) {
			t.Errorf("%s: status %d\n%s", name, code, stderr)
		}
	}
	// These are settings, but of other commands.
	write(t, dir, "reelhook.yaml", "secret: whsec_hunter2\n")
	_, stderr, code := reelhook(t, dir, []string{"REELHOOK_SECRET=whsec_hunter2", "REELHOOK_TYPE=x"}, "connections", "add", "a", "--server", "http://127.0.0.1:1")
	if code != 1 || !strings.Contains(stderr, "no server answers at http://127.0.0.1:1") || strings.Contains(stderr, "hunter2") {
		t.Errorf("status %d\n%s", code, stderr)
	}
}
