package csv

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"noo/formats"
)

// writer writes records as a system does whose dialect a Format is. It shares no code with the
// reader: what it was given is what must be read.
type writer struct {
	format Format
	// escapes are the characters that the system writes an escape before, and quotes whether it
	// quotes every field or only some.
	escapes   string
	quotes    bool
	end       string
	forbidden string // characters that this system cannot write
	bare      bool   // every field is quoted, and quotes in it are not doubled
}

var writers = map[string]writer{
	"several bytes":          {Format{Delimiter: "|^|"}, "", true, "\n", "", false},
	"several, no quotes":     {Format{Delimiter: "~|~", NoQuote: true}, "", false, "\r\n", "~|\r\n", false},
	"doubled delimiter":      {Format{Delimiter: "||", NoQuote: true}, "", false, "\n", "|\r\n", false},
	"ASCII-delimited":        {Format{Delimiter: "\x1f", RecordEnd: EndsWith(0x1e), NoQuote: true}, "", false, "\x1e", "\x1f\x1e", false},
	"byte end, quotes":       {Format{Delimiter: ";", RecordEnd: EndsWith('~')}, "", true, "~", "", false},
	"escapes in quotes":      {Format{Escape: '\\'}, `"\`, true, "\n", "", false},
	"Spark":                  {Format{Escape: '\\', EscapeInQuotes: true}, `"\`, true, "\n", "", false},
	"MySQL":                  {Format{Delimiter: "\t", Escape: '\\', NoQuote: true, RecordEnd: EndLF}, "\\\t\n", false, "\n", "", false},
	"SSIS":                   {Format{LenientQuotes: true}, "", true, "\n", "\r\n", true},
	"escapes and many bytes": {Format{Delimiter: "||", Escape: '\\', NoQuote: true, RecordEnd: EndsWith(0x1e)}, "\\|\x1e", false, "\x1e", "", false},
}

func (w writer) field(r *rand.Rand, value string) string {
	value = strings.Map(func(c rune) rune {
		if strings.ContainsRune(w.forbidden, c) {
			return 'x'
		}
		return c
	}, value)
	if w.bare {
		return `"` + value + `"`
	}
	escaped := value
	for _, c := range w.escapes {
		if c == '\\' {
			escaped = strings.ReplaceAll(value, `\`, `\\`)
		}
	}
	for _, c := range w.escapes {
		if c != '\\' {
			escaped = strings.ReplaceAll(escaped, string(c), `\`+string(c))
		}
	}
	if !w.quotes {
		return escaped
	}
	special := w.format.withDefaults().Delimiter[:1] + w.end + "\"\\\r\n"
	if w.format.EscapeInQuotes {
		special = strings.ReplaceAll(special, "\\", "")
	}
	if !strings.ContainsAny(value, special) && r.IntN(3) > 0 {
		return value
	}
	if w.format.Escape == 0 {
		escaped = strings.ReplaceAll(value, `"`, `""`)
	}
	return `"` + escaped + `"`
}

// TestDialectsOfWriters: what a system writes is read as it was meant, and what is kept is written
// byte for byte.
func TestDialectsOfWriters(t *testing.T) {
	parts := []string{
		"a", "9434765919", " ", ",", ";", "|", "^", "~", "\t", `"`, `""`, `\`, `\\`, `\"`, "\n", "\r\n", "\x1f", "\x1e", "é", "N", "'", "x|^|y",
	}
	for name, w := range writers {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(12, 12))
			read := 0
			for range 1500 {
				fields := 2 + r.IntN(3)
				identifying := r.IntN(fields)
				var text, want strings.Builder
				for row := range 1 + r.IntN(20) {
					var raw []string
					var value string
					for i := range fields {
						v := ""
						for range r.IntN(4) {
							v += parts[r.IntN(len(parts))]
						}
						if row == 0 {
							v = fmt.Sprintf("name %d", i)
						}
						raw = append(raw, w.field(r, v))
						if i == identifying {
							value = strings.Map(func(c rune) rune {
								if strings.ContainsRune(w.forbidden, c) {
									return 'x'
								}
								return c
							}, v)
						}
					}
					record := strings.Join(raw, w.format.withDefaults().Delimiter) + w.end
					text.WriteString(record)
					if row == 0 || fateOf([]string{strings.ReplaceAll(value, "\r\n", "\n")}) == formats.Keep {
						want.WriteString(record)
					}
				}
				f := w.format
				f.chunkSize, f.Workers = 8<<r.IntN(8), 1+r.IntN(3)
				got := filterText(f, text.String(), []int{identifying})
				switch {
				case errors.Is(got.err, ErrEscapedCode) || errors.Is(got.err, ErrDelimiterOverlaps) || errors.Is(got.err, ErrEscapeOutside) || errors.Is(got.err, ErrManyReadings) || errors.Is(got.err, ErrQuotesOverLines) || w.bare && errors.Is(got.err, ErrFieldCount):
				case got.err != nil:
					t.Fatalf("%q: %v", text.String(), got.err)
				case got.kept != want.String():
					t.Fatalf("%q:\nkept %q\nwant %q", text.String(), got.kept, want.String())
				default:
					read++
				}
			}
			if read < 300 {
				t.Errorf("only %d of 1500 texts were read", read)
			}
		})
	}
}

func TestDialectRefusals(t *testing.T) {
	escape := Format{Escape: '\\'}
	unquoted := Format{Escape: '\\', NoQuote: true}
	for _, c := range []struct {
		name, text   string
		format       Format
		err          error
		line, column int64
	}{
		{"odd run of a doubled delimiter", "a||b\n1|||2\n", Format{Delimiter: "||"}, ErrDelimiterOverlaps, 2, 2},
		{"delimiters that share a byte", "a|^|b|^|c\n1|^|^|2\n", Format{Delimiter: "|^|"}, ErrDelimiterOverlaps, 2, 2},
		{"half a delimiter behind a quote", "a||b\n\"1\"|2\n", Format{Delimiter: "||"}, ErrAfterQuote, 2, 4},
		{"line feed before a byte that ends records", "a,b;\n1,2;3,4", Format{RecordEnd: EndsWith(';'), NoQuote: true}, nil, 0, 0},
		{"wrong number below a byte that ends records", "a,b;1,2;3;", Format{RecordEnd: EndsWith(';')}, ErrFieldCount, 3, 1},
		{"escaped delimiter outside quotes", "a,b\n1\\,2,3\n", escape, ErrEscapeOutside, 2, 2},
		{"escape before a record end", "a,b\n1,2\\\n3,4\n", escape, ErrEscapeOutside, 2, 4},
		{"escaped quote outside quotes", "a,b\n1,\\\"2\n", escape, ErrEscapeOutside, 2, 3},
		{"escape before CRLF", "a,b\r\n1,2\\\r\n", unquoted, ErrEscapeOutside, 2, 5},
		{"escape before CRLF, and LF ends records", "a,b\n1,2\\\r\n3,4\n", Format{Escape: '\\', NoQuote: true, RecordEnd: EndLF}, ErrEscapeOutside, 2, 5},
		{"escape before a return that is text", "a,b\n1,2\\\r3\r4\n", Format{Escape: '\\', NoQuote: true, RecordEnd: EndLF}, nil, 0, 0},
		{"escape before a return, and CRLF ends records", "a,b\r\n1,2\\\r\n3\r4\r\n", Format{Escape: '\\', NoQuote: true, RecordEnd: EndCRLF}, nil, 0, 0},
		{"escape before a return at the end", "a,b\r\n1,2\\\r", Format{Escape: '\\', NoQuote: true, RecordEnd: EndCRLF}, ErrEscapeOutside, 2, 5},
		{"escape at the end", "a,b\n1,2\\", unquoted, ErrEscapeAtEnd, 2, 4},
		{"escape that leaves a quote open", "a,b\n1,\"2\\\"\n", escape, ErrUnclosed, 2, 3},
		{"doubled quote beside escapes", "a,b\n1,\"2\"\"3\"\n", escape, ErrDoubledQuote, 2, 6},
		{"code of a character", "a,b\n943476591\\x39,b\n", escape, ErrEscapedCode, 2, 10},
		{"octal code", "a,b\n\"943476591\\071\",b\n", escape, ErrEscapedCode, 2, 11},
		{"pair before a delimiter", "a,b\n1\\\\,2\n", escape, nil, 0, 0},
		{"a record over lines, quoted", "\"a\",\"b\"\n\"1\",\"x\ny\"\n", Format{LenientQuotes: true}, nil, 0, 0},
		{"a record over lines that may be two", "a,b\n1,\"x\n2,y\"\n", Format{LenientQuotes: true}, ErrQuotesOverLines, 2, 1},
		{"a note over lines in the middle", "a,b,c\n1,\"x\n2\",y\n", Format{LenientQuotes: true}, nil, 0, 0},
		{"quotes over lines", "a,b\n\"1\",\"x \"y\"\nz\"\n", Format{LenientQuotes: true}, ErrNoReading, 3, 1},
		{"doubled quotes over lines", "a,b\n\"1\",\"x \"\"y\nz\"\n", Format{LenientQuotes: true}, ErrQuotesOverLines, 2, 1},
		{"a quote that opens and swallows", "a,b\n1,\"OK\" he said\n2,x\n3,\"y, z\"\n", Format{LenientQuotes: true}, ErrNoReading, 2, 1},
		{"several readings", "a,b\n\"1\",\"2\",\"3\"x\"\n", Format{LenientQuotes: true}, ErrManyReadings, 2, 1},
		{"several readings of the first record, no header", "\"1\"\",\"\"2\",\"3\"\n", Format{LenientQuotes: true, NoHeader: true}, ErrManyReadings, 1, 1},
		{"a NUL", "a,b\n\"1\"\",\"2\x00\"\n", Format{LenientQuotes: true}, ErrNUL, 2, 8},
		{"a byte order mark before quotes", "\ufeff\"a\",\"b\"\n\"1\",\"2 \"x\"\"\n", Format{LenientQuotes: true}, nil, 0, 0},
		{"a byte order mark before quotes and escapes", "\ufeff\"a\",\"b\"\n\"1\",\"2\"\n", escape, nil, 0, 0},
		{"names over lines, and a byte that ends records", "a,b\n1,2\n3,4\n", Format{RecordEnd: EndsWith(0x1e)}, ErrFeedInNames, 1, 4},
		{"lines, no header, and a byte that ends no record", "1,2\n3,4\n", Format{RecordEnd: EndsWith(0x1e), NoHeader: true}, ErrNoRecordEnd, 1, 4},
		{"returns in the only record, and a byte that ends records", "1,a\rb\n;", Format{RecordEnd: EndsWith(';'), NoHeader: true}, nil, 0, 0},
		{"empty quoted field", "a,b\n\"\",\"\"\n", escape, nil, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{3, 64, 1 << 10} {
				c.format.chunkSize = size
				got := filterText(c.format, c.text, []int{0})
				if !errors.Is(got.err, c.err) || c.err == nil && got.err != nil {
					t.Fatalf("error %v, want %v", got.err, c.err)
				}
				if at, ok := errors.AsType[*formats.InputError](got.err); ok && (at.Line != c.line || at.Column != c.column) {
					t.Errorf("refused at %d:%d, want %d:%d", at.Line, at.Column, c.line, c.column)
				}
			}
		})
	}
}

// FuzzDialects: any bytes are read in every dialect without a panic, the same in every size of
// chunk, and what is written is a part of what was read.
func FuzzDialects(f *testing.F) {
	names := []string{"several bytes", "doubled delimiter", "ASCII-delimited", "escapes in quotes", "MySQL", "SSIS", "escapes and many bytes", "Spark"}
	f.Add([]byte("a,b\n\"1\\\"\",\\N\n"), uint8(3))
	f.Add([]byte("a||b\x1e1||||\x1e\\|"), uint8(5))
	f.Fuzz(func(t *testing.T, text []byte, choice uint8) {
		format := writers[names[int(choice)%len(names)]].format
		format.NoHeader, format.Workers = choice&64 != 0, 2
		format.chunkSize = 1 << 16
		want := filterText(format, string(text), []int{0})
		format.chunkSize = 1 + int(choice>>3&7)
		got := filterText(format, string(text), []int{0})
		if (got.err == nil) != (want.err == nil) || got.err == nil && got != want {
			t.Fatalf("%q: %v and %v, %q and %q", text, got.err, want.err, got.kept, want.kept)
		}
		if len(got.kept) > len(text) || got.err == nil && bytes.Count([]byte(got.kept), []byte{'\n'}) > bytes.Count(text, []byte{'\n'}) {
			t.Fatalf("%q: kept %q", text, got.kept)
		}
	})
}

// TestRepeatedHeaders: what becomes of a repeated header does not depend on where chunks are cut.
func TestRepeatedHeaders(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, header := range []string{"nhs_number,note", "\"a\nb\",é name of ten 2222222222 digits", "x"} {
		for range 100 {
			text, want := header+"\n", map[RepeatedHeader]string{DropRepeated: header + "\n", KeepRepeated: header + "\n"}
			for range r.IntN(30) {
				record := []string{header, "\ufeff" + header, fmt.Sprintf("%d,\"%d\nx\"", r.IntN(100), r.IntN(100)), fmt.Sprintf("%d,long text of more than ten bytes: nhs", r.IntN(100)), ""}[r.IntN(5)]
				if header == "x" {
					record, _, _ = strings.Cut(record, ",")
				}
				text += record + "\n"
				switch {
				case strings.TrimPrefix(record, "\ufeff") == header:
					want[KeepRepeated] += record + "\n"
				case record == "" || fateOf([]string{strings.Split(record, ",")[0]}) == formats.Keep:
					want[DropRepeated] += record + "\n"
					want[KeepRepeated] += record + "\n"
				}
			}
			for what, want := range want {
				for _, f := range []Format{{}, {RaggedTrailing: true}} {
					f.RepeatedHeader, f.chunkSize, f.Workers = what, 8<<r.IntN(8), 1+r.IntN(3)
					if got := filterText(f, text, []int{0}); got.err != nil || got.kept != want {
						t.Fatalf("%q: %v\nkept %q\nwant %q", text, got.err, got.kept, want)
					}
				}
			}
		}
	}
}
