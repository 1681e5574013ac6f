package main

// Tables that are linked, drawn at random in CSV, Parquet and Arrow: what is written is compared with what a
// few maps say, and every byte of it is searched for records of people who opted out.

import (
	stdbytes "bytes"
	"context"
	stdcsv "encoding/csv"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// linkedRow is a record: a token that only it has, its local ids and the NHS number, "" for null.
type linkedRow struct {
	token  string
	ids    []string // one, but for lists
	number string
}

// linkedTable is a table in the making.
type linkedTable struct {
	name    string // with suffix
	decides bool
	link    string // the name of its column of local ids
	idType  arrow.DataType
	rows    []linkedRow
}

// fits reports whether a column of a type can hold an id as it is.
func fits(kind arrow.DataType, id string) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	whole := err == nil && strconv.FormatInt(n, 10) == id
	switch kind.ID() {
	case arrow.STRING, arrow.LIST, arrow.DICTIONARY:
		return true
	case arrow.INT32:
		return whole && n == int64(int32(n))
	case arrow.FLOAT64:
		return whole && n < 1<<53 && n > -1<<53
	case arrow.UINT64:
		return whole && n >= 0
	}
	return whole
}

// linkedIDs draws local ids: integers, texts that look like them, and texts short and long.
func linkedIDs(r *rand.Rand, n int) (ids []string) {
	for range n {
		number := r.IntN(2 * n)
		ids = append(ids, pick(r, strconv.Itoa(number), strconv.Itoa(number), strconv.Itoa(-number-1),
			fmt.Sprintf("%03d", number), fmt.Sprintf("%d.0", number), fmt.Sprintf(" %d", number), fmt.Sprintf("P%d", number), fmt.Sprintf("p%d", number),
			fmt.Sprintf("%08x-aaaa-bbbb-cccc-%012x", number, number%3), fmt.Sprintf("exactly15byte%02d", number%90),
			fmt.Sprintf("exactly-16byte%02d", number%90), strconv.Itoa(1<<53+number), "18446744073709551"+strconv.Itoa(100+number)))
	}
	return ids
}

// drawLinked draws tables; at least one of them decides.
func drawLinked(r *rand.Rand, out, others []string) (tables []*linkedTable) {
	ids := linkedIDs(r, 4+r.IntN(30))
	numbers := map[string][]string{}
	for _, id := range ids {
		for range 1 + r.IntN(8)/6 {
			numbers[id] = append(numbers[id], pick(r, out[r.IntN(len(out))], others[r.IntN(len(others))], others[r.IntN(len(others))], "", "unknown", out[r.IntN(len(out))]+" (old)"))
		}
	}
	for i := range 2 + r.IntN(4) {
		table := &linkedTable{decides: i == 0 || r.IntN(4) == 0, link: pick(r, "person_id", "patient")}
		table.name = fmt.Sprintf("table_%d%s", i, pick(r, ".csv", ".csv", ".parquet", ".arrow", ".arrows"))
		table.idType = arrow.BinaryTypes.String
		if !strings.HasSuffix(table.name, ".csv") {
			table.idType = pick[arrow.DataType](r, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Float64,
				arrow.PrimitiveTypes.Uint64, arrow.ListOf(arrow.BinaryTypes.String))
		}
		for j := range r.IntN(60) {
			row := linkedRow{token: fmt.Sprintf("t%dr%dx%x", i, j, r.IntN(1<<20)+1<<20)}
			for range 1 + r.IntN(3) {
				id := ids[r.IntN(len(ids))]
				switch r.IntN(12) {
				case 0:
					id = ""
				case 1:
					id = linkedIDs(r, 40)[0]
				}
				if !fits(table.idType, id) {
					id = ""
				}
				row.ids = append(row.ids, id)
				if table.idType.ID() != arrow.LIST {
					break
				}
			}
			if known := numbers[row.ids[0]]; table.decides && len(known) > 0 {
				row.number = known[r.IntN(len(known))]
			} else if table.decides {
				row.number = pick(r, out[r.IntN(len(out))], others[r.IntN(len(others))], "")
			}
			table.rows = append(table.rows, row)
		}
		tables = append(tables, table)
	}
	return tables
}

// write writes a table in its format.
func (table *linkedTable) write(r *rand.Rand, path string) error {
	var out stdbytes.Buffer
	if strings.HasSuffix(table.name, ".csv") {
		w := stdcsv.NewWriter(&out)
		names := []string{"token", table.link, "note"}
		if table.decides {
			names = append(names, "nhs_number")
		}
		_ = w.Write(names)
		for _, row := range table.rows {
			record := []string{row.token, row.ids[0], pick(r, "x", "y, z", `"q"`)}
			if row.ids[0] == "" {
				record[1] = pick(r, "", "NULL", " ", "#N/A")
			}
			if table.decides {
				record = append(record, row.number)
			}
			_ = w.Write(record)
		}
		w.Flush()
		return os.WriteFile(path, out.Bytes(), 0o600)
	}
	fields := []arrow.Field{{Name: "token", Type: arrow.BinaryTypes.String}, {Name: table.link, Type: table.idType, Nullable: true}}
	if table.decides {
		fields = append(fields, arrow.Field{Name: "nhs_number", Type: arrow.BinaryTypes.String, Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, row := range table.rows {
		b.Field(0).(*array.StringBuilder).Append(row.token)
		if list, ok := b.Field(1).(*array.ListBuilder); ok {
			list.Append(true)
			for _, id := range row.ids {
				appendID(list.ValueBuilder(), id)
			}
		} else {
			appendID(b.Field(1), row.ids[0])
		}
		if table.decides {
			appendID(b.Field(2), row.number)
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	if !strings.HasSuffix(table.name, ".parquet") {
		if err := writeBatches(r, &out, batch, filepath.Ext(table.name)); err != nil {
			return err
		}
		return os.WriteFile(path, out.Bytes(), 0o600)
	}
	whole := array.NewTableFromRecords(schema, []arrow.RecordBatch{batch})
	defer whole.Release()
	properties := parquet.NewWriterProperties(parquet.WithDictionaryDefault(r.IntN(2) == 0), parquet.WithDataPageSize(int64(64<<r.IntN(8))),
		parquet.WithMaxRowGroupLength(int64(1+r.IntN(40))), parquet.WithCompression(pick(r, compress.Codecs.Uncompressed, compress.Codecs.Snappy)), parquet.WithStats(true))
	if err := pqarrow.WriteTable(whole, &out, 1<<20, properties, pqarrow.DefaultWriterProps()); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o600)
}

// writeBatches writes a batch in parts as an Arrow IPC file or stream.
func writeBatches(r *rand.Rand, out *stdbytes.Buffer, batch arrow.RecordBatch, suffix string) error {
	options := []ipc.Option{ipc.WithSchema(batch.Schema()), ipc.WithLZ4()}
	if r.IntN(2) == 0 {
		options = options[:1]
	}
	var w interface {
		Write(arrow.RecordBatch) error
		Close() error
	}
	if suffix == ".arrows" {
		w = ipc.NewWriter(out, options...)
	} else {
		file, err := ipc.NewFileWriter(out, options...)
		if err != nil {
			return err
		}
		w = file
	}
	for from := int64(0); from < batch.NumRows(); {
		to := min(from+1+r.Int64N(40), batch.NumRows())
		part := batch.NewSlice(from, to)
		err := w.Write(part)
		part.Release()
		if err != nil {
			return err
		}
		from = to
	}
	return w.Close()
}

func appendID(b array.Builder, id string) {
	n, _ := strconv.ParseInt(id, 10, 64)
	switch b := b.(type) {
	case *array.StringBuilder:
		if id != "" {
			b.Append(id)
			return
		}
		b.AppendNull()
	case *array.Int32Builder:
		if id != "" {
			b.Append(int32(n))
			return
		}
		b.AppendNull()
	case *array.Int64Builder:
		if id != "" {
			b.Append(n)
			return
		}
		b.AppendNull()
	case *array.Uint64Builder:
		if id != "" {
			b.Append(uint64(n))
			return
		}
		b.AppendNull()
	case *array.Float64Builder:
		if id != "" {
			b.Append(float64(n))
			return
		}
		b.AppendNull()
	}
}

// linkedTokens reads the tokens of an output, with readers that share nothing with the program.
func linkedTokens(path string) (tokens []string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, ".csv") {
		records, err := stdcsv.NewReader(stdbytes.NewReader(data)).ReadAll()
		if err != nil {
			return nil, err
		}
		for _, record := range records[1:] {
			tokens = append(tokens, record[0])
		}
		return tokens, nil
	}
	if !strings.HasSuffix(path, ".parquet") {
		return batchTokens(data, filepath.Ext(path))
	}
	whole, err := pqarrow.ReadTable(context.Background(), stdbytes.NewReader(data), nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	defer whole.Release()
	for _, chunk := range whole.Column(0).Data().Chunks() {
		for i := range chunk.Len() {
			tokens = append(tokens, chunk.ValueStr(i))
		}
	}
	return tokens, nil
}

// batchTokens reads the tokens of an Arrow IPC file or stream.
func batchTokens(data []byte, suffix string) (tokens []string, err error) {
	var batches []arrow.RecordBatch
	if suffix == ".arrow" {
		file, err := ipc.NewFileReader(stdbytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		for i := range file.NumRecords() {
			batch, err := file.RecordBatchAt(i)
			if err != nil {
				return nil, err
			}
			batches = append(batches, batch)
		}
	} else {
		stream, err := ipc.NewReader(stdbytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		for stream.Next() {
			batch := stream.RecordBatch()
			batch.Retain()
			batches = append(batches, batch)
		}
		if err := stream.Err(); err != nil {
			return nil, err
		}
	}
	for _, batch := range batches {
		for i := range int(batch.NumRows()) {
			tokens = append(tokens, batch.Column(0).ValueStr(i))
		}
		batch.Release()
	}
	return tokens, nil
}

// plainlyLinked says what becomes of each record, as the documentation words it.
func plainlyLinked(tables []*linkedTable, out map[string]bool, missing, invalid string) (kept, withheld, gone map[string]bool) {
	strictness := map[string]int{"missing": 0, "kept": 1, "unlinked": 2, "invalid": 3, "disguised": 4, "opted_out": 5}
	if invalid == "keep" {
		strictness["unlinked"], strictness["invalid"] = 3, 2
	}
	stricter := func(a, b string) string {
		if strictness[a] > strictness[b] {
			return a
		}
		return b
	}
	own := func(row linkedRow) string {
		switch {
		case row.number == "":
			return "missing"
		case out[row.number]:
			return "opted_out"
		case strings.HasSuffix(row.number, "(old)"):
			return "disguised"
		case row.number == "unknown":
			return "invalid"
		}
		return "kept"
	}
	people := map[string]string{}
	for _, table := range tables {
		for _, row := range table.rows {
			for _, id := range row.ids {
				if table.decides && id != "" {
					if people[id] == "" {
						people[id] = "missing"
					}
					people[id] = stricter(people[id], own(row))
				}
			}
		}
	}
	kept, withheld, gone = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, table := range tables {
		for _, row := range table.rows {
			verdict := "missing"
			if table.decides {
				verdict = own(row)
			}
			for _, id := range row.ids {
				switch {
				case id == "":
				case people[id] == "":
					verdict = stricter(verdict, "unlinked")
				default:
					verdict = stricter(verdict, people[id])
				}
			}
			switch {
			case verdict == "opted_out", verdict == "disguised":
				gone[row.token] = true
			case verdict == "kept", verdict == "missing" && missing == "keep", verdict == "invalid" && invalid == "keep":
				kept[row.token] = true
			default:
				withheld[row.token] = true
			}
		}
	}
	return kept, withheld, gone
}

// TestLinked draws tables and compares.
func TestLinked(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 40
	}
	r := rand.New(rand.NewPCG(*leakSeed, 0x11ed))
	dir := t.TempDir()
	out, others, numbers := []string{}, []string{}, map[string]bool{}
	for range 30 {
		number := leakPerson(r)
		out, numbers[number] = append(out, number), true
	}
	for range 200 {
		if number := leakPerson(r); !numbers[number] {
			others = append(others, number)
		}
	}
	useSnapshot(t, dir, out)
	total, totalGone := 0, 0
	for round := range rounds {
		here := filepath.Join(dir, "round")
		tables := drawLinked(r, out, others)
		args := []string{"filter"}
		for _, table := range tables {
			path := filepath.Join(here, "in", table.name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := table.write(r, path); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
		missing, invalid := pick(r, "keep", "withhold"), pick(r, "keep", "withhold")
		flags := []string{"--missing", missing, "--invalid", invalid, "--force-column"}
		flags = append(flags, linkFlags(tables)...)
		args = append(args, flags...)
		withheldDir := filepath.Join(here, "withheld") + "/"
		args = append(args, "-o", filepath.Join(here, "out")+"/", "--withheld", withheldDir)
		if r.IntN(4) == 0 {
			args = append(args, "--resume")
		}
		if r.IntN(4) == 0 {
			args = append(args, "--read-back", "independent")
		}
		code, said := runCommand(args)
		if code != 0 {
			t.Fatalf("round %d: noo %q ended with %d: %s", round, args, code, said)
		}
		kept, withheld, gone := plainlyLinked(tables, numbers, missing, invalid)
		for _, table := range tables {
			for folder, want := range map[string]map[string]bool{"out": kept, "withheld": withheld} {
				got, err := linkedTokens(filepath.Join(here, folder, table.name))
				if err != nil {
					t.Fatal(err)
				}
				var wanted []string
				for _, row := range table.rows {
					if want[row.token] {
						wanted = append(wanted, row.token)
					}
				}
				if !slices.Equal(got, wanted) {
					t.Fatalf("round %d (-leakseed %d): noo %q: %s/%s has %v, want %v", round, *leakSeed, args, folder, table.name, got, wanted)
				}
			}
		}
		total, totalGone = total+len(kept)+len(withheld)+len(gone), totalGone+len(gone)
		for _, folder := range []string{"out", "withheld"} {
			if err := searchTokens(filepath.Join(here, folder), gone, numbers); err != nil {
				t.Fatalf("round %d: noo %q: %v", round, args, err)
			}
		}
		checkLinked(t, tables, here, flags, len(withheld)+len(gone))
		if err := os.RemoveAll(here); err != nil {
			t.Fatal(err)
		}
	}
	if totalGone < total/10 {
		t.Errorf("of %d records %d are gone: too few to mean anything", total, totalGone)
	}
}

// linkFlags names the columns of local ids. In a list it is called by the path to its elements.
func linkFlags(tables []*linkedTable) (flags []string) {
	for _, table := range tables {
		name := table.link
		if table.idType.ID() == arrow.LIST && !strings.HasSuffix(table.name, ".parquet") {
			name += ".item" // arrow-go calls the elements so
		} else if table.idType.ID() == arrow.LIST {
			name += ".list.element"
		}
		if !slices.Contains(flags, name) {
			flags = append(flags, "--link", name)
		}
	}
	return flags
}

// searchTokens finds records, and numbers, in the bytes of files.
func searchTokens(dir string, gone, numbers map[string]bool) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, some := range []map[string]bool{gone, numbers} {
			for token := range some {
				if stdbytes.Contains(data, []byte(token)) {
					return fmt.Errorf("%s holds a record of somebody who opted out", filepath.Base(path))
				}
			}
		}
		return err
	})
}

// checkLinked has the inputs checked, which holds what must go.
func checkLinked(t *testing.T, tables []*linkedTable, here string, flags []string, left int) {
	t.Helper()
	args := []string{"check"}
	for _, table := range tables {
		args = append(args, filepath.Join(here, "in", table.name))
	}
	code, said := runCommand(append(args, flags...))
	if want := map[bool]int{true: 1}[left > 0]; code != want {
		t.Fatalf("noo %q ended with %d, want %d: %s", args, code, want, said)
	}
}
