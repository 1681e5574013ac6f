package runflags

// Values of the flags that say how CSV is written.

import (
	"errors"
	"fmt"
	"strings"

	"noo/cmd/noo/internal/flagvalue"
	"noo/formats/csv"
)

// recordEnd is a flag that is one of two line endings, or a byte in hexadecimal.
type recordEnd struct {
	*flagvalue.Choice[csv.RecordEnd]
	to *csv.RecordEnd
}

func newRecordEnd(to *csv.RecordEnd) recordEnd {
	words := flagvalue.NewChoice("END", to,
		flagvalue.Word[csv.RecordEnd]{Text: "lf", Value: csv.EndLF},
		flagvalue.Word[csv.RecordEnd]{Text: "crlf", Value: csv.EndCRLF},
	)
	return recordEnd{words.Default("as the first line ends"), to}
}

// Set reads a word or a byte.
func (r recordEnd) Set(text string) error {
	if bytes, ok := flagvalue.Hex(text); ok && len(bytes) == 1 {
		*r.to = csv.EndsWith(bytes[0])
		return nil
	}
	if r.Choice.Set(text) != nil {
		return errors.New("want lf or crlf, or a byte such as 0x1e")
	}
	return nil
}

// String returns the word or the byte.
func (r recordEnd) String() string {
	if r.Choice == nil {
		return ""
	}
	if b, ok := r.to.Byte(); ok {
		return fmt.Sprintf("0x%02x", b)
	}
	return r.Choice.String()
}

// escape is a flag that is a word for a character, and for where it is an escape.
type escape struct {
	*flagvalue.Choice[string]
	word *string
	to   *csv.Format
}

func newEscape(to *csv.Format) escape {
	word := new(string)
	words := flagvalue.NewChoice("CHAR", word,
		flagvalue.Word[string]{Text: "backslash", Value: "backslash"},
		flagvalue.Word[string]{Text: "quoted", Value: "quoted"},
	)
	return escape{words.Default("none"), word, to}
}

// Set reads a word.
func (e escape) Set(text string) error {
	if err := e.Choice.Set(text); err != nil {
		return err
	}
	e.to.Escape, e.to.EscapeInQuotes = '\\', *e.word == "quoted"
	return nil
}

// dialects are the flags that say how a system writes CSV where nobody says otherwise.
// docs/dialects.md names the documents that they are from. None says how many lines are a footer: a
// file without one would lose its last records.
var dialects = []struct{ name, flags string }{
	{"bcp", "--delimiter tab --quote none --record-end crlf"},
	{"excel", "--delimiter auto"},
	{"hive", "--delimiter 0x01 --quote none --record-end lf"},
	{"mysql", "--delimiter tab --quote none --escape backslash --record-end lf"},
	{"oracle", "--delimiter comma --quote double"},
	{"postgres", "--delimiter tab --quote none --escape backslash --record-end lf"},
	{"r", "--delimiter space --quote double --escape quoted"},
	{"snowflake", "--delimiter comma --quote none --escape backslash --record-end lf"},
	{"spark", "--delimiter comma --quote double --escape quoted"},
	{"sqlcmd", "--delimiter auto --quote none --repeated-header keep"},
	{"ssis", "--quote lenient"},
	{"ssms", "--delimiter auto --quote none --record-end crlf"},
}

// newDialect returns a flag that is the name of one of dialects.
func newDialect(to *string) *flagvalue.Choice[string] {
	words := make([]flagvalue.Word[string], len(dialects))
	for i, d := range dialects {
		words[i] = flagvalue.Word[string]{Text: d.name, Value: d.name}
	}
	return flagvalue.NewChoice("NAME", to, words...)
}

// applyDialect sets the flags of the dialect that nobody set: the command line, the environment and
// the config file go before it.
func (f *Reading) applyDialect() error {
	for _, d := range dialects {
		if d.name != f.dialect {
			continue
		}
		words := strings.Fields(d.flags)
		for i := 0; i+1 < len(words); i += 2 {
			flag := f.flags.Lookup(strings.TrimPrefix(words[i], "--"))
			if flag.Changed {
				continue
			}
			if err := flag.Value.Set(words[i+1]); err != nil {
				return err // not met: the names of the dialects are tested
			}
		}
	}
	return nil
}
