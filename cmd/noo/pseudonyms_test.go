package main

// Datasets of pseudonyms drawn at random, in every form, through the command: the records that
// remain are those that a plain reference names, and nothing written holds a pseudonym of somebody
// who opted out.

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"noo/cmd/noo/internal/outcome"
)

// hashedData is a dataset in the making. kept and withheld are the ids that a run should write.
type hashedData struct {
	values         []string
	kept, withheld []string
}

// hashForms writes a pseudonym in every form that is one.
func hashForms(digest []byte) []string {
	digits := hex.EncodeToString(digest)
	return []string{
		digits, strings.ToUpper(digits), "0x" + digits, `\x` + digits, " " + digits,
		base64.StdEncoding.EncodeToString(digest), base64.RawStdEncoding.EncodeToString(digest),
		base64.URLEncoding.EncodeToString(digest), base64.RawURLEncoding.EncodeToString(digest),
	}
}

// drawHashed draws records of people. With raw, all values are bytes or nulls.
func drawHashed(r *rand.Rand, sum func(string) []byte, out, others []string, raw bool) *hashedData {
	d := &hashedData{}
	form := func(number string) string {
		digest := sum(number)
		if raw {
			return string(digest)
		}
		return pick(r, hashForms(digest)...)
	}
	// One of the others, and one who opted out, are always there.
	n := 2 + r.IntN(200)
	for i := range n {
		id, kind := strconv.Itoa(i), r.IntN(12)
		if i < 2 {
			kind = 6 + i
		}
		switch {
		case kind == 0:
			d.values, d.withheld = append(d.values, pick(r, "", "")), append(d.withheld, id)
		case kind == 1 && !raw:
			number := pick(r, others...)
			d.values = append(d.values, pick(r, number, "x", form(number)+"0", form(number)[:40]))
			d.withheld = append(d.withheld, id)
		case kind == 2 && !raw: // disguised
			number := pick(r, out...)
			digits := hex.EncodeToString(sum(number))
			d.values = append(d.values, pick(r, number, "sha256:"+digits, digits+"0", "NHS "+number))
		case kind < 7:
			d.values = append(d.values, form(pick(r, out...)))
		default:
			d.values, d.kept = append(d.values, form(pick(r, others...))), append(d.kept, id)
		}
	}
	return d
}

func (d *hashedData) csv(t *testing.T) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	records := [][]string{{"id", "pseudo"}}
	for i, value := range d.values {
		records = append(records, []string{strconv.Itoa(i), value})
	}
	if err := w.WriteAll(records); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (d *hashedData) parquet(t *testing.T, r *rand.Rand, kind arrow.DataType) []byte {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "pseudo", Type: kind, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, value := range d.values {
		b.Field(0).(*array.StringBuilder).Append(strconv.Itoa(i))
		switch b := b.Field(1).(type) {
		case *array.StringBuilder:
			b.Append(value)
		case *array.BinaryBuilder:
			b.Append([]byte(value))
		case *array.FixedSizeBinaryBuilder:
			if value == "" {
				b.AppendNull()
			} else {
				b.Append([]byte(value))
			}
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	table := array.NewTableFromRecords(schema, []arrow.RecordBatch{batch})
	defer table.Release()
	var out bytes.Buffer
	properties := parquet.NewWriterProperties(
		parquet.WithDictionaryDefault(r.IntN(2) == 0), parquet.WithDataPageSize(int64(64<<r.IntN(10))),
		parquet.WithMaxRowGroupLength(int64(1+r.IntN(300))), parquet.WithStats(true),
		parquet.WithCompression(compress.Codecs.Uncompressed), // so that its bytes can be searched
	)
	if err := pqarrow.WriteTable(table, &out, 1<<20, properties, pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// idsOf reads the ids in an output.
func idsOf(t *testing.T, path string) (ids []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(path) == ".csv" {
		records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records[1:] {
			ids = append(ids, record[0])
		}
		return ids
	}
	table, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(data), nil,
		pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	for _, chunk := range table.Column(0).Data().Chunks() {
		for i := range chunk.Len() {
			ids = append(ids, chunk.ValueStr(i))
		}
	}
	return ids
}

func TestPseudonyms(t *testing.T) {
	r := rand.New(rand.NewPCG(*leakSeed, 0x5a17))
	dir := t.TempDir()
	var out, others []string
	for range 40 {
		out = append(out, leakPerson(r))
	}
	for range 300 {
		if number := leakPerson(r); !slices.Contains(out, number) {
			others = append(others, number)
		}
	}
	useSnapshot(t, dir, out)
	secret := []byte("a secret of a test")
	keyFile := filepath.Join(dir, "key.hex")
	if err := os.WriteFile(keyFile, []byte(hex.EncodeToString(secret)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rounds := 120
	if testing.Short() {
		rounds = 30
	}
	for round := range rounds {
		method := pick(r, "hmac-sha256", "sha256-salt-before", "sha256-salt-after")
		sum := func(number string) []byte {
			text := map[string]string{
				"sha256-salt-before": string(secret) + number, "sha256-salt-after": number + string(secret),
			}[method]
			if text == "" {
				mac := hmac.New(sha256.New, secret)
				mac.Write([]byte(number))
				return mac.Sum(nil)
			}
			digest := sha256.Sum256([]byte(text))
			return digest[:]
		}
		kind := pick[arrow.DataType](r, nil, nil, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary,
			&arrow.FixedSizeBinaryType{ByteWidth: 32})
		raw := kind != nil && kind != arrow.BinaryTypes.String
		d := drawHashed(r, sum, out, others, raw)
		suffix, data := ".csv", []byte(nil)
		if kind == nil {
			data = d.csv(t)
		} else {
			suffix, data = ".parquet", d.parquet(t, r, kind)
		}
		input, output := filepath.Join(dir, "in"+suffix), filepath.Join(dir, "out"+suffix)
		withheld, report := filepath.Join(dir, "withheld"+suffix), filepath.Join(dir, "report.json")
		if err := os.WriteFile(input, data, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{
			"filter", input, "-o", output, "--withheld", withheld, "--report", report, "--force",
			"--column", "pseudo", "--pseudonym", method, "--pseudonym-key", keyFile, "--force-column",
		}
		if raw && r.IntN(2) == 0 {
			args = append(args, "--read-back", "independent")
		}
		code, said := runCommand(args)
		if code != outcome.ExitDone {
			t.Fatalf("round %d: noo %q ended with %d: %s", round, args, code, said)
		}
		for path, want := range map[string][]string{output: d.kept, withheld: d.withheld} {
			if got := idsOf(t, path); !slices.Equal(got, want) {
				t.Fatalf("round %d: noo %q: %s has records %v, want %v", round, args, path, got, want)
			}
		}
		for _, path := range []string{output, withheld, report} {
			written, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range append([]string{said}, string(written)) {
				for _, number := range out {
					for _, form := range append(hashForms(sum(number)), string(sum(number)), number) {
						if strings.Contains(text, form) {
							t.Fatalf("round %d: noo %q: in %s is somebody who opted out", round, args, path)
						}
					}
				}
				if strings.Contains(text, hex.EncodeToString(secret)) || strings.Contains(text, string(secret)) {
					t.Fatalf("round %d: noo %q: in %s is the secret", round, args, path)
				}
			}
		}
	}
}
