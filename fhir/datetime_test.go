package fhir

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // so that no machine is without the zone
)

func TestDateTime(t *testing.T) {
	for _, text := range []string{
		"", "2020-", "202", "20200", "2020-1", "2020-13", "2020-00", "2020-01-", "2020-01-1", "2020-01-32", "2020-02-30", "2021-02-29",
		"0000", "2020-01-01T", "2020-01-01T10:00Z", "2020-01-01T10:00:00", "2020-01-01T24:00:00Z", "2020-01-01T10:60:00Z", "2020-01-01T10:00:61Z",
		"2020-01-01T10:00:00.Z", "2020-01-01T10:00:00z", "2020-01-01t10:00:00Z", "2020-01-01 10:00:00Z", "2020-01-01T10:00:00+14:01",
		"2020-01-01T10:00:00+1:00", "2020-01-01T10:00:00+0100", "2020-01-01T10:00:00Z ", "2020-01-01T10:00:00 01:00", "2020/01/01", "-2020",
		"２０２０", "2020-01-01T10:00:00+01:60",
	} {
		if s, ok := parseDateTime([]byte(text)); ok {
			t.Errorf("%q is read as %v", text, s)
		}
	}
	for text, want := range map[string][2]string{
		"2020":                              {"2020-01-01T00:00:00Z", "2020-12-31T23:59:59.9999999Z"},
		"2020-02":                           {"2020-02-01T00:00:00Z", "2020-02-29T23:59:59.9999999Z"},
		"2020-07":                           {"2020-06-30T23:00:00Z", "2020-07-31T22:59:59.9999999Z"},
		"2020-12-31":                        {"2020-12-31T00:00:00Z", "2020-12-31T23:59:59.9999999Z"},
		"2020-03-29":                        {"2020-03-29T00:00:00Z", "2020-03-29T22:59:59.9999999Z"},
		"2020-10-25":                        {"2020-10-24T23:00:00Z", "2020-10-25T23:59:59.9999999Z"},
		"2020-06-01T10:00:00+01:00":         {"2020-06-01T09:00:00Z", "2020-06-01T09:00:00Z"},
		"2020-06-01T10:00:00.25-14:00":      {"2020-06-02T00:00:00.25Z", "2020-06-02T00:00:00.25Z"},
		"2020-06-01T10:00:00.000000050Z":    {"2020-06-01T10:00:00Z", "2020-06-01T10:00:00.0000001Z"},
		"2020-06-01T10:00:00.000000000000Z": {"2020-06-01T10:00:00Z", "2020-06-01T10:00:00Z"},
	} {
		s, ok := parseDateTime([]byte(text))
		for i, tick := range []int64{s.first, s.last} {
			if when, err := time.Parse(time.RFC3339Nano, want[i]); !ok || err != nil || tick != ticksOf(when) {
				t.Errorf("%s: %d, %v; %v", text, tick, ok, err)
			}
		}
	}
	if _, ok := parseInstant([]byte("2020-06-01")); ok {
		t.Error("a day is read as an instant")
	}
}

// TestDateTimeAgainstTime compares times with the standard library, and days with its rules of
// England where the system has them.
func TestDateTimeAgainstTime(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		zone := time.FixedZone("", (r.IntN(28*60)-14*60)*60)
		when := time.Unix(r.Int64N(250_000_000_000)-60_000_000_000, r.Int64N(1e7)*100).In(zone)
		if when.Year() < 1 || when.Year() > 9999 {
			continue
		}
		text := when.Format(time.RFC3339Nano)
		if s, ok := parseDateTime([]byte(text)); !ok || s.first != ticksOf(when) || s.last != s.first {
			t.Fatalf("%s: %v, %v", text, s, ok)
		}
	}
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for day := time.Date(1996, 1, 1, 0, 0, 0, 0, london); day.Year() < 2037; day = day.AddDate(0, 0, 1) {
		s, ok := parseDateTime([]byte(day.Format(time.DateOnly)))
		if !ok || s.first != ticksOf(day) || s.last != ticksOf(day.AddDate(0, 0, 1))-1 {
			t.Fatalf("%s: %v, %v", day, s, ok)
		}
	}
}
