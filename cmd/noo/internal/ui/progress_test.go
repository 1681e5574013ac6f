package ui

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
)

var longNames = []string{
	"x.csv",
	strings.Repeat("hospital_episode_statistics_", 3) + ".csv",
	strings.Repeat("患者", 60) + ".parquet",
	strings.Repeat("e\u0301", 70) + ".csv", // each a letter and an accent on it
}

// However long a name is, no drawing is wider than the terminal: it would wrap, and leave a line
// behind.
func TestProgressFitsTheTerminal(t *testing.T) {
	for _, columns := range []int{38, 40, 76, 77, 80, 132} {
		t.Run(strconv.Itoa(columns), func(t *testing.T) {
			t.Parallel() // most of the time it waits
			for _, name := range longNames {
				for _, total := range []int64{1 << 40, -1} {
					l, ok := fit(name, columns)
					if !ok {
						t.Fatalf("no bar in %d columns", columns)
					}
					var drawn strings.Builder
					bar := l.bar(&drawn, total)
					for _, done := range []int64{1 << 35, 1 << 37, 1 << 39} {
						// More than the library lets pass undrawn, in all.
						time.Sleep(101 * time.Millisecond / 3)
						if err := bar.Set64(done); err != nil {
							t.Fatal(err)
						}
					}
					if strings.Count(drawn.String(), l.name) == 0 {
						t.Fatalf("%d columns: nothing was drawn: %q", columns, drawn.String())
					}
					for _, one := range strings.Split(drawn.String(), "\r") {
						if width := uniseg.StringWidth(one); width >= columns {
							t.Errorf("%d columns, and a drawing of %d: %q", columns, width, one)
						}
					}
				}
			}
		})
	}
	if _, ok := fit("x.csv", 30); ok {
		t.Error("a bar in 30 columns")
	}
}

func TestShortened(t *testing.T) {
	for _, c := range []struct {
		name    string
		columns int
		want    string
	}{
		{"extract.csv", 11, "extract.csv"},
		{"extract.csv", 10, "ext…ct.csv"},
		{"region_north_2026-11.csv", 16, "regio…026-11.csv"},
		{"患者患者.csv", 9, "患…者.csv"},
	} {
		t.Run(c.want, func(t *testing.T) {
			if got := shortened(c.name, c.columns); got != c.want {
				t.Errorf("%s in %d columns: %s", c.name, c.columns, got)
			}
		})
	}
	for _, name := range longNames {
		for columns := 1; columns < 90; columns++ {
			if got := uniseg.StringWidth(shortened(name, columns)); got > columns {
				t.Errorf("%s takes %d of %d columns", name, got, columns)
			}
		}
	}
}

// What was read before the bar appeared took its time too: the first rate that is shown is not of
// one moment.
func TestProgressStartsWithTheRun(t *testing.T) {
	l, _ := fit("x.csv", 80)
	var drawn strings.Builder
	bar := l.bar(&drawn, 1<<30)
	time.Sleep(110 * time.Millisecond)
	if err := bar.Set64(100_000_000); err != nil { // so at most 1 GB/s
		t.Fatal(err)
	}
	if !regexp.MustCompile(`\d [kM]B/s`).MatchString(drawn.String()) {
		t.Errorf("it says %q", drawn.String())
	}
}
