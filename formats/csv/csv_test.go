package csv

import (
	"bytes"
	"context"
	"encoding/binary"
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"noo/formats"
	"noo/formats/csv/internal/records"
	"noo/formats/csv/internal/utf16"
	"noo/internal/nhsnumber"
)

// byHash is a decider that makes a fate of the values alone, so that a reference can make the same.
type byHash struct{}

func (byHash) Decide(batch *formats.Batch, fates []formats.Fate) error {
	for i := range fates {
		var values []string
		for _, c := range batch.Columns {
			// encoding/csv turns CRLF inside quotes into LF.
			values = append(values, strings.ReplaceAll(string(c.Text[i]), "\r\n", "\n"))
		}
		fates[i] = fateOf(values)
	}
	return nil
}

func fateOf(values []string) formats.Fate {
	h := fnv.New32a()
	for _, v := range values {
		fmt.Fprintf(h, "%q", v)
	}
	return formats.Fate(h.Sum32() >> 7 % 3)
}

// result is what filtering gave.
type result struct {
	kept, withheld string
	err            error
}

func filterText(f Format, text string, columns []int) result {
	var kept, withheld bytes.Buffer
	d, err := f.Open(context.Background(), formats.Input{Name: "in.csv", Reader: strings.NewReader(text)})
	if err != nil {
		return result{err: err}
	}
	for _, c := range columns {
		if c >= len(d.Columns()) {
			return result{err: errors.New("no such column")}
		}
	}
	err = d.Scan(context.Background(), columns, byHash{}, formats.Sinks{Kept: &kept, Withheld: &withheld})
	if err != nil {
		return result{err: err}
	}
	return result{kept: kept.String(), withheld: withheld.String()}
}

// reference is the same by encoding/csv, which says where each record ends, and a few lines of
// plain code.
func reference(f Format, text string, columns []int) result {
	if order := utf16.Order([]byte(text)); order != nil {
		plain, err := io.ReadAll(utf16.NewReader(strings.NewReader(text), order))
		if err != nil {
			return result{err: err}
		}
		out := reference(f, string(plain), columns)
		for _, part := range []*string{&out.kept, &out.withheld} {
			var units bytes.Buffer
			if _, err := utf16.NewWriter(&units, order).Write([]byte(*part)); err != nil {
				return result{err: err}
			}
			*part = units.String()
		}
		return out
	}
	text, ended := strings.CutSuffix(text, "\x1a") // Ctrl-Z, which encoding/csv does not know
	out := referenceText(f, text, columns)
	if ended && out.err == nil {
		out.kept += "\x1a"
	}
	return out
}

func referenceText(f Format, text string, columns []int) result {
	if f.RecordEnd == EndCRLF { // encoding/csv knows no line feed that is text outside quotes
		f.RecordEnd, f.ending = EndLF, records.CRLFAlone
		out := referenceText(f, hideBareFeeds(text), columns)
		out.kept, out.withheld = strings.ReplaceAll(out.kept, hiddenFeed, "\n"), strings.ReplaceAll(out.withheld, hiddenFeed, "\n")
		return out
	}
	body := strings.TrimPrefix(text, "\ufeff")
	prefix := text[:len(text)-len(body)]
	if strings.Contains(body, "\x00") || f.RecordEnd == EndAsFirst && (hasBareReturn(body) || mixedEnds(body)) {
		return result{err: errors.New("refused")}
	}
	end := "\n"
	if f.ending == records.CRLFAlone {
		end = "\r\n"
	}
	r := stdcsv.NewReader(strings.NewReader(body))
	r.Comma = rune(f.Delimiter[0])
	var out result
	var kept, withheld strings.Builder
	kept.WriteString(prefix)
	withheld.WriteString(prefix)
	start, first := int64(0), true
	for {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return result{err: err}
		}
		raw := body[start:r.InputOffset()]
		start = r.InputOffset()
		blank := len(blankLines.FindString(raw))
		kept.WriteString(raw[:blank])
		for _, c := range columns {
			if c >= len(record) {
				return result{err: errors.New("no such column")}
			}
		}
		if first {
			withheld.WriteString(raw[:blank])
		}
		if first && isSepLine([]byte(raw[blank:])) {
			return result{err: ErrSepLine}
		}
		if first && (strings.Contains(raw, hiddenFeed) && f.ending == records.CRLFAlone || hasBareReturn(raw)) && (!f.NoHeader || !strings.HasSuffix(raw, end)) {
			return result{err: ErrNoRecordEnd}
		}
		if first && !f.NoHeader {
			first = false
			for _, name := range record {
				if nhsnumber.Within([]byte(name)) || isDressed([]byte(name)) {
					return result{err: ErrHeaderValue}
				}
			}
			kept.WriteString(raw[blank:])
			withheld.WriteString(raw[blank:])
			continue
		}
		if first && f.NoHeader && onlyRecord(body[start:]) && (separators(raw) || hasBareReturn(raw)) {
			return result{err: ErrOnlyRecord}
		}
		first = false
		var values []string
		for _, c := range columns {
			value := record[c]
			if f.ending == records.CRLFAlone {
				value = strings.ReplaceAll(value, hiddenFeed, "\n")
			}
			values = append(values, value)
		}
		switch fateOf(values) {
		case formats.Keep:
			kept.WriteString(raw[blank:])
		case formats.Withhold:
			withheld.WriteString(raw[blank:])
		}
	}
	if first {
		return result{err: ErrNoRecord}
	}
	kept.WriteString(body[start:])
	out.kept, out.withheld = kept.String(), withheld.String()
	return out
}

// hasBareReturn reports whether a carriage return outside quotes neither ends the text nor stands
// before a line feed.
func hasBareReturn(text string) bool {
	inside := false
	for i := range len(text) {
		switch text[i] {
		case '"':
			inside = !inside
		case '\r':
			if !inside && i+1 < len(text) && text[i+1] != '\n' {
				return true
			}
		}
	}
	return false
}

// mixedEnds reports whether lines end in two ways outside quotes.
func mixedEnds(text string) bool {
	inside, first := false, ""
	for i := range len(text) {
		ending := ""
		switch {
		case text[i] == '"':
			inside = !inside
		case inside:
		case text[i] == '\n' && i > 0 && text[i-1] == '\r':
		case text[i] == '\n':
			ending = "\n"
		case text[i] == '\r':
			ending = "\r\n"
		}
		switch {
		case ending == "":
		case first == "" && text[i:] == "\r": // at the very end it ends what might end in any way
		case first == "":
			first = ending
		case first != ending:
			return true
		}
	}
	return false
}

var blankLines = regexp.MustCompile(`^(\r?\n)*`)

// hiddenFeed stands for a line feed that is text.
const hiddenFeed = "\x01"

// hideBareFeeds replaces each line feed outside quotes that no carriage return precedes.
func hideBareFeeds(text string) string {
	inside := false
	out := []byte(text)
	for i, c := range out {
		if c == '"' {
			inside = !inside
		}
		if c == '\n' && !inside && (i == 0 || out[i-1] != '\r') {
			out[i] = hiddenFeed[0]
		}
	}
	return string(out)
}

// onlyRecord reports whether nothing but blank lines follows a record.
func onlyRecord(rest string) bool {
	rest = strings.ReplaceAll(rest, "\r\n", "\n")
	return strings.TrimLeft(rest, "\n") == "" || strings.TrimLeft(rest, "\n") == "\r"
}

// separators reports whether a record holds, outside quotes, what some programs take for the end of
// a line.
func separators(record string) bool {
	inside := false
	for i, r := range record {
		switch {
		case r == '"':
			inside = !inside
		case inside:
		case strings.ContainsRune("\v\f\x1c\x1d\x1e\u0085\u2028\u2029", r), r == utf8.RuneError && record[i] == 0x85:
			return true
		}
	}
	return false
}

// compare holds both ways of filtering against each other.
func compare(t *testing.T, f Format, text string, columns []int) {
	t.Helper()
	want := reference(f, text, columns)
	got := filterText(f, text, columns)
	if (want.err != nil) != (got.err != nil) {
		t.Fatalf("%q: error %v, the reference has %v", text, got.err, want.err)
	}
	if got.err == nil && (got.kept != want.kept || got.withheld != want.withheld) {
		t.Fatalf("%q:\nkept %q\nwant %q\nwithheld %q\nwant     %q", text, got.kept, want.kept, got.withheld, want.withheld)
	}
	if refusal, ok := errors.AsType[*formats.InputError](got.err); got.err != nil && ok && refusal.Line < 0 {
		t.Fatalf("%q: refused at line %d", text, refusal.Line)
	}
}

// randomText writes records with everything that may stand in one, and now and then something that
// may not.
func randomText(r *rand.Rand, broken bool) string {
	fields := 1 + r.IntN(5)
	endings := []string{"\n", "\r\n"}
	if r.IntN(4) > 0 { // mostly, records end in one way
		endings[r.IntN(2)] = endings[r.IntN(2)]
	}
	values := []string{
		"", "a", "9434765919", "943 476 5919", " 9434765919 ", "9434765919.0", "NULL", "café", "x y", "'9434765919",
		"long text that fills more than eight bytes", "-", ";", "tab\there",
	}
	quoted := []string{
		`""`, `"a"`, `"a,b"`, "\"a\nb\"", "\"a\r\nb\"", "\"\r\"", `"say ""hello"""`, `""""`, `"=""9434765919"""`, `"9434765919"`, "\",\n,\"",
	}
	wrong := []string{`a"b`, `"a"b`, `"`, "a\rb", "\x00", `"a" `, ` "a"`, "\r", `"a\"b"`}
	var text strings.Builder
	if r.IntN(8) == 0 {
		text.WriteString("\ufeff")
	}
	for range r.IntN(40) {
		if r.IntN(12) == 0 {
			text.WriteString(endings[r.IntN(2)])
			continue
		}
		n := fields
		if broken && r.IntN(40) == 0 {
			n = r.IntN(6)
		}
		for i := range n {
			if i > 0 {
				text.WriteByte(',')
			}
			switch {
			case broken && r.IntN(60) == 0:
				text.WriteString(wrong[r.IntN(len(wrong))])
			case r.IntN(3) == 0:
				text.WriteString(quoted[r.IntN(len(quoted))])
			default:
				text.WriteString(values[r.IntN(len(values))])
			}
		}
		text.WriteString(endings[r.IntN(2)])
	}
	out := text.String()
	if strings.HasPrefix(out, "\ufeff") && r.IntN(2) == 0 && !strings.Contains(out, "\x00") {
		var units bytes.Buffer
		order := []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}[r.IntN(2)]
		if _, err := utf16.NewWriter(&units, order).Write([]byte(out)); err != nil {
			panic(err)
		}
		return units.String()
	}
	if r.IntN(4) == 0 {
		out = strings.TrimRight(out, "\r\n")
	}
	if r.IntN(16) == 0 {
		out += "\x1a"
	}
	return out
}

func TestSameAsEncodingCSV(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 7))
	accepted := 0
	for i := range 80_000 {
		text := randomText(r, i%2 == 0)
		f := Format{Delimiter: ",", NoHeader: r.IntN(3) == 0, RecordEnd: RecordEnd(r.IntN(3)), Workers: 1 + r.IntN(3), chunkSize: 16 << r.IntN(6)}
		columns := []int{r.IntN(3)}
		if second := r.IntN(3); second != columns[0] && r.IntN(2) == 0 {
			columns = append(columns, second)
		}
		compare(t, f, text, columns)
		if reference(f, text, columns).err == nil {
			accepted++
		}
	}
	if accepted < 10_000 {
		t.Errorf("only %d of the texts were well-formed", accepted)
	}
}

func FuzzSameAsEncodingCSV(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 200 {
		f.Add(randomText(r, i%2 == 0), uint8(i), uint8(r.IntN(64)))
	}
	for _, text := range []string{"1,a\u00852,b\x85\n\r\n", "1,\"\v\",\u2028\r", "sep=;\n1;2\n", "\n\"Sep=,\"\r\n"} {
		f.Add(text, uint8(1), uint8(3))
		f.Add(text, uint8(8), uint8(40))
	}
	samples, _ := filepath.Glob("../../../shared/csv-spectrum/*.csv")
	for _, path := range samples {
		if text, err := os.ReadFile(path); err == nil {
			f.Add(string(text), uint8(0), uint8(16))
		}
	}
	f.Fuzz(func(t *testing.T, text string, choice, size uint8) {
		format := Format{Delimiter: ",", NoHeader: choice&1 != 0, Workers: 2, chunkSize: 1 + int(size)}
		if choice&8 != 0 {
			format.Delimiter = ";"
		}
		if format.RecordEnd = RecordEnd(choice >> 4 % 3); strings.Contains(text, hiddenFeed) {
			format.RecordEnd = EndLF
		}
		compare(t, format, text, []int{int(choice >> 1 & 3)})
	})
}

// TestSpectrum reads the files of csv-spectrum, which others made, where they are at hand.
func TestSpectrum(t *testing.T) {
	samples, err := filepath.Glob("../../../shared/csv-spectrum/*.csv")
	if err != nil || len(samples) == 0 {
		t.Skip("no samples beside the checkout")
	}
	for _, path := range samples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, Format{Delimiter: ",", chunkSize: 8}, string(text), []int{0})
		got := filterText(Format{}, string(text), []int{0})
		if wrong := filepath.Base(path) == "location_coordinates.csv"; wrong != errors.Is(got.err, ErrBareQuote) {
			// That file has the seconds of an angle as bare quotes.
			t.Errorf("%s: %v", filepath.Base(path), got.err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		format       Format
		err          error
		line, column int64
	}{
		{"line feed among CRLF", "id,x\r\n1,a\r\n2,b\n3,c\r\n", Format{}, ErrBareFeed, 3, 4},
		{"line feed in a note", "id,x\r\n1,a\nb,c\r\n", Format{}, ErrBareFeed, 2, 4},
		{"CRLF among line feeds", "id,x\n1,\"a\"\r\n", Format{}, ErrNotBare, 2, 6},
		{"blank line of the other kind", "id,x\r\n\n1,a\r\n", Format{}, ErrBareFeed, 2, 1},
		{"first line blank", "\nid,x\r\n", Format{}, ErrNotBare, 2, 5},
		{"line feeds alone as text", "id,x\n1,a\n2,b\n", Format{RecordEnd: EndCRLF}, ErrFeedInNames, 1, 5},
		{"line feeds alone as text, no header", "1,a\n2,b\n", Format{RecordEnd: EndCRLF, NoHeader: true}, ErrNoRecordEnd, 1, 4},
		{"returns that end records", "id,x\r1,a\r2,b\r", Format{RecordEnd: EndLF}, ErrReturnInNames, 1, 5},
		{"returns that end records, no header", "1,a\r2,b\r", Format{RecordEnd: EndLF, NoHeader: true}, ErrNoRecordEnd, 1, 4},
		{"returns that may end records, no header", "1,a\r2,b\n\n", Format{RecordEnd: EndLF, NoHeader: true}, ErrOnlyRecord, 1, 4},
		{"number in a dress above", "(9434765919),x\n", Format{}, ErrHeaderValue, 1, 1},
		{"line feed as text behind a quote", "id,x\r\n1,\"a\"\nb\r\n", Format{RecordEnd: EndCRLF}, ErrAfterQuote, 2, 6},
		{"empty", "", Format{}, formats.ErrEmpty, 0, 0},
		{"blank lines alone", "\n\r\n\n", Format{RecordEnd: EndLF}, ErrNoRecord, 0, 0},
		{"bare quote", "id,x\n1,a\n2,b\"c\n", Format{}, ErrBareQuote, 3, 4},
		{"quote after a blank", "id,x\n1, \"a\"\n", Format{}, ErrBareQuote, 2, 4},
		{"after the quote", "id,x\n1,\"a\"b\n", Format{}, ErrAfterQuote, 2, 6},
		{"backslash escape", "id,x\n1,\"a\\\"b\"\n", Format{}, ErrBackslash, 2, 7},
		{"unclosed", "id,x\n1,a\n2,\"b\n3,c\n", Format{}, ErrUnclosed, 3, 3},
		{"short", "id,x\n1,a\n2\n3,c\n", Format{}, ErrFieldCount, 3, 1},
		{"long", "id,x\n1,a\n2,b,\n3,c\n", Format{}, ErrFieldCount, 3, 1},
		{"long and quoted", "id,x\n1,\"a\nb\"\n2,\"b\",c\n", Format{}, ErrFieldCount, 4, 1},
		{"NUL", "id,x\n1,a\x00\n", Format{}, ErrNUL, 2, 4},
		{"NUL in quotes", "id,x\n1,\"a\x00\"\n", Format{}, ErrNUL, 2, 5},
		{"UTF-16 with half a pair", "\xff\xfei\x00\n\x00\x00\xd8", Format{}, utf16.ErrSurrogate, 2, 0},
		{"UTF-16 with a NUL", "\xfe\xff\x00i\x00\n\x00\x00\x00\n", Format{}, ErrNUL, 2, 1},
		{"UTF-16 without its mark", "i\x00d\x00\n\x00", Format{}, ErrUTF16, 0, 0},
		{"UTF-16 without its mark, an emoji", "n\x00h\x00s\x00,\x00n\x00o\x00t\x00e\x00\n\x00\x3d\xd8\x00\xde,\x00o\x00k\x00", Format{}, ErrUTF16, 0, 0},
		{"NUL padding", "id\n1\n" + strings.Repeat("\x00", 5), Format{}, ErrPadding, 3, 1},
		{"bare return", "id,x\r1,a\r2,b\r", Format{}, ErrBareReturn, 1, 5},
		{"return before CRLF", "id,x\n1,a\r\r\n", Format{}, ErrBareReturn, 2, 4},
		{"return, no quotes", "id,x\n1,a\rb\n", Format{NoQuote: true}, ErrBareReturn, 2, 4},
		{"short, no quotes", "id,x\n\"1,2\"\n\"1\n", Format{NoQuote: true}, ErrFieldCount, 3, 1},
		{"no header", "9434765919,x\n1,2\n", Format{}, ErrHeaderValue, 1, 1},
		{"no header, another delimiter", "9434765919;Smith\n9995609649;Jones\n", Format{}, ErrHeaderValue, 1, 1},
		{"no header, number with a tail", "x,9434765919/1\n1,2\n", Format{}, ErrHeaderValue, 1, 1},
		{"sep line", "sep=,\nid,x\n1,2\n", Format{}, ErrSepLine, 1, 1},
		{"sep line of a delimiter that is another one", "\n\"SEP=;\"\r\nid\n1\n", Format{}, ErrSepLine, 2, 1},
		{"sep line, no header", "\ufeffsep=|\n1|2\n", Format{NoHeader: true, Delimiter: "|"}, ErrSepLine, 1, 4},
		{"records that end with U+0085", "1,a\u00852,b\u0085", Format{NoHeader: true}, ErrOnlyRecord, 1, 4},
		{"records that end with U+0085 in Latin-1", "1,a\x852,b\x85\n", Format{NoHeader: true}, ErrOnlyRecord, 1, 4},
		{"records that end with U+2028", "\n\"1\",\"\v\",a\u20282,b\r\n\n\n", Format{NoHeader: true, RecordEnd: EndLF}, ErrOnlyRecord, 2, 10},
		{"records that end with a record separator", "1,\"\x1e2,b\x1e", Format{NoHeader: true, NoQuote: true}, ErrOnlyRecord, 1, 4},
		{"no header, number in the middle", "\nx,\"943 476 5919\"\n1,2\n", Format{}, ErrHeaderValue, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{2, 7, 1 << 10} {
				c.format.chunkSize = size
				got := filterText(c.format, c.text, []int{0})
				if !errors.Is(got.err, c.err) {
					t.Fatalf("error %v, want %v", got.err, c.err)
				}
				at, ok := errors.AsType[*formats.InputError](got.err)
				if !ok || at.Line != c.line || at.Column != c.column {
					t.Errorf("refused at %d:%d, want %d:%d", at.Line, at.Column, c.line, c.column)
				}
			}
		})
	}
}

// TestSeparatorsInText: what may end a line elsewhere is text where other records follow, inside
// quotes, and below a header, which tells how many fields a record has.
func TestSeparatorsInText(t *testing.T) {
	for _, c := range []struct {
		text   string
		format Format
	}{
		{"1,a\u0085b\n2,b\n", Format{NoHeader: true}},
		{"1,a\u0085b\n\n\n\r\n\n\n\n2,b", Format{NoHeader: true, RecordEnd: EndLF}},
		{"1,\"a\u2028\"\"b\v\"\n", Format{NoHeader: true}},
		{"1,b…\u2026\xc3\x85\n", Format{NoHeader: true}},
		{"id,x\n1,a\vb\n", Format{}},
		{"id,sep=\n1,sep=;\nsep=,\n", Format{}},
	} {
		t.Run(c.text, func(t *testing.T) {
			for _, size := range []int{1, 2, 7, 8, 1 << 10} {
				c.format.chunkSize = size
				got, err := sampleAndScan(c.format, strings.NewReader(c.text), 1000)
				if err != nil || got.sampleErr != nil || got.scanErr != nil {
					t.Errorf("%q in chunks of %d: %v, %v, %v", c.text, size, err, got.sampleErr, got.scanErr)
				} else if got.kept != c.text {
					t.Errorf("%q in chunks of %d: kept %q", c.text, size, got.kept)
				}
			}
		})
	}
}

// TestRecordTooLong holds the bound on a record: memory must not follow a quote that is never
// closed.
func TestRecordTooLong(t *testing.T) {
	fits := strings.Repeat("x", MaxRecord-len("1,\"\"\n"))
	for _, c := range []struct {
		name, text string
		err        error
	}{
		{"fits", "id,x\n1,\"" + fits + "\"\n2,b\n", nil},
		{"fits, without an ending", "id,x\n1,\"" + fits + "x\"", nil},
		{"fits, without an ending or quotes", "id,x\n1," + fits + "xxx", nil},
		{"one byte more", "id,x\n1,\"" + fits + "x\"\n2,b\n", ErrTooLong},
		{"never closed", "id,x\n1,\"" + strings.Repeat("x\n", MaxRecord), ErrTooLong},
		{"no line ending", "id,x\n1," + strings.Repeat("x", MaxRecord+1), ErrTooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, prefix := range []int{0, 3, 60_000} {
				text := strings.Replace(c.text, "\n", "\n"+strings.Repeat("0,y\n", prefix), 1)
				if got := filterText(Format{}, text, []int{0}); !errors.Is(got.err, c.err) {
					t.Errorf("%s after %d records: %v", c.name, prefix, got.err)
				} else if at, ok := errors.AsType[*formats.InputError](got.err); ok && at.Line != int64(prefix+2) {
					t.Errorf("%s after %d records: line %d", c.name, prefix, at.Line)
				}
			}
		})
	}
}

// TestOutputDoesNotDependOnChunks runs one text through many chunk sizes and numbers of workers.
func TestOutputDoesNotDependOnChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var text strings.Builder
	text.WriteString("id,note\r\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "%d,\"line\n%d, \"\"quoted\"\"\"%s", r.IntN(1000), i, []string{"\n", "\r\n", "\n\n"}[r.IntN(3)])
	}
	want := filterText(Format{Workers: 1, RecordEnd: EndLF}, text.String(), []int{0})
	for _, size := range []int{1, 13, 64, 1000, 4096, 1 << 20} {
		for _, workers := range []int{1, 2, 5} {
			if got := filterText(Format{Workers: workers, RecordEnd: EndLF, chunkSize: size}, text.String(), []int{0}); got != want {
				t.Errorf("chunks of %d bytes, %d workers: another output", size, workers)
			}
		}
	}
}

func TestQuoteNone(t *testing.T) {
	text := "id\tx\n1\t\"a\n2\tb\"c\n3\t\"\n"
	want := "id\tx\n"
	for _, line := range []string{"1\t\"a\n", "2\tb\"c\n", "3\t\"\n"} {
		if fateOf([]string{line[:1]}) == formats.Keep {
			want += line
		}
	}
	if got := filterText(Format{Delimiter: "\t", NoQuote: true}, text, []int{0}); got.err != nil || got.kept != want {
		t.Errorf("kept %q, %v; want %q", got.kept, got.err, want)
	}
}

func TestDialectIsChecked(t *testing.T) {
	for _, f := range []Format{
		{Delimiter: "\""}, {Delimiter: "\n"}, {Delimiter: "7"}, {Quote: '\r'}, {Delimiter: "\xA7"}, {Delimiter: ";", Quote: ';'},
	} {
		if f.Validate() == nil {
			t.Errorf("delimiter %q and quote %q are accepted", f.Delimiter, f.Quote)
		}
	}
	if err := (Format{Delimiter: "|", Quote: '\''}).Validate(); err != nil {
		t.Error(err)
	}
}

// failing is a writer, reader or decider that does not work.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error)                   { return 0, f.err }
func (f failing) Read([]byte) (int, error)                    { return 0, f.err }
func (f failing) Decide(*formats.Batch, []formats.Fate) error { return f.err }

type panicking struct{}

func (panicking) Decide(*formats.Batch, []formats.Fate) error { panic("9434765919") }

func TestErrorsOfOthersComeBack(t *testing.T) {
	text := "id\n" + strings.Repeat("1\n2\n3\n4\n5\n6\n7\n8\n", 10_000)
	ours := errors.New("disk full")
	scan := func(r io.Reader, decide formats.Decider, to formats.Sinks) error {
		d, err := Format{chunkSize: 1 << 10}.Open(context.Background(), formats.Input{Name: "in.csv", Reader: r})
		if err != nil {
			return err
		}
		return d.Scan(context.Background(), []int{0}, decide, to)
	}
	if err := scan(strings.NewReader(text), byHash{}, formats.Sinks{Kept: failing{ours}}); !errors.Is(err, ours) {
		t.Errorf("kept sink: %v", err)
	}
	if err := scan(strings.NewReader(text), failing{ours}, formats.Sinks{}); !errors.Is(err, ours) {
		t.Errorf("decider: %v", err)
	}
	if err := scan(io.MultiReader(strings.NewReader(text), failing{ours}), byHash{}, formats.Sinks{}); !errors.Is(err, ours) {
		t.Errorf("reader: %v", err)
	}
	if err := scan(strings.NewReader(text), panicking{}, formats.Sinks{}); err == nil || strings.Contains(err.Error(), "9434765919") {
		t.Errorf("panic: %v", err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	d, err := Format{chunkSize: 1 << 10}.Open(ctx, formats.Input{Name: "in.csv", Reader: io.MultiReader(strings.NewReader("id\n"), endless{})})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("interrupted")
	err = d.Scan(ctx, []int{0}, cancelling{cancel, why}, formats.Sinks{Kept: io.Discard})
	if !errors.Is(err, why) {
		t.Errorf("scan ended with %v", err)
	}
}

// endless gives records for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
		if i%2 == 0 && i+1 < len(p) {
			p[i] = '1'
		}
	}
	return len(p), nil
}

type cancelling struct {
	cancel context.CancelCauseFunc
	why    error
}

func (c cancelling) Decide(batch *formats.Batch, _ []formats.Fate) error {
	if batch.Seq == 20 {
		c.cancel(c.why)
	}
	return nil
}

// keepAll keeps every record.
type keepAll struct{}

func (keepAll) Decide(_ *formats.Batch, fates []formats.Fate) error {
	for i := range fates {
		fates[i] = formats.Keep
		if i%16 == 15 {
			fates[i] = formats.Drop
		}
	}
	return nil
}

func BenchmarkScan(b *testing.B) {
	var text strings.Builder
	text.WriteString("id,nhs_number,a,b,c,d,e,f,g,h,i,j,k\n")
	for i := range 200_000 {
		note := "plain"
		if i%20 == 0 {
			note = `"quoted, with ""doubled"" quotes"`
		}
		fmt.Fprintf(&text, "%d,9434765919,SW1A 1AA,1980-02-03,M,%s,A01,2024-05-06,12.50,C123,some text here,%d,end\n", i, note, i*7)
	}
	input := text.String()
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := Format{}.Open(context.Background(), formats.Input{Name: "in.csv", Reader: strings.NewReader(input)})
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Scan(context.Background(), []int{1}, keepAll{}, formats.Sinks{Kept: io.Discard}); err != nil {
			b.Fatal(err)
		}
	}
}
