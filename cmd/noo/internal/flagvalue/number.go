package flagvalue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Sequence is a whole number in decimal: 010 is ten, and 0x10 is refused.
type Sequence uint64

// String returns the number in decimal.
func (s *Sequence) String() string { return strconv.FormatUint(uint64(*s), 10) }

// Set reads a number.
func (s *Sequence) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errors.New("want a whole number")
	}
	*s = Sequence(n)
	return nil
}

// Type returns what help calls the value.
func (*Sequence) Type() string { return "N" }

// Count is a number of things, 0 for none.
type Count int

// String returns the number in decimal.
func (c *Count) String() string { return strconv.Itoa(int(*c)) }

// Set reads a number of at most a million.
func (c *Count) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > 1_000_000 {
		return errors.New("want a whole number")
	}
	*c = Count(n)
	return nil
}

// Type returns what help calls the value.
func (*Count) Type() string { return "N" }

// Size is a number of bytes, which may have a unit: 64MiB, 100MB.
type Size int64

// units are the units of a Size, the larger first of those that fit.
var units = []struct {
	name  string
	bytes Size
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1_000_000_000}, {"MB", 1_000_000}, {"KB", 1_000},
}

// String returns the size in the largest unit of which it is a whole number.
func (s *Size) String() string {
	for _, unit := range units {
		if *s > 0 && *s%unit.bytes == 0 {
			return fmt.Sprintf("%d%s", *s/unit.bytes, unit.name)
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Set reads a size of at least one byte.
func (s *Size) Set(text string) error {
	digits, factor := text, Size(1)
	for _, unit := range units {
		if number, found := strings.CutSuffix(text, unit.name); found {
			digits, factor = number, unit.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n < 1 {
		return errors.New("want a size such as 64MiB")
	}
	*s = Size(n) * factor
	return nil
}

// Type returns what help calls the value.
func (*Size) Type() string { return "SIZE" }
