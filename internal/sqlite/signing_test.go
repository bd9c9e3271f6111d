package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/signing"
	"github.com/reelhook/reelhook/webhook"
)

// loadRing is the ring of the default account.
func loadRing(t *testing.T, db *DB) *signing.Ring {
	t.Helper()
	all, err := signing.Load(t.Context(), signing.Options{Store: db})
	if err != nil {
		t.Fatal(err)
	}
	r, err := all.Of(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A ring on a file, and the same after a restart and to a command that reads
// beside the server.
func TestRingOnAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	load := func(db *DB) (string, []signing.Key, []signing.PublicKey) {
		t.Helper()
		r := loadRing(t, db)
		return webhook.Sign("msg_1", time.Unix(0, 0), nil, r.Signers()...), r.Secrets(), r.Public()
	}
	db := mustOpen(t, path)
	r := loadRing(t, db)
	if _, err := r.Rotate(t.Context(), nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	signs, secrets, public := load(db)
	if n := len(strings.Fields(signs)); n != 4 || len(secrets) != 2 || len(public) != 2 {
		t.Errorf("%d signatures, secrets %v, public %v", n, secrets, public)
	}
	same := func(when string, db *DB) {
		t.Helper()
		s, k, p := load(db)
		if diff := cmp.Diff([]any{signs, secrets, public}, []any{s, k, p}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	ro, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	same("beside the server", ro)
	if err := ro.AddSigningKeys(t.Context(), "", secrets, time.Time{}); err == nil || strings.Contains(err.Error(), "whsec_") {
		t.Errorf("a change beside the server was answered with %v", err)
	}
	if err := ro.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	same("after a restart", mustOpen(t, path))
}

// The secret of the former release, as its migration leaves it, goes on signing.
func TestFormerSecretStays(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	if err := db.writer.do(t.Context(), func(tx *transaction) error {
		_, err := tx.exec(insert("signing_key", "id, kind, text, created_at"), "key_webhook", "v1", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", stamp(t0))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r := loadRing(t, db)
	want := []signing.Key{{ID: "key_webhook", Kind: signing.V1, Text: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", CreatedAt: t0.UTC()}}
	if diff := cmp.Diff(want, r.Secrets()); diff != "" || len(r.Public()) != 1 {
		t.Errorf("public %v, secrets (-want +got):\n%s", r.Public(), diff)
	}
}
