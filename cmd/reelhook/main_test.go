package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// reelhook runs the program in a folder and returns what it wrote.
func reelhook(t *testing.T, dir string, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "REELHOOK_TEST_RUN=1"), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCommandLine holds that mistakes are answered with what to do about them.
func TestCommandLine(t *testing.T) {
	for _, tc := range []struct {
		name   string
		files  map[string]string
		env    []string
		args   []string
		code   int
		stderr string
	}{
		{"unknown command", nil, nil, []string{"frob"}, 2, "See: reelhook --help"},
		{"misspelled setting", map[string]string{"reelhook.yaml": "listn: x\n"}, nil, []string{"version"}, 2, `no setting "listn"`},
		{"broken file", map[string]string{"reelhook.yaml": "listen: [\n"}, nil, []string{"version"}, 2, "reelhook.yaml"},
		{"the file is read", map[string]string{"reelhook.yaml": "listen: nowhere.invalid:1\n"}, nil, []string{"serve"}, 1, "listen on nowhere.invalid:1"},
		{"the environment wins over the file", map[string]string{"reelhook.yaml": "listen: nowhere.invalid:1\n"},
			[]string{"REELHOOK_LISTEN=nowhere.invalid:2"}, []string{"serve"}, 1, "listen on nowhere.invalid:2"},
		{"a flag wins over both", map[string]string{"reelhook.yaml": "listen: nowhere.invalid:1\n"},
			[]string{"REELHOOK_LISTEN=nowhere.invalid:2"}, []string{"serve", "--listen", "nowhere.invalid:3"}, 1, "listen on nowhere.invalid:3"},
		{"lists in the file", map[string]string{"reelhook.yaml": "listen: nowhere.invalid:1\nwebhook-retries: [5s, 1m]\nallow-networks: [10.0.0.0/8, 'fd00::/8']\nrender-workers: 3\nallow-http-endpoints: true\n"},
			nil, []string{"serve"}, 1, "listen on nowhere.invalid:1"},
		{"no such network", nil, nil, []string{"serve", "--allow-networks", "10.0.0.0"}, 2, "allow-networks"},
		{"a secret that is none", nil, nil, []string{"serve", "--listen", "nowhere.invalid:1", "--webhook-secret", "hunter2 hunter2"}, 2, "--webhook-secret and --signatures: key 1 of 1: "},
		{"a secret in the environment", nil, []string{"REELHOOK_WEBHOOK_SECRET=whsk_hunter2"}, []string{"serve"}, 2, "--webhook-secret and --signatures: key 1 of 1: "},
		{"a timeout without time", nil, nil, []string{"serve", "--webhook-timeout", "999ms"}, 2, "--webhook-timeout must be from 1s to 5m0s, not 999ms"},
		{"a timeout without end", map[string]string{"reelhook.yaml": "webhook-timeout: 1h\n"}, nil, []string{"serve"}, 2, "--webhook-timeout must be from 1s to 5m0s, not 1h0m0s"},
		{"a delay backwards", nil, nil, []string{"serve", "--webhook-retries=1s,-1s"}, 2, "each delay of --webhook-retries must be from 0s to 720h0m0s, not -1s"},
		{"a delay of months", nil, nil, []string{"serve", "--webhook-retries=721h"}, 2, "not 721h0m0s"},
		{"too many delays", nil, nil, []string{"serve", "--webhook-retries=1s" + strings.Repeat(",1s", 100)}, 2, "at most 100 delays, not 101"},
		{"workers below nothing", nil, nil, []string{"serve", "--render-workers=-1"}, 2, "--render-workers must be from 0 to 64, not -1"},
		{"too many workers", nil, nil, []string{"serve", "--render-workers=65"}, 2, "--render-workers must be from 0 to 64, not 65"},
		{"a short key", nil, nil, []string{"serve", "--api-key", "hunter2"}, 2, "--api-key must have at least 8 characters, not 7"},
		{"a link to nowhere", nil, nil, []string{"serve", "--public-url", "video.example.org"}, 2, "--public-url must begin with http:// or https:// and a host"},
		{"a link without a host", nil, nil, []string{"serve", "--public-url", "https://:443"}, 2, "--public-url must begin with http:// or https:// and a host"},
		{"another scheme", nil, nil, []string{"serve", "--public-url", "ftp://example.org"}, 2, "--public-url must begin with http:// or https:// and a host"},
		{"a link with a query", nil, nil, []string{"serve", "--public-url", "https://example.org/?a=1"}, 2, "--public-url must have no query"},
		{"a link with a password", nil, nil, []string{"serve", "--public-url", "https://u:hunter2@example.org"}, 2, "--public-url must have no query, fragment or user name"},
		{"no link at all", nil, nil, []string{"serve", "--public-url", "https://hunter2 .org"}, 2, "--public-url is no URL"},
		{"the furthest that works", nil, nil, []string{"serve", "--listen", "nowhere.invalid:1", "--webhook-timeout=5m", "--webhook-retries=0s,720h", "--render-workers=64",
			"--api-key=12345678", "--public-url=http://localhost:8080/video/"}, 1, "listen on nowhere.invalid:1"},
		{"no database yet", nil, nil, []string{"secret", "--data", "none"}, 1, "starts for the first time"},
		{"no folder of data, so the server", nil, nil, []string{"secret", "--server", "http://127.0.0.1:1"}, 1, "no server answers at http://127.0.0.1:1"},
		{"the server of the environment", nil, []string{"REELHOOK_SERVER=http://127.0.0.1:2"}, []string{"endpoints", "list"}, 1, "no server answers at http://127.0.0.1:2"},
		{"the server of the file", map[string]string{"reelhook.yaml": "server: http://127.0.0.1:3\n"}, nil, []string{"deliveries", "list"}, 1, "no server answers at http://127.0.0.1:3"},
		{"no movie", nil, nil, []string{"render", "none.json"}, 1, "none.json"},
		{"not JSON", map[string]string{"m.json": "{\n \"scenes\": [x]}"}, nil, []string{"render", "m.json", "--cache=cache"}, 1, "m.json: line 2, column 13: invalid character 'x'"},
		{"every fault at once", map[string]string{"m.json": `{"scenes":[{"elements":[{"type":"voice","text":"a"},{"type":"image"}]}]}`}, nil, []string{"render", "m.json", "--cache=cache"}, 1, "m.json cannot be rendered: it has 2 faults"},
		{"a file outside", map[string]string{"m.json": `{"scenes":[{"duration":1,"elements":[{"type":"image","src":"/etc/passwd"}]}]}`}, nil, []string{"render", "m.json", "--cache=cache"}, 1, "Scene #1, element #1: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range tc.files {
				write(t, dir, name, content)
			}
			_, stderr, code := reelhook(t, dir, tc.env, tc.args...)
			if code != tc.code || !strings.Contains(stderr, tc.stderr) || strings.Contains(stderr, "hunter2") {
				t.Errorf("status %d, want %d; got\n%s\nwant it to hold %q", code, tc.code, stderr, tc.stderr)
			}
		})
	}
}

// TestRenderCommand renders with media beside the JSON.
func TestRenderCommand(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", filepath.Join(dir, "red.png")).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	write(t, dir, "m.json", `{"width":160,"height":91,"scenes":[{"duration":1,"elements":[{"type":"image","src":"red.png"}]}]}`)
	stdout, stderr, code := reelhook(t, dir, nil, "render", "m.json", "-o", "m.mp4", "--cache", "cache")
	if code != 0 || !strings.Contains(stdout, "160x92  1 s") || !strings.Contains(stderr, "warning: height: height must be even") || !strings.Contains(stderr, "Rendering 100 %") {
		t.Errorf("status %d\n%s\n%s", code, stdout, stderr)
	}
	if info, err := os.Stat(filepath.Join(dir, "m.mp4")); err != nil || info.Size() < 500 {
		t.Errorf("the file: %v %v", info, err)
	}
	stdout, _, code = reelhook(t, dir, nil, "render", "m.json", "--frame", "0.5", "-o", "f.png", "--cache", "cache")
	if _, err := os.Stat(filepath.Join(dir, "f.png")); err != nil || code != 0 || !strings.Contains(stdout, "frame 12, at 0.48 s") {
		t.Errorf("a frame: status %d, %v\n%s", code, err, stdout)
	}
	stdout, _, code = reelhook(t, dir, nil, "render", "m.json", "--explain", "--cache", "cache")
	if code != 0 || !strings.Contains(stdout, "0-24    0-1      still  yes") || !strings.Contains(stdout, "-i red.png") {
		t.Errorf("explained: status %d\n%s", code, stdout)
	}
}

// TestDemo runs what a newcomer runs first, with a quick movie of their own.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "m.json", `{"id":"mine","width":160,"height":90,"scenes":[{"duration":1,"elements":[{"type":"text","text":"Hi"}]}],"exports":[{"destinations":[{"type":"webhook","endpoint":"https://example.org/never"}]}]}`)
	stdout, stderr, code := reelhook(t, dir, nil, "demo", "m.json")
	for _, want := range []string{"Rendering 100 %", "signature verified", `"id": "mine"`, "reelhook-demo.mp4", "reelhook serve"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if code != 0 || stderr != "" {
		t.Errorf("status %d\n%s\n%s", code, stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "reelhook-demo.mp4")); err != nil {
		t.Error(err)
	}
}

// TestServeMakesAKey holds that the first start shows a key, the second does not,
// and that the secret can be read while the server runs.
func TestServeMakesAKey(t *testing.T) {
	dir := t.TempDir()
	show := func() (string, string) {
		ctx, stop := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, os.Args[0], "serve", "--listen", "127.0.0.1:0")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "REELHOOK_TEST_RUN=1")
		serving := newWatcher("serving")
		cmd.Stderr = serving
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-serving.seen
		secret, stderr, code := reelhook(t, dir, nil, "secret")
		if code != 0 || !strings.HasPrefix(secret, "whsec_") {
			t.Errorf("secret: %d %s %s", code, secret, stderr)
		}
		stop()
		_ = cmd.Wait()
		return serving.text(), secret
	}
	first, secret := show()
	if !strings.Contains(first, "rhk_") || strings.Contains(first, secret) {
		t.Errorf("the first start wrote\n%s", first)
	}
	if second, again := show(); strings.Contains(second, "rhk_") || again != secret {
		t.Errorf("the second start wrote\n%s", second)
	}
}
