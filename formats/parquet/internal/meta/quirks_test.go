package meta

import (
	"testing"
)

func TestQuirks(t *testing.T) {
	for name, want := range map[string]Quirks{
		"parquet-mr version 1.2.8":              {ChainedPrefixes: true, hiddenBytes: hiddenHeader},
		"parquet-mr version 1.7.0 (build abc)":  {ChainedPrefixes: true},
		"parquet-mr version 1.8.0":              {},
		"parquet-mr version 1.12.3":             {},
		"parquet-mr":                            {ChainedPrefixes: true, hiddenBytes: hiddenHeader},
		"parquet-cpp-arrow version 26.0.1":      {},
		"noo version 1.0.0":                     {},
		"parquet-mr version 99999999999999.1.1": {},
	} {
		t.Run(name, func(t *testing.T) {
			if got := quirksOf([]byte(name)); got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		})
	}
}
