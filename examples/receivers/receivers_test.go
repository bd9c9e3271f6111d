// Package receivers_test runs the receivers of this folder with their real
// interpreters and sends them what a sender, or somebody else, may send. It
// signs with its own few lines, so that it judges package webhook too, and must
// know nothing of the rest of Reelhook.
package receivers_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSimple(t *testing.T) {
	for _, r := range []receiver{php("php/simple.php"), node("node/simple.js")} {
		t.Run(r.name, func(t *testing.T) {
			p := start(t, r.argv(t))
			for id, req := range map[string]*request{"json": movie("json"), "form": form("form")} {
				req.check(t, p.url, http.StatusOK)
				p.await(t, printed(id))
			}
		})
	}
}

func TestVerified(t *testing.T) {
	for _, r := range []receiver{php("php/verified.php"), node("node/verified.js"), python("python/receiver.py"), golang("./go")} {
		t.Run(r.name, func(t *testing.T) {
			argv := r.argv(t)
			t.Run("cases", func(t *testing.T) { checkCases(t, argv) })
			t.Run("doubles", func(t *testing.T) { checkDoubles(t, argv) })
			t.Run("killed", func(t *testing.T) { checkKilled(t, argv) })
			t.Run("no secret", func(t *testing.T) { checkNoSecret(t, argv) })
			t.Run("unwritable", func(t *testing.T) { checkUnwritable(t, argv) })
		})
	}
}

// resigned changes what is signed and signs it again.
func resigned(change func(*request)) func(*request) {
	return func(r *request) {
		change(r)
		r.sign(newer)
	}
}

func timestamp(text string) func(*request) {
	return resigned(func(r *request) { r.timestamp = text })
}

func body(text string) func(*request) { return resigned(func(r *request) { r.body = text }) }

// cases are what comes, each as a change to movie(), and the answer to it. What
// is answered 200 is stored, and nothing else is.
var cases = []struct {
	name   string
	change func(*request)
	want   int
}{
	{"as it is sent", func(*request) {}, 200},
	{"a form", func(r *request) { *r = *form(r.id) }, 200},
	{"a body that is no text", body("\xff\x00\r\n"), 200},
	{"a body that is no JSON", body("{\xff"), 200},
	{"an empty body", body(""), 200},
	{"a type that belies the body", func(r *request) { r.contentType = "application/x-www-form-urlencoded" }, 200},
	{"no type", func(r *request) { r.contentType = "" }, 200},
	{"an id that is a path", resigned(func(r *request) { r.id = "/tmp/" + hashed(r.id) }), 200},

	{"the older key alone", func(r *request) { r.sign(older) }, 200},
	{"the older key and the newer", func(r *request) { r.sign(older, newer) }, 200},
	{"a foreign key beside", func(r *request) { r.sign(foreign, newer) }, 200},
	{"versions to come", func(r *request) { r.signature = "v1a,AAAA v9 v2," + r.signature[3:] + " " + r.signature }, 200},
	{"a foreign key alone", func(r *request) { r.sign(foreign) }, 401},
	{"another version alone", func(r *request) { r.signature = "v2," + r.signature[3:] }, 401},
	{"no version", func(r *request) { r.signature = r.signature[3:] }, 401},
	{"half a signature", func(r *request) { r.signature = r.signature[:20] }, 401},
	{"a version without a signature", func(r *request) { r.signature = "v1," }, 401},
	{"a signature of other letters", func(r *request) { r.signature = "v1," + strings.Repeat("é", 22) }, 401},
	{"a forged signature", func(r *request) { r.signature = "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32)) }, 401},
	{"a key of zero bytes", func(r *request) { r.sign(nil) }, 401},

	{"a forged body", func(r *request) { r.body = strings.Replace(r.body, "video", "viden", 1) }, 401},
	{"a space more", func(r *request) { r.body += " " }, 401},
	{"a forged id", func(r *request) { r.id += "x" }, 401},
	{"a forged timestamp", func(r *request) { r.timestamp = at(2 * time.Second) }, 401},
	{"no id", resigned(func(r *request) { r.id = "" }), 401},
	{"no timestamp", timestamp(""), 401},
	{"no signature", func(r *request) { r.signature = "" }, 401},

	{"late", timestamp(at(-4 * time.Minute)), 200},
	{"ahead", timestamp(at(4 * time.Minute)), 200},
	{"stale", timestamp(at(-6 * time.Minute)), 401},
	{"from the future", timestamp(at(6 * time.Minute)), 401},
	{"a timestamp of letters", timestamp("now"), 401},
	{"a negative timestamp", timestamp("-" + at(0)), 401},
	{"a timestamp and a half", timestamp(at(0) + ".5"), 401},
	{"a timestamp without end", timestamp(strings.Repeat("9", 5000)), 401},

	{"a large body", body(strings.Repeat("x", 1<<20)), 200},
	{"too large a body", body(strings.Repeat("x", 1<<20+1)), 413},
}

func checkCases(t *testing.T, argv []string) {
	store := filepath.Join(t.TempDir(), "store")
	p := start(t, argv, "WEBHOOK_SECRET="+held, "STORE="+store)
	want := map[string]string{}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req := movie(fmt.Sprintf("msg_%d", i))
			c.change(req)
			req.check(t, p.url, c.want)
			if c.want == http.StatusOK {
				want[hashed(req.id)] = req.body
			}
		})
	}
	if diff := cmp.Diff(want, stored(t, store)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// checkDoubles sends one webhook several times at once, and again: it is stored
// and worked on once.
func checkDoubles(t *testing.T, argv []string) {
	store := filepath.Join(t.TempDir(), "store")
	p := start(t, argv, "WEBHOOK_SECRET="+held, "STORE="+store)
	first := movie("double")
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			if status, text, err := first.send(t.Context(), p.url); status != http.StatusOK || text != "ok" {
				t.Errorf("answered %d %q, %v", status, text, err)
			}
		})
	}
	senders.Wait()
	again := movie("double") // the next attempt: another timestamp, the same id
	timestamp(at(-time.Second))(again)
	again.check(t, p.url, http.StatusOK)
	timestamp(at(-6 * time.Minute))(again)
	again.check(t, p.url, http.StatusUnauthorized)

	last := form("last")
	last.check(t, p.url, http.StatusOK)
	p.await(t, printed("last"))
	p.await(t, printed("double"))
	if n := len(printed("double").FindAllString(p.output.String(), -1)); n != 1 {
		t.Errorf("worked on it %d times", n)
	}
	want := map[string]string{hashed("double"): first.body, hashed("last"): last.body}
	if diff := cmp.Diff(want, stored(t, store)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// checkKilled kills a receiver while webhooks come in. What it answered 200 is
// in the store; what it did not answer is taken when it comes again.
func checkKilled(t *testing.T, argv []string) {
	const webhooks, senders, answers = 60, 4, 15
	store := filepath.Join(t.TempDir(), "store")
	p := start(t, argv, "WEBHOOK_SECRET="+held, "STORE="+store)
	ids, answered := make(chan string, webhooks), make(chan *request, webhooks)
	for i := range webhooks {
		ids <- fmt.Sprintf("msg_%d", i)
	}
	close(ids)
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for id := range ids {
				req := movie(id)
				if status, _, err := req.send(t.Context(), p.url); err == nil && status == http.StatusOK {
					answered <- req
				}
				if len(answered) >= answers {
					_ = p.Process.Kill() // SIGKILL; another may have been faster
				}
			}
		})
	}
	group.Wait()
	p.kill()
	close(answered)
	got := stored(t, store)
	for req := range answered {
		if got[hashed(req.id)] != req.body {
			t.Errorf("%s was answered 200 and is lost", req.id)
		}
	}
	if len(got) == webhooks {
		t.Error("it was killed too late to tell")
	}

	p = start(t, argv, "WEBHOOK_SECRET="+held, "STORE="+store)
	want := map[string]string{}
	for i := range webhooks {
		req := movie(fmt.Sprintf("msg_%d", i))
		req.check(t, p.url, http.StatusOK)
		want[hashed(req.id)] = req.body
	}
	if diff := cmp.Diff(want, stored(t, store)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// checkNoSecret starts a receiver with secrets that hold no key. It ends, or
// answers 500 (PHP starts with every request); it never believes an empty key.
func checkNoSecret(t *testing.T, argv []string) {
	for _, text := range []string{"", " ", "whsec_", "whsec_A", "whsec_====", secret(newer) + " whsec_"} {
		t.Run(text, func(t *testing.T) {
			store := t.TempDir()
			p := start(t, argv, "WEBHOOK_SECRET="+text, "STORE="+store)
			if p.url != "" {
				req := movie("msg_1")
				req.sign(nil)
				req.check(t, p.url, http.StatusInternalServerError)
			}
			if strings.Contains(p.output.String(), secret(newer)) {
				t.Error("the secret is in the output")
			}
			if got := stored(t, store); len(got) > 0 {
				t.Errorf("stored %v", got)
			}
		})
	}
}

// checkUnwritable breaks the store: the answer is a 500, so that the sender
// tries again.
func checkUnwritable(t *testing.T, argv []string) {
	store := filepath.Join(t.TempDir(), "store")
	p := start(t, argv, "WEBHOOK_SECRET="+held, "STORE="+store)
	movie("msg_1").check(t, p.url, http.StatusOK)
	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	movie("msg_2").check(t, p.url, http.StatusInternalServerError)
}
