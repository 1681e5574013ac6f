package lenient

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		name, line string
		n          int
		fields     string // joined by /
		err        error
	}{
		{"clean", `"1","a, b",c`, 3, `1/a, b/c`, nil},
		{"quotes in the text", `"1","pt said "ok" today"`, 2, `1/pt said "ok" today`, nil},
		{"quotes at both ends", `"1",""OK" he said"`, 2, `1/"OK" he said`, nil},
		{"a quote at the end of the text", `"1","he said "OK"","x"`, 3, `1/he said "OK"/x`, nil},
		{"a delimiter too", `"1","pt said "a, b" ok","x"`, 3, `1/pt said "a, b" ok/x`, nil},
		{"inches in a field without quotes", `1,6" wound,wound 6"`, 3, `1/6" wound/wound 6"`, nil},
		{"empty fields", `"",,""`, 3, `//`, nil},
		{"as if a field ended", `"1","x"," y","3"`, 3, "", ErrSeveral},
		{"too many fields", `"1","a "b",c"`, 2, "", ErrSeveral},
		{"a field that is not closed", `1,"OK" he said`, 2, "", ErrNone},
		{"a quote alone", `1,"`, 2, "", ErrNone},
		{"too few", `1,2`, 3, "", ErrNone},
		{"none wanted", ``, 0, "", ErrNone},
		{"too many delimiters", `"` + strings.Repeat(",", 70) + `"`, 1, "", ErrSeveral},
	} {
		t.Run(test.name, func(t *testing.T) {
			fields, err := Split([]byte(test.line), ',', '"', test.n)
			if !errors.Is(err, test.err) {
				t.Fatal(err)
			}
			var texts []string
			for _, f := range fields {
				texts = append(texts, test.line[f.Start:f.End])
			}
			if got := strings.Join(texts, "/"); got != test.fields {
				t.Errorf("%s", got)
			}
		})
	}
}

// readings finds all readings of a line with n fields by trying every set of delimiters.
func readings(line string, n int) (found []string) {
	pieces := strings.Split(line, ",")
	var try func(at int, so []string)
	try = func(at int, so []string) {
		if at == len(pieces) {
			if len(so) == n {
				found = append(found, strings.Join(so, "/"))
			}
			return
		}
		for end := at + 1; end <= len(pieces); end++ {
			field := strings.Join(pieces[at:end], ",")
			switch {
			case !strings.HasPrefix(field, `"`) && end > at+1:
			case !strings.HasPrefix(field, `"`):
				try(end, append(so[:len(so):len(so)], field))
			case len(field) > 1 && strings.HasSuffix(field, `"`):
				try(end, append(so[:len(so):len(so)], field[1:len(field)-1]))
			}
		}
	}
	try(0, nil)
	return found
}

// TestAllReadings compares with a search through all readings.
func TestAllReadings(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	read := 0
	for range 30_000 {
		var line strings.Builder
		for range r.IntN(14) {
			line.WriteString([]string{",", ",", `"`, `"`, `","`, "a", " "}[r.IntN(7)])
		}
		n := 1 + r.IntN(5)
		want := readings(line.String(), n)
		fields, err := Split([]byte(line.String()), ',', '"', n)
		if (err == nil) != (len(want) == 1) || errors.Is(err, ErrSeveral) != (len(want) > 1) {
			t.Fatalf("%s, %d fields: %v, but the readings are %q", line.String(), n, err, want)
		}
		if err != nil {
			continue
		}
		read++
		var texts [][]byte
		for _, f := range fields {
			texts = append(texts, []byte(line.String())[f.Start:f.End])
		}
		if got := string(bytes.Join(texts, []byte("/"))); got != want[0] {
			t.Fatalf("%s: %s, want %s", line.String(), got, want[0])
		}
	}
	if read < 2000 {
		t.Errorf("only %d lines were read", read)
	}
}
