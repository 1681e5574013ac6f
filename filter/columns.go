package filter

// Which columns identify people: those that the user names, or the one whose header says so.

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// Errors that choosing the columns can give; each is wrapped in a *ColumnError.
var (
	ErrNoColumn     = errors.New("no such column")
	ErrManyColumns  = errors.New("more than one column of that name")
	ErrNotDetected  = errors.New("no column is named like an NHS number: name it with --column")
	ErrManyDetected = errors.New("more than one column is named like an NHS number: name each that holds one with --column, and allow the others with --allow-column")
	ErrNoNames      = errors.New("the columns have no names: give --column a number, from 1")
	ErrAmbiguous    = errors.New("a column has this number for a name: two columns could be meant")
	ErrNamedTwice   = errors.New("named twice")
	ErrAllowedToo   = errors.New("it identifies people, so that there is nothing to allow")
	// ErrSaidUnnamed is a column that is named like an NHS number, and neither identifies people nor is allowed.
	ErrSaidUnnamed = errors.New("named like an NHS number")
	// ErrNoHeaderSaid is a first line of which nobody can tell whether it is a header.
	ErrNoHeaderSaid = errors.New("no cell of the first line is like the name of a column: pass --no-header if the line is data, or --header if it has the names")
	ErrNotAName     = errors.New("what stands in the first line for this column is no name but may be data: pass --no-header if the file has no header")
)

// ColumnError says why the identifying columns of an input could not be told.
type ColumnError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Wanted is what the user asked for, "" where the header was to decide.
	Wanted string
	// Flag is what the user asked for it with, "" for --column.
	Flag string
	// Err is one of the errors above.
	Err error
	// Columns lists the names of the columns, for the message; it is empty where the header might be data.
	Columns []string
	// Count is the number of columns.
	Count int
	// Hint says more, or is "".
	Hint string
	// Said are the columns of ErrSaidUnnamed, and Named those that identify people.
	Said, Named []string
}

// mostNames is how many names of columns an error lists.
const mostNames = 60

// Error gives one line with the names to choose from.
func (e *ColumnError) Error() string {
	var text strings.Builder
	text.WriteString(e.Name + ": ")
	if e.Err == ErrSaidUnnamed {
		return text.String() + e.said()
	}
	switch {
	case looksLikeName(e.Wanted) || isPlace(e.Wanted, e.Count) || e.byNumber():
		fmt.Fprintf(&text, "%s %s: ", cmp.Or(e.Flag, "--column"), e.Wanted)
	case e.Flag != "":
		text.WriteString(e.Flag + ": ")
	}
	text.WriteString(e.Err.Error())
	next := "; the"
	if e.Hint != "" {
		text.WriteString("; " + e.Hint)
	}
	if strings.HasSuffix(e.Hint, "?") {
		next = " The"
	}
	switch {
	case len(e.Columns) > mostNames:
		fmt.Fprintf(&text, "%s first columns of %d are: %s", next, len(e.Columns), strings.Join(e.Columns[:mostNames], ", "))
	case len(e.Columns) > 0:
		fmt.Fprintf(&text, "%s columns are: %s", next, strings.Join(e.Columns, ", "))
	case e.Err == ErrNoNames || e.Err == ErrNotAName:
	case e.byNumber():
		fmt.Fprintf(&text, "; the first record has %s", plural(e.Count, "field"))
	case e.Count == 1:
		text.WriteString("; there is 1 column, whose name is not shown since the first line may be data")
	default:
		fmt.Fprintf(&text, "; there are %d columns, whose names are not shown since the first line may be data", e.Count)
	}
	return text.String()
}

// byNumber tells whether a column that is not there was asked for by its number, where there are no names to choose from. The number may be
// shown: it is no larger than that of a column could be.
func (e *ColumnError) byNumber() bool {
	number, err := strconv.Atoi(e.Wanted)
	return e.Err == ErrNoColumn && len(e.Columns) == 0 && err == nil && number > 0 && number < 100_000
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// said is the message of ErrSaidUnnamed.
func (e *ColumnError) said() string {
	columns, are := "column", "is"
	if len(e.Said) > 1 {
		columns, are = "columns", "are"
	}
	names := make([]string, 0, mostTold)
	for _, name := range e.Said[:min(len(e.Said), mostTold)] {
		names = append(names, quoted(name))
	}
	if e.Hint != "" { // no flag filters by it
		return fmt.Sprintf("%s %s %s named like an NHS number: %s", columns, strings.Join(names, ", "), are, e.Hint)
	}
	return fmt.Sprintf("%s %s %s named like an NHS number and not by --column: filter by all with%s, or, where there is no number in it, pass%s",
		columns, strings.Join(names, ", "), are, flags("--column", slices.Concat(e.Named, e.Said)), flags("--allow-column", e.Said))
}

// Unwrap gives the reason.
func (e *ColumnError) Unwrap() error { return e.Err }

// numberNames are what an NHS number is called in the headers of extracts, letters and digits only and in lower case;
// personNames are whose number it may be said to be. Names of a second person are among them, so that a header with two
// such columns stops the run instead of letting one go unseen.
var (
	numberNames = []string{"nhs", "nhsnumber", "nhsnumbers", "nhsno", "nhsnum", "nhsnr", "nhsid"}
	personNames = []string{
		"", "patient", "patients", "pat", "person", "subject", "client", "new", "current", "clean",
		"mother", "mothers", "maternal", "mum", "father", "fathers", "partner",
		"baby", "babys", "babies", "child", "childs", "infant", "newborn",
	}
)

// isIdentifying tells whether a column of that name holds NHS numbers, by all that a name can tell.
func isIdentifying(name string) bool {
	if strings.ContainsAny(name, "\t;|") {
		return false // several names, between another delimiter
	}
	name = plainName(name)
	for _, number := range numberNames {
		for _, person := range personNames {
			if name == person+number || name == number+person || name == number+"of"+person {
				return true
			}
		}
	}
	return false
}

// saysNumber tells whether a name says that there are NHS numbers, whatever else it says: father_nhs_number, nhs_number.1, "NHS number
// (traced)". The status of a number is often beside it under such a name, and so is a second number: only who knows the data
// can tell the two.
func saysNumber(name string) bool {
	if isIdentifying(name) || isIdentifying(lastPart(name)) {
		return true
	}
	words := nameWords(name)
	for i, word := range words {
		if word == "nhs" && i+1 < len(words) && startsLike(words[i+1], "number", "numbers", "no", "num", "nr", "nbr", "id") {
			return true
		}
		for _, number := range []string{"nhsnum", "nhsno", "nhsnr", "nhsnbr"} {
			if at := strings.Index(word, number); at >= 0 && !startsOtherWord(number, word[at+len(number):]) {
				return true
			}
		}
	}
	return false
}

// startsLike tells whether a word is one of some, with digits behind it or not.
func startsLike(word string, some ...string) bool {
	return slices.Contains(some, strings.TrimRightFunc(word, unicode.IsDigit)) || strings.HasPrefix(word, "number")
}

// startsOtherWord tells whether nhsno goes on as another word does: nhsnotes, nhsnorth, nhsnon, nhsnominated.
func startsOtherWord(number, rest string) bool {
	return number == "nhsno" && slices.ContainsFunc([]string{"te", "ti", "rt", "n", "m", "w", "d"}, func(start string) bool { return strings.HasPrefix(rest, start) })
}

// nameWords takes a name apart into words in lower case, at what is no letter or digit and where a capital follows a small letter.
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

// ColumnRules are the rules by which the columns of an input are chosen.
type ColumnRules struct {
	// Identifying are the names or numbers, from 1, of the columns that identify people; with none the header decides.
	Identifying []string
	// Allowed are the names or numbers of columns that may hold NHS numbers though they do not identify people.
	Allowed []string
	// Batch says that the input is one of several for which the rules were given: it need not have every column of Allowed.
	Batch bool
	// Forced lets columns identify people though less than half of their first values are NHS numbers.
	Forced bool
}

// chosen are the columns of an input by what a run does with them, as places.
type chosen struct {
	// identifying columns tell whose record it is.
	identifying []int
	// allowed columns may hold NHS numbers without identifying anybody.
	allowed []int
	// doubtful tells that the first line may be data, and was taken for names that nobody used.
	doubtful bool
}

// chooseColumns returns the identifying columns: those wanted, by name or by number from 1, or where none is wanted the only one
// whose name is identifying; and those that are allowed. It refuses an input in which a further column is named like an
// NHS number. name is the input's, for messages; of many inputs not each need have the columns that are allowed.
func chooseColumns(name string, columns []formats.Column, rules ColumnRules) (c chosen, err error) {
	wanted, allowed, many := rules.Identifying, rules.Allowed, rules.Batch
	var others []int // that are allowed where no column is wanted
	if len(wanted) == 0 {
		if others, err = allowedColumns(name, columns, nil, allowed, many); err != nil {
			return c, err
		}
		if c.identifying, err = detectColumn(name, columns, others); errors.Is(err, ErrNotDetected) {
			if only, e := detectColumn(name, columns, nil); e == nil { // which then is allowed
				_, err = allowedColumns(name, columns, only, allowed, many)
			}
		}
	} else {
		c.identifying, c.doubtful, err = wantedColumns(name, columns, wanted)
	}
	if err != nil {
		return c, err
	}
	if c.allowed, err = allowedColumns(name, columns, c.identifying, allowed, many); err != nil {
		return c, err
	}
	if unnamed := saidColumns(columns, slices.Concat(c.identifying, c.allowed)); len(unnamed) > 0 {
		e := columnError(name, columns, "", ErrSaidUnnamed)
		e.Said, e.Named = labelsOf(columns, unnamed), labelsOf(columns, c.identifying)
		for _, place := range unnamed {
			if reason := columns[place].Refused; reason != nil {
				e.Hint = reason.Error()
			}
		}
		return c, e
	}
	return c, nil
}

// saidColumns returns the columns named like an NHS number that can hold one and are not among some.
func saidColumns(columns []formats.Column, some []int) (said []int) {
	if nameless(columns) {
		return nil
	}
	for i, c := range columns {
		if saysNumber(c.Name) && !c.Numberless && !slices.Contains(some, i) {
			said = append(said, i)
		}
	}
	return said
}

func labelsOf(columns []formats.Column, places []int) []string {
	labels := columnLabels(columns)
	names := make([]string, len(places))
	for i, place := range places {
		names[i] = labels[place]
	}
	return names
}

// wantedColumns returns the places of the columns wanted. It is doubtful whether they have names where they are told by their
// numbers and no cell of the first line is like a name.
func wantedColumns(name string, columns []formats.Column, wanted []string) (places []int, doubtful bool, err error) {
	byNumber := true
	for _, w := range wanted {
		place, err := findColumn(columns, w)
		if err == nil && !nameless(columns) && !looksLikeName(columns[place].Name) {
			err = ErrNotAName
		}
		if err == nil && slices.Contains(places, place) {
			err = ErrNamedTwice
		}
		if err != nil {
			return nil, false, columnError(name, columns, w, err)
		}
		byNumber = byNumber && columns[place].Name != w
		places = append(places, place)
	}
	doubtful = byNumber && columns[places[0]].Doubtful && !slices.ContainsFunc(columns, isLikeColumnName)
	return places, doubtful, nil
}

// isLikeColumnName tells whether a cell of a first line is what columns are called, and values are not.
func isLikeColumnName(c formats.Column) bool {
	return looksLikeName(c.Name) && (saysNumber(c.Name) || headerEvidence(c.Name) > 0)
}

// findColumn returns the place of the column with the name or the number wanted.
func findColumn(columns []formats.Column, wanted string) (int, error) {
	place := -1
	for i, c := range columns {
		if c.Name != wanted || c.Name == "" {
			continue
		}
		if place >= 0 {
			return 0, ErrManyColumns
		}
		place = i
	}
	number, _ := strconv.Atoi(wanted)
	counted := isPlace(wanted, len(columns))
	switch {
	case place >= 0 && counted && number-1 != place:
		return 0, ErrAmbiguous
	case place >= 0:
		return place, nil
	case counted:
		return number - 1, nil
	case nameless(columns) && number == 0:
		return 0, ErrNoNames
	}
	return 0, ErrNoColumn
}

// isPlace tells whether wanted counts one of so many columns, from 1.
func isPlace(wanted string, columns int) bool {
	number, err := strconv.Atoi(wanted)
	return err == nil && number >= 1 && number <= columns
}

// nameless tells whether a dataset has no names at all.
func nameless(columns []formats.Column) bool {
	return !slices.ContainsFunc(columns, func(c formats.Column) bool { return c.Name != "" })
}

// detectColumn returns the only column whose name is identifying, those allowed left out.
func detectColumn(name string, columns []formats.Column, allowed []int) ([]int, error) {
	var found []int
	another := false
	for i, c := range columns {
		switch {
		case slices.Contains(allowed, i) || c.Numberless:
		case isIdentifying(c.Name) || isIdentifying(lastPart(c.Name)):
			found = append(found, i)
		case saysNumber(c.Name):
			another = true
		}
	}
	switch {
	case nameless(columns):
		return nil, columnError(name, columns, "", ErrNoNames)
	case len(found) == 0:
		return nil, columnError(name, columns, "", ErrNotDetected)
	case len(found) > 1 || another:
		return nil, columnError(name, columns, "", ErrManyDetected)
	}
	return found, nil
}

// lastPart is the last part of the dotted path of a nested column; of a list it is the list's own name, since those of
// its elements are a matter of the format (Parquet, LogicalTypes.md, "Lists").
func lastPart(path string) string {
	for _, element := range []string{".list.element", ".list.item", ".bag.array_element", ".array"} {
		path = strings.TrimSuffix(path, element)
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// plainName reduces a name to letters and digits in lower case.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

func columnError(name string, columns []formats.Column, wanted string, reason error) *ColumnError {
	e := &ColumnError{Name: name, Wanted: wanted, Err: reason, Count: len(columns)}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	if !looksLikeHeader(names) {
		return e
	}
	e.Columns = names
	if len(names) == 1 && reason != ErrNamedTwice {
		e.Hint = delimiterHint(names[0])
	}
	if reason == ErrNoColumn {
		if near := nearest(wanted, names); near != "" {
			e.Hint = fmt.Sprintf("did you mean %s?", near)
		}
	}
	return e
}

// Words of which nearly every header has one, and hardly any record: headerWords alone, valueWords, which may be the value of something
// too ("no", "mother"), with another of them or in a name of several words.
var (
	headerWords = []string{"id", "nhs", "number", "num", "name", "date", "dob", "code", "key", "sex", "gender", "age", "postcode"}
	valueWords  = []string{
		"no", "time", "type", "ward", "site", "trust", "gp", "practice", "cost", "note", "notes", "status", "mother", "baby", "patient",
		"value", "year",
	}
)

// looksLikeHeader tells whether names can be shown. A first line that is data must not be: each of them must look like
// a name, and they must have words or an underscore in them as names of columns do.
func looksLikeHeader(names []string) bool {
	for _, name := range names {
		if !looksLikeName(name) {
			return false
		}
	}
	found := 0 // 2 are enough
	for _, name := range names {
		found += headerEvidence(name)
	}
	return found >= 2
}

// headerEvidence says how much a cell is like the name of a column: 0 for nothing, 2 for enough.
func headerEvidence(name string) int {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	switch {
	case strings.Contains(name, "_"), containsAny(words, headerWords), len(words) > 1 && containsAny(words, valueWords):
		return 2
	case containsAny(words, valueWords):
		return 1
	}
	return 0
}

func containsAny(words, known []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(known, word) })
}

// looksLikeName tells whether a header cell can be a name and may be shown: it starts with a letter or an underscore,
// has at most four digits, is not what stands for a missing value, and is short and printable.
func looksLikeName(name string) bool {
	if len(name) > 100 || !utf8.ValidString(name) {
		return false
	}
	if _, status := nhsnumber.Parse([]byte(name)); status == nhsnumber.Missing {
		return false
	}
	digits := 0
	for i, r := range name {
		if i == 0 && !unicode.IsLetter(r) && r != '_' {
			return false
		}
		if unicode.IsDigit(r) {
			digits++
		}
		if !unicode.IsPrint(r) && r != '\t' {
			return false
		}
	}
	return digits <= 4
}

// delimiterHint is for a file of one column whose name holds another delimiter.
func delimiterHint(name string) string {
	for _, d := range []struct{ delimiter, word string }{{"\t", "tab"}, {";", "semicolon"}, {"|", "pipe"}} {
		if strings.Contains(name, d.delimiter) {
			return "is the delimiter another one, --delimiter " + d.word + "?"
		}
	}
	return ""
}

// nearest returns the name that differs least from wanted, beside case and punctuation in at most two letters and less
// than half of them, or "".
func nearest(wanted string, names []string) string {
	wanted = plainName(wanted)
	best, least := "", min(3, (len(wanted)+1)/2)
	for _, name := range names {
		if d := editDistance(wanted, plainName(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance of two short texts, in bytes.
func editDistance(a, b string) int {
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
