package main

// The search for leaks: files drawn at random, of the kinds in which people who opted out were once
// let through, go through the commands with every policy, and whatever is written is searched for
// their numbers by code that shares nothing with the program.

import (
	stdbytes "bytes"
	"context"
	stdcsv "encoding/csv"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"noo/cmd/noo/internal/buildinfo"
	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/internal/zipfile/ziptest"
	"noo/snapshot"
)

var (
	leakRounds = flag.Int("leaks", 0, "how many datasets TestLeaks draws; 0 for a few")
	leakSeed   = flag.Uint64("leakseed", 1, "the seed from which TestLeaks draws them")
)

// leakPerson makes a number of the range that is never issued, by the rule of the NHS Data
// Dictionary.
func leakPerson(r *rand.Rand) string {
	for {
		digits, sum := fmt.Sprintf("9%08d", r.IntN(100_000_000)), 0
		for i, d := range digits {
			sum += int(d-'0') * (10 - i)
		}
		check := (11 - sum%11) % 11
		if check < 10 {
			return digits + strconv.Itoa(check)
		}
	}
}

// leakData is a dataset in the making: its columns, and its values as a person would write them.
type leakData struct {
	names   []string
	kinds   []string // of columns: see leakColumn
	records [][]string
}

// dress writes a number in one of the forms that people use; plain ones are those that every reader
// takes for it.
func dress(r *rand.Rand, number string, plain bool) string {
	a, b, c := number[:3], number[3:6], number[6:]
	forms := []string{
		number, number, number, a + " " + b + " " + c, a + "-" + b + "-" + c, " " + number, number + " ", "'" + number, number + ".0", `="` + number + `"`,
		a + "\u00a0" + b + "\u00a0" + c, number + "\u200b", "\u202d" + number + "\u202c", a + "\u2009" + b + "\u2009" + c, "\ufeff" + number, number[:1] + "." + number[1:] + "E9",
	}
	if !plain {
		forms = append(forms, a+"."+b+"."+c, "("+number+")", number+"V", a+"/"+b+"/"+c, number[:5]+" "+number[5:], "NHS "+number, number+"*",
			strings.Map(func(d rune) rune { return d - '0' + '０' }, number), strings.Map(func(d rune) rune { return d - '0' + '٠' }, number),
			a+"  "+b+"  "+c, "["+number+"]", a+"\u2013"+b+"\u2013"+c, "`"+number, "+"+number, number+".", a+"\t"+b+"\t"+c)
	}
	return forms[r.IntN(len(forms))]
}

// disguise writes a number into a text in which it is not alone: only in an identifying column is it looked for there.
func disguise(r *rand.Rand, number string) string {
	forms := []string{
		number + " (verified 2024)", "0" + number, number + "/" + number, "tel 020 " + number, number + "^^^NHS^2", number[:1] + "." + number[1:] + "E9",
		number[:1] + "." + strings.TrimRight(number[1:], "0") + "e+09", "https://fhir.nhs.uk/2/" + number, number[:3] + "," + number[3:] + ",00", strings.ReplaceAll(number, "0", "O"),
	}
	return forms[r.IntN(len(forms))]
}

// drawLeakData draws a dataset of people of whom some have opted out.
func drawLeakData(r *rand.Rand, out, others []string) *leakData {
	d := &leakData{names: []string{"episode", pick(r, "nhs_number", "NHS number", "NHS_NO", "patient_nhs_number")}, kinds: []string{"id", "number"}}
	for range r.IntN(4) {
		kind := pick(r, "second", "second", "sparse", "text", "date", "phone", "late")
		name := map[string][]string{
			"second": {"NHS number traced", "baby_nhs_number", "PERSON_ID", "SUPERSEDED_BY", "NHS_NUMBER_PDS_CHECKED", "mother", "ref"},
			"sparse": {"twin", "baby", "previous_id"}, "late": {"merged_with", "old_id"}, "text": {"note", "ward"}, "date": {"admitted", "seen_on"}, "phone": {"tel", "code"},
		}[kind]
		d.names, d.kinds = append(d.names, name[r.IntN(len(name))]+strings.Repeat("_x", len(d.names)-2)), append(d.kinds, kind)
	}
	n := 1 + r.IntN(30)
	if r.IntN(6) == 0 {
		n = 1200 + r.IntN(400) // more than a sample sees
	}
	person := func(share int) string {
		if r.IntN(share) == 0 {
			return out[r.IntN(len(out))]
		}
		return others[r.IntN(len(others))]
	}
	for i := range n {
		record := make([]string, len(d.names))
		for c, kind := range d.kinds {
			switch kind {
			case "id":
				record[c] = strconv.Itoa(i)
			case "number":
				switch r.IntN(12) {
				case 0:
					record[c] = pick(r, "", "NULL", "x", "unknown", "9.43E+09", "-")
				case 1:
					record[c] = disguise(r, person(3))
				case 2:
					record[c] = dress(r, person(3), false)
				default:
					record[c] = dress(r, person(6), true)
				}
			case "second":
				record[c] = dress(r, person(4), r.IntN(2) == 0)
			case "sparse":
				if r.IntN(10) == 0 {
					record[c] = dress(r, person(3), true)
				}
			case "late":
				if i == n-1 {
					record[c] = dress(r, person(2), false)
				}
			case "text":
				record[c] = pick(r, "fever, cough", `said "better"`, "did not attend", "café", "", "two\nlines")
			case "date":
				record[c] = pick(r, "2026-01-02", "2025-11-30 10:11", "")
			case "phone":
				record[c] = fmt.Sprintf("07%09d", r.IntN(1_000_000_000))
			}
		}
		d.records = append(d.records, record)
	}
	return d
}

func pick[T any](r *rand.Rand, some ...T) T { return some[r.IntN(len(some))] }

// restOfRecord stands in the second line of a record of somebody who opted out, in a note with a line feed that nobody put into quotes. A reader
// that takes the line feed for the end of the record takes the line for another person's record.
const restOfRecord = "the rest of the record before"

// CSV writes the dataset as text, sometimes in a way that is read in two ways.
func (d *leakData) csv(r *rand.Rand, ending string, numbers map[string]bool, other string) []byte {
	var out stdbytes.Buffer
	line := func(fields []string, ending string) {
		for i, field := range fields {
			if i > 0 {
				out.WriteByte(',')
			}
			bare := ending == "\r\n" && r.IntN(8) == 0 && !strings.ContainsAny(field, "\",") // a line feed that nobody put into quotes
			if r.IntN(5) == 0 || strings.ContainsAny(field, "\",\r") || strings.Contains(field, "\n") && !bare {
				field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
			}
			out.WriteString(field)
		}
		out.WriteString(ending)
	}
	if r.IntN(20) == 0 {
		line(append([]string{"Extract of November"}, make([]string, len(d.names)-1)...), ending)
	}
	if r.IntN(10) > 0 {
		line(d.names, ending)
	}
	for i, record := range d.records {
		end := ending
		if r.IntN(300) == 0 {
			end = pick(r, "\n", "\r\n")
		}
		if ending == "\r\n" && r.IntN(20) == 0 && search(record[1], numbers) {
			rest := make([]string, len(record))
			copy(rest, []string{restOfRecord, other})
			line(record, "\n")
			line(rest, ending)
			continue
		}
		line(record, end)
		if i > 0 && r.IntN(200) == 0 { // another table below the first, its columns in another order
			names, moved := append([]string{d.names[len(d.names)-1]}, d.names[:len(d.names)-1]...), func(record []string) []string {
				return append([]string{record[len(record)-1]}, record[:len(record)-1]...)
			}
			line(names, ending)
			for _, record := range d.records[:min(len(d.records), 5)] {
				line(moved(record), ending)
			}
			break
		}
	}
	return out.Bytes()
}

// batch makes the dataset a record batch, numbers in one of the types that hold them or one of some
// more.
func (d *leakData) batch(r *rand.Rand, more ...arrow.DataType) arrow.RecordBatch {
	types := make([]arrow.DataType, len(d.names))
	fields := make([]arrow.Field, len(d.names))
	for c, kind := range d.kinds {
		types[c] = arrow.BinaryTypes.String
		if kind == "number" || kind == "second" || kind == "sparse" || kind == "late" {
			types[c] = pick(r, append(more, arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64,
				arrow.PrimitiveTypes.Uint64, &arrow.Decimal128Type{Precision: 38, Scale: 10}, &arrow.Decimal128Type{Precision: 12, Scale: 2},
				&arrow.Decimal256Type{Precision: 76, Scale: 20}, &arrow.FixedSizeBinaryType{ByteWidth: 16}, arrow.ListOf(arrow.BinaryTypes.String))...)
		}
		fields[c] = arrow.Field{Name: d.names[c], Type: types[c], Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, record := range d.records {
		for c, value := range record {
			appendValue(b.Field(c), value)
		}
	}
	return b.NewRecordBatch()
}

// parquet writes the dataset as a Parquet file.
func (d *leakData) parquet(r *rand.Rand) []byte {
	batch := d.batch(r)
	defer batch.Release()
	table := array.NewTableFromRecords(batch.Schema(), []arrow.RecordBatch{batch})
	defer table.Release()
	var out stdbytes.Buffer
	properties := parquet.NewWriterProperties(
		parquet.WithDictionaryDefault(r.IntN(2) == 0), parquet.WithDataPageSize(int64(64<<r.IntN(10))), parquet.WithMaxRowGroupLength(int64(1+r.IntN(2000))),
		parquet.WithCompression(pick(r, compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd)),
		parquet.WithDataPageVersion(pick(r, parquet.DataPageV1, parquet.DataPageV2)), parquet.WithStats(true),
	)
	if err := pqarrow.WriteTable(table, &out, 1<<20, properties, pqarrow.DefaultWriterProps()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// arrow writes the dataset as an Arrow file or stream, in batches of any size.
func (d *leakData) arrow(r *rand.Rand, stream bool) []byte {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String}
	batch := d.batch(r, dictionary, dictionary, arrow.BinaryTypes.StringView, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.Binary)
	defer batch.Release()
	var out stdbytes.Buffer
	options := []ipc.Option{ipc.WithSchema(batch.Schema())}
	options = append(options, pick(r, nil, nil, []ipc.Option{ipc.WithLZ4()}, []ipc.Option{ipc.WithZstd()})...)
	var w interface {
		Write(arrow.RecordBatch) error
		Close() error
	} = ipc.NewWriter(&out, options...)
	if !stream {
		out.Reset()
		file, err := ipc.NewFileWriter(&out, options...)
		if err != nil {
			panic(err)
		}
		w = file
	}
	for at := int64(0); at < batch.NumRows(); {
		next := min(at+1+int64(r.IntN(1000)), batch.NumRows())
		slice := batch.NewSlice(at, next)
		if err := w.Write(slice); err != nil {
			panic(err)
		}
		slice.Release()
		at = next
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// appendValue appends a value to a column; what its type has no room for is a null.
func appendValue(b array.Builder, value string) {
	digits := strings.Map(func(c rune) rune {
		if '0' <= c && c <= '9' {
			return c
		}
		return -1
	}, strings.TrimSuffix(strings.TrimSuffix(value, ".0"), "E9"))
	n, err := strconv.ParseInt(digits, 10, 64)
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(value)
	case *array.LargeStringBuilder:
		b.Append(value)
	case *array.StringViewBuilder:
		b.Append(value)
	case *array.BinaryBuilder:
		b.AppendString(value)
	case *array.BinaryDictionaryBuilder:
		if err := b.AppendString(value); err != nil {
			panic(err)
		}
	case *array.ListBuilder:
		b.Append(true)
		texts := b.ValueBuilder().(*array.StringBuilder)
		if one, other, two := strings.Cut(value, "/"); two && len(one) == 10 && len(other) == 10 {
			texts.Append(one)
			value = other
		}
		texts.Append(value)
	default:
		if err != nil {
			b.AppendNull()
			return
		}
		switch b := b.(type) {
		case *array.Int64Builder:
			b.Append(n)
		case *array.Uint64Builder:
			b.Append(uint64(n))
		case *array.Float64Builder:
			b.Append(float64(n))
		case *array.Decimal128Builder:
			v, err := decimal128.FromString(digits, b.Type().(*arrow.Decimal128Type).Precision, b.Type().(*arrow.Decimal128Type).Scale)
			if err != nil {
				b.AppendNull()
				return
			}
			b.Append(v)
		case *array.Decimal256Builder:
			v, err := decimal256.FromString(digits, 76, 20)
			if err != nil {
				b.AppendNull()
				return
			}
			b.Append(v)
		case *array.FixedSizeBinaryBuilder:
			var wide [16]byte
			for i := range 8 {
				wide[15-i] = byte(n >> (8 * i))
			}
			b.Append(wide[:])
		}
	}
}

// search tells where one of the numbers is in a text, whatever stands between its digits, in whatever script. It is told by windows of ten
// digits, of which a text without a number of ours has none by chance.
func search(text string, numbers map[string]bool) bool {
	digits := make([]byte, 0, len(text))
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
			digits = append(digits, byte(c))
		case unicode.Is(unicode.Nd, c):
			zero := c
			for unicode.Is(unicode.Nd, zero-1) && c-zero < 9 {
				zero--
			}
			digits = append(digits, byte('0'+(c-zero)%10))
		}
	}
	for i := 0; i+10 <= len(digits); i++ {
		if numbers[string(digits[i:i+10])] {
			return true
		}
	}
	return false
}

// searchCSV searches a text as it is, and field by field but in the columns allowed.
func searchCSV(data []byte, numbers map[string]bool, allowed map[int]bool) (bool, error) {
	if len(allowed) == 0 {
		for number := range numbers {
			if stdbytes.Contains(data, []byte(number)) {
				return true, nil
			}
		}
	}
	r := stdcsv.NewReader(stdbytes.NewReader(data))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	for {
		record, err := r.Read()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		for c, field := range record {
			if !allowed[c] && search(field, numbers) {
				return true, nil
			}
		}
	}
}

// searchParquet searches a file as it is, and value by value as Arrow reads it, but in the columns allowed.
func searchParquet(data []byte, numbers map[string]bool, allowed map[int]bool) (bool, error) {
	if len(allowed) == 0 {
		for number := range numbers {
			if stdbytes.Contains(data, []byte(number)) {
				return true, nil
			}
		}
	}
	table, err := pqarrow.ReadTable(context.Background(), stdbytes.NewReader(data), nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return false, err
	}
	defer table.Release()
	return searchTable(table, numbers, allowed), nil
}

// searchArrow is searchParquet for a file or a stream of Arrow.
func searchArrow(data []byte, numbers map[string]bool, allowed map[int]bool, stream bool) (bool, error) {
	if len(allowed) == 0 {
		for number := range numbers {
			if stdbytes.Contains(data, []byte(number)) {
				return true, nil
			}
		}
	}
	var batches []arrow.RecordBatch
	var schema *arrow.Schema
	if stream {
		r, err := ipc.NewReader(stdbytes.NewReader(data))
		if err != nil {
			return false, err
		}
		for schema = r.Schema(); r.Next(); {
			r.RecordBatch().Retain()
			batches = append(batches, r.RecordBatch())
		}
		if r.Err() != nil {
			return false, r.Err()
		}
	} else {
		r, err := ipc.NewFileReader(stdbytes.NewReader(data))
		if err != nil {
			return false, err
		}
		schema = r.Schema()
		for i := range r.NumRecords() {
			batch, err := r.RecordBatchAt(i)
			if err != nil {
				return false, err
			}
			batches = append(batches, batch)
		}
	}
	return searchTable(array.NewTableFromRecords(schema, batches), numbers, allowed), nil
}

// searchTable searches a table value by value, but in the columns allowed; a dictionary as a whole.
func searchTable(table arrow.Table, numbers map[string]bool, allowed map[int]bool) bool {
	for c := range int(table.NumCols()) {
		if allowed[c] {
			continue
		}
		for _, chunk := range table.Column(c).Data().Chunks() {
			if dictionary, ok := chunk.(*array.Dictionary); ok {
				chunk = dictionary.Dictionary()
			}
			for i := range chunk.Len() {
				if search(valueText(chunk, i), numbers) {
					return true
				}
			}
		}
	}
	return false
}

func valueText(values arrow.Array, i int) string {
	switch v := values.(type) {
	case *array.Float64:
		if v.IsNull(i) {
			return ""
		}
		return strconv.FormatFloat(v.Value(i), 'f', -1, 64)
	case *array.Binary: // ValueStr has it in Base64
		return string(v.Value(i))
	case *array.FixedSizeBinary:
		n := int64(0)
		if v.IsNull(i) {
			return ""
		}
		for _, b := range v.Value(i) {
			n = n<<8 | int64(b)
		}
		return strconv.FormatInt(n, 10)
	}
	return values.ValueStr(i)
}

// leakRun is one command line over drawn inputs.
type leakRun struct {
	dir     string
	args    []string
	allowed map[int]bool
	suffix  string // of the inputs: .csv, .parquet, .arrow or .arrows
	folder  bool
	plain   string // the inputs as they are, also where the command line names a ZIP file of them
}

// typed reports whether the inputs have types.
func (run *leakRun) typed() bool { return run.suffix != ".csv" }

// search searches what is in a file of a name.
func (run *leakRun) search(name string, data []byte, numbers map[string]bool) (bool, error) {
	switch filepath.Ext(name) {
	case ".csv":
		return searchCSV(data, numbers, run.allowed)
	case ".parquet":
		return searchParquet(data, numbers, run.allowed)
	}
	return searchArrow(data, numbers, run.allowed, filepath.Ext(name) == ".arrows")
}

// TestLeaks draws datasets and command lines, and finds in what they write the number of nobody who opted out.
func TestLeaks(t *testing.T) {
	rounds := *leakRounds
	if rounds == 0 {
		rounds = 1500
		if testing.Short() {
			rounds = 150
		}
	}
	r := rand.New(rand.NewPCG(*leakSeed, 0x1ea5))
	dir := t.TempDir()
	out, others, numbers := []string{}, []string{}, map[string]bool{}
	for range 100 {
		number := leakPerson(r)
		out, numbers[number] = append(out, number), true
	}
	for range 2000 {
		if number := leakPerson(r); !numbers[number] {
			others = append(others, number)
		}
	}
	useSnapshot(t, dir, out)

	codes, checked := map[int]int{}, 0
	for round := range rounds {
		here := filepath.Join(dir, "round")
		if err := os.MkdirAll(here, 0o700); err != nil {
			t.Fatal(err)
		}
		run := drawLeakRun(t, r, here, out, others, numbers)
		code, said := runCommand(run.args)
		codes[code]++
		if leaked, err := run.leaks(code, numbers); err != nil || leaked != "" {
			if keep := os.Getenv("NOO_LEAKS_KEEP"); keep != "" {
				_ = os.CopyFS(keep, os.DirFS(dir))
			}
			t.Fatalf("round %d (-leakseed %d): noo %q ended with %d, and %s holds the number of somebody who opted out, or cannot be read: %v", round, *leakSeed, run.args, code, leaked, err)
		}
		if search(strings.ReplaceAll(said, "%", "\n"), numbers) {
			for line := range strings.Lines(said) {
				if search(line, numbers) {
					t.Fatalf("round %d: noo %q printed the number of somebody who opted out", round, run.args)
				}
			}
		}
		if code == outcome.ExitDone {
			if clean, err := run.checkAgrees(numbers); err != nil {
				t.Fatalf("round %d (-leakseed %d): noo %q: %v", round, *leakSeed, run.args, err)
			} else if clean {
				checked++
			}
		}
		if err := os.RemoveAll(here); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("exit codes %v; %d outputs checked", codes, checked)
	if codes[outcome.ExitDone] < rounds/10 || codes[outcome.ExitUsage] < rounds/10 || codes[outcome.ExitInput] < rounds/100 {
		t.Errorf("exit codes %v of %d rounds: too few of a kind to mean anything", codes, rounds)
	}
}

// useSnapshot makes a key and two snapshots in a folder, and has commands use them: a national one
// and a local one. A third of the people is in each alone, and a third in both.
func useSnapshot(t *testing.T, dir string, optedOut []string) {
	t.Helper()
	key, err := snapshot.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := snapshot.WriteKey(dir, "publisher", key, nil); err != nil {
		t.Fatal(err)
	}
	third := len(optedOut) / 3
	var paths []string
	for scope, numbers := range map[snapshot.Scope][]string{
		snapshot.National: optedOut[:len(optedOut)-third],
		snapshot.Local:    optedOut[third:],
	} {
		path := filepath.Join(dir, string(scope)+".noo")
		err := writeSnapshot(path, key, snapshot.Manifest{
			Scope: scope, Sequence: 7, Created: time.Now(), ValidUntil: time.Now().Add(time.Hour),
		}, numbers)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	t.Setenv("NOO_SNAPSHOT", strings.Join(paths, string(filepath.ListSeparator)))
	t.Setenv("NOO_TRUSTED_KEYS", filepath.Join(dir, "publisher.pub"))
	t.Setenv("NOO_STATE_DIR", filepath.Join(dir, "state"))
}

// drawLeakRun writes inputs and draws a command line for them.
func drawLeakRun(t *testing.T, r *rand.Rand, dir string, out, others []string, numbers map[string]bool) *leakRun {
	t.Helper()
	run := &leakRun{dir: dir, allowed: map[int]bool{}, suffix: pick(r, ".csv", ".csv", ".csv", ".parquet", ".arrow", ".arrows"), folder: r.IntN(5) == 0}
	d := drawLeakData(r, out, others)
	write := func(name string, d *leakData) {
		var data []byte
		switch run.suffix {
		case ".csv":
			data = d.csv(r, pick(r, "\n", "\r\n"), numbers, others[0])
		case ".parquet":
			data = d.parquet(r)
		default:
			data = d.arrow(r, run.suffix == ".arrows")
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	suffix := run.suffix
	input, output, withheld := filepath.Join(dir, "in"+suffix), filepath.Join(dir, "out"+suffix), filepath.Join(dir, "withheld"+suffix)
	if run.folder {
		input, output, withheld = filepath.Join(dir, "in")+"/", filepath.Join(dir, "out")+"/", filepath.Join(dir, "withheld")+"/"
		half := len(d.records) / 2
		write(filepath.Join(input, "a"+suffix), &leakData{d.names, d.kinds, d.records[:max(half, 1)]})
		write(filepath.Join(input, "b"+suffix), &leakData{d.names, d.kinds, d.records[half:]})
	} else {
		write(input, d)
	}
	if run.plain = strings.TrimSuffix(input, "/"); r.IntN(6) == 0 {
		input = zipLeakInputs(t, r, run.plain)
	}
	run.args = []string{"filter", input, "-o", output}
	if r.IntN(2) == 0 {
		run.args = append(run.args, "--withheld", withheld)
	}
	if r.IntN(2) == 0 {
		run.args = append(run.args, "--report", filepath.Join(dir, "report.json"))
	}
	for _, policy := range []string{"--missing", "--invalid"} {
		if r.IntN(2) == 0 {
			run.args = append(run.args, policy, pick(r, "keep", "keep", "keep", "withhold", "fail"))
		}
	}
	if r.IntN(3) > 0 {
		run.args = append(run.args, "--force-column")
	}
	named := r.IntN(2) == 0
	if named {
		run.args = append(run.args, "--column", leakColumnName(r, d, 1, run.typed()))
	}
	for c := 2; c < len(d.names); c++ {
		holds := d.kinds[c] == "second" || d.kinds[c] == "sparse" || d.kinds[c] == "late"
		switch {
		case holds && named && r.IntN(2) == 0:
			run.args = append(run.args, "--column", leakColumnName(r, d, c, run.typed()))
		case r.IntN(8) == 0:
			run.args = append(run.args, "--allow-column", strconv.Itoa(c+1))
			run.allowed[c] = true
		}
	}
	if !run.typed() {
		switch r.IntN(8) {
		case 0:
			run.args = append(run.args, "--record-end", pick(r, "crlf", "lf"))
		case 1:
			run.args = append(run.args, "--header")
		case 2:
			if named {
				run.args = append(run.args, "--no-header")
			}
		}
	}
	return run
}

// zipLeakInputs puts a file or a folder into a ZIP file.
func zipLeakInputs(t *testing.T, r *rand.Rand, plain string) string {
	t.Helper()
	folder, only := plain, ""
	if info, err := os.Stat(plain); err == nil && !info.IsDir() {
		folder, only = filepath.Dir(plain), filepath.Base(plain)
	}
	var f ziptest.File
	err := eachFile(folder, func(name string, content []byte) error {
		if only == "" || name == only {
			f.Entries = append(f.Entries, ziptest.Entry{
				Name: name, Content: content, Method: uint16(pick(r, ziptest.Store, ziptest.Deflate)), Descriptor: pick(r, 0, 16),
			})
		}
		return nil
	})
	if err == nil {
		err = os.WriteFile(plain+".zip", f.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return plain + ".zip"
}

// leakColumnName names a column, by number or name.
func leakColumnName(r *rand.Rand, d *leakData, c int, typed bool) string {
	if r.IntN(2) == 0 && !typed {
		return d.names[c]
	}
	return strconv.Itoa(c + 1)
}

// runCommand runs a command line in this process, and returns its exit code and all that it said.
func runCommand(args []string) (code int, said string) {
	var text stdbytes.Buffer
	null, err := os.Open(os.DevNull)
	if err != nil {
		panic(err)
	}
	defer null.Close()
	t := &ui.Terminal{In: null, Out: &text, Err: &text, Log: eventlog.New(&text, buildinfo.Version())}
	code = execute(context.Background(), t, args)
	return code, text.String()
}

// says reports whether the command line has a flag with a value.
func (run *leakRun) says(flag, value string) bool {
	for i, arg := range run.args[1:] {
		if run.args[i] == flag && arg == value {
			return true
		}
	}
	return false
}

// leaks searches all that a run wrote, and returns the name of the file in which something was found. Where the run failed, there must be no file.
func (run *leakRun) leaks(code int, numbers map[string]bool) (name string, err error) {
	err = filepath.WalkDir(run.dir, func(path string, entry fs.DirEntry, err error) error {
		inside, _ := filepath.Rel(run.dir, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() || strings.HasPrefix(inside, "in"):
			return nil
		case code != outcome.ExitDone && filepath.Ext(path) != ".noo-lock":
			return fmt.Errorf("%s was left", inside)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found := false
		switch filepath.Ext(path) {
		case ".csv":
			found, err = run.search(path, data, numbers)
			found = found || stdbytes.Contains(data, []byte(restOfRecord)) && !run.says("--record-end", "lf")
		case ".parquet", ".arrow", ".arrows":
			found, err = run.search(path, data, numbers)
		default:
			for line := range stdbytes.Lines(data) {
				found = found || len(line) < 64 && search(string(line), numbers)
			}
		}
		if found {
			name = inside
		}
		return err
	})
	return name, err
}

// checkAgrees has the inputs checked: what may be disclosed as it is must have nobody in it who opted out.
func (run *leakRun) checkAgrees(numbers map[string]bool) (clean bool, err error) {
	args := []string{"check", run.args[1]}
	for i := 4; i < len(run.args); i++ {
		switch run.args[i] {
		case "--withheld", "--report":
			i++
		default:
			args = append(args, run.args[i])
		}
	}
	code, _ := runCommand(args)
	if code != outcome.ExitDone {
		return false, nil
	}
	err = filepath.WalkDir(run.plain, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := run.search(path, data, numbers)
		if err == nil && found {
			err = fmt.Errorf("%q says that %s may be disclosed", args, filepath.Base(path))
		}
		return err
	})
	return true, err
}
