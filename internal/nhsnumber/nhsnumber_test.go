package nhsnumber

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// All numbers here are from the range that is never issued (first digit 9).

const nbsp = "\u00a0"

var forms = []struct {
	text   string
	status Status
}{
	{"9434765919", Valid},
	{"943 476 5919", Valid},
	{"943-476-5919", Valid},
	{"943" + nbsp + "476" + nbsp + "5919", Valid},
	{"943-476 5919", Valid},
	{"943 476" + nbsp + "5919", Valid},
	{" 9434765919", Valid},
	{"9434765919  ", Valid},
	{"\t943 476 5919 ", Valid},
	{nbsp + "9434765919" + nbsp, Valid},
	{"'9434765919", Valid},
	{" '943 476 5919", Valid},
	{`="9434765919"`, Valid},
	{` ="943-476-5919" `, Valid},
	{"9434765919.0", Valid},
	{"9434765919.00", Valid},
	{" 9434765919.0000 ", Valid},

	{"9.434765919E9", Valid},
	{" 9.434765919e+09 ", Valid},
	{"9.434765919E+9", Valid},
	{"9.434765919E09", Valid},

	{"", Missing},
	{`\N`, Missing},
	{" . ", Missing},
	{"<NA>", Missing},
	{"(null)", Missing},
	{"(NULL)", Missing},
	{"#N/A", Missing},
	{"   ", Missing},
	{"\t", Missing},
	{nbsp, Missing},
	{"NULL", Missing},
	{"null", Missing},
	{"NA", Missing},
	{"n/a", Missing},
	{"NaN", Missing},
	{"nan", Missing},
	{"None", Missing},
	{"-", Missing},
	{" Null ", Missing},

	{"9434765918", Invalid},       // wrong check digit
	{"943476591", Invalid},        // nine digits
	{"94347659190", Invalid},      // eleven digits
	{"9.43E+09", Invalid},         // Excel, digits lost for good
	{"9434765919E0", Invalid},     //
	{"9.434765919E10", Invalid},   //
	{"9.434765919E-9", Invalid},   //
	{"9.434765919E+009", Invalid}, //
	{"9.434765918E9", Invalid},    // wrong check digit
	{"9.43476542E9", Invalid},     // a zero may be lost, or another digit
	{"9,434765919E9", Invalid},    //
	{"94.34765919E8", Invalid},    //
	{`\n`, Invalid},               //
	{"..", Invalid},               //
	{"(na)", Invalid},             //
	{"9434765919.", Invalid},      //
	{"9434765919.1", Invalid},     //
	{"9434765919.0 0", Invalid},   //
	{"943 476 5919.0", Invalid},   // only ten plain digits take .0
	{"'9434765919.0", Invalid},    //
	{"''9434765919", Invalid},     //
	{"' 9434765919", Invalid},     //
	{"9434765919'", Invalid},      //
	{`="9434765919`, Invalid},     //
	{`="9434765919 "`, Invalid},   //
	{`"9434765919"`, Invalid},     // quotes belong to the CSV reader
	{"943  476 5919", Invalid},    // two blanks
	{"943.476.5919", Invalid},     //
	{"943 4765919", Invalid},      //
	{"9434 765 919", Invalid},     //
	{"94 3476 5919", Invalid},     //
	{"943_476_5919", Invalid},     //
	{"+9434765919", Invalid},      //
	{"-9434765919", Invalid},      //
	{"９４３４７６５９１９", Invalid},       // full-width digits
	{"943４765919", Invalid},       //
	{"x434765919", Invalid},       //
	{"unknown", Invalid},          //
	{"NULLS", Invalid},            //
	{"--", Invalid},               //
	{"'", Invalid},                //
	{`=""`, Invalid},              //
	{"9434765919\x00", Invalid},   //
	{"9434765919\n", Invalid},     //
	{"943\xa0476\xa05919", Valid}, // Latin-1
	{"943 476\xa05919", Valid},
	{"\xa09434765919 \xa0", Valid},
	{"\xa0", Missing},
	{"\xa0NULL\xa0", Missing},
	{"943\xa0\xa0476\xa05919", Invalid},
	{"9434765919à", Invalid}, // ends in the byte of a Latin-1 no-break space
	{"à", Invalid},
	{"943à476à5919", Invalid},
	{"943\xa04765919", Invalid},
	{"\xc29434765919", Invalid},        //
	{"9434765919 9434765919", Invalid}, //
}

func TestParse(t *testing.T) {
	for _, c := range forms {
		key, status := Parse([]byte(c.text))
		if status != c.status {
			t.Errorf("Parse(%q): status %d, want %d", c.text, status, c.status)
		}
		want := Key(0)
		if c.status == Valid {
			want = 943476591
		}
		if key != want {
			t.Errorf("Parse(%q): key %d, want %d", c.text, key, want)
		}
	}
}

func TestPlaceholdersAreInvalid(t *testing.T) {
	for d := byte('0'); d <= '9'; d++ {
		text := strings.Repeat(string(d), 10)
		for _, form := range []string{text, " " + text, "'" + text, text + ".0", text[:3] + " " + text[3:6] + " " + text[6:]} {
			if _, status := Parse([]byte(form)); status != Invalid {
				t.Errorf("Parse(%q): status %d, want invalid", form, status)
			}
		}
	}
	if _, status := ParseInt(9999999999); status != Invalid {
		t.Error("ten nines as an integer are a placeholder")
	}
}

// TestEveryCheckDigit walks a stretch of keys and all ten last digits against the rule as the Data
// Dictionary words it.
func TestEveryCheckDigit(t *testing.T) {
	for key := 900_000_000; key < 900_020_000; key++ {
		for last := range 10 {
			text := fmt.Sprintf("%09d%d", key, last)
			got, status := Parse([]byte(text))
			want, valid := plainCheck(text)
			if valid != (status == Valid) || got != want {
				t.Fatalf("Parse(%q) = %d, %d; the plain rule says %d, %v", text, got, status, want, valid)
			}
			if k, s := ParseInt(int64(key)*10 + int64(last)); k != got || s != status {
				t.Fatalf("ParseInt(%s) = %d, %d; Parse says %d, %d", text, k, s, got, status)
			}
		}
		digit, ok := CheckDigit(Key(key))
		_, valid := plainCheck(fmt.Sprintf("%09d%d", key, digit))
		if ok && !valid {
			t.Fatalf("CheckDigit(%d) = %d does not complete the number", key, digit)
		}
	}
	if _, ok := CheckDigit(MaxKey + 1); ok {
		t.Error("a key above MaxKey has no check digit")
	}
}

func TestParseInt(t *testing.T) {
	for _, c := range []struct {
		v      int64
		key    Key
		status Status
	}{
		{9434765919, 943476591, Valid},
		{9434765918, 0, Invalid},
		{943476591, 0, Invalid},
		{94347659190, 0, Invalid},
		{-9434765919, 0, Invalid},
		{0, 0, Invalid},
		{math.MaxInt64, 0, Invalid},
		{math.MinInt64, 0, Invalid},
	} {
		if key, status := ParseInt(c.v); key != c.key || status != c.status {
			t.Errorf("ParseInt(%d) = %d, %d; want %d, %d", c.v, key, status, c.key, c.status)
		}
	}
}

func TestParseFloat(t *testing.T) {
	for _, c := range []struct {
		v      float64
		key    Key
		status Status
	}{
		{9434765919, 943476591, Valid},
		{9434765919.5, 0, Invalid},
		{9.43e9, 0, Invalid},
		{math.NaN(), 0, Missing},
		{math.Inf(1), 0, Invalid},
		{math.Inf(-1), 0, Invalid},
		{-9434765919, 0, Invalid},
		{1e300, 0, Invalid},
	} {
		if key, status := ParseFloat(c.v); key != c.key || status != c.status {
			t.Errorf("ParseFloat(%v) = %d, %d; want %d, %d", c.v, key, status, c.key, c.status)
		}
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	for _, c := range forms {
		b := []byte(c.text)
		if n := testing.AllocsPerRun(10, func() { Parse(b) }); n != 0 {
			t.Errorf("Parse(%q) allocates %v times", c.text, n)
		}
	}
}

// TestParseTens holds ParseTens against Parse: on random digits, of which one text in eleven is
// valid, and on damaged ones.
func TestParseTens(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	for _, stride := range []int{10, 11, 14} {
		const n = 20_000
		data := make([]byte, (n-1)*stride+10)
		for i := range n {
			text := data[i*stride:][:10]
			copy(text, fmt.Sprintf("9%09d", r.IntN(1e9)))
			switch r.IntN(20) {
			case 0:
				text[r.IntN(10)] = byte(r.IntN(256))
			case 1:
				copy(text, strings.Repeat(string(rune('0'+r.IntN(10))), 10))
			case 2:
				copy(text, "   NULL   ")
			}
		}
		keys := make([]Key, n)
		others := ParseTens(keys, data, stride, nil)
		valid := 0
		for i, key := range keys {
			want, status := Parse(data[i*stride:][:10])
			plain := len(others) == 0 || int(others[0]) != i
			if !plain {
				others = others[1:]
			}
			if key != want || plain != (status == Valid) {
				t.Fatalf("stride %d, text %d: key %d, among the others %v; Parse says %d, %d", stride, i, key, !plain, want, status)
			}
			if plain {
				valid++
			}
		}
		if valid < n/20 || len(others) > 0 {
			t.Errorf("%d of %d texts are valid, and %d others are left", valid, n, len(others))
		}
	}
}

func TestWithin(t *testing.T) {
	for text, want := range map[string]bool{
		"9434765919":                 true,
		"9434765919;Smith":           true,
		"x 943-476-5919/1":           true,
		"no.943 476 5919":            true,
		"943" + nbsp + "476 5919":    true,
		"943\xa0476\xa05919":         true,
		"nhs_number":                 false,
		"":                           false,
		"9434765918":                 false,
		"94347659190":                false,
		"19434765919":                false,
		"col_20240101":               false,
		"1111111111":                 false,
		"943476 5919":                false,
		"12 9434765919 and the rest": true,
	} {
		t.Run(text, func(t *testing.T) {
			if Within([]byte(text)) != want {
				t.Errorf("Within(%q) is not %v", text, want)
			}
		})
	}
}

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		"extract.csv":                      "extract.csv",
		"9434765919.csv":                   "xxxxxxxxxx.csv",
		"of/9434765919/943-476-5919 a.csv": "of/xxxxxxxxxx/xxx-xxx-xxxx a.csv",
		"943_476_5919.csv":                 "xxx_xxx_xxxx.csv",
		"943.476.5919":                     "xxx.xxx.xxxx",
		"943" + nbsp + "476 5919":          "xxx" + nbsp + "xxx xxxx",
		"9434765919_9995609649":            "xxxxxxxxxx_xxxxxxxxxx",
		"943\xa0476\xff5919.csv":           "xxx\xa0xxx\xffxxxx.csv",
		"943\x01476\n5919":                 "xxx\x01xxx\nxxxx",
		"943, 476 – 5919":                  "xxx, xxx – xxxx",
		"943\u200b476\u200b5919":           "xxx\u200bxxx\u200bxxxx",
		"94347\u200b65919":                 "xxxxx\u200bxxxxx",
		"no٣943476591":                     "no٣943476591",
		"943a476b5919":                     "943a476b5919",
		"9434765918.csv":                   "9434765918.csv",
		"20261123083200_94347659190.csv":   "20261123083200_94347659190.csv",
		"":                                 "",
	} {
		t.Run(text, func(t *testing.T) {
			if got := Mask(text); got != want {
				t.Errorf("Mask(%q) is %q, want %q", text, got, want)
			}
		})
	}
}

// The second implementation: the rules once more, as expressions and in the words of the Data
// Dictionary.
const blank = `(?:[ \t]|\x{a0})*`

var (
	digits    = `[0-9]{10}`
	grouped   = `[0-9]{3}[ \x{a0}-][0-9]{3}[ \x{a0}-][0-9]{4}`
	bare      = `(?:` + digits + `|` + grouped + `)`
	plainForm = regexp.MustCompile(`^` + blank + `(?:` + bare + `|'` + bare + `|="` + bare + `"|` + digits + `\.0+|[0-9]\.[0-9]{9}[Ee](?:[+0]?|\+0)9)` + blank + `$`)
	plainNull = regexp.MustCompile(`^` + blank + `(?:(?i:null|na|n/a|nan|none|<na>|#n/a|\(null\))|-|\.|\\N|)` + blank + `$`)
	notDigits = regexp.MustCompile(`[^0-9]`)
)

func plainParse(text string) (Key, Status) {
	text = loneSpaces(text)
	switch {
	case plainNull.MatchString(text):
		return 0, Missing
	case !plainForm.MatchString(text):
		return 0, Invalid
	}
	key, valid := plainCheck(notDigits.ReplaceAllString(text, "")[:10])
	if !valid {
		return 0, Invalid
	}
	return key, Valid
}

// loneSpaces gives text with the bytes 0xA0 that are no part of a UTF-8 character as no-break
// spaces.
func loneSpaces(text string) string {
	var b strings.Builder
	for i, r := range text {
		if r == utf8.RuneError && text[i] == 0xA0 {
			r = 0xA0
		}
		b.WriteRune(r)
	}
	return b.String()
}

func plainCheck(ten string) (Key, bool) {
	if strings.Count(ten, ten[:1]) == 10 {
		return 0, false
	}
	sum, key := 0, 0
	for i := range 9 {
		d := int(ten[i] - '0')
		sum += d * (10 - i)
		key = key*10 + d
	}
	check := 11 - sum%11
	if check == 11 {
		check = 0
	}
	if check == 10 || check != int(ten[9]-'0') {
		return 0, false
	}
	return Key(key), true
}

func FuzzParse(f *testing.F) {
	for _, c := range forms {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		key, status := Parse(b)
		wantKey, wantStatus := plainParse(string(b))
		if key != wantKey || status != wantStatus {
			t.Errorf("Parse(%q) = %d, %d; the plain implementation says %d, %d", b, key, status, wantKey, wantStatus)
		}
	})
}

var (
	benchKey    Key
	benchStatus Status
)

func BenchmarkParse(b *testing.B) {
	for _, form := range []string{"9434765919", "943 476 5919", " 9434765919 ", "9434765919.0", "NULL"} {
		text := []byte(form)
		b.Run(strings.ReplaceAll(form, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchKey, benchStatus = Parse(text)
			}
		})
	}
}

func BenchmarkParseTens(b *testing.B) {
	const n = 4096
	data := []byte(strings.Repeat("9434765919....", n))
	keys, others := make([]Key, n), []int32{}
	for b.Loop() {
		others = ParseTens(keys, data, 14, others[:0])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/number")
}
