package signing_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/signing"
	"github.com/reelhook/reelhook/webhook"
)

// Under the race detector each step of TestReceivers is slow, so it takes fewer
// runs than rapid would; -rapid.checks=1000 is for a long evening.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestRotate(t *testing.T) {
	c := &clock{t0}
	store := &memory{}
	r := load(t, signing.Options{Store: store, Now: c.now})
	first := r.Secrets()[0]
	pair := r.Public()[0]
	c.at = t0.Add(time.Minute)
	made, err := r.Rotate(t.Context(), []signing.Kind{signing.V1}, time.Hour)
	if err != nil || len(made) != 1 || made[0].Kind != signing.V1 || !made[0].CreatedAt.Equal(c.at) {
		t.Fatalf("made %v, %v", made, err)
	}
	first.ExpiresAt = c.at.Add(time.Hour)
	if diff := cmp.Diff([]signing.Key{made[0], first}, r.Secrets()); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]signing.PublicKey{pair}, r.Public()); diff != "" {
		t.Errorf("the other kind (-want +got):\n%s", diff)
	}
	if _, err := r.Rotate(t.Context(), []signing.Kind{signing.V1}, 0); err != nil {
		t.Fatal(err)
	}
	if got := signatures(r); got != "v1 v1a" || verifies(t, r, c.at, first) || verifies(t, r, c.at, made[0]) {
		t.Errorf("after a rotation without an overlap: %s", got)
	}
	made, err = r.Rotate(t.Context(), nil, signing.DefaultOverlap)
	if err != nil || len(made) != 2 || made[0].Kind != signing.V1 || made[1].Kind != signing.V1a {
		t.Errorf("rotating all made %v, %v", made, err)
	}
	for want := 2; want >= 0; want -= 2 {
		if ended, err := r.EndOverlap(t.Context()); ended != want || err != nil {
			t.Errorf("ended %d, %v, want %d", ended, err, want)
		}
	}
	if got := signatures(r); got != "v1 v1a" || !verifies(t, r, c.at, made[0]) || !verifies(t, r, c.at, made[1]) {
		t.Errorf("after the overlap: %s", got)
	}
}

func TestRotateRefusals(t *testing.T) {
	both := []string{secret1, private1}
	for _, c := range []struct {
		name    string
		o       signing.Options
		kinds   []signing.Kind
		overlap time.Duration
		made    int
		want    string
	}{
		{"longest overlap", signing.Options{}, nil, signing.MaxOverlap, 2, ""},
		{"longer", signing.Options{}, nil, signing.MaxOverlap + 1, 0, "The overlap must be from 0 to 30 days, not 720h0m0.000000001s"},
		{"negative", signing.Options{}, nil, -1, 0, "The overlap must be from 0 to 30 days, not -1ns"},
		{"unknown kind", signing.Options{}, []signing.Kind{"v9"}, 0, 0, `kind "v9"; there is ["v1" "v1a"]`},
		{"kind turned off", signing.Options{Kinds: []signing.Kind{signing.V1}}, []signing.Kind{signing.V1a}, 0, 0, `kind "v1a"; there is ["v1"]`},
		{"all of one kind", signing.Options{Kinds: []signing.Kind{signing.V1}}, nil, 0, 1, ""},
		{"set by flag", signing.Options{Given: both}, nil, 0, 0, "The v1 key is set by --webhook-secret: put two values into it instead, comma separated"},
		{"one of all set by flag", signing.Options{Given: both[1:]}, nil, 0, 0, "The v1a key is set by --webhook-secret"},
		{"the other kind", signing.Options{Given: both[1:]}, []signing.Kind{signing.V1, signing.V1}, 0, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &memory{}
			c.o.Store = store
			r := load(t, c.o)
			before, signs := slices.Clone(store.keys), signatures(r)
			made, err := r.Rotate(t.Context(), c.kinds, c.overlap)
			if c.want == "" {
				if err != nil || len(made) != c.made {
					t.Errorf("got %v, %v, want %d keys", made, err, c.made)
				}
				return
			}
			var refusal signing.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(refusal.Error(), c.want) || made != nil {
				t.Errorf("got %v, %v, want %s", made, err, c.want)
			}
			if diff := cmp.Diff(before, store.keys); diff != "" || signatures(r) != signs {
				t.Errorf("something changed:\n%s", diff)
			}
		})
	}
}

func TestEndOverlapOfGivenKeys(t *testing.T) {
	all := load(t, signing.Options{Given: []string{secret1, private1, secret2}})
	var refusal signing.Refusal
	if _, err := all.EndOverlap(t.Context()); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "--webhook-secret") {
		t.Errorf("got %v", err)
	}
	some := load(t, signing.Options{Store: &memory{}, Given: []string{secret1, secret2}})
	if _, err := some.Rotate(t.Context(), []signing.Kind{signing.V1a}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := signatures(some); got != "v1 v1a v1 v1a" {
		t.Errorf("signs %s", got)
	}
	if ended, err := some.EndOverlap(t.Context()); ended != 1 || err != nil || signatures(some) != "v1 v1a v1" {
		t.Errorf("ended %d, %v, signs %s", ended, err, signatures(some))
	}
}

// More signatures than receivers look at would lock some out.
func TestKeysAreBounded(t *testing.T) {
	c := &clock{t0}
	r := load(t, signing.Options{Store: &memory{}, Now: c.now})
	v1 := []signing.Kind{signing.V1}
	rotate := func(overlap time.Duration) error {
		_, err := r.Rotate(t.Context(), v1, overlap)
		return err
	}
	for range 7 {
		if err := rotate(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	var refusal signing.Refusal
	if err := rotate(time.Hour); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "8 keys of kind v1 sign already") {
		t.Errorf("got %v", err)
	}
	c.at = t0.Add(time.Hour)
	if err := rotate(time.Hour); err != nil {
		t.Errorf("when they have expired: %v", err)
	}
	for range 6 {
		if err := rotate(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := rotate(0); err != nil || len(r.Secrets()) != 1 {
		t.Errorf("without an overlap: %v, %d sign", err, len(r.Secrets()))
	}
}

// Nothing signs that is not durable, and nothing is forgotten when a disk fails.
func TestDurableBeforeUsed(t *testing.T) {
	store := &memory{}
	r := load(t, signing.Options{Store: store})
	old := r.Secrets()
	same := func(when string) {
		t.Helper()
		if diff := cmp.Diff(old, r.Secrets()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	store.writing = func() { same("while it is written") }
	store.write = errors.New("disk full")
	if made, err := r.Rotate(t.Context(), nil, 0); made != nil || !errors.Is(err, store.write) {
		t.Errorf("got %v, %v", made, err)
	}
	if _, err := r.EndOverlap(t.Context()); !errors.Is(err, store.write) {
		t.Errorf("got %v", err)
	}
	same("after a failure")
	store.write, store.read = nil, errors.New("disk broken")
	if made, err := r.Rotate(t.Context(), nil, 0); made != nil || !errors.Is(err, store.read) ||
		!strings.Contains(err.Error(), "could not be read back") {
		t.Errorf("got %v, %v", made, err)
	}
	same("when it could not be read back")
}

func TestRotateIsCarriedThrough(t *testing.T) {
	r := load(t, signing.Options{Store: &memory{}})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	made, err := r.Rotate(gone, nil, time.Hour)
	if err != nil || signatures(r) != "v1 v1a v1 v1a" || r.Secrets()[0].ID != made[0].ID {
		t.Errorf("got %v, %v; signs %s", made, err, signatures(r))
	}
	if ended, err := r.EndOverlap(gone); ended != 2 || err != nil {
		t.Errorf("ended %d, %v", ended, err)
	}
}

// The clock may be set back: the new key is current all the same.
func TestClockSetBack(t *testing.T) {
	c := &clock{t0}
	store := &memory{}
	r := load(t, signing.Options{Store: store, Now: c.now})
	c.at = t0.Add(-time.Hour)
	made, err := r.Rotate(t.Context(), nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(store.keys) // by CreatedAt
	for _, ring := range []*signing.Ring{r, load(t, signing.Options{Store: store, Now: c.now})} {
		if got := ring.Secrets(); len(got) != 2 || got[0].ID != made[0].ID {
			t.Errorf("got %v, current should be %v", got, made[0])
		}
	}
}

// A change that comes while a key expires is not lost.
func TestRotateWhileAKeyExpires(t *testing.T) {
	c, between := &clock{t0}, func() {}
	now := func() time.Time {
		fn := between
		between = func() {}
		fn()
		return c.at
	}
	r := load(t, signing.Options{Store: &memory{}, Now: now})
	rotate := func() {
		if _, err := r.Rotate(t.Context(), nil, time.Hour); err != nil {
			t.Error(err)
		}
	}
	rotate()
	c.at = t0.Add(time.Hour)
	between = rotate
	if n := len(r.Signers()); n != 2 && n != 4 {
		t.Errorf("%d signed meanwhile", n)
	}
	if got := signatures(r); got != "v1 v1a v1 v1a" {
		t.Errorf("after that %s", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	store := &memory{}
	r := load(t, signing.Options{Store: store})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 50 {
				if _, err := r.Rotate(t.Context(), nil, time.Duration(i%3)*time.Microsecond); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 500 {
				if len(r.Signers()) < 2 || len(r.Secrets()) < 1 || len(r.Public()) < 1 {
					t.Error("a kind has no key")
				}
			}
		})
	}
	wg.Wait()
	if _, err := r.EndOverlap(t.Context()); err != nil || len(store.keys) != 2 || r.Secrets()[0].CreatedAt.IsZero() {
		t.Errorf("in the end %v, %v", store.keys, err)
	}
}

// accounts are those of TestReceivers.
var accounts = []string{"", "acme", "zebra"}

// held is a key of an account that some receiver verifies with.
type held struct {
	signing.Key
	account  string
	verifier webhook.Verifier
}

// receivers hold every key there ever was, and know until when it should sign.
type receivers struct {
	*rapid.T
	clock
	store *memory
	rings *signing.Rings
	keys  []held
}

// TestReceivers rotates in every way that rapid can think of. Whoever holds a new
// key verifies at once, whoever holds an older one does until its end and not a
// nanosecond longer, also over restarts; and no secret verifies what another
// account sends.
func TestReceivers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &receivers{T: t, clock: clock{t0}, store: &memory{}}
		m.restart(t)
		for _, account := range accounts {
			m.ring(t, account) // which makes its first keys
			m.hold(t, account, m.store.of(account)...)
		}
		t.Repeat(map[string]func(*rapid.T){
			"rotate": m.rotate, "endOverlap": m.endOverlap, "wait": m.wait, "restart": m.restart, "": m.check,
		})
	})
}

func (m *receivers) restart(t *rapid.T) {
	var err error
	if m.rings, err = signing.Load(t.Context(), signing.Options{Store: m.store, Now: m.now}); err != nil {
		t.Fatal(err)
	}
}

func (m *receivers) ring(t *rapid.T, account string) *signing.Ring {
	r, err := m.rings.Of(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// valid tells whether a key should sign now.
func (m *receivers) valid(k signing.Key) bool {
	return k.ExpiresAt.IsZero() || m.at.Before(k.ExpiresAt)
}

func (m *receivers) rotate(t *rapid.T) {
	account := rapid.SampledFrom(accounts).Draw(t, "account")
	kinds := rapid.SampledFrom([][]signing.Kind{nil, {signing.V1}, {signing.V1a}, {signing.V1a, signing.V1}}).Draw(t, "kinds")
	overlap := rapid.SampledFrom([]time.Duration{0, 1, time.Hour, signing.DefaultOverlap, signing.MaxOverlap}).Draw(t, "overlap")
	made, err := m.rings.Rotate(t.Context(), account, kinds, overlap)
	var refusal signing.Refusal
	if account != "" && slices.Contains(kinds, signing.V1a) {
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "The v1a key is the server's") {
			t.Fatalf("%s rotates the server's key: %v", account, err)
		}
		return
	}
	if errors.As(err, &refusal) && overlap > 0 {
		t.Skip("there are as many keys as may be")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range made {
		for i, k := range m.keys {
			if ends := m.at.Add(overlap); k.account == account && k.Kind == next.Kind && (k.ExpiresAt.IsZero() || ends.Before(k.ExpiresAt)) {
				m.keys[i].ExpiresAt = ends
			}
		}
		m.hold(t, account, next)
	}
}

func (m *receivers) hold(t *rapid.T, account string, keys ...signing.Key) {
	for _, k := range keys {
		m.keys = append(m.keys, held{k, account, receiver(t, k)})
	}
}

func (m *receivers) endOverlap(t *rapid.T) {
	account, want := rapid.SampledFrom(accounts).Draw(t, "account"), 0
	for i, k := range m.keys {
		if k.account == account && !k.ExpiresAt.IsZero() && m.valid(k.Key) {
			m.keys[i].ExpiresAt = m.at
			want++
		}
	}
	if ended, err := m.rings.EndOverlap(t.Context(), account); ended != want || err != nil {
		t.Fatalf("ended %d, %v, want %d", ended, err, want)
	}
}

// wait moves the clock, most often to about the end of a key.
func (m *receivers) wait(t *rapid.T) {
	to := m.at.Add(time.Duration(rapid.Int64Range(0, int64(40*24*time.Hour)).Draw(t, "for")))
	if k := rapid.SampledFrom(m.keys).Draw(t, "key"); k.ExpiresAt.After(m.at) {
		to = k.ExpiresAt.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "about")))
	}
	m.at = to
}

func (m *receivers) check(t *rapid.T) {
	for _, account := range accounts {
		var want, shown []string
		ring := m.ring(t, account)
		h := headers(ring, m.at)
		for _, k := range m.keys {
			var expected error
			if !m.valid(k.Key) || k.Kind == signing.V1 && k.account != account {
				expected = webhook.ErrMismatch
			}
			if err := verify(h, m.at, k.verifier); !errors.Is(err, expected) {
				t.Fatalf("%s: sent by %q, %s of %q, expires %s: %v", m.at, account, k, k.account, k.ExpiresAt, err)
			}
			if expected == nil {
				want = append(want, fmt.Sprint(k.ID, k.CreatedAt, k.ExpiresAt))
			}
		}
		for _, k := range ring.Secrets() {
			shown = append(shown, fmt.Sprint(k.ID, k.CreatedAt, k.ExpiresAt))
		}
		for _, k := range ring.Public() {
			shown = append(shown, fmt.Sprint(k.ID, k.CreatedAt, k.ExpiresAt))
		}
		slices.Sort(want)
		slices.Sort(shown)
		if diff := cmp.Diff(want, shown); diff != "" {
			t.Fatalf("shown (-want +got):\n%s", diff)
		}
	}
}
