package meta

import (
	"testing"

	"noo/formats/parquet/internal/spec"
)

// TestDisputedTypes: of annotations that say different things, readers go by the one or the other.
func TestDisputedTypes(t *testing.T) {
	for _, c := range []struct {
		name string
		e    element
		want bool
	}{
		{"logical alone", element{hasLogical: true, logical: spec.Decimal, logicalScale: 2, members: 1}, false},
		{"converted alone", element{hasConverted: true, converted: 5, hasScale: true, scale: 2}, false},
		{"both", element{hasLogical: true, logical: spec.Decimal, members: 1, hasConverted: true, converted: 5, hasScale: true}, false},
		{"scales", element{hasLogical: true, logical: spec.Decimal, members: 1, hasConverted: true, converted: 5, hasScale: true, scale: 2}, true},
		{"signs", element{hasLogical: true, logical: spec.UnsignedInt, members: 1, hasConverted: true, converted: 18}, true},
		{"two members", element{hasLogical: true, logical: spec.Decimal, members: 2}, true},
		{"unknown to this program", element{hasLogical: true, logical: spec.Strange, members: 1, hasConverted: true, converted: 0}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.e.disputed(); got != c.want {
				t.Errorf("%s: disputed is %v", c.name, got)
			}
		})
	}
}
