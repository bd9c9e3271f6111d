package storetest

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/signing"
)

var signingRules = []rule{
	{"FirstSigningKeysStay", firstSigningKeysStay},
	{"OneFirstSigningKeyForAll", oneFirstSigningKeyForAll},
	{"NextSigningKeyBeginsAnOverlap", nextSigningKey},
	{"NextSigningKeyWithoutOverlap", nextWithoutOverlap},
	{"NextSigningKeysAreAllOrNothing", nextAllOrNothing},
	{"EndOverlap", endOverlap},
	{"SigningKeysOfAccounts", signingKeysOfAccounts},
}

// signingKey is made, and expires, so long after t0; 0 is never.
func signingKey(id string, kind signing.Kind, made, expires time.Duration) signing.Key {
	k := signing.Key{ID: id, Kind: kind, Text: "whsec_" + id + "+/=", CreatedAt: after(made)}
	if expires != 0 {
		k.ExpiresAt = after(expires)
	}
	return k
}

func (f *fixture) addKeys(overlapEnds time.Duration, next ...signing.Key) {
	f.Helper()
	f.must(f.AddSigningKeys(f.ctx, "", next, after(overlapEnds)))
}

func (f *fixture) ensureKeys(candidates ...signing.Key) []signing.Key {
	f.Helper()
	all, err := f.EnsureSigningKeys(f.ctx, "", candidates)
	f.must(err)
	return all
}

// signingKeys must be these, in this order.
func (f *fixture) signingKeys(when string, want ...signing.Key) {
	f.Helper()
	got, err := f.SigningKeys(f.ctx, "")
	f.must(err)
	f.equal(when, got, want)
}

func firstSigningKeysStay(f *fixture) {
	f.signingKeys("at first")
	a, b, c := signingKey("a", signing.V1, 1, 0), signingKey("b", signing.V1a, 1, 0), signingKey("c", signing.V1, 3, 0)
	f.equal("the first of a kind", f.ensureKeys(a), []signing.Key{a})
	f.equal("one of another kind", f.ensureKeys(c, b), []signing.Key{b, a})
	f.equal("no candidates", f.ensureKeys(), []signing.Key{b, a})
	f.signingKeys("stored", b, a)
	if f.ensureKeys()[0].CreatedAt.Location() != time.UTC {
		f.Error("times are not UTC")
	}
	ending, next := signingKey("d", signing.V1a, 2, 100), signingKey("e", signing.V1a, 3, 0)
	f.must(f.AddSigningKeys(f.ctx, "", []signing.Key{ending}, time.Time{}))
	f.equal("a kind whose only key expires", f.ensureKeys(next), []signing.Key{next, ending, a})
}

func oneFirstSigningKeyForAll(f *fixture) {
	got := make([]string, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			id := string(rune('a' + i))
			all, err := f.EnsureSigningKeys(f.ctx, "", []signing.Key{signingKey(id, signing.V1, 0, 0), signingKey(id+"a", signing.V1a, 0, 0)})
			if err != nil {
				f.Error(err)
			}
			for _, k := range all {
				got[i] += k.ID + " "
			}
		})
	}
	wg.Wait()
	f.equal("keys", len(strings.Fields(got[0])), 2)
	f.equal("different keys", len(slices.Compact(got)), 1)
}

func nextSigningKey(f *fixture) {
	other := signingKey("other", signing.V1a, 0, 0)
	f.ensureKeys(signingKey("a", signing.V1, 1, 0), other)
	f.addKeys(100, signingKey("b", signing.V1, 10, 0))
	f.signingKeys("an overlap", signingKey("b", signing.V1, 10, 0), signingKey("a", signing.V1, 1, 100), other)
	f.addKeys(200, signingKey("c", signing.V1, 20, 0))
	f.signingKeys("a second, longer one", signingKey("c", signing.V1, 20, 0), signingKey("b", signing.V1, 10, 200),
		signingKey("a", signing.V1, 1, 100), other)
	f.addKeys(50, signingKey("d", signing.V1, 30, 0), signingKey("e", signing.V1a, 31, 0))
	other.ExpiresAt = after(50)
	all := []signing.Key{signingKey("e", signing.V1a, 31, 0), signingKey("d", signing.V1, 30, 0), signingKey("c", signing.V1, 20, 50),
		signingKey("b", signing.V1, 10, 50), signingKey("a", signing.V1, 1, 50), other}
	f.signingKeys("a shorter one, of both kinds", all...)
	f.equal("ensured", f.ensureKeys(signingKey("x", signing.V1, 60, 0)), all)
	f.addKeys(300, signingKey("f", signing.V1, 50, 0))
	f.signingKeys("what had expired is gone", signingKey("f", signing.V1, 50, 0), all[0], signingKey("d", signing.V1, 30, 300), other)
}

func nextWithoutOverlap(f *fixture) {
	other := signingKey("other", signing.V1a, 0, 0)
	f.ensureKeys(signingKey("a", signing.V1, 1, 0), other)
	for i, ends := range []time.Time{{}, after(-time.Hour), after(40)} {
		made := time.Duration(20 + 10*i)
		f.addKeys(time.Hour, signingKey("before", signing.V1, made-1, 0)) // leaves two
		next := signingKey(string(rune('b'+i)), signing.V1, made, 0)
		f.must(f.AddSigningKeys(f.ctx, "", []signing.Key{next}, ends))
		f.signingKeys("overlap until "+ends.String(), next, other)
	}
}

func nextAllOrNothing(f *fixture) {
	a := signingKey("a", signing.V1, 1, 0)
	f.ensureKeys(a)
	for _, twice := range []signing.Key{signingKey("b", signing.V1a, 2, 0), signingKey("a", signing.V1a, 2, 0)} {
		err := f.AddSigningKeys(f.ctx, "", []signing.Key{signingKey("b", signing.V1, 2, 0), twice}, after(100))
		if err == nil || strings.Contains(err.Error(), "whsec_") {
			f.Errorf("a second key %s: got %v", twice.ID, err)
		}
		f.signingKeys("after that", a)
	}
}

func endOverlap(f *fixture) {
	end := func(at time.Duration) int {
		f.Helper()
		ended, err := f.EndOverlap(f.ctx, "", after(at))
		f.must(err)
		return ended
	}
	f.equal("no keys", end(0), 0)
	f.ensureKeys(signingKey("a", signing.V1, 1, 0), signingKey("b", signing.V1a, 2, 0))
	f.equal("no overlap", end(3), 0)
	f.addKeys(100, signingKey("c", signing.V1, 10, 0), signingKey("d", signing.V1a, 11, 0))
	f.addKeys(200, signingKey("e", signing.V1, 20, 0))
	f.equal("a and b expire at that moment, c does not", end(100), 1)
	f.signingKeys("left", signingKey("e", signing.V1, 20, 0), signingKey("d", signing.V1a, 11, 0))
	f.equal("again", end(100), 0)
}

// signingKeysOfAccounts does with one account's keys all that can be done, and
// looks at another's.
func signingKeysOfAccounts(f *fixture) {
	mine, theirs := signingKey("a", signing.V1, 1, 0), signingKey("b", signing.V1, 1, 0)
	ensure := func(account string, candidates ...signing.Key) []signing.Key {
		all, err := f.EnsureSigningKeys(f.ctx, account, candidates)
		f.must(err)
		return all
	}
	f.equal("the first of one", ensure("", mine), []signing.Key{mine})
	f.equal("the first of another", ensure("acme", theirs), []signing.Key{theirs})
	f.equal("of one that has none", ensure("other"), []signing.Key{})
	next, later := signingKey("c", signing.V1, 10, 0), signingKey("d", signing.V1, 20, 0)
	f.must(f.AddSigningKeys(f.ctx, "acme", []signing.Key{next}, after(100)))
	f.signingKeys("when another rotates", mine)
	f.must(f.AddSigningKeys(f.ctx, "", []signing.Key{later}, after(100)))
	mine.ExpiresAt, theirs.ExpiresAt = after(100), after(100)
	all, err := f.SigningKeys(f.ctx, "acme")
	f.must(err)
	f.equal("when the first rotates too", all, []signing.Key{next, theirs})
	ended, err := f.EndOverlap(f.ctx, "acme", after(50))
	f.must(err)
	f.equal("ended", ended, 1)
	f.signingKeys("when another ends its overlap", later, mine)
	last := signingKey("e", signing.V1, 60, 0)
	f.must(f.AddSigningKeys(f.ctx, "acme", []signing.Key{last}, after(100)))
	f.must(f.AddSigningKeys(f.ctx, "", []signing.Key{signingKey("f", signing.V1, 200, 0)}, time.Time{}))
	next.ExpiresAt = after(100)
	f.equal("when the first forgets all", ensure("acme"), []signing.Key{last, next})
}
