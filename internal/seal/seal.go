// Package seal encrypts what must not lie in a database in clear, under master
// keys that lie elsewhere: in a file, or in a flag. It must not know what it
// seals, nor where that is kept.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
)

// What is sealed. A box that was sealed for one purpose does not open for another.
const (
	// Project is what was taken out of a movie's document; its id is the project's.
	Project = "project"
	// Delivery is what is secret of a delivery; its id is the delivery's.
	Delivery = "delivery"
	// Connection is the secrets of a connection; its id is the account's, a slash
	// and the connection's.
	Connection = "connection"
	// Signing is a key that webhooks are signed with; its id is the key's.
	Signing = "signing"
)

// A box is the version, the id of the key, and what AES-256-GCM made: a random
// nonce, the encrypted text and its tag. Nonces are random, so one key should
// seal no more than 2^32 boxes of a purpose (NIST SP 800-38D, section 8.3): at a
// hundred a second that takes more than a year, and Rotate begins anew.
const (
	version   = 1
	keyIDSize = 4
	headSize  = 1 + keyIDSize
)

// The reasons a box does not open; test for them with errors.Is.
var (
	ErrNoKey   = errors.New("it is sealed with a master key that is not there")
	ErrDamaged = errors.New("it is damaged, or belongs elsewhere")
)

// Keys are the master keys: the current one seals, all of them open. They may be
// used by many goroutines, and show nothing of themselves however they are
// printed, logged or marshalled.
type Keys struct {
	changes sync.Mutex // one Rotate or Retire at a time
	file    string     // "" when the keys were given

	mu   sync.RWMutex
	keys []*key // the current one first; never empty
}

// key is a master key. Its bytes are inside a function because fmt prints what is
// in a field that is not exported, and of a function it can print the address
// only.
type key struct {
	id     [keyIDSize]byte
	derive func(info string) []byte
	aeads  sync.Map // cipher.AEAD by purpose
}

func newKey(secret [keySize]byte) *key {
	k := &key{derive: func(info string) []byte {
		b, err := hkdf.Key(sha256.New, secret[:], nil, "reelhook "+info, keySize)
		if err != nil {
			panic(err) // only for more bytes than SHA-256 can give, or in FIPS mode for a shorter key
		}
		return b
	}}
	copy(k.id[:], k.derive("id"))
	return k
}

// aead seals and opens for one purpose.
func (k *key) aead(purpose string) cipher.AEAD {
	if a, ok := k.aeads.Load(purpose); ok {
		return a.(cipher.AEAD)
	}
	block, err := aes.NewCipher(k.derive("seal " + purpose))
	if err != nil {
		panic(err) // only for a key of another size
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for a cipher that is not AES
	}
	kept, _ := k.aeads.LoadOrStore(purpose, a)
	return kept.(cipher.AEAD)
}

// head is what a box begins with.
func (k *key) head() []byte { return append([]byte{version}, k.id[:]...) }

// bound is what a box is bound to beside its key: it opens nowhere else.
func bound(head []byte, purpose, id string) []byte {
	b := binary.AppendUvarint(slices.Clone(head), uint64(len(purpose)))
	return append(append(b, purpose...), id...)
}

func (k *Keys) all() []*key {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys
}

// Seal encrypts with the current key. What it returns is 33 bytes longer than
// plain, another one each time, and opens for the same purpose and id only.
func (k *Keys) Seal(purpose, id string, plain []byte) []byte {
	current := k.all()[0]
	head, aead := current.head(), current.aead(purpose)
	sealed := make([]byte, 0, headSize+len(plain)+aead.Overhead())
	return aead.Seal(append(sealed, head...), nil, plain, bound(head, purpose, id))
}

// Open decrypts what Seal made with any of the keys. The error is ErrNoKey or
// ErrDamaged.
func (k *Keys) Open(purpose, id string, sealed []byte) ([]byte, error) {
	if len(sealed) < headSize || sealed[0] != version {
		return nil, ErrDamaged
	}
	head, rest := sealed[:headSize], sealed[headSize:]
	err := ErrNoKey
	for _, known := range k.all() {
		if string(known.id[:]) != string(head[1:]) {
			continue
		}
		plain, fail := known.aead(purpose).Open(nil, nil, rest, bound(head, purpose, id))
		if fail == nil {
			return plain, nil
		}
		err = ErrDamaged
	}
	return nil, err
}

// Prefix is what everything begins with that the current key seals.
func (k *Keys) Prefix() []byte { return k.all()[0].head() }

// Stale tells that there are keys beside the current one: that something may
// still be sealed with an older one, see Reseal and Retire.
func (k *Keys) Stale() bool { return len(k.all()) > 1 }

// String counts the keys, so that no log line shows more.
func (k *Keys) String() string { return fmt.Sprintf("%d master keys (redacted)", len(k.all())) }

// Format is String for every verb: a wrong one would print the fields.
func (k *Keys) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// LogValue is String, for slog.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String, also for JSON.
func (k *Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
