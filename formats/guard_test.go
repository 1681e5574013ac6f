package formats

import (
	"strings"
	"testing"
)

// panicking is a Decider that fails as code does that trusts an index from the data.
type panicking struct{}

func (panicking) Decide(batch *Batch, _ []Fate) error {
	_ = make([]int, 3)[batch.Records]
	return nil
}

// TestDecide checks that a panic of a Decider is an error that shows no value.
func TestDecide(t *testing.T) {
	err := Decide(panicking{}, "a.csv", &Batch{Records: 943476591}, nil)
	if err == nil || !strings.Contains(err.Error(), "a.csv") || strings.Contains(err.Error(), "943") {
		t.Errorf("got %v", err)
	}
	defer func() {
		said := PanicReason("the reader failed", recover())
		if !strings.Contains(said, "index out of range [n") || strings.Contains(said, "943") {
			t.Errorf("got %q", said)
		}
	}()
	_ = panicking{}.Decide(&Batch{Records: 943476591}, nil)
}
