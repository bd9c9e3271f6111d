package project

import (
	"crypto/rand"
	"math/big"
	"strings"
	"time"
)

// alphanumeric are the characters of an id, in the order in which they sort.
const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// An id's first characters tell the second it was made in, so that ids rise with
// time: every index of them then grows at its end, and a million old projects make
// a new one no slower. The others are random, 59 bits of them.
const (
	timeLength   = 6 // enough until the year 3769
	randomLength = 10
	// IDLength is how many characters an id has.
	IDLength = timeLength + randomLength
)

// IsID tells whether a text has the form of an id.
func IsID(text string) bool { return len(text) == IDLength && strings.Trim(text, alphanumeric) == "" }

// NewID makes the id of a project accepted at a time: 16 characters [A-Za-z0-9]
// (section 3 of the contract). It is no secret.
func NewID(at time.Time) string {
	var head [timeLength]byte
	seconds := max(0, at.Unix())
	for i := range head {
		head[timeLength-1-i] = alphanumeric[seconds%int64(len(alphanumeric))]
		seconds /= int64(len(alphanumeric))
	}
	return string(head[:]) + Random(randomLength, alphanumeric)
}

// Random picks n characters from an alphabet, all equally likely.
func Random(n int, alphabet string) string {
	text := make([]byte, n)
	for i := range text {
		at, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err) // crypto/rand.Reader never fails
		}
		text[i] = alphabet[at.Int64()]
	}
	return string(text)
}
