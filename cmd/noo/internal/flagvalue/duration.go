package flagvalue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// mostDays is the longest duration: a hundred years.
const mostDays = 36_500

// Age is a duration in days (21d) or in Go's notation (36h). It is more than zero.
type Age time.Duration

// String returns whole days as days, and all else in Go's notation.
func (a *Age) String() string {
	d := time.Duration(*a)
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

// Set reads a duration.
func (a *Age) Set(text string) error {
	d, ok := parseDuration(text)
	if !ok {
		return errors.New("want a time such as 21d or 36h")
	}
	*a = Age(d)
	return nil
}

// Type returns what help calls the value.
func (*Age) Type() string { return "TIME" }

// Wait is how long to wait, in the notations of Age.
type Wait time.Duration

// String returns the duration as Age does.
func (w *Wait) String() string { return (*Age)(w).String() }

// Set reads a duration.
func (w *Wait) Set(text string) error {
	d, ok := parseDuration(text)
	if !ok {
		return errors.New("want a time such as 10m or 90s")
	}
	*w = Wait(d)
	return nil
}

// Type returns what help calls the value.
func (*Wait) Type() string { return "TIME" }

// parseDuration reads a duration, and reports whether it is one and more than zero.
func parseDuration(text string) (d time.Duration, ok bool) {
	d, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n int64
		n, err = strconv.ParseInt(days, 10, 32)
		d = time.Duration(n) * day
		if n > mostDays {
			err = strconv.ErrRange
		}
	}
	return d, err == nil && d > 0
}
