// Package frame has what the files that a publisher signs have in common: a start that names the
// format, a manifest, sections, a minisign signature of all before it, and an end. It knows nothing
// of what the sections hold. SPEC.md of package snapshot has the picture.
//
// Open is the only way in, and gives out nothing before the signature holds.
package frame

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"aead.dev/minisign"
)

const (
	startLength   = 8 // bytes of Form.Start
	endLength     = 4 // bytes of Form.End
	headerLength  = startLength + 4
	trailerLength = 4 + endLength
	alignment     = 8

	maxManifest  = 64 << 10
	maxSignature = 1 << 10
)

// MaxSize is above the largest snapshot that can be: two sets in which every one of the 15,259
// containers up to the largest key takes its full 8 KiB come to 251 MB. It bounds the memory that a
// wrong file can ask for.
const MaxSize = 256 << 20

// Form is a kind of file. Its texts are in every file, so that none can be taken for one of another
// kind.
type Form struct {
	// Name is what messages call the file, and Suffix is how its name ends.
	Name, Suffix string
	// Start and End are the first 8 and the last 4 bytes.
	Start, End string
	// Comment is the first line of the signature. It is not signed, and so carries nothing.
	Comment string
	// ErrForeign is the reason for refusing a file of another kind.
	ErrForeign error
}

// Section describes one section in the file.
type Section struct {
	Name   string `json:"name"`
	Offset uint64 `json:"offset"` // bytes from the start of the file, a multiple of 8
	Length uint64 `json:"length"` // bytes, without padding
	Count  uint64 `json:"count"`  // numbers in it
}

// Write returns the whole file: sections with the given data, whose offsets it sets, and a
// signature with the trusted comment. manifest returns the text of the manifest with these offsets.
// They depend on its length, which depends on them: both only grow from one round to the next, and
// stop after a few.
func (f *Form) Write(
	sections []Section,
	data [][]byte,
	manifest func() ([]byte, error),
	trustedComment string,
	key minisign.PrivateKey,
) ([]byte, error) {
	for {
		text, err := manifest()
		if err != nil {
			return nil, err
		}
		at, moved := headerLength+len(text), false
		for i, section := range data {
			at = align(at)
			moved = moved || sections[i].Offset != uint64(at)
			sections[i].Offset = uint64(at)
			at += len(section)
		}
		if moved {
			continue
		}
		head := binary.LittleEndian.AppendUint32([]byte(f.Start), uint32(len(text)))
		return f.seal(Join(append(head, text...), data), trustedComment, key), nil
	}
}

// EncodeManifest returns a manifest as JSON in its one spelling: without blanks, line breaks and
// escapes that need not be.
func EncodeManifest(manifest any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(manifest); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// seal puts the signature and the end behind the content.
func (f *Form) seal(content []byte, trustedComment string, key minisign.PrivateKey) []byte {
	signature := sign(content, trustedComment, f.Comment, key)
	file := append(content, signature...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(signature)))
	return append(file, f.End...)
}

// Join puts the sections behind the head, each at the next multiple of 8, and zeros to such a
// multiple at the end. The result has room for a signature.
func Join(head []byte, sections [][]byte) []byte {
	length := align(len(head))
	for _, section := range sections {
		length = align(length + len(section))
	}
	content := append(make([]byte, 0, length+maxSignature+trailerLength), head...)
	for _, section := range sections {
		content = append(pad(content), section...)
	}
	return pad(content)
}

func pad(b []byte) []byte {
	var zeros [alignment]byte
	return append(b, zeros[:align(len(b))-len(b)]...)
}

// Content is what a file holds whose signature holds. It refers to the file.
type Content struct {
	// Signed are the bytes before the signature, and Tail are all from there on.
	Signed, Tail []byte
	// KeyID is that of the key that signed, and TrustedComment is what it signed beside the bytes.
	KeyID          uint64
	TrustedComment string
}

// Open verifies a file, which must be signed with one of the trusted keys. Every error is a
// *Refusal.
func (f *Form) Open(data []byte, trusted []minisign.PublicKey) (*Content, error) {
	signed, signature, err := f.split(data)
	if err != nil {
		return nil, err
	}
	if err := f.verify(signed, signature, trusted); err != nil {
		return nil, err
	}
	return &Content{
		Signed:         signed,
		Tail:           data[len(signed):],
		KeyID:          signature.KeyID,
		TrustedComment: signature.TrustedComment,
	}, nil
}

// split takes a file apart by its frame alone: the signed bytes and the signature after them.
func (f *Form) split(data []byte) ([]byte, *minisign.Signature, error) {
	switch {
	case len(data) == 0:
		return nil, nil, f.Refuse(ErrDamaged, "the file is empty; fetch it again")
	case !bytes.HasPrefix(data, []byte(f.Start)[:min(len(f.Start), len(data))]):
		return nil, nil, f.Refuse(
			f.ErrForeign,
			"it does not begin as a %s of format 1; give a %s file, or use a noo that knows its format",
			f.Name, f.Suffix,
		)
	case len(data) < headerLength+trailerLength || string(data[len(data)-len(f.End):]) != f.End:
		return nil, nil, f.Refuse(
			ErrDamaged, "its end is not the end of a %s; fetch it again", f.Name,
		)
	}
	end := len(data) - trailerLength
	length := binary.LittleEndian.Uint32(data[end:])
	if length == 0 || length > maxSignature || int(length) > end-headerLength {
		return nil, nil, f.Refuse(
			ErrDamaged,
			"the length of its signature cannot be right; fetch it again",
		)
	}
	start := end - int(length)
	signature, err := f.parseSignature(data[start:end])
	if err != nil {
		return nil, nil, err
	}
	return data[:start], signature, nil
}

// Manifest returns the text of the manifest. Its errors, as those of Sections, say how the format
// was broken.
func (c *Content) Manifest() ([]byte, error) {
	if len(c.Signed) < headerLength {
		return nil, errors.New("it has no manifest")
	}
	length := binary.LittleEndian.Uint32(c.Signed[startLength:])
	if length == 0 || length > maxManifest || int(length) > len(c.Signed)-headerLength {
		return nil, errors.New("the length of its manifest is out of range")
	}
	return c.Signed[headerLength : headerLength+int(length)], nil
}

// Head returns the bytes before the first section, without padding, of a file whose Manifest has
// been read.
func (c *Content) Head() []byte {
	length := binary.LittleEndian.Uint32(c.Signed[startLength:])
	return c.Signed[:headerLength+int(length)]
}

// Sections returns the sections, which with their zero padding must fill the signed bytes from
// where the manifest ends.
func (c *Content) Sections(sections []Section) ([][]byte, error) {
	end, data := len(c.Head()), make([][]byte, len(sections))
	for i, section := range sections {
		start := align(end)
		if section.Offset != uint64(start) || start > len(c.Signed) ||
			section.Length > uint64(len(c.Signed)-start) {
			return nil, fmt.Errorf("section %q is not where it belongs", section.Name)
		}
		if !allZero(c.Signed[end:start]) {
			return nil, fmt.Errorf("the padding before section %q is not zero", section.Name)
		}
		end = start + int(section.Length)
		data[i] = c.Signed[start:end:end]
	}
	if len(c.Signed) != align(end) || !allZero(c.Signed[end:]) {
		return nil, errors.New("something other than padding follows its last section")
	}
	return data, nil
}

// align returns the next multiple of the alignment.
func align(n int) int {
	if n > math.MaxInt-alignment {
		return math.MaxInt
	}
	return (n + alignment - 1) &^ (alignment - 1)
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
