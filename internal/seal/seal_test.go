package seal_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/seal"
)

func parse(t *testing.T, texts ...string) *seal.Keys {
	t.Helper()
	k, err := seal.Parse(texts)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t *testing.T, k *seal.Keys, purpose, id string, sealed []byte, want string) {
	t.Helper()
	if plain, err := k.Open(purpose, id, sealed); err != nil || string(plain) != want {
		t.Errorf("%s %s: got %q, %v, want %q", purpose, id, plain, err, want)
	}
}

func TestSealOpens(t *testing.T) {
	k := parse(t, seal.New())
	rapid.Check(t, func(t *rapid.T) {
		purpose, id := rapid.String().Draw(t, "purpose"), rapid.String().Draw(t, "id")
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		before := bytes.Clone(plain)
		sealed := k.Seal(purpose, id, plain)
		got, err := k.Open(purpose, id, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("got %q, %v", got, err)
		}
		if len(sealed) != len(plain)+33 || !bytes.HasPrefix(sealed, k.Prefix()) || !bytes.Equal(plain, before) {
			t.Fatalf("%d bytes became %d", len(plain), len(sealed))
		}
		if len(plain) > 4 && bytes.Contains(sealed, plain) {
			t.Fatal("it is there in clear")
		}
		if bytes.Equal(sealed, k.Seal(purpose, id, plain)) {
			t.Fatal("the same twice")
		}
	})
}

// No bit of a box may be another, and none of what it is bound to.
func TestSealedIsBound(t *testing.T) {
	k := parse(t, seal.New())
	sealed := k.Seal(seal.Connection, "acme/x", []byte("secret"))
	for _, other := range [][2]string{
		{seal.Signing, "acme/x"}, {seal.Connection, "acme/y"}, {seal.Connection, ""}, {seal.Connection + "a", "cme/x"}, {"", seal.Connection + "acme/x"},
	} {
		if plain, err := k.Open(other[0], other[1], sealed); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("as %q: got %q, %v", other, plain, err)
		}
	}
	for i := range sealed {
		for bit := range 8 {
			b := bytes.Clone(sealed)
			b[i] ^= 1 << bit
			want := seal.ErrDamaged
			if 0 < i && i < 5 {
				want = seal.ErrNoKey
			}
			if plain, err := k.Open(seal.Connection, "acme/x", b); !errors.Is(err, want) {
				t.Errorf("byte %d, bit %d: got %q, %v, want %v", i, bit, plain, err, want)
			}
		}
		if plain, err := k.Open(seal.Connection, "acme/x", sealed[:i]); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("%d bytes: got %q, %v", i, plain, err)
		}
	}
}

// What was sealed by a release must open in all later ones.
func TestSealedOpensForEver(t *testing.T) {
	k := parse(t, "rhm_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
	if got := fmt.Sprintf("%x", k.Prefix()); got != "010133f41c" {
		t.Errorf("it seals with %s", got)
	}
	sealed, err := hex.DecodeString("010133f41c6689a528ab0d7d86245c97428a81f6fbcb6133f1b26390b02befacb2e2848fd0958625523ade1038f07b")
	if err != nil {
		t.Fatal(err)
	}
	open(t, k, seal.Delivery, "dlv_1", sealed, "opens for ever")
}

func TestParse(t *testing.T) {
	a, b := seal.New(), seal.New()
	if a == b || len(a) != len("rhm_")+43 {
		t.Errorf("new keys %d bytes long", len(a))
	}
	sealedByB := parse(t, b).Seal(seal.Project, "p", []byte("x"))
	both := parse(t, a, " "+b+"\n")
	open(t, both, seal.Project, "p", sealedByB, "x")
	if !both.Stale() || parse(t, a).Stale() || !bytes.Equal(both.Prefix(), parse(t, a).Prefix()) {
		t.Error("the first is not the current one")
	}
	if _, err := parse(t, a).Open(seal.Project, "p", sealedByB); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("another key's: got %v", err)
	}
	many := make([]string, 17)
	for i := range many {
		many[i] = seal.New()
	}
	for _, c := range []struct {
		texts []string
		says  string
	}{
		{nil, "there is no master key; `reelhook master-key new` makes one"},
		{[]string{""}, "master key 1 of 1: it does not begin with rhm_: a password is no key; `reelhook master-key new` makes one"},
		{[]string{a, "correct horse battery staple"}, "master key 2 of 2: it does not begin with rhm_"},
		{[]string{a[:46]}, "master key 1 of 1: it is not rhm_ and 43 letters, digits, - and _: it is cut off or mistyped"},
		{[]string{a + "A"}, "cut off or mistyped"},
		{[]string{"rhm_" + strings.Repeat("A", 42) + "B"}, "mistyped"}, // two texts would be one key
		{[]string{"rhm_" + strings.Repeat("/", 43)}, "mistyped"},
		{[]string{a, b, a}, "master key 3 of 3: it is there twice"},
		{many, "master key 17 of 17: 16 keys are the most there can be"},
	} {
		k, err := seal.Parse(c.texts)
		if err == nil || !strings.Contains(err.Error(), c.says) || k != nil {
			t.Errorf("%d texts: got %v, want %s", len(c.texts), err, c.says)
		}
		for _, text := range c.texts {
			if len(text) > 8 && err != nil && strings.Contains(err.Error(), text[4:12]) {
				t.Errorf("the error shows a key: %v", err)
			}
		}
	}
}

func TestKeysAreNotShown(t *testing.T) {
	k := parse(t, seal.New(), seal.New())
	k.Seal(seal.Project, "p", nil)
	const want = "2 master keys (redacted)"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, k); got != want {
			t.Errorf("%s shows %s", verb, got)
		}
	}
	text, err := json.Marshal(map[string]any{"keys": k})
	if err != nil || string(text) != `{"keys":"`+want+`"}` {
		t.Errorf("JSON shows %s, %v", text, err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "keys", k)
	if !strings.Contains(log.String(), want) {
		t.Errorf("the log shows %s", log.String())
	}
}

func TestKeysAreSafeForConcurrentUse(t *testing.T) {
	k := load(t, t.TempDir()+"/keys")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				id := fmt.Sprint(i, j)
				sealed := k.Seal(seal.Project, id, []byte(id))
				if i == 0 && j < 10 {
					if err := k.Rotate(); err != nil {
						t.Error(err)
					}
				}
				open(t, k, seal.Project, id, sealed, id)
			}
		})
	}
	wg.Wait()
}

func BenchmarkSeal(b *testing.B) {
	k, err := seal.Parse([]string{seal.New()})
	if err != nil {
		b.Fatal(err)
	}
	plain := make([]byte, 200)
	for b.Loop() {
		k.Seal(seal.Delivery, "dlv_01JBZ0000000000000000000", plain)
	}
}
