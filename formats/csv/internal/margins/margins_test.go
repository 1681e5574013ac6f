package margins

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func TestHead(t *testing.T) {
	for _, test := range []struct {
		name, text  string
		n           int
		lines, rest string
		err         error
	}{
		{"one line", "a\nb\n", 1, "a\n", "b\n", nil},
		{"CRLF and a blank line", "a\r\n\r\nb", 2, "a\r\n\r\n", "b", nil},
		{"longer than the buffer", strings.Repeat("x", 100_000) + "\nb", 1, strings.Repeat("x", 100_000) + "\n", "b", nil},
		{"no line behind", "a\nb", 2, "", "", ErrFewLines},
		{"too long", strings.Repeat("x", Limit+1) + "\n", 1, "", "", ErrTooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines, rest, err := Head(iotest.OneByteReader(strings.NewReader(test.text)), test.n, '\n')
			if !errors.Is(err, test.err) || string(lines) != test.lines {
				t.Fatalf("%q, %v", lines, err)
			}
			if err != nil {
				return
			}
			if got, err := io.ReadAll(rest); err != nil || string(got) != test.rest {
				t.Errorf("rest %q, %v", got, err)
			}
		})
	}
}

func TestTail(t *testing.T) {
	for _, test := range []struct {
		name, text           string
		n                    int
		above, footer, ctrlZ string
		err                  error
	}{
		{"one line", "a\nb\nc\n", 1, "a\nb\n", "c\n", "", nil},
		{"without an ending", "a\nb\nc", 2, "a\n", "b\nc", "", nil},
		{"blank lines below", "a\n\n2 rows.\r\n\r\n", 1, "a\n\n", "2 rows.\r\n\r\n", "", nil},
		{"blank lines between", "a\nb\n\nc\n", 2, "a\n", "b\n\nc\n", "", nil},
		{"Ctrl-Z", "a\nb\n\x1a", 1, "a\n", "b\n", "\x1a", nil},
		{"all lines", "a\nb\n", 2, "", "a\nb\n", "", nil},
		{"too few", "a\n\n", 2, "", "", "", ErrFewLines},
		{"none", "", 1, "", "", "", ErrFewLines},
		{"too long", "a\n" + strings.Repeat("x", Limit+1), 1, "a\n", "", "", ErrTooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			tail := NewTail(strings.NewReader(test.text), test.n, '\n')
			above, err := io.ReadAll(tail)
			if !errors.Is(err, test.err) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			if footer, mark := tail.Footer(); string(above) != test.above || string(footer) != test.footer || string(mark) != test.ctrlZ {
				t.Errorf("%q, %q, %q", above, footer, mark)
			}
		})
	}
}

// TestTailOfLongTexts: whatever the pieces in which a text comes, the parts are the text.
func TestTailOfLongTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 60 {
		var text bytes.Buffer
		for text.Len() < 200_000+r.IntN(800_000) {
			text.WriteString(strings.Repeat("y", r.IntN(4)*r.IntN(30_000)) + "\n")
		}
		text.WriteString("x\nx\nx")
		n := 1 + r.IntN(5)
		tail := NewTail(iotest.HalfReader(bytes.NewReader(text.Bytes())), n, '\n')
		above, err := io.ReadAll(tail)
		footer, _ := tail.Footer()
		if err != nil || string(above)+string(footer) != text.String() || tail.count(footer) != n {
			t.Fatalf("%d lines: %d and %d bytes of %d, %v", n, len(above), len(footer), text.Len(), err)
		}
	}
}
