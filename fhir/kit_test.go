package fhir

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"noo/internal/nhsnumber"
)

// The patients of these tests: never-issued numbers.
const (
	one = "9434765919"
	two = "9836044507"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// said is what a file says: who opted out, and who did not.
type said map[nhsnumber.Key]bool

// read reads a text. It returns what it says.
func read(t testing.TB, text string, skip bool) (said, Tally, error) {
	t.Helper()
	r := NewRegister()
	_, err := r.Read(t.Context(), strings.NewReader(text), "file", Options{SkipInvalid: skip, Now: now})
	return saidBy(r), r.Tally(), err
}

func saidBy(r *Register) said {
	s := said{}
	for key, latest := range r.people {
		s[key] = latest.active()
	}
	return s
}

func keyIn(number string) nhsnumber.Key {
	key, _ := nhsnumber.Parse([]byte(number))
	return key
}

// stu3 is a Consent of STU3, with more members after the others.
func stu3(number, status, when string, more ...string) string {
	return fmt.Sprintf(`{"resourceType":"Consent","id":"%s","status":"%s","patient":{"reference":"https://demographics.spineservices.nhs.uk/STU3/Patient/%s"},"dateTime":"%s","purpose":[{"system":"http://snomed.info/sct","code":"370856009"}]%s}`,
		number, status, number, when, strings.Join(append([]string{""}, more...), ","))
}

// r4 is a Consent of R4, with a provision.
func r4(number, status, when, provision string, more ...string) string {
	return fmt.Sprintf(`{"resourceType":"Consent","status":"%s","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"%s"}},"dateTime":"%s","provision":%s%s}`,
		status, number, when, provision, strings.Join(append([]string{""}, more...), ","))
}

const denied = `{"type":"deny","purpose":[{"system":"http://snomed.info/sct","code":"370856009"}]}`

// searchset is a Bundle of Consents.
func searchset(consents ...string) string {
	entries := make([]string, len(consents))
	for i, c := range consents {
		entries[i] = `{"fullUrl":"urn:x","resource":` + c + `,"search":{"mode":"match"}}`
	}
	return fmt.Sprintf(`{"resourceType":"Bundle","type":"searchset","total":%d,"link":[{"relation":"self","url":"x"}],"entry":[%s]}`,
		len(consents), strings.Join(entries, ","))
}

// plain is a Consent as encoding/json reads it: the reference, which shares nothing with the reader.
type plain struct {
	ResourceType string
	Status       string
	Meta         struct{ LastUpdated string }
	Patient      struct {
		Reference  string
		Identifier struct{ System, Value string }
	}
	DateTime string
}

// plainly says what Consents say: the last of each patient, where all times have seconds.
func plainly(t testing.TB, consents []string) said {
	t.Helper()
	type last struct {
		when, updated time.Time
		active        bool
	}
	lasts := map[string]last{}
	for _, text := range consents {
		var p plain
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		number := p.Patient.Identifier.Value
		if number == "" {
			number = p.Patient.Reference[strings.LastIndex(p.Patient.Reference, "/")+1:]
		}
		l := last{active: p.Status == "active"}
		var err error
		if l.when, err = time.Parse(time.RFC3339Nano, p.DateTime); err != nil {
			t.Fatal(err)
		}
		if l.updated, err = time.Parse(time.RFC3339Nano, p.Meta.LastUpdated); err != nil {
			t.Fatal(err)
		}
		before, ok := lasts[number]
		if !ok || l.when.After(before.when) || l.when.Equal(before.when) && (l.updated.After(before.updated) ||
			l.updated.Equal(before.updated) && l.active) {
			lasts[number] = l
		}
	}
	s := said{}
	for number, l := range lasts {
		s[keyIn(number)] = l.active
	}
	return s
}

// drawn draws Consents of few patients at few times, so that many tie.
func drawn(r *rand.Rand, n int) (consents []string) {
	numbers := []string{one, two, "9995609649", "9926702066", "9000000009", "9342852491"}
	zones := []*time.Location{time.UTC, time.FixedZone("", 3600), time.FixedZone("", -5*3600-1800)}
	moment := func() string {
		when := time.Date(2020, 1, 1, r.IntN(3), 0, r.IntN(2), r.IntN(3)*100_000_000, time.UTC)
		return when.In(zones[r.IntN(len(zones))]).Format([]string{time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000000Z07:00"}[r.IntN(3)])
	}
	for range n {
		number, status := numbers[r.IntN(len(numbers))], []string{"active", "inactive"}[r.IntN(2)]
		meta := fmt.Sprintf(`"meta":{"versionId":"2","lastUpdated":"%s"}`, moment())
		if r.IntN(2) == 0 {
			consents = append(consents, stu3(number, status, moment(), meta, `"text":{"status":"generated","div":"<div>\u00e9 \\ \"}]</div>"}`))
		} else {
			consents = append(consents, r4(number, status, moment(), denied, meta))
		}
	}
	return consents
}
