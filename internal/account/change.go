package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"
)

const (
	// maxKeys bounds the keys of an account: all are held in memory.
	maxKeys = 1000
	// maxLabel is how many characters the name of a key may have.
	maxLabel = 100
)

// Create makes a key of the Account, Role, Name and ExpiresAt that are wanted and
// returns it with its text, which is seen this once. It is durable before it may
// call. What cannot be is a Refusal, also when the account is none of the
// caller's business.
func (k *Keys) Create(ctx context.Context, c Caller, wanted Key) (made Key, text string, err error) {
	k.changes.Lock()
	defer k.changes.Unlock()
	if err := k.mayCreate(c, &wanted); err != nil {
		return Key{}, "", err
	}
	return k.add(ctx, wanted)
}

// add makes the key that was wanted. It is carried through, also when ctx ends:
// what is stored must be what is known.
func (k *Keys) add(ctx context.Context, wanted Key) (made Key, text string, err error) {
	now, text := k.now().UTC().Round(0), NewKey()
	made = wanted
	made.ID, made.Hash, made.CreatedAt = "key_"+ulid.MustNew(ulid.Timestamp(now), rand.Reader).String(), HashKey(text), now
	if err := k.store.AddKey(context.WithoutCancel(ctx), made); err != nil {
		return Key{}, "", fmt.Errorf("store an API key: %w", err)
	}
	k.replace(func(known map[Hash]Key) { known[made.Hash] = made })
	return made, text, nil
}

// mayCreate checks what is wanted of a key, and tidies its name.
func (k *Keys) mayCreate(c Caller, wanted *Key) error {
	wanted.Name = strings.TrimSpace(wanted.Name)
	held := 0
	for _, key := range *k.known.Load() {
		if key.Account == wanted.Account {
			held++
		}
	}
	switch {
	case !c.LooksAfter(wanted.Account):
		return refuse("Only an admin of the account %s or %s makes its keys", ShowName(wanted.Account), Default)
	case wanted.Role < Viewer || wanted.Role > Admin:
		return refuse("'role' is needed: one of %s", strings.Join(roles[Viewer:], ", "))
	case utf8.RuneCountInString(wanted.Name) > maxLabel || strings.ContainsFunc(wanted.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return refuse("'name' may have at most %d characters, all of which print", maxLabel)
	case wanted.expired(k.now()):
		return refuse("'expires' must be in the future, not %s", wanted.ExpiresAt.UTC().Format(time.RFC3339))
	case held >= maxKeys:
		return refuse("The account %s has %d keys, which is the most; revoke some first", ShowName(wanted.Account), held)
	}
	return nil
}

// Revoke ends a key: it is durable when Revoke returns, and no call after that is
// served. ErrNoKey is the error for one that there is not, or that is of an
// account which the caller does not look after; a Refusal for the fixed key, and
// for one without which nobody could manage keys any more.
func (k *Keys) Revoke(ctx context.Context, c Caller, id string) error {
	k.changes.Lock()
	defer k.changes.Unlock()
	key, ok := k.find(id)
	switch {
	case !ok || !c.LooksAfter(key.Account):
		return ErrNoKey
	case id == k.fixed.ID:
		return refuse("This key is set by --api-key: take it out there and start the server anew")
	case key.Account == "" && key.Role == Admin && !key.expired(k.now()) && !k.lasting(key):
		return refuse("No other admin key of the account %s lasts as long as this one, and without any nobody could make keys: "+
			"create one first", Default)
	}
	if err := k.store.RevokeKey(context.WithoutCancel(ctx), key.Account, id); err != nil && !errors.Is(err, ErrNoKey) {
		return fmt.Errorf("revoke an API key: %w", err)
	}
	k.replace(func(known map[Hash]Key) { delete(known, key.Hash) })
	return nil
}

func (k *Keys) find(id string) (Key, bool) {
	for _, key := range *k.known.Load() {
		if key.ID == id {
			return key, true
		}
	}
	return Key{}, false
}

// lasting tells whether some other admin key of the default account may call at
// least as long as this one, which may be one of them.
func (k *Keys) lasting(than Key) bool {
	for _, key := range *k.known.Load() {
		if key.ID != than.ID && key.Account == "" && key.Role == Admin && key.outlasts(than) {
			return true
		}
	}
	return false
}
