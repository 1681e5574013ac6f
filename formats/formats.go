// Package formats says what a file format must offer so that records can be filtered in it, and
// finds out which format a file has.
//
// The seam is narrow on purpose. A format hands a Decider the raw values that identify people,
// batch by batch, and takes back which records to keep: it never sees who opted out. The Decider
// never sees a byte of the rest. A new format is a package below this one that implements Format,
// and one line in the list of formats of the command.
package formats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"noo/internal/kind"
)

// Format is one file format, configured and ready to open inputs. It is safe for concurrent use.
type Format interface {
	// Name is the format's name in reports: "csv", "parquet".
	Name() string
	// Matches reports whether a file is in this format, by its first bytes (up to HeadSize of them)
	// and, where those leave it open, by its name.
	Matches(head []byte, name string) bool
	// RandomAccess reports whether Open needs Input.ReaderAt; otherwise it reads Input.Reader once,
	// from start to end.
	RandomAccess() bool
	// Open reads what it needs to know the columns, and checks it. An input that is no good gives
	// an *InputError.
	Open(ctx context.Context, in Input) (Dataset, error)
}

// ReadBacker is a Format whose outputs are read again before they get their names: one that builds
// its outputs anew instead of passing bytes on.
type ReadBacker interface {
	Format
	// ReadBack returns the format to read an output with.
	ReadBack() Format
}

// Input is one file to read, or a stream.
type Input struct {
	// Name is the file's name as the user gave it, for messages and for telling formats by their
	// name.
	Name string
	// Reader gives every byte of the file once. It is nil for a format with RandomAccess.
	Reader io.Reader
	// Interrupt, where not nil, makes a Read that waits for a stream return with an error. A format
	// calls it when it gives up before the end of the input, so that it need not wait for bytes
	// that nobody wants.
	Interrupt func()
	// ReaderAt and Size give the bytes of the file at any place. They are unset for a format
	// without RandomAccess.
	ReaderAt io.ReaderAt
	Size     int64
	// Workers is how many goroutines may work on the file at a time; 0 leaves it to the format.
	// What is written does not depend on it.
	Workers int
}

// Dataset is an opened input.
type Dataset interface {
	// Columns lists the columns that could identify a person, in file order.
	Columns() []Column
	// Sample shows the values of the first records of each column that can hold NHS numbers, of as
	// many as asked for or of fewer where they take much memory. It may be called once, before
	// Scan, which still sees every record. For a column it calls show once or more, in the order of
	// the records, one call at a time; the values are lent for the time of the call. An input that
	// is no good gives the *InputError that Scan would give for it.
	Sample(ctx context.Context, records int, show func(column int, values *Values)) error
	// Scan reads every record once, hands the values of the named columns (indexes into Columns, at
	// least one) to decide, and writes each record to where its Fate says, in the order of the
	// input. Meanwhile it shows the values of the columns in Sinks.Watch. It calls decide and the
	// Watcher from several goroutines, but has returned from all of them when it returns. An
	// *InputError means that the input is no good, or wraps a *NameMet; an error of decide is
	// returned as it is, and then every batch with a smaller Seq has been decided without an error.
	Scan(ctx context.Context, columns []int, decide Decider, to Sinks) error
	// Close releases what Open took. It does not close the Input.
	Close() error
}

// Remarker is a Dataset that has more to say than which columns it has.
type Remarker interface {
	// Remarks returns what was found and no count of records tells. It is complete after Scan.
	Remarks() []Remark
}

// Titled is a Dataset that may have titles above the names of its columns.
type Titled interface {
	// NamesLine returns in which line the names of the columns seem to be, if not in the first, or
	// 0. It may be called before Scan.
	NamesLine() int64
}

// Remark is something that was found in a dataset.
type Remark struct {
	// What was found: HeaderLines, for one.
	What string `json:"what"`
	// Count is how many there are.
	Count int64 `json:"count"`
}

// What a Remark may be about.
const (
	// HeaderLines are lines above the header, passed on as they are.
	HeaderLines = "header_lines"
	// FooterDropped are lines below the records that are written nowhere, FooterKept such that are
	// passed on.
	FooterDropped = "footer_lines_dropped"
	FooterKept    = "footer_lines_kept"
	// RepeatedHeaderRecords are records that are the header again and were read as records,
	// RepeatedHeadersDropped and RepeatedHeadersKept such that were not.
	RepeatedHeaderRecords  = "repeated_header_records"
	RepeatedHeadersDropped = "repeated_headers_dropped"
	RepeatedHeadersKept    = "repeated_headers_kept"
	// DashesRecord is a line of dashes below the header that was read as a record, DashesDropped and
	// DashesKept such that were not.
	DashesRecord  = "dashes_record"
	DashesDropped = "dashes_dropped"
	DashesKept    = "dashes_kept"
	// FooterRecord is a last record, not kept, that seems to be a footer.
	FooterRecord = "footer_record"
	// DelimiterIs, with a word for a delimiter behind it, is one that was not said but found.
	DelimiterIs = "delimiter_"
	// LostDigits are values in scientific notation, such as 9.43E+09, that lost digits.
	LostDigits = "lost_digits"
)

// Column is a column of a dataset.
type Column struct {
	// Name is its name, a dotted path where columns nest; "" where the dataset has no names.
	Name string
	// Type is its type in the words of the format, "" where there is only text.
	Type string
	// Doubtful tells that Name is where a value may be as well: in the first line of a text
	// of which nobody said that it has a header.
	Doubtful bool
	// Declared tells that Name comes from a schema: it is a name for sure, and no value.
	Declared bool
	// Numberless tells that the type has no room for an NHS number: a date, a Boolean value.
	Numberless bool
	// Refused is why Scan refuses to tell people by the column, nil where it does not. A sample may
	// show NHS numbers in it all the same.
	Refused error
}

// Sinks take what a Scan reads. A nil Writer takes nothing: with both nil a Scan only reads.
type Sinks struct {
	// Watch, where not nil, is shown the values of further columns.
	Watch *Watch
	// Holds, where not nil, reports whether a text holds, in whatever form, the number of somebody
	// who opted out. A format asks it of what it passes on and is part of no record.
	Holds func(text []byte) bool
	// Kept takes the records with the fate Keep.
	Kept io.Writer
	// Withheld takes the records with the fate Withhold.
	Withheld io.Writer
}

// Fates yields the writers that are not nil, and the fate of the records that each takes.
func (s *Sinks) Fates() iter.Seq2[Fate, io.Writer] {
	return func(yield func(Fate, io.Writer) bool) {
		if s.Kept != nil && !yield(Keep, s.Kept) {
			return
		}
		if s.Withheld != nil {
			yield(Withhold, s.Withheld)
		}
	}
}

// Fate is what becomes of a record. The zero Fate drops it, so that a fate nobody set does not
// leak.
type Fate uint8

const (
	// Drop writes the record nowhere.
	Drop Fate = iota
	// Keep writes the record to the output.
	Keep
	// Withhold leaves the record out of the output but lets it go to the file for follow-up.
	Withhold
)

// Batch is a run of consecutive records, with the values that identify the people in them.
type Batch struct {
	// Seq numbers the batches of a Scan from 0 in the order of the input, without gaps.
	Seq int
	// Records is the number of records.
	Records int
	// Columns has the values of each identifying column, in the order in which Scan was given them.
	Columns []Values
}

// FixedWidth are texts of one length that lie at equal distances.
type FixedWidth struct {
	// Data holds them, the first at Start, and each Stride bytes after the one before.
	Data          []byte
	Start, Stride int
	// Size is the length of a text, in bytes.
	Size int
	// Count is the number of texts.
	Count int
}

// At returns text i, from 0.
func (e *FixedWidth) At(i int) []byte {
	at := e.Start + i*e.Stride
	return e.Data[at : at+e.Size : at+e.Size]
}

// AppendTo appends a slice for each text to dst.
func (e *FixedWidth) AppendTo(dst [][]byte) [][]byte {
	for i := range e.Count {
		dst = append(dst, e.At(i))
	}
	return dst
}

// Values are the values of one column in a batch. Just one of Text, Fixed, Ints and Floats is set,
// unless there are no values at all. The slices are lent for the time of the call.
type Values struct {
	// Text has values as bytes; a nil slice is a null.
	Text [][]byte
	// Fixed has values as bytes where they lie at equal distances, as texts of one length often do,
	// so that none needs a slice of its own: those of the first stretch, then those of the next.
	Fixed []FixedWidth
	// Ints has the values of integer columns, where an int64 holds all that the type can. Numbers
	// of other types are in Text, in plain decimal notation.
	Ints []int64
	// Floats has the values of floating-point columns.
	Floats []float64
	// Index, where not nil, has one entry an occurrence: the place of its value in Text, Fixed,
	// Ints or Floats, so that a dictionary need not be spelt out, or -1 for a null. Where nil,
	// occurrence i has value i.
	Index []int32
	// Ends, where not nil, has one entry a record: the end of its occurrences, which start where
	// those of the record before end. A record without occurrences has no value. Where nil, record
	// i has occurrence i alone.
	Ends []int32
}

// Decider decides on records. Decide fills fates, which has one entry a record. It is called from
// several goroutines.
type Decider interface {
	Decide(batch *Batch, fates []Fate) error
}

// Watch has columns that do not identify people looked at while a Scan passes: somebody's number
// may be in them all the same.
type Watch struct {
	// Columns are the columns to look at, indexes into Dataset.Columns. Those that cannot hold an
	// NHS number are left out by the format.
	Columns []int
	// First are the digits with which a number starts that is looked for: other texts of ten digits
	// need not be shown.
	First [10]bool
	// Watcher looks at their values.
	Watcher Watcher
}

// Slots returns the slot of each of so many columns, and -1 for those that are not watched or can
// hold no NHS number. A nil Watch watches none.
func (w *Watch) Slots(columns int, numberless func(column int) bool) []int {
	slots := make([]int, columns)
	for i := range slots {
		slots[i] = -1
	}
	if w != nil {
		for slot, c := range w.Columns {
			if !numberless(c) {
				slots[c] = slot
			}
		}
	}
	return slots
}

// Watcher looks at the values of watched columns. A column is told by its slot, its place in
// Watch.Columns. A Watcher is called from several goroutines. It sees the values of all records,
// those that are dropped too; of values that stand for many records, as those of a dictionary do,
// it sees each once or more often, and it need not see texts without ten digits that do not hold
// "nhs" in any case.
type Watcher interface {
	// Watch looks at values, of which Index and Ends do not count, and appends to hits the places
	// of those that are numbers of people who opted out. name is the place of the first value that
	// is what a column of NHS numbers is called, or -1.
	Watch(slot int, values *Values, hits []int32) (_ []int32, name int)
	// WatchTens is Watch for texts of ten ASCII digits, each of which starts in data at one of
	// starts.
	WatchTens(slot int, data []byte, starts []int32, hits []int32) []int32
	// Count says that so many values, in so many records that are written, were hits.
	Count(slot int, values, records int)
}

// NameMet is the error of a Scan that met, in a watched column, a value that is what a column of
// NHS numbers is called: below it another table may begin.
type NameMet struct {
	// Slot is the place of the column in Watch.Columns.
	Slot int
}

// Error says what was met, without the value.
func (*NameMet) Error() string { return "the name of a column of NHS numbers among the records" }

// Errors that an *InputError may wrap beside those of the formats.
var (
	// ErrEmpty is an input without a single byte.
	ErrEmpty = errors.New("the file is empty")
	// ErrSnapshot is a snapshot where a dataset is expected.
	ErrSnapshot = errors.New("it is a snapshot, not a dataset")
	// ErrUnknownFormat is an input that no format recognises.
	ErrUnknownFormat = errors.New("not a format that this program reads")
)

// InputError says that an input is refused: malformed, or of a kind that is not supported. It never
// holds a value from the input.
type InputError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Line and Column are the place in a text, from 1, the column in bytes; 0 where unknown or
	// meaningless.
	Line, Column int64
	// Part names the place in a binary file, as `row group 2, column "id"`; "" in a text.
	Part string
	// Err says what is wrong and what to do about it.
	Err error
}

// Error gives one line: the place, and what is wrong.
func (e *InputError) Error() string { return e.Place() + ": " + e.Err.Error() }

// Place gives the place as name:line:column or name: part.
func (e *InputError) Place() string {
	var place strings.Builder
	place.WriteString(e.Name)
	if e.Line > 0 {
		fmt.Fprintf(&place, ":%d", e.Line)
		if e.Column > 0 {
			fmt.Fprintf(&place, ":%d", e.Column)
		}
	}
	if e.Part != "" {
		place.WriteString(": " + e.Part)
	}
	return place.String()
}

// Kind returns kind.Input.
func (*InputError) Kind() kind.Kind { return kind.Input }

// Unwrap gives the reason.
func (e *InputError) Unwrap() error { return e.Err }
