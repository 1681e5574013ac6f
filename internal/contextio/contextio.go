// Package contextio reads until a context ends.
package contextio

import (
	"context"
	"io"
)

// NewReader returns a reader of from that gives the cause of ctx as its error from when ctx ends
// on. A Read that is under way then goes on to its end.
func NewReader(ctx context.Context, from io.Reader) io.Reader { return &reader{ctx, from} }

type reader struct {
	ctx  context.Context
	from io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// NewStream returns a reader of from that gives up waiting when ctx ends. A Read of from that is
// under way then, which nothing can stop, goes on until the process ends and is not used.
func NewStream(
	ctx context.Context,
	from io.Reader,
) io.Reader {
	return &stream{ctx: ctx, from: from}
}

type stream struct {
	ctx    context.Context
	from   io.Reader
	buffer []byte
	unread []byte
	err    error
}

func (r *stream) Read(p []byte) (int, error) {
	if len(r.unread) == 0 && r.err == nil {
		if r.buffer == nil {
			r.buffer = make([]byte, 256<<10)
		}
		type result struct {
			n   int
			err error
		}
		done := make(chan result, 1)
		go func() {
			n, err := r.from.Read(r.buffer)
			done <- result{n, err}
		}()
		select {
		case <-r.ctx.Done():
			r.err = context.Cause(r.ctx)
			return 0, r.err
		case got := <-done:
			r.unread, r.err = r.buffer[:got.n], got.err
		}
	}
	n := copy(p, r.unread)
	r.unread = r.unread[n:]
	if n == 0 {
		return 0, r.err
	}
	return n, nil
}
