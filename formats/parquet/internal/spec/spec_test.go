package spec

import (
	"testing"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		head, name string
		want       bool
	}{
		{"PAR1\x15\x04", "extract", true}, {"PARE\x15\x04", "extract", true}, {"PAR1,PAR2\n1,2\n", "parts.csv", false}, {"PAR1\n1\n", "parts", false},
		{"PAR1\r\n1\r\n", "parts", false}, {"PAR1", "x.parquet", true}, {"PAR1", "x.csv", false}, {"a,b\n", "x.parquet", false}, {"a\x00b", "x.parquet", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := IsParquet([]byte(c.head), c.name); got != c.want {
				t.Errorf("%q named %s matches %v, want %v", c.head, c.name, got, c.want)
			}
		})
	}
}
