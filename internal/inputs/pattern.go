package inputs

// Patterns: the folder in which they begin, and alternatives, {a,b}. Those are taken apart here, as
// shells do it, and not by the library that matches patterns: where a slash is in one of them it
// reads files as folders, and it passes over one that is empty and the last.

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// splitPattern takes a pattern apart: into the folder that all it matches is in, and the rest, with
// slashes. A folder that is there is taken as it is named, whatever characters are in it: with them
// as a pattern, something beside it would be read.
func splitPattern(pattern string) (fixed, rest string) {
	fixed, rest = splitFixed(filepath.ToSlash(pattern), func(folder string) bool {
		info, err := os.Stat(filepath.FromSlash(folder))
		return err == nil && info.IsDir()
	})
	return filepath.FromSlash(fixed), rest
}

// splitFixed is splitPattern where another tree of files says what is a folder. All paths have
// slashes.
func splitFixed(pattern string, isFolder func(path string) bool) (fixed, rest string) {
	fixed, rest = doublestar.SplitPattern(pattern)
	for {
		element, below, found := strings.Cut(rest, "/")
		folder := path.Join(fixed, element)
		if !found || below == "" || !isFolder(folder) {
			return fixed, rest
		}
		var further string
		further, rest = doublestar.SplitPattern(below)
		fixed = path.Join(folder, further)
	}
}

// alternatives gives the patterns without {a,b} that a pattern stands for, each once. One that is
// malformed, or has {} in it, is given as it is, for what matches it to say so.
func alternatives(pattern string) []string {
	start, ends := firstAlternatives(pattern)
	if ends == nil || len(ends) == 1 && ends[0] == start+1 { // {} is not the folder before it
		return []string{pattern}
	}
	var all []string
	rest := pattern[ends[len(ends)-1]+1:]
	for at := start + 1; len(ends) > 0; ends = ends[1:] {
		for _, one := range alternatives(pattern[:start] + pattern[at:ends[0]] + rest) {
			if !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
		at = ends[0] + 1
	}
	return all
}

// firstAlternatives finds the first { of a pattern, and where each of its alternatives ends: at a
// comma, or the last at }. ends is nil where there are none.
func firstAlternatives(pattern string) (start int, ends []int) {
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\': // what follows means itself
			i++
		case c == '[':
			i = endOfClass(pattern, i)
		case c == '{':
			if depth == 0 {
				start = i
			}
			depth++
		case c == ',' && depth == 1:
			ends = append(ends, i)
		case c == '}' && depth > 0:
			if depth--; depth == 0 {
				return start, append(ends, i)
			}
		}
	}
	return 0, nil
}

// endOfClass is where a class of characters, [a-z], ends that starts at start.
func endOfClass(pattern string, start int) int {
	for i := start + 1; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case ']':
			return i
		}
	}
	return len(pattern)
}
