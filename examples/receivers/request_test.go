package receivers_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// request is a webhook on its way. Headers that are "" are left out.
type request struct {
	id, timestamp, signature string
	contentType, body        string
}

func key(fill string) []byte { return []byte(strings.Repeat(fill, 32)) }

func secret(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// The receivers hold the older key and the newer one: the secret is being changed.
var older, newer, foreign = key("o"), key("n"), key("f")

var held = secret(newer) + " " + secret(older)

func (r *request) content() []byte { return []byte(r.id + "." + r.timestamp + "." + r.body) }

// sign is the Standard Webhooks scheme with each of the keys.
func (r *request) sign(keys ...[]byte) {
	var signatures []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write(r.content())
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	r.signature = strings.Join(signatures, " ")
}

func (r *request) headers() map[string]string {
	headers := map[string]string{}
	for name, value := range map[string]string{
		"webhook-id": r.id, "webhook-timestamp": r.timestamp, "webhook-signature": r.signature, "content-type": r.contentType,
	} {
		if value != "" {
			headers[name] = value
		}
	}
	return headers
}

// send returns the answer; an error only when there was none.
func (r *request) send(ctx context.Context, url string) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(r.body))
	if err != nil {
		return 0, "", err
	}
	for name, value := range r.headers() {
		req.Header.Set(name, value)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// check sends and fails the test when the answer is another.
func (r *request) check(t *testing.T, url string, want int) {
	t.Helper()
	status, text, err := r.send(t.Context(), url)
	switch {
	case err != nil:
		t.Fatal(err)
	case status != want:
		t.Errorf("answered %d %q, want %d", status, text, want)
	case status == http.StatusOK && text != "ok":
		t.Errorf("answered %q, want ok", text)
	case status != http.StatusOK && (text == "" || strings.Contains(strings.TrimSpace(text), "\n")):
		t.Errorf("the reason is not one line: %q", text)
	}
}

func at(fromNow time.Duration) string {
	return strconv.FormatInt(time.Now().Add(fromNow).Unix(), 10)
}

// movie is a webhook of a movie as Reelhook sends it, signed with the newer key.
func movie(id string) *request {
	r := &request{id: id, timestamp: at(0), contentType: "application/json"}
	r.body = fmt.Sprintf(`{"success":true,"status":"done","url":"https://video.test/%s.mp4","project":"p-%[1]s","client-data":{"name":"Zoë"}}`, id)
	r.sign(newer)
	return r
}

// form is the same of "content-type": "urlencoded".
func form(id string) *request {
	r := &request{id: id, timestamp: at(0), contentType: "application/x-www-form-urlencoded"}
	r.body = fmt.Sprintf("success=1&status=done&url=https%%3A%%2F%%2Fvideo.test%%2F%s.mp4&project=p-%[1]s&client-data%%5Bname%%5D=Zo%%C3%%AB", id)
	r.sign(newer)
	return r
}

// printed is what a receiver prints of movie(id) and of form(id).
func printed(id string) *regexp.Regexp {
	return regexp.MustCompile(regexp.QuoteMeta("https://video.test/" + id + ".mp4 p-" + id))
}

// stored reads a receiver's store: bodies by the hash of their id. What was
// being written when a receiver was killed does not count.
func stored(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "new-") {
			continue
		}
		body, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		bodies[entry.Name()] = string(body)
	}
	return bodies
}

func hashed(id string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(id))) }
