package api_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reelhook/reelhook/internal/account"
)

// TestTrialsAtOnce: an account tries out four things at once and the server sixteen;
// who comes then is told to come again, and is served when one has ended.
func TestTrialsAtOnce(t *testing.T) {
	w := newWorld(t)
	begun, end, ended := make(chan bool), make(chan bool), make(chan bool, 17)
	var held atomic.Bool
	w.vault.probing = func() {
		if held.Swap(false) {
			begun <- true
			<-end
		}
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer close(end)
	test := func(key string) (int, string) {
		got := w.call("POST", "/v2/connections/files/test", "{}", "x-api-key", key)
		if refused := got.Code == 429; refused != (got.Header().Get("Retry-After") == "5") || refused != strings.Contains(got.Body.String(), "try again in 5 seconds") {
			t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
		}
		return got.Code, got.Body.String()
	}
	hold := func(key string) {
		held.Store(true)
		running.Go(func() { test(key); ended <- true })
		select {
		case <-begun:
		case <-ended:
			t.Fatal("it was refused")
		}
	}
	refused := func(key, who string) {
		t.Helper()
		if code, text := test(key); code != 429 {
			t.Errorf("%s: %d %s", who, code, text)
		}
	}
	var keys []string
	for i := range 5 {
		key := w.key(t, fmt.Sprintf("acme%d", i), account.Manager)
		if got := w.call("POST", "/v2/connections", `{"id":"files","type":"sftp","host":"h"}`, "x-api-key", key); got.Code != 200 {
			t.Fatal(got.Body)
		}
		keys = append(keys, key)
	}
	for _, key := range keys[:4] {
		for range 4 {
			hold(key)
		}
		refused(key, "a fifth of one account")
	}
	refused(keys[4], "a seventeenth of all")
	if got := w.call("POST", "/v2/webhooks/test", `{"endpoint":"https://example.org/hook"}`, "x-api-key", keys[4]); got.Code != 429 {
		t.Errorf("a webhook: %d %s", got.Code, got.Body)
	}
	end <- true
	<-ended
	hold(keys[4])
	refused(keys[4], "again a seventeenth")
}
