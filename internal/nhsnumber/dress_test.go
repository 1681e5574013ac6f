package nhsnumber

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
)

const number = "9434765919"

// dresses are forms in which a person reads 943 476 5919.
var dresses = []string{
	"943.476.5919", "943  476  5919", "943_476_5919", "943/476/5919", "94347 65919", "9434 765 919", "9,434,765,919", "9434765919,00",
	"+9434765919", "*9434765919*", "[9434765919]", "(943) 476 5919", "NHS9434765919", "nhs no: 943 476 5919", "9434765919V",
	"9434765919 (verified)", "9434765919^^^NHS^NH", "https://fhir.nhs.uk/Id/nhs-number|9434765919", "09434765919", "009434765919",
	"9434765919/9995609649", "9995609649 9434765919", "9.434765919E9", "9.434765919e+09", "94347659.19E2", "0.9434765919E10",
	"９４３４７６５９１９", "٩٤٣٤٧٦٥٩١٩", "943\u2013476\u20135919", "943\u2011476\u20115919",
	"`9434765919`", "‘9434765919’", "943·476·5919", "94347659I9", "943476591" + "9 (2019)", "9434765919.5", "-9434765919",
	"9\x004\x003\x004\x007\x006\x005\x009\x001\x009", "943\r\n476\r\n5919", "⑨④③④⑦⑥⑤⑨①⑨", "⁹⁴³⁴⁷⁶⁵⁹¹⁹", "₉₄₃₄₇₆₅₉₁₉",
	strings.Repeat("x", 1000) + "9434765919" + strings.Repeat("y1", 50),
}

func heldIn(text string) bool {
	return Held([]byte(text), func(key Key) bool { return key == 943476591 })
}

func TestHeld(t *testing.T) {
	for _, text := range dresses {
		if !heldIn(text) {
			t.Errorf("%q: not found", text)
		}
	}
	for _, text := range []string{
		"", "x", "9.43E+09", "943476591", "9434765918", "94347 6591", "943476591E1", "E9", "e", "1E99999999999999999999",
		"9.4.3E9", "9434765919"[:9] + "E-0",
	} {
		if heldIn(text) {
			t.Errorf("%q: found", text)
		}
	}
}

// TestNumbersAreHeld: what Parse reads as a number, Whole and Held find too.
func TestNumbersAreHeld(t *testing.T) {
	for _, c := range forms {
		if c.status != Valid {
			continue
		}
		if !heldIn(c.text) {
			t.Errorf("%q: not found", c.text)
		}
		if key, status, ten := Whole([]byte(c.text)); key != 943476591 || status != Valid || !ten {
			t.Errorf("Whole(%q): %d, %t", c.text, status, ten)
		}
	}
}

// FuzzDress: any bytes are read without a panic, and what one way of reading finds the others find
// too.
func FuzzDress(f *testing.F) {
	for _, text := range dresses {
		f.Add([]byte(text))
	}
	for _, c := range forms {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		held := map[Key]bool{}
		Held(text, func(key Key) bool {
			held[key] = true
			return false
		})
		key, status := Parse(text)
		if status == Valid && !held[key] {
			t.Errorf("%q: Parse finds a number that Held does not", text)
		}
		if whole, wholeStatus, ten := Whole(text); wholeStatus == Valid && (!ten || !held[whole]) || status == Valid && wholeStatus != Valid {
			t.Errorf("%q: Whole finds %d", text, wholeStatus)
		}
	})
}

// TestHeldExponent compares with numbers printed in scientific notation, zeros at their end left
// out as Java and Spark do.
func TestHeldExponent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		key := 900_000_000 + r.Uint32N(1000)*100_000 + r.Uint32N(2)*r.Uint32N(100_000)
		check, ok := CheckDigit(key)
		if !ok || placeholder(key) {
			continue
		}
		value := uint64(key)*10 + uint64(check)
		digits := strings.TrimRight(fmt.Sprint(value), "0")
		for _, text := range []string{
			fmt.Sprintf("%c.%sE9", digits[0], digits[1:]+"0"), fmt.Sprintf("0.%sE10", digits), fmt.Sprintf("%s,0e+%d", digits, 10-len(digits)),
			fmt.Sprintf("0.00%sE+12", digits), fmt.Sprintf("%s000E-%02d", digits, 3-(10-len(digits))),
		} {
			if strings.Contains(text, "E--") {
				continue
			}
			if !Held([]byte(text), func(found Key) bool { return found == key }) {
				t.Fatalf("a number in scientific notation of the form %s is not found", strings.Map(func(c rune) rune {
					if unicode.IsDigit(c) {
						return '9'
					}
					return c
				}, text))
			}
		}
	}
}

func TestWhole(t *testing.T) {
	for _, c := range []struct {
		text   string
		status Status
		ten    bool
	}{
		{number, Valid, true}, {" 943 476 5919 ", Valid, true}, {"9434765919.00", Valid, true}, {"943.476.5919", Valid, true},
		{"(9434765919)", Valid, true}, {"9.434765919E9", Valid, true}, {"9.434765918E9", Invalid, false}, {"9434765919 V", Valid, true}, {"９４３４７６５９１９", Valid, true}, {"9434765918", Invalid, true},
		{"94347 65918", Invalid, true}, {"94347659190", Invalid, false}, {"943476591", Invalid, false}, {"9434765919 2", Invalid, false},
		{"", Missing, false}, {"NULL", Missing, false}, {number + strings.Repeat(" x", 30), Invalid, false}, {"did not attend", Invalid, false},
	} {
		t.Run(c.text, func(t *testing.T) {
			key, status, ten := Whole([]byte(c.text))
			if status != c.status || ten != c.ten {
				t.Errorf("Whole(%q): %d, %t", c.text, status, ten)
			}
			if status == Valid && key != 943476591 {
				t.Errorf("Whole(%q): key %d", c.text, key)
			}
		})
	}
}

// TestUnicodeDress: blanks of Unicode group and surround a number, and what nobody sees does not
// count.
func TestUnicodeDress(t *testing.T) {
	for _, blank := range []string{"\u2009", "\u2007", "\u202f", "\u3000", "\u2003", "\u1680", "\u205f"} {
		for _, text := range []string{"943" + blank + "476" + blank + "5919", blank + number, number + blank + blank, blank + "'" + number} {
			if key, status := Parse([]byte(text)); status != Valid || key != 943476591 {
				t.Errorf("%+q: %d", text, status)
			}
		}
		if _, status := Parse([]byte(blank)); status != Missing {
			t.Errorf("%+q: %d, want missing", blank, status)
		}
		if _, status := Parse([]byte("943" + blank + blank + "476 5919")); status != Invalid {
			t.Errorf("%+q twice: %d", blank, status)
		}
	}
	for _, unseen := range []string{"\u200b", "\u200e", "\u200f", "\u202a", "\u202c", "\u2060", "\u2066", "\u2069", "\ufeff", "\u00ad", "\u200d"} {
		for _, text := range []string{unseen + number, number + unseen, "94347" + unseen + "65919", "943" + unseen + " 476-5919" + unseen} {
			if key, status := Parse([]byte(text)); status != Valid || key != 943476591 {
				t.Errorf("%+q: %d", text, status)
			}
		}
		if _, status := Parse([]byte(unseen + " " + unseen)); status != Missing {
			t.Errorf("%+q: %d, want missing", unseen, status)
		}
	}
	for _, text := range []string{"943\u2011476\u20115919", "943\u2013476\u20135919", number + "à", "\u2028" + number} {
		if _, status := Parse([]byte(text)); status != Invalid {
			t.Errorf("%+q: %d, want invalid", text, status)
		}
	}
}

// TestDigitsOfEveryScript holds the rule by which the value of a digit is told against the digits
// that Unicode has.
func TestDigitsOfEveryScript(t *testing.T) {
	count := 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			continue
		}
		if want := count % 10; digitOf(r) != want {
			t.Fatalf("%U: %d, want %d", r, digitOf(r), want)
		}
		count++
	}
	if count < 600 {
		t.Errorf("%d digits", count)
	}
}

func BenchmarkWholeOfText(b *testing.B) {
	text := []byte("did not attend on 2026-01-02")
	for b.Loop() {
		Whole(text)
	}
}
