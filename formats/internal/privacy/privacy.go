// Package privacy looks for people in what no record can be removed from: names, schemas and
// metadata, which are passed on as they are.
package privacy

import "noo/internal/nhsnumber"

// PolarsEnum is the key under which Polars stores all categories of an Enum in a schema, in use or
// not.
const PolarsEnum = "_PL_ENUM_VALUES"

// HoldsNumber reports whether there is a number in b that may be a person's. The decimals of a
// coordinate, as in the bounding boxes of GeoParquet, are none.
func HoldsNumber(b []byte) bool {
	for start := range nhsnumber.In(b) {
		decimals := start >= 2 && b[start-1] == '.' && '0' <= b[start-2] && b[start-2] <= '9'
		if nhsnumber.MayBeIssued(b[start]) && !decimals {
			return true
		}
	}
	return false
}

// IsNumber reports whether a column's name is or holds a number that may be a person's.
func IsNumber(name string) bool {
	for start := range nhsnumber.InName(name) {
		if nhsnumber.MayBeIssued(name[start]) {
			return true
		}
	}
	return false
}
