package signing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/signing"
	"github.com/reelhook/reelhook/webhook"
)

var t0 = time.Date(2026, 11, 2, 10, 0, 0, 123456789, time.UTC)

// Keys as an operator writes them.
const (
	secret1  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secret2  = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	private1 = "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// clock stands still unless it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// load is the ring of the default account.
func load(t testing.TB, o signing.Options) *signing.Ring {
	t.Helper()
	return of(t, loadAll(t, o), "")
}

func loadAll(t testing.TB, o signing.Options) *signing.Rings {
	t.Helper()
	all, err := signing.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func of(t testing.TB, all *signing.Rings, account string) *signing.Ring {
	t.Helper()
	r, err := all.Of(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// receiver is what somebody who holds the key, or the public half of it, verifies
// with.
func receiver(t interface{ Fatal(...any) }, k signing.Key) webhook.Verifier {
	if k.Kind == signing.V1a {
		private, err := webhook.ParsePrivateKey(k.Text)
		if err != nil {
			t.Fatal(err)
		}
		return private.Public()
	}
	secret, err := webhook.ParseSecret(k.Text)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// headers are those of a webhook with the body {} that is sent at a time.
func headers(r *signing.Ring, at time.Time) http.Header {
	h := http.Header{}
	h.Set(webhook.HeaderID, "msg_1")
	h.Set(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(webhook.HeaderSignature, webhook.Sign("msg_1", at, []byte("{}"), r.Signers()...))
	return h
}

func verify(h http.Header, at time.Time, by webhook.Verifier) error {
	return webhook.VerifyAt(at, webhook.Tolerance, h, []byte("{}"), by)
}

// verifies tells whether whoever holds the key believes what is signed at a time.
func verifies(t *testing.T, r *signing.Ring, at time.Time, k signing.Key) bool {
	t.Helper()
	err := verify(headers(r, at), at, receiver(t, k))
	if err != nil && !errors.Is(err, webhook.ErrMismatch) {
		t.Fatal(err)
	}
	return err == nil
}

// signatures are the kinds of a webhook's signatures, in their order.
func signatures(r *signing.Ring) string {
	var kinds []string
	for s := range strings.FieldsSeq(webhook.Sign("msg_1", t0, nil, r.Signers()...)) {
		kind, _, _ := strings.Cut(s, ",")
		kinds = append(kinds, kind)
	}
	return strings.Join(kinds, " ")
}

func TestFirstStartMakesKeys(t *testing.T) {
	for _, c := range []struct {
		name  string
		kinds []signing.Kind
		want  string
	}{
		{"both by default", nil, "v1 v1a"},
		{"only secrets", []signing.Kind{signing.V1}, "v1"},
		{"only key pairs", []signing.Kind{signing.V1a}, "v1a"},
		{"in any order, more than once", []signing.Kind{signing.V1a, signing.V1, signing.V1a}, "v1 v1a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &memory{}
			o := signing.Options{Store: store, Kinds: c.kinds}
			r := load(t, o)
			if got := signatures(r); got != c.want {
				t.Errorf("signs %q, want %q", got, c.want)
			}
			for _, k := range store.keys {
				if !verifies(t, r, t0, k) || len(k.ID) != 30 || !strings.HasPrefix(k.ID, "key_") || k.CreatedAt.IsZero() {
					t.Errorf("key %s of %s", k, k.CreatedAt)
				}
			}
			again := load(t, o)
			if diff := cmp.Diff(fmt.Sprint(r.Secrets(), r.Public()), fmt.Sprint(again.Secrets(), again.Public())); diff != "" {
				t.Errorf("after a restart (-first +second):\n%s", diff)
			}
			if store.writes != 1 {
				t.Errorf("%d writes, want one", store.writes)
			}
		})
	}
}

// What signed in the former release goes on, and a key pair is added. A kind that
// is turned off keeps what it has.
func TestStoredKeysStay(t *testing.T) {
	old := signing.Key{ID: "key_webhook", Kind: signing.V1, Text: secret1, CreatedAt: t0}
	store := &memory{keys: []signing.Key{old}}
	r := load(t, signing.Options{Store: store})
	if diff := cmp.Diff([]signing.Key{old}, r.Secrets()); diff != "" || signatures(r) != "v1 v1a" {
		t.Errorf("signs %s (-want +got):\n%s", signatures(r), diff)
	}
	pair := r.Public()
	off := load(t, signing.Options{Store: store, Kinds: []signing.Kind{signing.V1}})
	if len(off.Public()) != 0 || signatures(off) != "v1" {
		t.Errorf("with v1a turned off: %v", off.Public())
	}
	if diff := cmp.Diff(pair, load(t, signing.Options{Store: store}).Public()); diff != "" {
		t.Errorf("turned on again (-want +got):\n%s", diff)
	}
	store.keys = []signing.Key{{ID: "key_a", Kind: signing.V1, Text: secret2, CreatedAt: t0, ExpiresAt: t0.Add(1)}}
	if got := signatures(load(t, signing.Options{Store: store})); got != "v1 v1a" {
		t.Errorf("when there is no current key: %q", got)
	}
}

func TestGiven(t *testing.T) {
	private2 := webhook.NewPrivateKey()
	for _, c := range []struct {
		name            string
		given           []string
		signs           string
		secrets, public []string // current first
		stored          int
	}{
		{"a secret", []string{secret1}, "v1 v1a", []string{secret1}, nil, 1},
		{"base64 alone, with spaces around", []string{" MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"}, "v1 v1a", []string{secret1[6:]}, nil, 1},
		{"two of a kind", []string{secret1, secret2}, "v1 v1a v1", []string{secret1, secret2}, nil, 1},
		{"all kinds", []string{private2, secret2, private1, secret1}, "v1 v1a v1 v1a", []string{secret2, secret1}, []string{private2, private1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &memory{}
			o := signing.Options{Store: store, Given: c.given}
			r := load(t, o)
			var secrets, public, want, ids []string
			for _, k := range r.Secrets() {
				secrets, ids = append(secrets, k.Text), append(ids, k.ID)
			}
			for _, k := range r.Public()[:len(c.public)] {
				public, ids = append(public, k.Text), append(ids, k.ID)
			}
			for _, text := range c.public {
				private, err := webhook.ParsePrivateKey(text)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, private.Public().String())
			}
			if diff := cmp.Diff([][]string{c.secrets, want}, [][]string{secrets, public}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := signatures(r); got != c.signs || len(store.keys) != c.stored {
				t.Errorf("signs %q, want %q; %d stored, want %d", got, c.signs, len(store.keys), c.stored)
			}
			if strings.Contains(c.given[0], secret1[6:]) && ids[0] != "key_FAC2AXUN3SC6OIE7" {
				t.Errorf("the id %s is not what it was in the last release", ids[0])
			}
			slices.Reverse(o.Given)
			again := load(t, o)
			for _, k := range again.Secrets() {
				if !slices.Contains(ids, k.ID) {
					t.Errorf("the id %s is new after a restart", k.ID)
				}
			}
		})
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	many := make([]string, 9)
	for i := range many {
		many[i] = webhook.NewSecret()
	}
	for _, c := range []struct {
		name string
		o    signing.Options
		want string
	}{
		{"no base64", signing.Options{Given: []string{secret1, "hunter2 hunter2"}}, "key 2 of 2: webhook: the secret is not whsec_ followed by standard base64"},
		{"empty", signing.Options{Given: []string{secret1, ""}}, "key 2 of 2: webhook: the secret is empty"},
		{"a public key", signing.Options{Given: []string{"whpk_hunter2"}}, "key 1 of 1: webhook: this is a public key (whpk_)"},
		{"a short private key", signing.Options{Given: []string{"whsk_aHVudGVyMg=="}}, "the private key has 7 bytes"},
		{"twice", signing.Options{Given: []string{secret1, private1, secret1[6:]}}, "key 3 of 3: it is there twice"},
		{"a kind that is turned off", signing.Options{Given: []string{private1}, Kinds: []signing.Kind{signing.V1}}, "it makes v1a signatures, and those are turned off"},
		{"too many", signing.Options{Given: many}, "key 9 of 9: 8 keys of kind v1 are the most"},
		{"an unknown kind", signing.Options{Kinds: []signing.Kind{"v2"}}, `no signatures of kind "v2"; there are v1 and v1a`},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &memory{}
			c.o.Store = store
			_, err := signing.Load(t.Context(), c.o)
			for _, err := range []error{err, c.o.Validate()} {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v, want %s", err, c.want)
				}
			}
			if store.writes > 0 {
				t.Error("something was stored")
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	full := errors.New("disk full")
	for _, store := range []*memory{
		{read: full}, {write: full},
		{keys: []signing.Key{{ID: "key_a", Kind: signing.V1, Text: "hunter2 hunter2"}}},
	} {
		r, err := signing.Load(t.Context(), signing.Options{Store: store})
		broken := err != nil && strings.Contains(err.Error(), "the stored key key_a cannot be used")
		if r != nil || !broken && !errors.Is(err, full) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, %v", r, err)
		}
	}
}

// A command that reads beside a running server finds the keys there.
func TestLoadWritesNothingWhenAllIsThere(t *testing.T) {
	store := &memory{}
	load(t, signing.Options{Store: store})
	store.write = errors.New("open for reading only")
	load(t, signing.Options{Store: store})
}

func TestKeysPrintNothing(t *testing.T) {
	store := &memory{}
	r := load(t, signing.Options{Store: store, Given: []string{secret1, secret2}})
	if _, err := r.Rotate(t.Context(), []signing.Kind{signing.V1a}, time.Hour); err != nil {
		t.Fatal(err)
	}
	k := r.Secrets()[0]
	var b bytes.Buffer
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&b, nil)), slog.New(slog.NewTextHandler(&b, nil))} {
		log.Info("loaded", "key", k, "pointer", &k, "keys", r.Secrets(), "ring", r)
	}
	for _, v := range []any{k, &k, []signing.Key{k}, struct{ Key signing.Key }{k}, r} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		b.Write(text)
	}
	b.WriteString(k.String() + k.GoString() + k.LogValue().String() + r.LogValue().String())
	texts := []string{secret1, secret2, store.keys[0].Text, store.keys[1].Text}
	for _, text := range texts {
		_, bare, _ := strings.Cut(text, "_")
		for _, found := range []string{bare, fmt.Sprintf("%x", text), fmt.Sprintf("%d", []byte(text))} {
			if strings.Contains(b.String(), found) {
				t.Errorf("%.6s… was printed as %.12s…", text, found)
			}
		}
	}
	for _, shown := range []string{k.ID + " (v1, redacted)", "4 signing keys"} {
		if !strings.Contains(b.String(), shown) {
			t.Errorf("%q is missing", shown)
		}
	}
}

func TestExpiryIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		r := load(t, signing.Options{Store: store})
		olds := slices.Clone(store.keys)
		if _, err := r.Rotate(t.Context(), nil, time.Hour); err != nil {
			t.Fatal(err)
		}
		wait := func(d time.Duration) { <-time.After(d) }
		wait(time.Hour - 1)
		if got := signatures(r); got != "v1 v1a v1 v1a" || len(r.Secrets()) != 2 || len(r.Public()) != 2 {
			t.Errorf("a nanosecond before the end: %s", got)
		}
		wait(1)
		if got := signatures(r); got != "v1 v1a" || len(r.Secrets()) != 1 || len(r.Public()) != 1 {
			t.Errorf("at the end: %s", got)
		}
		for _, old := range olds {
			if verifies(t, r, time.Now(), old) {
				t.Errorf("the old key %s still signs", old)
			}
		}
	})
}

// Signers is called for every attempt.
func TestSignersAreShared(t *testing.T) {
	r := load(t, signing.Options{Store: &memory{}})
	if _, err := r.Rotate(t.Context(), nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { r.Signers() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if _, err := r.Rotate(t.Context(), []signing.Kind{signing.V1}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if s := r.Signers(); len(s) != 5 || cap(s) != 5 {
		t.Errorf("%d signers with room for %d: two callers who append would share it", len(s), cap(s))
	}
}

func BenchmarkSigners(b *testing.B) {
	r := load(b, signing.Options{Store: &memory{}})
	if _, err := r.Rotate(b.Context(), nil, time.Hour); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Signers()
		}
	})
}
