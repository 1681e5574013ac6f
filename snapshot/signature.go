// The signature at the end of a snapshot: the text of a .minisig file, in exactly one spelling.
// minisign's own reader accepts several (line breaks within base64, carriage returns, any untrusted
// comment); here a changed byte is a changed file, and is refused.

package snapshot

import (
	"bytes"

	"aead.dev/minisign"
)

// untrustedComment is the first line of every signature. It is not signed, and so carries nothing.
const untrustedComment = "signature of a noo snapshot, format 1"

// sign returns the signature of message with the manifest's trusted comment.
func sign(message []byte, m Manifest, key minisign.PrivateKey) []byte {
	digest := minisign.NewReader(bytes.NewReader(message))
	// Reading from memory does not fail. The large buffer spares BLAKE2b the copies of a small one.
	buffer := make([]byte, 64<<10)
	for {
		if _, err := digest.Read(buffer); err != nil {
			return digest.SignWithComments(key, m.trustedComment(), untrustedComment)
		}
	}
}

// parseSignature reads the text of a signature and accepts its one spelling only.
func parseSignature(text []byte) (*minisign.Signature, error) {
	signature := new(minisign.Signature)
	if err := signature.UnmarshalText(text); err != nil {
		return nil, refuse(ErrDamaged, "its signature cannot be read; fetch it again")
	}
	again, err := signature.MarshalText()
	if err != nil || !bytes.Equal(again, text) || signature.UntrustedComment != untrustedComment {
		return nil, refuse(ErrDamaged, "its signature was altered; fetch it again")
	}
	// A legacy EdDSA signature signs the file itself and not its BLAKE2b digest: another statement
	// by the same key.
	if signature.Algorithm != minisign.HashEdDSA {
		return nil, refuse(
			ErrSignature,
			"it is not a prehashed signature; ask the publisher to build the snapshot with noo",
		)
	}
	return signature, nil
}

// verify finds the key of the signature among the trusted ones and checks it over message. Key ids
// are not unique by construction, so every key of that id is tried.
func verify(message []byte, signature *minisign.Signature, trusted []minisign.PublicKey) error {
	if len(trusted) == 0 {
		return noKeys()
	}
	text, err := signature.MarshalText()
	if err != nil {
		return refuse(ErrDamaged, "its signature cannot be read; fetch it again")
	}
	known := false
	for _, key := range trusted {
		if key.ID() != signature.KeyID {
			continue
		}
		known = true
		if minisign.Verify(key, message, text) {
			return nil
		}
	}
	if known {
		return refuse(
			ErrSignature,
			"it was altered on its way or signed by someone else; fetch it again from the publisher",
		)
	}
	return refuse(
		ErrUntrusted,
		"key %s; if that is the publisher's key, put its .pub file into a trusted.d folder",
		FormatKeyID(signature.KeyID),
	)
}
