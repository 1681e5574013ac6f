package api

// The token that proves, with each request, that the client knows the password of the mailbox and
// the shared key of the environment (specification, "MESH Authorization header").

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// Secret is a text that no print, log or JSON shows.
type Secret string

// hidden is what is shown of a Secret.
const hidden = "(secret)"

// Format implements fmt.Formatter: it writes the same for every verb and every secret.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String returns the same for every secret.
func (Secret) String() string { return hidden }

// MarshalText returns the same for every secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue returns the same for every secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// token returns the value of the Authorization header. The service takes a token once, so that the
// nonce is new with every request and the count stays 0.
func token(mailbox string, password, sharedKey Secret, nonce string, now time.Time) string {
	const count = 0
	at := now.UTC().Format("200601021504")
	hash := hmac.New(sha256.New, []byte(sharedKey))
	fmt.Fprintf(hash, "%s:%s:%d:%s:%s", mailbox, nonce, count, string(password), at)
	return fmt.Sprintf("NHSMESH %s:%s:%d:%s:%s",
		mailbox, nonce, count, at, hex.EncodeToString(hash.Sum(nil)))
}

// newNonce returns a random UUID (RFC 9562, version 4).
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// anyToken is a token, or the hash of one.
var anyToken = regexp.MustCompile(`(?i)NHSMESH\s*\S*|[0-9a-f]{64}`)

// without returns a text in which the secrets of the client and its tokens do not show.
func (c *Client) without(text string) string {
	text = anyToken.ReplaceAllString(text, hidden)
	for _, secret := range []Secret{c.config.Password, c.config.SharedKey} {
		text = strings.ReplaceAll(text, string(secret), hidden)
	}
	return text
}
