package records

// Codes: an escape before a character without a meaning of its own. PostgreSQL and MySQL read a
// character's code or name there, each its own; Hive leaves the escape out; Spark keeps it. No
// system writes a digit so, but a number that one of them reads must be seen.

// codes are the characters that PostgreSQL and MySQL write as an escape and a letter.
var codes = map[byte]byte{
	'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', 'Z': 0x1a,
}

// CheckCodes refuses an identifying field in which an escape may be a digit's code: \x39 is a digit
// to PostgreSQL, and no number to Spark.
func (s *Scanner) CheckCodes(field Span) error {
	if at := s.digitCode(field); at >= 0 {
		return s.At(at, ErrEscapedCode)
	}
	return nil
}

// HasDigitCode reports whether an escape in a field may be a digit's code.
func (s *Scanner) HasDigitCode(field Span) bool { return s.digitCode(field) >= 0 }

// digitCode returns where the first escape is that may be a digit's code, or -1.
func (s *Scanner) digitCode(field Span) int {
	for i := field.Start; field.escaped && i+1 < field.End; i++ {
		if s.Data[i] != s.wide.escape {
			continue
		}
		if i++; isDigitCode(s.Data[i]) {
			return i - 1
		}
	}
	return -1
}

// isDigitCode reports whether the code that starts with c may be that of a digit.
func isDigitCode(c byte) bool { return c|0x20 == 'x' || c|0x20 == 'u' || '0' <= c && c <= '9' }

// Decoded returns what programs read in a field that holds codes, beside Value.
func (s *Scanner) Decoded(field Span) [][]byte {
	if !field.escaped {
		return nil
	}
	return Decode(s.Data[field.Start:field.End], s.wide.escape)
}

// Decode returns what programs read in a text that holds codes, beside the text without them, or
// nil where it holds none: what PostgreSQL's COPY reads, and what MySQL's LOAD DATA reads, to which
// only a \0 is no digit.
func Decode(raw []byte, escape byte) [][]byte {
	found := false
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] == escape {
			i++
			found = found || codes[raw[i]] != 0 || isDigitCode(raw[i])
		}
	}
	if !found {
		return nil
	}
	return [][]byte{decode(raw, escape, code), decode(raw, escape, nul)}
}

// decode returns the text without escapes, in which number reads the code that may be of a digit.
func decode(raw []byte, escape byte, number func([]byte) (c byte, size int)) []byte {
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c, size := raw[i], 1
		if c == escape && i+1 < len(raw) {
			i++
			c = raw[i]
			if letter := codes[c]; letter != 0 {
				c = letter
			} else if isDigitCode(c) {
				c, size = number(raw[i:])
			}
		}
		text = append(text, c)
		i += size - 1
	}
	return text
}

// nul returns the character that MySQL reads behind an escape.
func nul(raw []byte) (c byte, size int) {
	if raw[0] == '0' {
		return 0, 1
	}
	return raw[0], 1
}

// code returns the character whose code raw starts with, and its length: hexadecimal behind x or
// u, or octal. What is no code stands for its first character.
func code(raw []byte) (c byte, size int) {
	base, first, most := 8, 0, 3
	switch raw[0] | 0x20 {
	case 'x':
		base, first, most = 16, 1, 3
	case 'u':
		base, first, most = 16, 1, 5
	}
	value := 0
	for size = first; size < min(most, len(raw)); size++ {
		digit := hexDigit(raw[size])
		if digit < 0 || digit >= base {
			break
		}
		value = base*value + digit
	}
	if size == first {
		return raw[0], 1
	}
	return byte(value), size
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
