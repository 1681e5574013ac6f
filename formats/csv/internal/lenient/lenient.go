// Package lenient takes a line apart whose quotes are not doubled within quoted fields, as SSIS
// writes them. It reads a line only where it can be read in one way: there must be one choice of
// delimiters that makes the right number of fields.
package lenient

import (
	"bytes"
	"errors"
)

// Reasons for which a line is not read.
var (
	// ErrNone is a line that cannot have so many fields.
	ErrNone = errors.New("no reading of the quotes gives the number of fields of the first record")
	// ErrSeveral is a line that can be read in two ways or more.
	ErrSeveral = errors.New("the quotes can be read in several ways")
)

// Field is where a field lies in its line, without the quotes around it.
type Field struct{ Start, End int }

// mostExtra is how many delimiters a line may have within quotes, beside those between fields.
const mostExtra = 64

// reading is a line in the making: the pieces between its delimiters.
type reading struct {
	line   []byte
	quote  byte
	starts []int // of the pieces, and one behind the last
}

// Split returns the n fields of a line, which has no record end. A field starts with a quote and
// ends with one, before a delimiter or the end, and may hold both; or it does not start with one,
// and holds no delimiter.
func Split(line []byte, delimiter, quote byte, n int) ([]Field, error) {
	r := &reading{line: line, quote: quote, starts: []int{0}}
	for at := 0; ; {
		next := bytes.IndexByte(line[at:], delimiter)
		if next < 0 {
			break
		}
		at += next + 1
		r.starts = append(r.starts, at)
	}
	r.starts = append(r.starts, len(line)+1)
	switch extra := len(r.starts) - 1 - n; {
	case extra < 0 || n < 1:
		return nil, ErrNone
	case extra > mostExtra:
		return nil, ErrSeveral
	default:
		return r.split(n, extra)
	}
}

// split finds the readings with n fields, in which so many delimiters are extra: part of a field.
func (r *reading) split(n, extra int) ([]Field, error) {
	// ways[f][e] counts the ways to read the first f fields with e extra delimiters, up to two.
	ways := make([][mostExtra + 1]uint8, n+1)
	ways[0][0] = 1
	for f := range n {
		for e := 0; e <= extra; e++ {
			for span := 0; ways[f][e] > 0 && e+span <= extra; span++ {
				if r.isField(f+e, f+e+span) {
					ways[f+1][e+span] = min(ways[f+1][e+span]+ways[f][e], 2)
				}
			}
		}
	}
	switch ways[n][extra] {
	case 0:
		return nil, ErrNone
	case 1:
		return r.fields(ways, n, extra), nil
	}
	return nil, ErrSeveral
}

// fields returns the fields of the only reading.
func (r *reading) fields(ways [][mostExtra + 1]uint8, n, extra int) []Field {
	fields := make([]Field, n)
	for f, e := n-1, extra; f >= 0; f-- {
		for span := 0; ; span++ {
			first := f + e - span
			if ways[f][e-span] == 0 || !r.isField(first, f+e) {
				continue
			}
			fields[f] = r.field(first, f+e)
			e -= span
			break
		}
	}
	return fields
}

// isField reports whether the pieces from first to last can be one field.
func (r *reading) isField(first, last int) bool {
	field := r.line[r.starts[first] : r.starts[last+1]-1]
	if len(field) == 0 || field[0] != r.quote {
		return first == last
	}
	return len(field) > 1 && field[len(field)-1] == r.quote
}

// field returns the field that is made of pieces.
func (r *reading) field(first, last int) Field {
	f := Field{r.starts[first], r.starts[last+1] - 1}
	if f.End > f.Start && r.line[f.Start] == r.quote {
		f.Start, f.End = f.Start+1, f.End-1
	}
	return f
}
