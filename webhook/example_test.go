package webhook_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

// A receiver reads the body as it came, verifies it, and only then parses it.
func Example() {
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		if err := webhook.Verify(r.Header, body, secret); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		var movie struct{ Project, Status, URL string }
		if err := json.Unmarshal(body, &movie); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// Drop what was seen before: the id stays the same when a delivery is repeated.
		fmt.Println(r.Header.Get(webhook.HeaderID), movie.Project, movie.Status, movie.URL)
	})

	// What Reelhook sends:
	body, now := `{"status":"done","url":"https://video.test/a.mp4","project":"Ab3dE5gH7jK9mN1p"}`, time.Now()
	r := httptest.NewRequest("POST", "/hook", strings.NewReader(body))
	r.Header.Set(webhook.HeaderID, "msg_1")
	r.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, webhook.Sign("msg_1", now, []byte(body), secret))
	receiver.ServeHTTP(httptest.NewRecorder(), r)

	// What somebody else sends:
	r = httptest.NewRequest("POST", "/hook", strings.NewReader(strings.Replace(body, "video", "evil", 1)))
	r.Header.Set(webhook.HeaderID, "msg_1")
	r.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	answer := httptest.NewRecorder()
	receiver.ServeHTTP(answer, r)
	fmt.Println(answer.Code, strings.TrimSpace(answer.Body.String()))
	// Output:
	// msg_1 Ab3dE5gH7jK9mN1p done https://video.test/a.mp4
	// 401 webhook: no signature matches
}

// A sender signs each attempt at the time it is made.
func ExampleSign() {
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, at := `{"test": 2432232314}`, time.Unix(1614265330, 0)
	r := httptest.NewRequest("POST", "https://receiver.test/hook", strings.NewReader(body))
	r.Header.Set(webhook.HeaderID, "msg_p5jXN8AQM9LWM0D4loKWxJek")
	r.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, webhook.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(body), secret))
	fmt.Println(r.Header.Get(webhook.HeaderSignature))
	// Output: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
}

// While a secret is changed, the sender signs with the old one and the new one,
// and a receiver may hold either. A receiver that knows of the change first can
// hold both.
func ExampleVerify_rotation() {
	var secrets []webhook.Secret
	for range 2 {
		secret, err := webhook.ParseSecret(webhook.NewSecret())
		if err != nil {
			fmt.Println(err)
			return
		}
		secrets = append(secrets, secret)
	}
	older, newer := secrets[0], secrets[1]

	body, now := []byte(`{}`), time.Now()
	header := http.Header{}
	header.Set(webhook.HeaderID, "msg_1")
	header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(webhook.HeaderSignature, webhook.Sign("msg_1", now, body, newer, older))
	fmt.Println("either:", webhook.Verify(header, body, older), webhook.Verify(header, body, newer))

	header.Set(webhook.HeaderSignature, webhook.Sign("msg_1", now, body, older))
	fmt.Println("both:", webhook.Verify(header, body, newer, older))
	fmt.Println("too early:", webhook.Verify(header, body, newer))
	// Output:
	// either: <nil> <nil>
	// both: <nil>
	// too early: webhook: no signature matches
}

// With a key pair a receiver holds nothing that it could sign with.
func ExampleVerify_publicKey() {
	private, err := webhook.ParsePrivateKey(webhook.NewPrivateKey()) // the sender's
	if err != nil {
		fmt.Println(err)
		return
	}
	public, err := webhook.ParsePublicKey(private.Public().String()) // the receiver's
	if err != nil {
		fmt.Println(err)
		return
	}
	body, now := []byte(`{}`), time.Now()
	header := http.Header{}
	header.Set(webhook.HeaderID, "msg_1")
	header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(webhook.HeaderSignature, webhook.Sign("msg_1", now, body, private))
	fmt.Println(private, webhook.Verify(header, body, public))
	// Output: whsk_(redacted) <nil>
}

// A webhook that was kept is verified against the time it came.
func ExampleVerifyAt() {
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	header := http.Header{}
	header.Set(webhook.HeaderID, "msg_p5jXN8AQM9LWM0D4loKWxJek")
	header.Set(webhook.HeaderTimestamp, "1614265330")
	header.Set(webhook.HeaderSignature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	came := time.Unix(1614265331, 0)
	fmt.Println(webhook.VerifyAt(came, webhook.Tolerance, header, []byte(`{"test": 2432232314}`), secret))
	fmt.Println(webhook.Verify(header, []byte(`{"test": 2432232314}`), secret))
	// Output:
	// <nil>
	// webhook: the timestamp is too old
}
