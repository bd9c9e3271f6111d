package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/reelhook/reelhook/webhook"
)

// Others who sign and verify: the specification's libraries in Go and, from
// npm, in JavaScript, and Node's own ed25519.

// library is the official library for Go. It knows no asymmetric keys.
type library struct {
	t  testing.TB
	wh *official.Webhook
}

func symmetric(t testing.TB, secret string) library {
	t.Helper()
	wh, err := official.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return library{t, wh}
}

func (l library) sign(id string, at time.Time, body string) string {
	l.t.Helper()
	signature, err := l.wh.Sign(id, at, []byte(body))
	if err != nil {
		l.t.Fatal(err)
	}
	return signature
}

func (l library) verify(h http.Header, body string) error { return l.wh.Verify([]byte(body), h) }

// TestGo signs with one library and verifies with the other, both ways, with
// short and long keys and bodies that are no text.
func TestGo(t *testing.T) {
	now, key := time.Now(), parsePrivateKey(t, webhook.NewPrivateKey())
	for _, text := range []string{webhook.NewSecret(), "YQ==", vectorSecret, "whsec_" + strings.Repeat("QUJD", 100)} {
		s, lib := parseSecret(t, text), symmetric(t, text)
		for _, body := range []string{"", "{}", "a=1&b=%20", "\xff\x00\r\n", strings.Repeat("x", 1<<17)} {
			for _, signers := range [][]webhook.Signer{{s}, {key, s}} {
				if err := lib.verify(header("msg_1", now, webhook.Sign("msg_1", now, []byte(body), signers...)), body); err != nil {
					t.Errorf("official library on ours, %.9q: %v", body, err)
				}
			}
			if err := webhook.Verify(header("msg_1", now, lib.sign("msg_1", now, body)), []byte(body), s); err != nil {
				t.Errorf("ours on the official library's, %.9q: %v", body, err)
			}
		}
	}
}

// task is one for testdata/interop.js, and what it should say.
type task struct {
	Do        string `json:"do"`
	Key       string `json:"key"`
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Signature string `json:"signature"`
	Body      string `json:"body"`
	want      string
}

// node runs testdata/interop.js.
func node(t *testing.T, tasks []task) (answers []string) {
	t.Helper()
	modules, err := filepath.Abs("../internal/app/testdata/sdk/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is needed: scripts/deps test installs it")
	}
	if _, err := os.Stat(filepath.Join(modules, "standardwebhooks")); err != nil {
		t.Fatalf("%v: run scripts/deps test first", err)
	}
	input, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "testdata/interop.js")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_PATH=" + modules}
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(input)), t.Output()
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("testdata/interop.js: %v", err)
	}
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(tasks) {
		t.Fatalf("%d answers to %d tasks, %v: %s", len(answers), len(tasks), err, output)
	}
	return answers
}

// keys are what TestRotation and TestNode sign and verify with.
type keys struct {
	older, newer, stranger    string // secrets
	private                   string
	public, strangerPublicKey string
}

func newKeys(t testing.TB) keys {
	t.Helper()
	private, other := webhook.NewPrivateKey(), parsePrivateKey(t, webhook.NewPrivateKey())
	return keys{
		older: webhook.NewSecret(), newer: webhook.NewSecret(), stranger: webhook.NewSecret(),
		private: private, public: parsePrivateKey(t, private).Public().String(),
		strangerPublicKey: other.Public().String(),
	}
}

// signing is a way to sign while keys are changed, and who should believe it.
type signing struct {
	signers  []webhook.Signer
	believed []string
}

func (k keys) signings(t testing.TB) []signing {
	t.Helper()
	older, newer, private := parseSecret(t, k.older), parseSecret(t, k.newer), parsePrivateKey(t, k.private)
	return []signing{
		{[]webhook.Signer{newer}, []string{k.newer}},
		{[]webhook.Signer{newer, older}, []string{k.newer, k.older}},
		{[]webhook.Signer{private}, []string{k.public}},
		{[]webhook.Signer{private, newer}, []string{k.public, k.newer}},
		{[]webhook.Signer{newer, private, older}, []string{k.newer, k.public, k.older}},
	}
}

// TestRotation holds that the official library believes what is signed with its
// secret among others of both kinds.
func TestRotation(t *testing.T) {
	k, now := newKeys(t), time.Now()
	for i, s := range k.signings(t) {
		h := header("msg_1", now, webhook.Sign("msg_1", now, []byte(vectorBody), s.signers...))
		for _, text := range []string{k.older, k.newer, k.stranger} {
			if err := symmetric(t, text).verify(h, vectorBody); (err == nil) != slices.Contains(s.believed, text) {
				t.Errorf("signing %d: %v", i, err)
			}
		}
	}
}

// TestNode has what is signed here verified in JavaScript: right, with the body
// or the signature changed, and with keys that did not sign; and what is signed
// there verified here.
func TestNode(t *testing.T) {
	const ok, refused = "ok", "No matching signature found"
	k, now := newKeys(t), time.Now()
	const body = `{"title":"Gruß, 世界","status":"done"}`
	var tasks []task
	for _, s := range k.signings(t) {
		signature := webhook.Sign(vectorID, now, []byte(body), s.signers...)
		for _, key := range []string{k.older, k.newer, k.stranger, k.public, k.strangerPublicKey} {
			want := refused
			if slices.Contains(s.believed, key) {
				want = ok
			}
			tasks = append(tasks,
				task{"verify", key, vectorID, now.Unix(), signature, body, want},
				task{"verify", key, vectorID, now.Unix(), signature, strings.Replace(body, "done", "gone", 1), refused},
				task{"verify", key, vectorID, now.Unix(), vectorSignature + " " + svixSignature, body, refused})
		}
	}
	tasks = append(tasks, // both libraries make the very same signatures
		task{"sign", vectorSecret, vectorID, vectorTime.Unix(), "", vectorBody, vectorSignature},
		task{"sign", svixPrivate, vectorID, vectorTime.Unix(), "", vectorBody, svixSignature},
		task{"sign", k.newer, vectorID, now.Unix(), "", body, webhook.Sign(vectorID, now, []byte(body), parseSecret(t, k.newer))},
		task{"sign", k.private, vectorID, now.Unix(), "", body, webhook.Sign(vectorID, now, []byte(body), parsePrivateKey(t, k.private))})

	var wants, descriptions []string
	for i, task := range tasks {
		descriptions = append(descriptions, fmt.Sprintf("%d %s with %.7s…", i, task.Do, task.Key))
		wants = append(wants, descriptions[i]+": "+task.want)
	}
	answers := node(t, tasks)
	theirs := strings.Join(answers[len(answers)-2:], " ")
	for i := range answers {
		answers[i] = descriptions[i] + ": " + answers[i]
	}
	if diff := cmp.Diff(wants, answers); diff != "" {
		t.Errorf("want - and got +:\n%s", diff)
	}
	public, err := webhook.ParsePublicKey(k.public)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []webhook.Verifier{parseSecret(t, k.newer), public} {
		if err := webhook.VerifyAt(now, webhook.Tolerance, header(vectorID, now, theirs), []byte(body), key); err != nil {
			t.Errorf("ours on theirs: %T: %v", key, err)
		}
	}
}
