// Package nearest finds the name that a mistyped one was meant to be.
package nearest

import (
	"strings"
	"unicode"
)

// mostLetters is how many letters may differ, beside case and punctuation.
const mostLetters = 2

// Name returns the one of names that typed was probably meant to be: the one that differs in the
// fewest letters, in at most two and no more than half of them, or else the first that starts with
// typed. It returns "" if there is none, or typed has only one letter. Case and punctuation do not
// count.
func Name(typed string, names []string) string {
	typed = plain(typed)
	if len(typed) < 2 {
		return ""
	}
	best, least := "", min(mostLetters, len(typed)/2)+1
	for _, name := range names {
		if d := distance(typed, plain(name)); d < least {
			best, least = name, d
		}
	}
	if best != "" {
		return best
	}
	for _, name := range names {
		if strings.HasPrefix(plain(name), typed) {
			return name
		}
	}
	return ""
}

// plain reduces a name to letters and digits in lower case.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// distance is the Levenshtein distance of two short texts, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
