// Lists: what is read, what is refused, and that no message holds a number.

package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"noo/internal/nhsnumber"
)

// The valid numbers of these tests.
const (
	one = "9434765919"
	two = "9000000009"
)

func TestReadList(t *testing.T) {
	const bom = "\ufeff"
	for _, c := range []struct {
		name, text, column string
		numbers, distinct  uint64
		line               int // of the error
		want               error
	}{
		{"empty", "", "", 0, 0, 0, nil},
		{"plain", one + "\n" + two + "\n", "", 2, 2, 0, nil},
		{"mark in the middle, as where files were joined", one + "\n" + bom + two, "", 2, 2, 0, nil},
		{"as MESH sends it", one + ",\n" + two + ",\n", "", 2, 2, 0, nil},
		{"no line end at the end", one + "\n" + two, "", 2, 2, 0, nil},
		{"CRLF", one + "\r\n" + two + ",\r\n", "", 2, 2, 0, nil},
		{"mark", bom + one + "\n", "", 1, 1, 0, nil},
		{"comments and blanks", "# list\n\n  \n" + one + "\n\t# end\n", "", 1, 1, 0, nil},
		{"grouped", "943 476 5919\n 943-476-5919 , \n", "", 2, 1, 0, nil},
		{"duplicates", one + "\n" + two + "\n" + one + "\n" + one, "", 4, 2, 0, nil},

		{"wrong check digit", one + "\n9434765918\n", "", 0, 0, 2, ErrNumber},
		{"two commas", one + ",,\n", "", 0, 0, 1, ErrNumber},
		{"two numbers", one + "," + two + "\n", "", 0, 0, 1, ErrNumber},
		{"null", "# nobody\nNULL\n", "", 0, 0, 2, ErrNumber},
		{"comma alone", one + "\n,\n", "", 0, 0, 2, ErrNumber},
		{"placeholder", "9999999999\n", "", 0, 0, 1, ErrNumber},
		{"answer of MESH to a bad list", "The file contains one or more invalid NHS Numbers.\n", "", 0, 0, 1, ErrNumber},
		{"UTF-16", "\xff\xfe9\x004\x00", "", 0, 0, 1, ErrEncoding},
		{"long line", one + "\n" + strings.Repeat("9", maxLine+1), "", 0, 0, 2, ErrLongLine},

		{"column", "id,nhs,x\n1," + one + ",a\n2,\"" + two + "\",b\n", "nhs", 2, 2, 0, nil},
		{"column with mark", bom + "nhs\r\n" + one + "\r\n", "nhs", 1, 1, 0, nil},
		{"header alone", "nhs\n", "nhs", 0, 0, 0, nil},
		{"no header", "", "nhs", 0, 0, 1, ErrNoColumn},
		{"other case", "NHS\n" + one, "nhs", 0, 0, 1, ErrNoColumn},
		{"blanks count", " nhs\n" + one, "nhs", 0, 0, 1, ErrNoColumn},
		{"twice", "nhs,nhs\n" + one + "," + one, "nhs", 0, 0, 1, ErrTwoColumns},
		{"invalid cell", "id,nhs\n\"a\nb\"," + one + "\n2,9434765918\n", "nhs", 0, 0, 4, ErrNumber},
		{"blank cell", "id,nhs\n1," + one + "\n2,\n", "nhs", 0, 0, 3, ErrNumber},
		{"null cell", "id,nhs\n1,NULL\n", "nhs", 0, 0, 2, ErrNumber},
		{"too few cells", "id,nhs\n1\n", "nhs", 0, 0, 2, nil},
		{"stray quote", "id,nhs\n1,9434\"765919\n", "nhs", 0, 0, 2, nil},
		{"endless quote", "id,nhs\n1," + one + "\n\"" + strings.Repeat(one+"\n", 200_000), "nhs", 0, 0, 3, ErrLongLine},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, stats, err := ReadList(strings.NewReader(c.text), "list.txt", c.column)
			if c.line == 0 {
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				} else if stats.Numbers != c.numbers || stats.Duplicates != c.numbers-c.distinct || set.Len() != c.distinct {
					t.Errorf("%s: %+v, %d distinct", c.name, stats, set.Len())
				}
				return
			}
			var listErr *ListError
			if !errors.As(err, &listErr) || listErr.Line != c.line || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %v; want line %d, %v", c.name, err, c.line, c.want)
				return
			}
			if set != nil || regexp.MustCompile(`[0-9]{6}|\n`).MatchString(err.Error()) {
				t.Errorf("%s: message %q", c.name, err)
			}
		})
	}
}

func TestReadListPassesOnErrors(t *testing.T) {
	failed := errors.New("disk gone")
	for _, column := range []string{"", "nhs"} {
		r := io.MultiReader(strings.NewReader("nhs\n"[:4*min(len(column), 1)]+one+"\n"), iotest.ErrReader(failed))
		_, _, err := ReadList(r, "list.txt", column)
		var listErr *ListError
		if !errors.Is(err, failed) || errors.As(err, &listErr) {
			t.Errorf("column %q: %v", column, err)
		}
	}
}

// TestReadListAgainstMap reads a long list in random order and compares it with a plain map.
func TestReadListAgainstMap(t *testing.T) {
	text, want := randomList(600_000)
	set, stats, err := ReadList(bytes.NewReader(text), "list", "")
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != uint64(len(want)) || stats.Numbers != 600_000 || stats.Duplicates != stats.Numbers-set.Len() {
		t.Errorf("%+v, %d distinct, want %d", stats, set.Len(), len(want))
	}
	for key := range want {
		if !set.Contains(key) {
			t.Fatal("a key is missing")
		}
	}
}

// TestLimitAgainstMap: of a long list, the first line that breaks the limit is named, wherever it is
// and whatever it breaks; without one, the list is read as without a limit.
func TestLimitAgainstMap(t *testing.T) {
	text, all := randomList(2*batchKeys + 1000)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	r := rand.New(rand.NewPCG(21, 22))
	whole := new(Set)
	for key := range all {
		whole.Add(key)
	}
	keyOf := func(line int) nhsnumber.Key {
		key, _ := nhsnumber.Parse(lines[line])
		return key
	}
	for _, at := range []int{-1, 0, batchKeys - 1, batchKeys, len(lines) - 1, r.IntN(len(lines)), r.IntN(len(lines))} {
		first := at // where the number of the line at is met for the first time
		bad := new(Set)
		if at >= 0 {
			bad.Add(keyOf(at))
			first = slices.IndexFunc(lines, func(line []byte) bool { return bytes.Equal(line, lines[at]) })
		}
		for _, c := range []struct {
			name   string
			limit  Limit
			want   error
			text   []byte
			column string
			before int // lines before the first number
		}{
			{"within", Limit{Within: whole.Minus(bad)}, ErrNotLookedUp, text, "", 0},
			{"apart", Limit{Within: whole, Apart: bad}, ErrContradiction, text, "", 0},
			{"of a CSV file", Limit{Apart: bad}, ErrContradiction, append([]byte("n\n"), text...), "n", 1},
		} {
			set, stats, err := c.limit.ReadList(bytes.NewReader(c.text), "list", c.column)
			if at < 0 {
				if err != nil || set.Len() != uint64(len(all)) || stats.Numbers != uint64(len(lines)) {
					t.Errorf("%s: %v", c.name, err)
				}
				continue
			}
			var listErr *ListError
			if !errors.As(err, &listErr) || !errors.Is(err, c.want) || listErr.Line != first+1+c.before {
				t.Errorf("%s: %v, want %v in line %d", c.name, err, c.want, first+1+c.before)
			}
		}
	}
}

// randomList is a list of count numbers in random order, some of them more than once.
func randomList(count int) ([]byte, map[nhsnumber.Key]bool) {
	r := rand.New(rand.NewPCG(3, 4))
	var text bytes.Buffer
	keys := make(map[nhsnumber.Key]bool)
	for range count {
		key := draw(r)
		digit, _ := nhsnumber.CheckDigit(key)
		fmt.Fprintf(&text, "%09d%d\n", key, digit)
		keys[key] = true
	}
	return text.Bytes(), keys
}

func BenchmarkReadList(b *testing.B) {
	plain, _ := randomList(3_600_000)
	for _, c := range []struct {
		name, column string
		text         []byte
	}{
		{"plain", "", plain},
		{"csv", "nhs", append([]byte("nhs\n"), plain...)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ReadList(bytes.NewReader(c.text), "list", c.column); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			runtime.GC()
		})
	}
}
