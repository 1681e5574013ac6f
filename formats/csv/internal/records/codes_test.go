package records

import (
	"bytes"
	"testing"
)

// TestDecode: what PostgreSQL and MySQL read behind a backslash, by their documents.
func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, raw, postgres, mysql string }{
		{"no code", `a\N\.\\x39\"b`, "", ""},
		{"nothing behind it", `a\`, "", ""},
		{"hexadecimal", `1\x392\X3g`, "192\x03g", `1x392X3g`},
		{"no digits of it", `\xg\ug`, "xgug", "xgug"},
		{"octal", `1\0712\718\79`, "1929" + "8" + "\a9", "1" + "\x00712718" + "79"},
		{"at most three digits", `\0619`, "19", "\x00619"},
		{"Unicode", `\u0039a\u39b`, "9a\x9b", "u0039au39b"},
		{"letters", `\b\f\n\r\t\v`, "\b\f\n\r\t\v", "\b\f\n\r\t\v"},
		{"NUL", `943\04765919`, "943" + "\x27" + "65919", "943\x004765919"},
		{"beside a backslash of the text", `\\\x39\\9`, `\9\9`, `\x39\9`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Decode([]byte(c.raw), '\\')
			if c.postgres == "" {
				if got != nil {
					t.Fatalf("%q", got)
				}
				return
			}
			if len(got) != 2 || string(got[0]) != c.postgres || string(got[1]) != c.mysql {
				t.Fatalf("%q, want %q and %q", got, c.postgres, c.mysql)
			}
		})
	}
}

// FuzzDecode: any bytes are decoded, to no more bytes than there were.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`a\x39\071\u0039\t\`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, text := range Decode(raw, '\\') {
			if len(text) > len(raw) || bytes.Count(raw, []byte{'\\'}) == 0 {
				t.Fatalf("%q: %q", raw, text)
			}
		}
	})
}
