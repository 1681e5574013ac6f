package meta

// Old writers had bugs, which readers recognise by the writer's name in created_by. The output has
// another name there, so a bug has to be undone here: it must not reach the output, where nobody
// would know to look for it.

import (
	"regexp"
	"strconv"
)

// hiddenHeader is how many bytes a dictionary page header takes at most in files of PARQUET-816
// (parquet-cpp uses the same bound).
const hiddenHeader = 100

// Quirks are the bugs of the writer of a file that change how its pages are read. Wrong statistics
// (PARQUET-251 among others) need no entry: no statistics of the input are ever used.
type Quirks struct {
	// ChainedPrefixes: the first prefix of a DELTA_BYTE_ARRAY page refers to the last value of the
	// page before (PARQUET-246, parquet-mr before 1.8.0).
	ChainedPrefixes bool
	// hiddenBytes: the size of a column chunk leaves out the header of its dictionary page
	// (PARQUET-816, parquet-mr before 1.2.9).
	hiddenBytes int64
}

var parquetMR = regexp.MustCompile(`^parquet-mr version (\d+)\.(\d+)\.(\d+)`)

// quirksOf tells what is known of the program named in created_by.
func quirksOf(createdBy []byte) (q Quirks) {
	m := parquetMR.FindSubmatch(createdBy)
	if m == nil {
		// Parquet-mr wrote its name without a version before 1.4; whether the prefixes are chained
		// then shows in the page.
		q.ChainedPrefixes = string(createdBy) == "parquet-mr"
		if q.ChainedPrefixes {
			q.hiddenBytes = hiddenHeader
		}
		return q
	}
	var version [3]int
	for i := range version {
		// Too large a number leaves the largest int, which is right here.
		version[i], _ = strconv.Atoi(string(m[i+1]))
	}
	before := func(minor, patch int) bool {
		return version[0] < 1 ||
			version[0] == 1 && (version[1] < minor || version[1] == minor && version[2] < patch)
	}
	q.ChainedPrefixes = before(8, 0)
	if before(2, 9) {
		q.hiddenBytes = hiddenHeader
	}
	return q
}
