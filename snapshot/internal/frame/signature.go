// The signature at the end of a file: the text of a .minisig file, in exactly one spelling.
// minisign's own reader accepts several (line breaks within base64, carriage returns, any untrusted
// comment); here a changed byte is a changed file, and is refused.

package frame

import (
	"bytes"

	"aead.dev/minisign"
)

// sign returns the signature of message.
func sign(message []byte, trustedComment, untrusted string, key minisign.PrivateKey) []byte {
	digest := minisign.NewReader(bytes.NewReader(message))
	// Reading from memory does not fail. The large buffer spares BLAKE2b the copies of a small one.
	buffer := make([]byte, 64<<10)
	for {
		if _, err := digest.Read(buffer); err != nil {
			return digest.SignWithComments(key, trustedComment, untrusted)
		}
	}
}

// parseSignature reads the text of a signature and accepts its one spelling only.
func (f *Form) parseSignature(text []byte) (*minisign.Signature, error) {
	signature := new(minisign.Signature)
	if err := signature.UnmarshalText(text); err != nil {
		return nil, f.Refuse(ErrDamaged, "its signature cannot be read; fetch it again")
	}
	again, err := signature.MarshalText()
	if err != nil || !bytes.Equal(again, text) || signature.UntrustedComment != f.Comment {
		return nil, f.Refuse(ErrDamaged, "its signature was altered; fetch it again")
	}
	// A legacy EdDSA signature signs the file itself and not its BLAKE2b digest: another statement
	// by the same key.
	if signature.Algorithm != minisign.HashEdDSA {
		return nil, f.Refuse(
			ErrSignature,
			"it is not a prehashed signature; ask the publisher to build the %s with noo", f.Name,
		)
	}
	return signature, nil
}

// verify finds the key of the signature among the trusted ones and checks it over message. Key ids
// are not unique by construction, so every key of that id is tried.
func (f *Form) verify(
	message []byte,
	signature *minisign.Signature,
	trusted []minisign.PublicKey,
) error {
	text, err := signature.MarshalText()
	if err != nil {
		return f.Refuse(ErrDamaged, "its signature cannot be read; fetch it again")
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
		return f.Refuse(
			ErrSignature,
			"it was altered on its way or signed by someone else; fetch it again from the publisher",
		)
	}
	return f.Refuse(
		ErrUntrusted,
		"key %s; if that is the publisher's key, put its .pub file into a trusted.d folder",
		FormatKeyID(signature.KeyID),
	)
}
