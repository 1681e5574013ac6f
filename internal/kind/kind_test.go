package kind

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestOf(t *testing.T) {
	usage, input := New(Usage, "wrong use"), New(Input, "damaged")
	for _, c := range []struct {
		name string
		err  error
		want Kind
	}{
		{"nothing", nil, IO},
		{"without a kind", io.ErrUnexpectedEOF, IO},
		{"by itself", usage, Usage},
		{"wrapped", fmt.Errorf("reading a.csv: %w", fmt.Errorf("here: %w", input)), Input},
		{"the outermost counts", Wrap(Snapshot, fmt.Errorf("%w", usage)), Snapshot},
		{"two at once, the first with a kind", fmt.Errorf("%w: %w", io.EOF, input), Input},
		{"joined", errors.Join(io.EOF, usage, input), Usage},
		{"wrapped nothing", Wrap(Usage, nil), IO},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Of(c.err); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
	if err := Wrap(Usage, input); !errors.Is(err, input) || err.Error() != input.Error() {
		t.Errorf("%v does not say or wrap what it was given", err)
	}
}
