// Package pseudonym tells of which NHS number a pseudonym was made: a keyed or salted SHA-256 of
// the number's ten digits in ASCII, without any separator or line end.
//
// A hash cannot be turned round, but a snapshot says which people are known: their numbers are
// hashed once (NewTable), and each value of a dataset is looked up among the hashes (Table.Read).
//
// The package never returns, formats or logs a secret, a number or a value that it was given.
package pseudonym

// The methods, and the hash of one number.

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"

	"noo/internal/nhsnumber"
)

// Digest is a pseudonym as bytes.
type Digest = [sha256.Size]byte

// Method says how pseudonyms are made of numbers and a secret. The zero Method is none.
type Method uint8

// The methods.
const (
	None Method = iota
	// HMAC is HMAC-SHA-256 (RFC 2104) of the number, with the secret as key.
	HMAC
	// SaltBefore is SHA-256 of the secret and, behind it, the number.
	SaltBefore
	// SaltAfter is SHA-256 of the number and, behind it, the secret.
	SaltAfter
	// Plain is SHA-256 of the number alone. It hides nobody: all numbers can be hashed in minutes.
	Plain
)

// names are the names of the methods in flags and reports.
var names = [...]string{"", "hmac-sha256", "sha256-salt-before", "sha256-salt-after", "sha256"}

// String gives the method's name.
func (m Method) String() string { return names[m] }

// WantsSecret reports whether the method needs a secret.
func (m Method) WantsSecret() bool { return m != None && m != Plain }

// Secret is a key or a salt. It has no exported field and its formats show nothing of it.
type Secret struct{ bytes []byte }

// Format implements fmt.Formatter. It shows nothing of the secret, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(secret)")) }

// hasher makes pseudonyms. It is for one goroutine.
type hasher struct {
	method Method
	keyed  hash.Hash // for HMAC
	text   []byte    // for the others: the salt, with room for the number
	salt   int       // length of the salt
}

func newHasher(method Method, secret Secret) *hasher {
	h := &hasher{method: method, salt: len(secret.bytes)}
	if method == HMAC {
		h.keyed = hmac.New(sha256.New, secret.bytes)
	}
	h.text = make([]byte, 0, h.salt+64)
	if method == SaltBefore {
		h.text = append(h.text, secret.bytes...)
	}
	return h
}

// sum sets digest to the pseudonym of a text, which mostly is the ten digits of a number.
func (h *hasher) sum(text []byte, secret Secret, digest *Digest) {
	switch h.method {
	case HMAC:
		h.keyed.Reset()
		h.keyed.Write(text)
		h.keyed.Sum(digest[:0])
	case SaltBefore:
		h.text = append(h.text[:h.salt], text...)
		*digest = sha256.Sum256(h.text)
	case SaltAfter:
		h.text = append(append(h.text[:0], text...), secret.bytes...)
		*digest = sha256.Sum256(h.text)
	default:
		*digest = sha256.Sum256(text)
	}
}

// appendNumber appends the ten digits of the number with a key.
func appendNumber(dst []byte, key nhsnumber.Key) []byte {
	check, _ := nhsnumber.CheckDigit(key)
	var digits [10]byte
	digits[9] = byte('0' + check)
	for i := 8; i >= 0; i-- {
		digits[i] = byte('0' + key%10)
		key /= 10
	}
	return append(dst, digits[:]...)
}
