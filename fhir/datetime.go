package fhir

// FHIR's dateTime and instant (hl7.org/fhir/R4/datatypes.html): a year, a month, a day, or a time
// with seconds and a zone.

import (
	"time"
)

// ticks are units of 100 nanoseconds since the year 1: the years that FHIR knows fit into 62 bits.
const (
	ticksPerSecond = 10_000_000
	unixEpoch      = 62_135_596_800 // seconds from the year 1 to 1970
)

// span is the time that a dateTime may mean: from its first to its last tick. A time with seconds
// is one tick, or two if it is finer. A day, a month or a year is meant as in England.
type span struct{ first, last int64 }

func ticksOf(t time.Time) int64 {
	return (t.Unix()+unixEpoch)*ticksPerSecond + int64(t.Nanosecond())/100
}

// parseDateTime reads a dateTime. It returns false for anything else.
func parseDateTime(text []byte) (span, bool) {
	year, ok := digits(text, 0, 4)
	if !ok || year == 0 {
		return span{}, false
	}
	if len(text) == 4 {
		return between(year, 1, 1, year+1, 1, 1), true
	}
	month, ok := digits(text, 5, 2)
	if !ok || text[4] != '-' || month < 1 || month > 12 {
		return span{}, false
	}
	if len(text) == 7 {
		return between(year, month, 1, year, month+1, 1), true
	}
	day, ok := digits(text, 8, 2)
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if !ok || text[7] != '-' || day < 1 || date.Day() != day {
		return span{}, false
	}
	if len(text) == 10 {
		return between(year, month, day, year, month, day+1), true
	}
	return parseTime(text, date)
}

// parseInstant reads an instant: a dateTime with a time.
func parseInstant(text []byte) (span, bool) {
	if len(text) <= 10 {
		return span{}, false
	}
	return parseDateTime(text)
}

// parseTime reads what follows the ten characters of a day: THH:MM:SS, a fraction, and a zone.
func parseTime(text []byte, day time.Time) (span, bool) {
	hour, ok1 := digits(text, 11, 2)
	minute, ok2 := digits(text, 14, 2)
	second, ok3 := digits(text, 17, 2)
	if !ok1 || !ok2 || !ok3 || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
		hour > 23 || minute > 59 || second > 60 {
		return span{}, false
	}
	fraction, finer, rest, ok := parseFraction(text[19:])
	if !ok {
		return span{}, false
	}
	offset, ok := parseZone(rest)
	if !ok {
		return span{}, false
	}
	at := ticksOf(day) + int64(hour*3600+minute*60+second-offset)*ticksPerSecond + fraction
	return span{at, at + finer}, true
}

// parseFraction reads a fraction of a second, if there is one. finer is 1 if it has digits below a
// tick.
func parseFraction(text []byte) (ticks, finer int64, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '.' {
		return 0, 0, text, true
	}
	n := 1
	for unit := int64(ticksPerSecond / 10); n < len(text) && isDigit(text[n]); n++ {
		ticks += int64(text[n]-'0') * unit
		if unit == 0 && text[n] != '0' {
			finer = 1
		}
		unit /= 10
	}
	return ticks, finer, text[n:], n > 1
}

// parseZone reads Z, or an offset of at most 14 hours, and returns it in seconds.
func parseZone(text []byte) (seconds int, ok bool) {
	if len(text) == 1 && text[0] == 'Z' {
		return 0, true
	}
	hours, ok1 := digits(text, 1, 2)
	minutes, ok2 := digits(text, 4, 2)
	seconds = hours*3600 + minutes*60
	if len(text) != 6 || !ok1 || !ok2 || text[3] != ':' || minutes > 59 || seconds > 14*3600 {
		return 0, false
	}
	switch text[0] {
	case '+':
		return seconds, true
	case '-':
		return -seconds, true
	}
	return 0, false
}

// between returns the time from one midnight in England to just before another.
func between(year, month, day, toYear, toMonth, toDay int) span {
	return span{midnight(year, month, day), midnight(toYear, toMonth, toDay) - 1}
}

// midnight returns when a day begins in England, where summer time is from the last Sunday in March
// to the last Sunday in October, each at 01:00 UTC. Opt-outs are younger than this rule.
func midnight(year, month, day int) int64 {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.After(lastSunday(t.Year(), time.March)) && !t.After(lastSunday(t.Year(), time.October)) {
		t = t.Add(-time.Hour)
	}
	return ticksOf(t)
}

// lastSunday returns the last Sunday of a month of 31 days.
func lastSunday(year int, month time.Month) time.Time {
	t := time.Date(year, month, 31, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, -int(t.Weekday()))
}

// digits reads n digits at a place.
func digits(text []byte, at, n int) (value int, ok bool) {
	if len(text) < at+n {
		return 0, false
	}
	for _, c := range text[at : at+n] {
		if !isDigit(c) {
			return 0, false
		}
		value = 10*value + int(c-'0')
	}
	return value, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
