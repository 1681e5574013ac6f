package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"noo/formats"
	"noo/formats/internal/decimal"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/readback"
	"noo/internal/nhsnumber"
)

// numberColumn is a column of NHS numbers in one of the forms that databases give them.
type numberColumn struct {
	name  string
	node  schema.Node
	bytes func(n int64) []byte // nil for INT64
	ints  func(n int64) int64
	text  func(n int64) string // as it is handed over
}

func fixedNode(name string, width int, logical schema.LogicalType) schema.Node {
	if logical == nil {
		logical = schema.NoLogicalType{}
	}
	return schema.MustPrimitive(schema.NewPrimitiveNodeLogical(name, parquet.Repetitions.Optional, logical, parquet.Types.FixedLenByteArray, width, -1))
}

// numberColumns are all those forms.
func numberColumns() (columns []numberColumn) {
	scaled := func(n int64, scale int) *big.Int {
		return new(big.Int).Mul(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	}
	quoted := func(scale int) func(int64) string {
		return func(n int64) string { return strconv.Quote(plainNotation(scaled(n, scale), scale)) }
	}
	for _, c := range []struct {
		name             string
		precision, scale int
		width            int
	}{{"oracle", 38, 10, 16}, {"wide", 76, 20, 32}, {"whole", 38, 0, 16}, {"nine", 20, 3, 9}, {"odd", 50, 0, 21}, {"huge", 76, 30, 100}} {
		columns = append(columns, numberColumn{
			name: c.name, node: fixedNode(c.name, c.width, schema.NewDecimalLogicalType(int32(c.precision), int32(c.scale))),
			bytes: func(n int64) []byte { return twosComplement(scaled(n, c.scale), c.width) }, text: quoted(c.scale),
		})
	}
	littleEndian := func(n int64) []byte {
		value := twosComplement(big.NewInt(n), 16)
		slices.Reverse(value)
		return value
	}
	logical := func(name string, logical schema.LogicalType, physical parquet.Type) schema.Node {
		return schema.MustPrimitive(schema.NewPrimitiveNodeLogical(name, parquet.Repetitions.Optional, logical, physical, -1, -1))
	}
	return append(columns,
		numberColumn{"cents", logical("cents", schema.NewDecimalLogicalType(12, 2), parquet.Types.Int64), nil, func(n int64) int64 { return 100 * n }, quoted(2)},
		numberColumn{"unsigned", logical("unsigned", schema.NewIntLogicalType(64, false), parquet.Types.Int64), nil, func(n int64) int64 { return n },
			func(n int64) string { return strconv.Quote(strconv.FormatUint(uint64(n), 10)) }},
		numberColumn{"five", fixedNode("five", 5, schema.NewDecimalLogicalType(11, 0)), func(n int64) []byte { return twosComplement(big.NewInt(n), 5) }, nil,
			func(n int64) string { return fmt.Sprint(n) }},
		numberColumn{"bytes", logical("bytes", schema.NewDecimalLogicalType(30, 4), parquet.Types.ByteArray),
			func(n int64) []byte { return twosComplement(scaled(n, 4), 7+int(n&15)) }, nil, quoted(4)},
		numberColumn{"int128", fixedNode("int128", 16, nil), func(n int64) []byte { return twosComplement(big.NewInt(n), 16) }, nil, quoted(0)},
		numberColumn{"int128le", fixedNode("int128le", 16, nil), littleEndian, nil, quoted(0)},
		numberColumn{"padded", fixedNode("padded", 16, nil), func(n int64) []byte { return fmt.Appendf(nil, "%-16d", n) }, nil,
			func(n int64) string { return strconv.Quote(fmt.Sprintf("%-16d", n)) }},
		numberColumn{"json", logical("json", schema.JSONLogicalType{}, parquet.Types.ByteArray), func(n int64) []byte { return fmt.Append(nil, n) }, nil, quoted(0)},
		numberColumn{"enum", logical("enum", schema.EnumLogicalType{}, parquet.Types.ByteArray), func(n int64) []byte { return fmt.Append(nil, n) }, nil, quoted(0)},
	)
}

// writeNumbers writes the numbers into one column after another, where a 0 is a null.
func writeNumbers(t *testing.T, numbers []int64, columns []numberColumn, options ...parquet.WriterProperty) []byte {
	t.Helper()
	var fields schema.FieldList
	for _, c := range columns {
		fields = append(fields, c.node)
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)),
		file.WithWriterProps(parquet.NewWriterProperties(options...)))
	for len(numbers) > 0 {
		n := min(len(numbers), 200_000)
		group, err := w.AppendRowGroupChecked()
		if err != nil {
			t.Fatal(err)
		}
		writeGroup(t, group, numbers[:n], columns)
		numbers = numbers[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func writeGroup(t *testing.T, group file.SerialRowGroupWriter, numbers []int64, columns []numberColumn) {
	t.Helper()
	defs := make([]int16, len(numbers))
	for _, c := range columns {
		var ints []int64
		var arrays []parquet.ByteArray
		var fixed []parquet.FixedLenByteArray
		for i, n := range numbers {
			if defs[i] = 1; n == 0 {
				defs[i] = 0
				continue
			}
			if c.bytes == nil {
				ints = append(ints, c.ints(n))
				continue
			}
			value := c.bytes(n)
			arrays, fixed = append(arrays, value), append(fixed, value)
		}
		column, err := group.NextColumn()
		if err != nil {
			t.Fatal(err)
		}
		switch column := column.(type) {
		case *file.Int64ColumnChunkWriter:
			_, err = column.WriteBatch(ints, defs, nil)
		case *file.ByteArrayColumnChunkWriter:
			_, err = column.WriteBatch(arrays, defs, nil)
		case *file.FixedLenByteArrayColumnChunkWriter:
			_, err = column.WriteBatch(fixed, defs, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := column.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := group.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNumberColumns filters by each of the columns, has both implementations read the result, and
// Arrow compare it bit by bit.
func TestNumberColumns(t *testing.T) {
	people := []int64{9434765919, 9995609649, 9926702066, 9434765072}
	optedOut := &personDecider{map[nhsnumber.Key]bool{943476591: true, 943476507: true}}
	r := rand.New(rand.NewPCG(17, 18))
	numbers := make([]int64, 8000)
	var keep []bool
	for i := range numbers {
		switch r.IntN(10) {
		case 0: // a null
		case 1:
			numbers[i] = -people[r.IntN(4)]
		case 2:
			numbers[i] = 12345
		default:
			numbers[i] = people[r.IntN(4)]
		}
		keep = append(keep, numbers[i] == 9995609649 || numbers[i] == 9926702066)
	}
	columns := numberColumns()
	for name, options := range map[string][]parquet.WriterProperty{
		"dictionary": {parquet.WithDataPageSize(20_000)},
		"plain":      {parquet.WithDictionaryDefault(false), parquet.WithDataPageSize(20_000)},
		"pages v2":   {parquet.WithDictionaryDefault(false), parquet.WithDataPageVersion(parquet.DataPageV2)},
	} {
		data := writeNumbers(t, numbers, columns, options...)
		want, err := readTable(data)
		if err != nil {
			t.Fatal(err)
		}
		d, err := openBytes(Format{}, name, data)
		if err != nil {
			t.Fatal(err)
		}
		sample, err := sampleOf(d, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for c, column := range columns {
			t.Run(name+"/"+column.name, func(t *testing.T) {
				if reason := d.Columns()[c].Refused; reason != nil {
					t.Error(reason)
				}
				var all allRecords
				inOrder, err := openBytes(Format{Workers: 1}, name, data)
				if err != nil {
					t.Fatal(err)
				}
				if err := inOrder.Scan(context.Background(), []int{c}, &all, formats.Sinks{}); err != nil {
					t.Fatal(err)
				}
				for i, n := range numbers {
					text := "null"
					if n != 0 {
						text = column.text(n)
					}
					if len(all.records) != len(numbers) || all.records[i][0] != text {
						t.Fatalf("record %d of %d is %s, want %s", i, len(all.records), all.records[i], text)
					}
				}
				if !slices.EqualFunc(sample[c], all.records[:1000], slices.Equal) {
					t.Error("the sample is not the start")
				}
				var kept bytes.Buffer
				if err := d.Scan(context.Background(), []int{c}, optedOut, formats.Sinks{Kept: &kept}); err != nil {
					t.Fatal(err)
				}
				got, err := readTable(kept.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				wantTable(t, got, want.only(keep))
				other, err := readback.Format{}.Open(context.Background(), formats.Input{Name: name, ReaderAt: bytes.NewReader(data), Size: int64(len(data))})
				if err != nil {
					t.Fatal(err)
				}
				var again allRecords
				if err := other.Scan(context.Background(), []int{c}, &again, formats.Sinks{}); err != nil {
					t.Fatal(err)
				}
				if !slices.EqualFunc(again.records, all.records, slices.Equal) {
					t.Error("the independent reader reads other values")
				}
			})
		}
	}
}

// TestManyDecimals: texts stay what they are while batches and row groups begin and end, and
// however many blocks they take.
func TestManyDecimals(t *testing.T) {
	numbers := make([]int64, 450_000) // of which a row group has two batches
	for i := range numbers {
		numbers[i] = int64(1_000_000_000 + i%50_000)
	}
	for _, dictionary := range []bool{true, false} {
		data := writeNumbers(t, numbers, numberColumns()[:1], parquet.WithDictionaryDefault(dictionary), parquet.WithDictionaryPageSizeLimit(10<<20))
		d, err := openBytes(Format{Workers: 1}, "many.parquet", data)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		check := deciderFunc(func(batch *formats.Batch, _ []formats.Fate) error {
			values := batch.Columns[0]
			for i := range batch.Records {
				place := i
				if values.Index != nil {
					place = int(values.Index[i])
				}
				if got, want := string(values.Text[place]), strconv.FormatInt(numbers[at], 10)+".0000000000"; got != want {
					return fmt.Errorf("record %d is %s, want %s", at, got, want)
				}
				at++
			}
			return nil
		})
		if err := d.Scan(context.Background(), []int{0}, check, formats.Sinks{}); err != nil || at != len(numbers) {
			t.Errorf("%d records, %v", at, err)
		}
	}
}

type deciderFunc func(*formats.Batch, []formats.Fate) error

func (f deciderFunc) Decide(batch *formats.Batch, fates []formats.Fate) error { return f(batch, fates) }

// TestDecimalsOfMuchText: a byte that becomes a text of eighty is bounded as what is read is.
func TestDecimalsOfMuchText(t *testing.T) {
	const n = 500_000
	root := schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		schema.MustPrimitive(schema.NewPrimitiveNodeLogical("n", parquet.Repetitions.Repeated, schema.NewDecimalLogicalType(76, 76), parquet.Types.ByteArray, -1, -1)),
	}, -1))
	for _, dictionary := range []bool{true, false} {
		var out bytes.Buffer
		w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(parquet.WithDictionaryDefault(dictionary), parquet.WithDataPageSize(10<<20))))
		group, err := w.AppendRowGroupChecked()
		if err != nil {
			t.Fatal(err)
		}
		column, err := group.NextColumn()
		if err != nil {
			t.Fatal(err)
		}
		reps := slices.Repeat([]int16{1}, n)
		reps[0] = 0
		if _, err := column.(*file.ByteArrayColumnChunkWriter).WriteBatch(slices.Repeat([]parquet.ByteArray{{1}}, n), slices.Repeat([]int16{1}, n), reps); err != nil {
			t.Fatal(err)
		}
		for _, close := range []func() error{column.Close, group.Close, w.Close} {
			if err := close(); err != nil {
				t.Fatal(err)
			}
		}
		d, err := openBytes(Format{MaxPage: 8 << 20}, "much.parquet", out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		err = d.Scan(context.Background(), []int{0}, keepEverything{}, formats.Sinks{})
		if dictionary && err != nil || !dictionary && !errors.Is(err, spec.ErrLimit) {
			t.Errorf("dictionary %v: %v", dictionary, err)
		}
		if _, err := sampleOf(d, 1); !errors.Is(err, spec.ErrLimit) {
			t.Errorf("sampling, dictionary %v: %v", dictionary, err)
		}
	}
}

// TestDisputedColumns: a column of which the annotations contradict one another is sampled,
// refused, and said to be.
func TestDisputedColumns(t *testing.T) {
	d := &dataset{footer: &meta.Footer{Leaves: []meta.Leaf{{Name: "n", Kind: spec.Int64Type, Note: spec.Decimal, Scale: 2, Disputed: true}, {Name: "m", Kind: spec.Float}, {Name: "o", Kind: spec.Int64Type}}}}
	columns := d.Columns()
	for c, want := range []string{"write the file anew", "only seven of the ten digits", ""} {
		err := columns[c].Refused
		if want == "" && err != nil || want != "" && (!errors.Is(err, identify.ErrNotIdentifying) || !strings.Contains(err.Error(), want)) {
			t.Errorf("column %s is refused with %v, want %q", columns[c].Name, err, want)
		}
		if _, scanned := identify.ValueTypes(d.footer.Leaves, []int{c}); (scanned == nil) != (err == nil) {
			t.Errorf("column %s: %v and %v", columns[c].Name, scanned, err)
		}
	}
}

// BenchmarkDecimals writes decimals as Oracle has them, and those of a database with cents.
func BenchmarkDecimals(b *testing.B) {
	wide := twosComplement(new(big.Int).Mul(big.NewInt(9434765919), big.NewInt(10_000_000_000)), 16)
	memory := make([]byte, 0, decimal.MostText)
	b.Run("DECIMAL(38,10)", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			memory = decimal.Append(memory[:0], wide, 10)
		}
	})
	b.Run("INT64 DECIMAL(12,2)", func(b *testing.B) {
		b.ReportAllocs()
		value := binary.LittleEndian.AppendUint64(nil, 943476591900)
		for b.Loop() {
			memory = decimal.AppendScaled(memory[:0], identify.LittleEndianInt(value, false), 2)
		}
	})
}

// twosComplement writes n in so many bytes in big-endian order, of which it needs no more.
func twosComplement(n *big.Int, width int) []byte {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
	}
	return n.FillBytes(make([]byte, width))
}

// plainNotation writes n divided by ten to the power of scale.
func plainNotation(n *big.Int, scale int) string {
	digits := fmt.Sprintf("%0*d", scale+1, new(big.Int).Abs(n))
	if n.Sign() < 0 {
		digits = "-" + digits
	}
	if scale == 0 {
		return digits
	}
	point := len(digits) - scale
	return digits[:point] + "." + digits[point:]
}
