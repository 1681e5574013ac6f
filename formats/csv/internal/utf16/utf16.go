// Package utf16 reads UTF-16 as UTF-8, and writes it again: of text that is well-formed, every byte
// comes back. What is not well-formed is refused, since programs put different things in its place.
package utf16

import (
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Reasons for which a text is refused; each comes wrapped in a *Error.
var (
	ErrSurrogate = errors.New("half of a surrogate pair: the UTF-16 is damaged")
	ErrOddByte   = errors.New("half of a character at the end: the UTF-16 is damaged")
)

// Error is text that is no UTF-16.
type Error struct {
	// Line is the line of the text, from 1.
	Line int64
	// Err is one of the reasons above.
	Err error
}

// Error says what is wrong.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// Order returns the order of bytes that the byte order mark at the start of a text tells, or nil
// where there is none of UTF-16.
func Order(head []byte) binary.ByteOrder {
	switch {
	case len(head) < 2:
		return nil
	case head[0] == 0xFF && head[1] == 0xFE:
		return binary.LittleEndian
	case head[0] == 0xFE && head[1] == 0xFF:
		return binary.BigEndian
	}
	return nil
}

const blockSize = 128 << 10

// Reader reads UTF-16, its byte order mark included, as UTF-8.
type Reader struct {
	reader io.Reader
	low    int // where of two bytes the low one is
	line   int64
	block  []byte // UTF-16, of which filled bytes are read and not yet given out
	filled int
	text   []byte // UTF-8
	given  int    // bytes of text that were given out
	err    error  // how reading ended
}

// NewReader returns a reader of UTF-16 in an order of bytes.
func NewReader(r io.Reader, order binary.ByteOrder) *Reader {
	return &Reader{
		reader: r, low: lowByte(order), line: 1, block: make([]byte, blockSize), text: make([]byte, 0, 3*blockSize/2+utf8.UTFMax),
	}
}

// Read gives UTF-8.
func (r *Reader) Read(p []byte) (int, error) {
	for r.given == len(r.text) {
		if r.err != nil {
			return 0, r.err
		}
		r.decode()
	}
	n := copy(p, r.text[r.given:])
	r.given += n
	return n, nil
}

// decode reads a block and turns it into text, all but half a character at its end.
func (r *Reader) decode() {
	n, err := io.ReadFull(r.reader, r.block[r.filled:])
	r.filled += n
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if ended {
		err = io.EOF
	}
	r.err, r.text, r.given = err, r.text[:0], 0
	at := 0
	for ; at+2 <= r.filled; at += 2 {
		unit := r.unit(at)
		switch {
		case unit < utf8.RuneSelf:
			r.text = append(r.text, byte(unit))
			if unit == '\n' {
				r.line++
			}
			continue
		case !utf16.IsSurrogate(rune(unit)):
			r.text = utf8.AppendRune(r.text, rune(unit))
			continue
		case at+4 > r.filled && !ended:
			r.keep(at)
			return
		}
		whole := utf8.RuneError
		if at+4 <= r.filled {
			whole = utf16.DecodeRune(rune(unit), rune(r.unit(at+2)))
		}
		if whole == utf8.RuneError {
			r.err = &Error{Line: r.line, Err: ErrSurrogate}
			return
		}
		r.text = utf8.AppendRune(r.text, whole)
		at += 2
	}
	if at < r.filled && ended {
		r.err = &Error{Line: r.line, Err: ErrOddByte}
		return
	}
	r.keep(at)
}

// unit returns the 16 bits at a place of the block.
func (r *Reader) unit(at int) uint16 {
	pair := r.block[at : at+2]
	return uint16(pair[r.low]) | uint16(pair[1-r.low])<<8
}

// lowByte returns where of two bytes the low one is.
func lowByte(order binary.ByteOrder) int {
	if order == binary.LittleEndian {
		return 0
	}
	return 1
}

// keep moves what was not decoded to the start of the block.
func (r *Reader) keep(at int) { r.filled = copy(r.block, r.block[at:r.filled]) }

// Writer writes UTF-8 as UTF-16.
type Writer struct {
	writer io.Writer
	low    int // where of two bytes the low one is
	units  []byte
}

// errNotUTF8 cannot be met: what is written is what a Reader gave.
var errNotUTF8 = errors.New("internal error: text that is no UTF-8: please report it")

// NewWriter returns a writer of UTF-16 in an order of bytes, which Order returned.
func NewWriter(w io.Writer, order binary.ByteOrder) *Writer {
	return &Writer{writer: w, low: lowByte(order)}
}

// Write writes whole characters.
func (w *Writer) Write(text []byte) (int, error) {
	w.units = w.units[:0]
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			w.append(uint16(text[i]))
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size < 3 {
			return 0, errNotUTF8
		}
		if i += size; r < 0x10000 {
			w.append(uint16(r))
			continue
		}
		high, low := utf16.EncodeRune(r)
		w.append(uint16(high))
		w.append(uint16(low))
	}
	if _, err := w.writer.Write(w.units); err != nil {
		return 0, err
	}
	return len(text), nil
}

func (w *Writer) append(unit uint16) {
	var pair [2]byte
	pair[w.low], pair[1-w.low] = byte(unit), byte(unit>>8)
	w.units = append(w.units, pair[0], pair[1])
}
