package contextio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var errEnded = errors.New("somebody wants it to end")

// kinds are the two readers of this package.
var kinds = []struct {
	name string
	over func(ctx context.Context, from io.Reader) io.Reader
}{{"reader", NewReader}, {"stream", NewStream}}

// TestReadsAll: while the context has not ended, a reader gives what is there, and its error.
func TestReadsAll(t *testing.T) {
	text := bytes.Repeat([]byte("abcdefghij"), 60_000) // more than a buffer
	broken := errors.New("broken")
	for _, kind := range kinds {
		for _, c := range []struct {
			name string
			from io.Reader
			want error
		}{
			{"whole", bytes.NewReader(text), nil},
			{"a byte at a time", iotest.OneByteReader(bytes.NewReader(text[:2000])), nil},
			{"the end with the last bytes", iotest.DataErrReader(bytes.NewReader(text)), nil},
			{"an error in the middle", io.MultiReader(bytes.NewReader(text), iotest.ErrReader(broken)), broken},
			{"nothing", strings.NewReader(""), nil},
		} {
			t.Run(kind.name+"/"+c.name, func(t *testing.T) {
				got, err := io.ReadAll(kind.over(t.Context(), c.from))
				if !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if !bytes.HasPrefix(text, got) || len(got) != len(text) && len(got) != 2000 && c.name != "nothing" {
					t.Errorf("%d bytes, which are others or too few", len(got))
				}
			})
		}
	}
}

// TestEnds: from when the context ends on, a reader gives its cause and takes nothing more.
func TestEnds(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			from := iotest.OneByteReader(strings.NewReader("abc"))
			r := kind.over(ctx, from)
			p := make([]byte, 8)
			if n, err := r.Read(p); n != 1 || err != nil || p[0] != 'a' {
				t.Fatalf("%d bytes: %v", n, err)
			}
			end(errEnded)
			// A stream may have begun to read when it notices; it gives one or the other, and then
			// only the cause.
			for range 3 {
				if n, err := r.Read(p); n == 0 && !errors.Is(err, errEnded) {
					t.Errorf("%d bytes: %v, want %v", n, err, errEnded)
				}
			}
			if n, err := r.Read(p); n != 0 || !errors.Is(err, errEnded) && !errors.Is(err, io.EOF) {
				t.Errorf("%d bytes: %v, want %v", n, err, errEnded)
			}
		})
	}
	t.Run("reader takes nothing more", func(t *testing.T) {
		ctx, end := context.WithCancelCause(t.Context())
		from := strings.NewReader("abc")
		end(errEnded)
		if n, err := NewReader(ctx, from).Read(make([]byte, 8)); n != 0 || !errors.Is(err, errEnded) || from.Len() != 3 {
			t.Errorf("%d bytes, %d left: %v", n, from.Len(), err)
		}
	})
}

// TestStreamDoesNotWait: a read that waits for somebody who writes nothing is given up, and its
// buffer is not used again.
func TestStreamDoesNotWait(t *testing.T) {
	ctx, end := context.WithCancelCause(t.Context())
	from, to := io.Pipe()
	r := NewStream(ctx, from)
	time.AfterFunc(10*time.Millisecond, func() { end(errEnded) })
	p := []byte("untouched")
	if n, err := r.Read(p); n != 0 || !errors.Is(err, errEnded) {
		t.Fatalf("%d bytes: %v, want %v", n, err, errEnded)
	}
	if _, err := to.Write([]byte("late")); err != nil { // to the read that goes on
		t.Fatal(err)
	}
	if n, err := r.Read(p); n != 0 || !errors.Is(err, errEnded) || !slices.Equal(p, []byte("untouched")) {
		t.Errorf("%d bytes, %q: %v, want %v", n, p, err, errEnded)
	}
}

// TestStreamKeepsTheError until all is read that came with it.
func TestStreamKeepsTheError(t *testing.T) {
	got, err := io.ReadAll(iotest.OneByteReader(NewStream(t.Context(), iotest.DataErrReader(strings.NewReader("abcdefghij")))))
	if err != nil || string(got) != "abcdefghij" {
		t.Errorf("%q: %v", got, err)
	}
}
