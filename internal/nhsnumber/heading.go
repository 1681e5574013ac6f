package nhsnumber

// What a column of NHS numbers is called, by all that a name can tell.

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

// numberNames are what an NHS number is called in the headers of extracts, letters and digits only
// and in lower case; personNames are whose number it may be said to be. Names of a second person
// are among them, so that a header with two such columns stops the run instead of letting one go
// unseen.
var (
	numberNames = []string{"nhs", "nhsnumber", "nhsnumbers", "nhsno", "nhsnum", "nhsnr", "nhsid"}
	personNames = []string{
		"", "patient", "patients", "pat", "person", "subject", "client", "new", "current", "clean",
		"mother", "mothers", "maternal", "mum", "father", "fathers", "partner",
		"baby", "babys", "babies", "child", "childs", "infant", "newborn",
	}
)

// NamesColumn reports whether a column of that name holds NHS numbers, by all that a name can tell.
func NamesColumn(name string) bool {
	if strings.ContainsAny(name, "\t;|") {
		return false // several names, between another delimiter
	}
	name = PlainName(name)
	for _, number := range numberNames {
		for _, person := range personNames {
			if name == person+number || name == number+person || name == number+"of"+person {
				return true
			}
		}
	}
	return false
}

// MentionsNumber reports whether a name says that there are NHS numbers, whatever else it says:
// father_nhs_number, nhs_number.1, "NHS number (traced)". The status of a number is often beside it
// under such a name, and so is a second number: only who knows the data can tell the two.
func MentionsNumber(name string) bool {
	if NamesColumn(name) || NamesColumn(LastPart(name)) {
		return true
	}
	words := nameWords(name)
	for i, word := range words {
		if word == "nhs" && i+1 < len(words) &&
			startsLike(words[i+1], "number", "numbers", "no", "num", "nr", "nbr", "id") {
			return true
		}
		for _, number := range []string{"nhsnum", "nhsno", "nhsnr", "nhsnbr"} {
			if at := strings.Index(word, number); at >= 0 &&
				!startsOtherWord(number, word[at+len(number):]) {
				return true
			}
		}
	}
	return false
}

// startsLike reports whether a word is one of some, with digits behind it or not.
func startsLike(word string, some ...string) bool {
	return slices.Contains(some, strings.TrimRightFunc(word, unicode.IsDigit)) ||
		strings.HasPrefix(word, "number")
}

// startsOtherWord reports whether nhsno goes on as another word does: nhsnotes, nhsnorth, nhsnon,
// nhsnominated.
func startsOtherWord(number, rest string) bool {
	return number == "nhsno" &&
		slices.ContainsFunc(
			[]string{"te", "ti", "rt", "n", "m", "w", "d"},
			func(start string) bool { return strings.HasPrefix(rest, start) },
		)
}

// nameWords takes a name apart into words in lower case, at what is no letter or digit and where a
// capital follows a small letter.
func nameWords(name string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	before := rune(0)
	runes := []rune(name)
	for i, r := range runes {
		next := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
			before = r
			continue
		case unicode.IsUpper(r) && (unicode.IsLower(before) || unicode.IsUpper(before) && next):
			end()
		}
		word.WriteRune(unicode.ToLower(r))
		before = r
	}
	end()
	return words
}

// LastPart is the last part of the dotted path of a nested column; of a list it is the list's own
// name, since those of its elements are a matter of the format (Parquet, LogicalTypes.md, "Lists").
func LastPart(path string) string {
	for _, element := range []string{".list.element", ".list.item", ".bag.array_element", ".array"} {
		path = strings.TrimSuffix(path, element)
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// PlainName reduces a name to letters and digits in lower case.
func PlainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// IsHeading reports whether a value is what a column of NHS numbers is called. Few values get as
// far as a look at the names.
func IsHeading(value []byte) bool {
	const longest = 40
	if len(value) > longest {
		return false
	}
	for i := 0; i+len("nhs") <= len(value); i++ {
		if value[i]|0x20 == 'n' && bytes.EqualFold(value[i:i+len("nhs")], []byte("nhs")) {
			return IsHeadingText(string(value))
		}
	}
	return false
}

// IsHeadingText reports whether a value is the name of a column of NHS numbers, and no sentence
// about one.
func IsHeadingText(value string) bool {
	if NamesColumn(value) {
		return true
	}
	words := strings.Fields(value)
	return MentionsNumber(value) &&
		(len(words) == 1 || len(words) <= 3 && strings.EqualFold(words[0], "nhs"))
}
