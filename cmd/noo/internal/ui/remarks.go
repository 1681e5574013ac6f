package ui

// What a format found beside records, in words.

import (
	"slices"
	"strings"

	"noo/formats"
	"noo/job"
)

// remarkWords say what a remark means: how many of what, and what noo did.
var remarkWords = map[string]struct{ one, many, did string }{
	formats.HeaderLines:   {"line", "lines", "above the header: passed on as they are"},
	formats.FooterDropped: {"footer line", "footer lines", "below the records: left out"},
	formats.RepeatedHeaderRecords: {
		"repeated header",
		"repeated headers",
		"read as a record: pass --repeated-header drop or keep",
	},
	formats.RepeatedHeadersDropped: {"repeated header", "repeated headers", "left out"},
	formats.RepeatedHeadersKept:    {"repeated header", "repeated headers", "passed on"},
	formats.DashesRecord: {
		"line of dashes below the header",
		"lines of dashes below the header",
		"read as a record: pass --repeated-header keep",
	},
	formats.DashesDropped: {"line of dashes", "lines of dashes", "left out"},
	formats.DashesKept:    {"line of dashes", "lines of dashes", "passed on"},
	formats.FooterRecord: {
		"record at the end",
		"records at the end",
		"may be a footer: pass --footer-lines 1 if so",
	},
	formats.LostDigits: {"value", "values", "in scientific notation, with digits lost"},
	formats.FooterKept: {
		"footer line",
		"footer lines",
		"below the records: passed on as they are",
	},
}

// Remarks returns a sentence for each kind of remark on the files of a report, with their sum.
func Remarks(r *job.Report) (sentences []string) {
	var sums []formats.Remark
	for _, file := range r.Files {
		for _, remark := range file.Remarks {
			at := slices.IndexFunc(
				sums,
				func(sum formats.Remark) bool { return sum.What == remark.What },
			)
			if at < 0 {
				sums = append(sums, remark)
				continue
			}
			sums[at].Count += remark.Count
		}
	}
	for _, sum := range sums {
		if word, found := strings.CutPrefix(sum.What, formats.DelimiterIs); found {
			sentences = append(sentences, "delimiter: "+word+", by the first line")
			continue
		}
		words := remarkWords[sum.What]
		sentences = append(sentences, Counted(sum.Count, words.one, words.many)+" "+words.did)
	}
	return sentences
}
