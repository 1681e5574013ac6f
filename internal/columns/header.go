package columns

// The names of columns: whether the first line can be one of names, and how a column may be called
// in a message.

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// Labels returns how messages call the columns in some places: by name, or by number from 1 where
// the name might be data.
func Labels(columns []formats.Column, places []int) []string {
	labels := columnLabels(columns)
	names := make([]string, len(places))
	for i, place := range places {
		names[i] = labels[place]
	}
	return names
}

// isLikeColumnName reports whether a cell of a first line is what columns are called, and values
// are not.
func isLikeColumnName(c formats.Column) bool {
	return looksLikeName(c.Name) && (nhsnumber.MentionsNumber(c.Name) || headerEvidence(c.Name) > 0)
}

// nameless reports whether a dataset has no names at all.
func nameless(columns []formats.Column) bool {
	return !slices.ContainsFunc(columns, func(c formats.Column) bool { return c.Name != "" })
}

// Words of which nearly every header has one, and hardly any record: headerWords alone, valueWords,
// which may be the value of something too ("no", "mother"), with another of them or in a name of
// several words.
var (
	headerWords = []string{
		"id",
		"nhs",
		"number",
		"num",
		"name",
		"date",
		"dob",
		"code",
		"key",
		"sex",
		"gender",
		"age",
		"postcode",
	}
	valueWords = []string{
		"no", "time", "type", "ward", "site", "trust", "gp", "practice", "cost", "note", "notes", "status", "mother", "baby", "patient",
		"value", "year",
	}
)

// LooksLikeHeader reports whether names can be shown. A first line that is data must not be: each
// of them must look like a name, and they must have words or an underscore in them as names of
// columns do.
func LooksLikeHeader(names []string) bool {
	for _, name := range names {
		if !looksLikeName(name) {
			return false
		}
	}
	found := 0 // 2 are enough
	for _, name := range names {
		found += headerEvidence(name)
	}
	return found >= 2
}

// headerEvidence says how much a cell is like the name of a column: 0 for nothing, 2 for enough.
func headerEvidence(name string) int {
	words := strings.FieldsFunc(
		strings.ToLower(name),
		func(r rune) bool { return !unicode.IsLetter(r) },
	)
	switch {
	case strings.Contains(name, "_"),
		containsAny(words, headerWords),
		len(words) > 1 && containsAny(words, valueWords):
		return 2
	case containsAny(words, valueWords):
		return 1
	}
	return 0
}

func containsAny(words, known []string) bool {
	return slices.ContainsFunc(
		words,
		func(word string) bool { return slices.Contains(known, word) },
	)
}

// looksLikeName reports whether a header cell can be a name and may be shown: it starts with a
// letter or an underscore, has at most four digits, is not what stands for a missing value, and is
// short and printable.
func looksLikeName(name string) bool {
	if len(name) > 100 || !utf8.ValidString(name) {
		return false
	}
	if _, status := nhsnumber.Parse([]byte(name)); status == nhsnumber.Missing {
		return false
	}
	digits := 0
	for i, r := range name {
		if i == 0 && !unicode.IsLetter(r) && r != '_' {
			return false
		}
		if unicode.IsDigit(r) {
			digits++
		}
		if !unicode.IsPrint(r) && r != '\t' {
			return false
		}
	}
	return digits <= 4
}

// columnLabels gives each column its name, or its number from 1 where the name might be data or is
// not its own.
func columnLabels(columns []formats.Column) []string {
	labels := shownNames(columns)
	times := map[string]int{}
	for _, name := range labels {
		times[name]++
	}
	for i, name := range labels {
		if name == "" || times[name] > 1 {
			labels[i] = strconv.Itoa(i + 1)
		}
	}
	return labels
}

// shownNames gives each column its name, or "" where that might be data.
func shownNames(columns []formats.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	header := LooksLikeHeader(names)
	for i, name := range names {
		if columns[i].Declared && looksLikeName(name) {
			continue
		}
		if !header && !(looksLikeName(name) && nhsnumber.IsHeadingText(name)) {
			names[i] = ""
		}
	}
	return names
}

// ReportNames names the identifying columns for the report: by number where a name might be data.
func ReportNames(all []formats.Column, chosen []int) []string {
	names := make([]string, len(chosen))
	for i, place := range chosen {
		names[i] = all[place].Name
		if !looksLikeName(names[i]) {
			names[i] = strconv.Itoa(place + 1)
		}
	}
	return names
}
