package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"noo/internal/kind"
)

// TestForms: the same Consents say the same in every form of a document.
func TestForms(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		consents := drawn(r, r.IntN(30)+1)
		want := plainly(t, consents)
		var indented []string
		for _, c := range consents {
			indented = append(indented, indent(t, c))
		}
		// A Bundle whose members come in another order, and a batch of searches.
		inner := searchset(consents...)
		late := `{"entry":[{"resource":` + strings.Join(consents, `},{"resource":`) + `}],"total":` + fmt.Sprint(len(consents)) + `,"type":"searchset","resourceType":"Bundle"}`
		for name, text := range map[string]string{
			"Bundle":             searchset(consents...),
			"Bundle, indented":   indent(t, searchset(consents...)),
			"Bundle, type last":  late,
			"collection":         strings.Replace(searchset(consents...), "searchset", "collection", 1),
			"batch":              `{"resourceType":"Bundle","type":"batch-response","entry":[{"response":{"status":"200 OK"},"resource":` + inner + `}]}`,
			"array":              "[" + strings.Join(consents, ",") + "]",
			"array, indented":    "\ufeff [\n" + strings.Join(indented, "\n,\n") + "\n]\n",
			"NDJSON":             strings.Join(consents, "\n") + "\n",
			"NDJSON without end": strings.Join(consents, "\n"),
			"NDJSON with blanks": "\n" + strings.Join(consents, "\r\n\r\n  \n") + "\n\n",
			"XML":                asXML(t, searchset(consents...)),
		} {
			if got, tally, err := read(t, text, false); err != nil || !maps.Equal(got, want) || tally.Consents != uint64(len(consents)) {
				t.Fatalf("%s: %v, %d of %d Consents, it says %v, want %v", name, err, tally.Consents, len(consents), got, want)
			}
			slow := NewRegister()
			if _, err := slow.Read(t.Context(), iotest.OneByteReader(strings.NewReader(text)), "file", Options{Now: now}); err != nil || !maps.Equal(saidBy(slow), want) {
				t.Fatalf("%s, a byte at a time: %v", name, err)
			}
		}
	}
}

func indent(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(v, " ", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestSeveralFiles: files join, whatever their order.
func TestSeveralFiles(t *testing.T) {
	files := []string{
		stu3(one, "active", "2020-01-01T00:00:00Z"), searchset(stu3(one, "inactive", "2020-01-02T00:00:00Z")),
		stu3(two, "inactive", "2020-01-01T00:00:00Z"), r4(two, "active", "2021", denied),
	}
	for range 10 {
		r := NewRegister()
		for _, i := range rand.Perm(len(files)) {
			if _, err := r.Read(t.Context(), strings.NewReader(files[i]), "file", Options{Now: now}); err != nil {
				t.Fatal(err)
			}
		}
		if want := (said{keyIn(one): false, keyIn(two): true}); !maps.Equal(saidBy(r), want) {
			t.Errorf("it says %v", saidBy(r))
		}
		if r.OptedOut().Len() != 1 || r.Patients().Len() != 2 {
			t.Errorf("%d of %d opted out", r.OptedOut().Len(), r.Patients().Len())
		}
	}
}

// TestOrder: which of two Consents of a patient decides.
func TestOrder(t *testing.T) {
	updated := func(when string) string { return `"meta":{"lastUpdated":"` + when + `"}` }
	for _, c := range []struct {
		name             string
		active, inactive []string // dateTime and more members
		optedOut         bool
	}{
		{"later", []string{"2020-01-01T10:00:00Z"}, []string{"2020-01-01T10:00:01Z"}, false},
		{"later by a fraction", []string{"2020-01-01T10:00:00.2Z"}, []string{"2020-01-01T10:00:00.30Z"}, false},
		{"earlier in another zone", []string{"2020-01-01T10:00:00Z"}, []string{"2020-01-01T11:30:00+02:00"}, true},
		{"later in another zone", []string{"2020-01-01T10:00:00Z"}, []string{"2020-01-01T05:30:00-05:00"}, false},
		{"a tie", []string{"2020-01-01T10:00:00Z"}, []string{"2020-01-01T10:00:00.000+00:00"}, true},
		{"a tie, withdrawn later", []string{"2020-01-01T10:00:00Z", updated("2020-01-02T10:00:00Z")}, []string{"2020-01-01T10:00:00Z", updated("2020-01-02T10:00:00.001Z")}, false},
		{"a tie, opted out later", []string{"2020-01-01T10:00:00Z", updated("2020-01-02T10:00:01Z")}, []string{"2020-01-01T10:00:00Z", updated("2020-01-02T10:00:00Z")}, true},
		{"a tie, one not updated", []string{"2020-01-01T10:00:00Z"}, []string{"2020-01-01T10:00:00Z", updated("2020-01-02T10:00:00Z")}, true},
		{"a tie, the other not updated", []string{"2020-01-01T10:00:00Z", updated("2020-01-02T10:00:00Z")}, []string{"2020-01-01T10:00:00Z"}, true},
		{"updated later, made earlier", []string{"2020-01-01T10:00:00Z", updated("2021-01-02T10:00:00Z")}, []string{"2020-01-01T10:00:01Z", updated("2020-01-02T10:00:00Z")}, false},
		{"the same day", []string{"2020-06-01"}, []string{"2020-06-01T23:00:00+01:00"}, true},
		{"the same day, both without a time", []string{"2020-06-01"}, []string{"2020-06-01"}, true},
		{"the day after", []string{"2020-06-01"}, []string{"2020-06-02"}, false},
		{"the day after, by time", []string{"2020-06-01"}, []string{"2020-06-02T00:00:00+01:00"}, false},
		{"the day of summer time", []string{"2020-03-28"}, []string{"2020-03-29"}, false},
		{"the day after summer time", []string{"2020-10-25"}, []string{"2020-10-25T23:59:59.9999999Z"}, true},
		{"the month", []string{"2020-05"}, []string{"2020-05-31"}, true},
		{"the month after", []string{"2020-05"}, []string{"2020-06"}, false},
		{"the year", []string{"2020"}, []string{"2020-12-31T23:59:59Z"}, true},
		{"the year after", []string{"2020"}, []string{"2021"}, false},
		{"finer than is compared", []string{"2020-01-01T10:00:00.12345671Z"}, []string{"2020-01-01T10:00:00.12345679Z"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			active := stu3(one, "active", c.active[0], c.active[1:]...)
			inactive := stu3(one, "inactive", c.inactive[0], c.inactive[1:]...)
			for _, text := range []string{active + "\n" + inactive, inactive + "\n" + active} {
				got, _, err := read(t, text, false)
				if err != nil || got[keyIn(one)] != c.optedOut {
					t.Errorf("opted out: %v, %v", got[keyIn(one)], err)
				}
			}
		})
	}
}

// digitsInRow is what no message may have.
var digitsInRow = regexp.MustCompile(`[0-9]{7}|\n`)

// TestUnusable: Consents that cannot be used are refused with their place, or skipped and counted.
func TestUnusable(t *testing.T) {
	good := stu3(two, "active", "2020-01-01T00:00:00Z")
	from := func(old, by string) string {
		return strings.Replace(stu3(one, "active", "2020-01-01T00:00:00Z"), old, by, 1)
	}
	fromR4 := func(old, by string) string {
		return strings.Replace(r4(one, "active", "2020-01-01T00:00:00Z", denied), old, by, 1)
	}
	with := func(more string) string { return stu3(one, "active", "2020-01-01T00:00:00Z", more) }
	reference := "https://demographics.spineservices.nhs.uk/STU3/Patient/" + one
	for _, c := range []struct {
		name, consent string
		want          error
	}{
		{"entered in error", from(`"active"`, `"entered-in-error"`), ErrStatus},
		{"draft", from(`"active"`, `"draft"`), ErrStatus},
		{"proposed", from(`"active"`, `"proposed"`), ErrStatus},
		{"rejected", from(`"active"`, `"rejected"`), ErrStatus},
		{"another case", from(`"active"`, `"Active"`), ErrStatus},
		{"no status", from(`"status":"active",`, ``), ErrStatus},
		{"another purpose", from("370856009", "370856008"), ErrPurpose},
		{"another system", from("http://snomed.info/sct", "http://snomed.info"), ErrPurpose},
		{"no system", from(`"system":"http://snomed.info/sct",`, ``), ErrPurpose},
		{"one purpose more", from(`"purpose":[`, `"purpose":[{"system":"http://snomed.info/sct","code":"1"},`), ErrPurpose},
		{"no purpose", from(`"purpose"`, `"text"`), ErrPurpose},
		{"another purpose in R4", fromR4("370856009", "HRESCH"), ErrPurpose},
		{"no purpose in R4", fromR4(denied, `{"type":"deny"}`), ErrPurpose},
		{"a local id", from(reference, "Patient/12"), ErrPatient},
		{"a wrong check digit", from(one+`"},`, one[:9]+`8"},`), ErrPatient},
		{"a placeholder", from("Patient/"+one, "Patient/9999999999"), ErrPatient},
		{"a number of eleven", from("Patient/"+one, "Patient/1"+one), ErrPatient},
		{"somebody else", from("STU3/Patient", "STU3/RelatedPerson"), ErrPatient},
		{"a type that ends so", from("STU3/Patient", "STU3/NoPatient"), ErrPatient},
		{"another type", from(`{"reference"`, `{"type":"Group","reference"`), ErrPatient},
		{"contained", from(reference, "#p1"), ErrPatient},
		{"no patient", from(`"patient"`, `"text"`), ErrPatient},
		{"a wrong identifier", from(`{"reference"`, `{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"1"},"reference"`), ErrPatient},
		{"two numbers", from(`{"reference"`, `{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+two+`"},"reference"`), ErrPatients},
		{"no dateTime", from(`"dateTime"`, `"text"`), ErrDateTime},
		{"no zone", from("00:00:00Z", "00:00:00"), ErrDateTime},
		{"no such day", from("2020-01-01", "2021-02-29"), ErrDateTime},
		{"no seconds", from("00:00:00Z", "00:00Z"), ErrDateTime},
		{"a wrong lastUpdated", with(`"meta":{"lastUpdated":"2020-01-01"}`), ErrDateTime},
		{"the future", from("2020", "2099"), ErrFuture},
		{"a modifier extension", with(`"modifierExtension":[{"url":"x"}]`), ErrModified},
		{"implicit rules", with(`"implicitRules":"x"`), ErrModified},
		{"a modifier in a provision", fromR4(`{"type":"deny"`, `{"modifierExtension":[{"url":"x"}],"type":"deny"`), ErrModified},
		{"permit", fromR4("deny", "permit"), ErrPermit},
		{"opt in", r4(one, "active", "2020", denied, `"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]}`), ErrPermit},
		{"a rule in the rule", fromR4(`"type":"deny"`, `"type":"deny","provision":[{"type":"permit"}]`), ErrLimited},
		{"a time limit", fromR4(`"type":"deny"`, `"type":"deny","period":{"end":"2020"}`), ErrLimited},
		{"one actor", fromR4(`"type":"deny"`, `"type":"deny","actor":[]`), ErrLimited},
		{"some data", fromR4(`"type":"deny"`, `"type":"deny","data":[]`), ErrLimited},
		{"an exception", with(`"except":[{"type":"permit"}]`), ErrLimited},
		{"a period", with(`"period":{}`), ErrLimited},
		{"a part of the resource", with(`"meta":{"tag":[{"code":"SUBSETTED"}]}`), ErrSubset},
		{"both versions", with(`"scope":{}`), ErrVersions},
		{"an element of R5", with(`"decision":"permit"`), ErrUnknown},
		{"another resource", `{"resourceType":"Patient","id":"` + one + `"}`, ErrNotConsent},
		{"no type", `{}`, ErrNotConsent},
		{"a type in another case", from(`"Consent"`, `"consent"`), ErrNotConsent},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, text := range map[string]string{
				"file, line 2: ":  good + "\n" + c.consent + "\n" + c.consent,
				"file, entry 2: ": searchset(good, c.consent),
				"file, element 2": "[" + good + "," + c.consent + "]",
				"file: ":          c.consent,
			} {
				_, _, err := read(t, text, false)
				refused, ok := errors.AsType[*Error](err)
				if !ok || !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), name) || kind.Of(err) != kind.Input {
					t.Errorf("%v, want %s %v", err, name, c.want)
					continue
				}
				if text := refused.Error(); digitsInRow.MatchString(strings.ReplaceAll(text, "370856009", "")) || len(text) > 120 {
					t.Errorf("a message that holds too much: %s", text)
				}
				got, tally, err := read(t, text, true)
				if err != nil || tally.Skipped == 0 || got[keyIn(one)] {
					t.Errorf("skipped: %v, %+v", err, tally)
				}
				if name != "file: " && !got[keyIn(two)] {
					t.Error("the Consent before it is not used")
				}
			}
		})
	}
}

// TestUsable: unusual Consents that say what others say.
func TestUsable(t *testing.T) {
	from := func(old, by string) string {
		return strings.Replace(stu3(one, "active", "2020-01-01T00:00:00Z"), old, by, 1)
	}
	inCategory := strings.Replace(r4(one, "active", "2020", `{}`), "http://loinc.org\",\"code\":\"59284-0", "https://snomed.info/sct\",\"code\":\"370856009", 1)
	for name, text := range map[string]string{
		"escapes":              from(`"status":"active"`, `"st\u0061tus":"\u0061ctive"`),
		"an escaped slash":     from("/STU3/Patient/", `\/STU3\/Patient\/`),
		"https":                from("http://snomed", "https://snomed"),
		"a relative reference": from("https://demographics.spineservices.nhs.uk/STU3/Patient/", "Patient/"),
		"a version":            from(one+`"},`, one+`/_history/3"},`),
		"reference and number": from(`{"reference"`, `{"type":"Patient","identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"943 476 5919"},"reference"`),
		"another identifier":   from(`{"reference"`, `{"identifier":{"system":"urn:local","value":"`+two+`"},"reference"`),
		"in the category":      inCategory,
		"in the scope":         strings.Replace(r4(one, "active", "2020", `{"type":"deny"}`), "http://terminology.hl7.org/CodeSystem/consentscope\",\"code\":\"patient-privacy", "http://snomed.info/sct\",\"code\":\"370856009", 1),
		"opting out by policy": r4(one, "active", "2020", denied, `"policyRule":{"coding":[{"code":"OPTOUT"}]}`),
		"extensions":           from(`"status"`, `"_status":{"extension":[{"url":"x"}]},"extension":[{"url":"x","valueBoolean":true}],"status"`),
		"contained":            from(`"status"`, `"contained":[{"resourceType":"Consent","status":"inactive","modifierExtension":[]}],"status"`),
		"a leap second":        from("00:00:00Z", "23:59:60Z"),
		"tomorrow":             from("2020-01-01T00", "2026-11-29T11"),
		"a huge string":        from(`"status"`, `"language":"`+strings.Repeat("x", 8<<20)+`","status"`),
	} {
		if got, _, err := read(t, text, false); err != nil || !got[keyIn(one)] {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefused: documents that are damaged or incomplete are refused, also with SkipInvalid.
func TestRefused(t *testing.T) {
	c := stu3(one, "active", "2020-01-01T00:00:00Z")
	bundle := searchset(c)
	from := func(old, by string) string { return strings.Replace(bundle, old, by, 1) }
	deep := strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100)
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ErrEmpty},
		{"blanks", " \n", ErrEmpty},
		{"a list", one + "\n", ErrNotFHIR},
		{"UTF-16", "\xff\xfe{\x00", ErrUTF16},
		{"UTF-16 without a mark", "\x00{\x00\"", ErrUTF16},
		{"not UTF-8", strings.Replace(c, "STU3", "\xff", 1), ErrUTF8},
		{"a truncated resource", c[:len(c)-1], ErrTruncated},
		{"a truncated Bundle", bundle[:len(bundle)-2], ErrTruncated},
		{"a truncated entry", bundle[:len(bundle)-20], ErrTruncated},
		{"a truncated array", "[" + c, ErrTruncated},
		{"a truncated line", c + "\n" + c[:40], ErrJSON},
		{"two on a line", c + c, ErrFollows},
		{"two on a later line", c + "\n" + c + c, ErrJSON},
		{"a resource on several lines, and another", indentOf(c) + "\n" + c, ErrFollows},
		{"text after a Bundle", bundle + c, ErrFollows},
		{"text after an array", "[" + c + "] x", ErrFollows},
		{"a line that is no object", c + "\n5\n", ErrType},
		{"a line that is an array", c + "\n[" + c + "]\n", ErrType},
		{"a Bundle in a line", c + "\n" + bundle, ErrNested},
		{"a Bundle in a searchset", searchset(bundle), ErrNested},
		{"a Bundle in a Bundle in an answer", `{"resourceType":"Bundle","type":"batch-response","entry":[{"response":{"status":"200 OK"},"resource":` + searchset(bundle) + `}]}`, ErrNested},
		{"an element twice", strings.Replace(c, `"status"`, `"status":"inactive","status"`, 1), ErrDuplicate},
		{"an element twice, escaped", strings.Replace(c, `"status"`, `"stat\u0075s":"inactive","status"`, 1), ErrDuplicate},
		{"an inner element twice", strings.Replace(c, `"reference"`, `"reference":"x","reference"`, 1), ErrDuplicate},
		{"a type twice", strings.Replace(c, `"status"`, `"resourceType":"Consent","status"`, 1), ErrDuplicate},
		{"entries twice", from(`"entry"`, `"entry":[],"entry"`), ErrDuplicate},
		{"a total twice", from(`"total"`, `"total":1,"total"`), ErrDuplicate},
		{"a wrong type", strings.Replace(c, `"active"`, `["active"]`, 1), ErrType},
		{"null", strings.Replace(c, `"active"`, `null`, 1), ErrType},
		{"half a surrogate", strings.Replace(c, `"active"`, `"\ud800"`, 1), ErrJSON},
		{"a line feed in a string", strings.Replace(c, `"active"`, "\"act\nive\"", 1), ErrJSON},
		{"a wrong number", stu3(one, "active", "2020", `"text":01`), ErrJSON},
		{"a comma too many", strings.Replace(c, "]}", "],}", 1), ErrJSON},
		{"brackets that do not match", strings.Replace(c, `[{`, `{{`, 1), ErrType},
		{"deep", stu3(one, "active", "2020", `"text":`+deep), ErrTooDeep},
		{"deep entries", from(`"entry":[`, `"entry":[`+deep+`,`), ErrType},
		{"large", stu3(one, "active", "2020", `"text":"`+strings.Repeat("x", 17<<20)+`"`), ErrTooLarge},
		{"a next page", from(`"self"`, `"next"`), ErrPages},
		{"a page before", from(`"self"`, `"previous"`), ErrPages},
		{"a page before, in R5's word", from(`"self"`, `"prev"`), ErrPages},
		{"a total too high", from(`"total":1`, `"total":2`), ErrTotal},
		{"a total too low", from(`"total":1`, `"total":0`), ErrTotal},
		{"a total without entries", `{"resourceType":"Bundle","type":"searchset","total":1}`, ErrTotal},
		{"a history", from("searchset", "history"), ErrBundleType},
		{"a transaction", from("searchset", "transaction"), ErrBundleType},
		{"no type", from(`"type":"searchset",`, ``), ErrBundleType},
		{"a request", from(`"fullUrl":"urn:x"`, `"request":{"method":"DELETE"}`), ErrBundleType},
		{"entries of another resource", from(`"Bundle"`, `"Parameters"`), ErrElement},
		{"an unknown element", from(`"total"`, `"totals":1,"total"`), ErrElement},
		{"an unknown element of an entry", from(`"fullUrl"`, `"fullurl"`), ErrElement},
		{"implicit rules", from(`"total"`, `"implicitRules":"x","total"`), ErrModifier},
		{"a modifier extension", from(`"fullUrl":"urn:x"`, `"modifierExtension":[]`), ErrModifier},
		{"a failed request", from(`"fullUrl":"urn:x"`, `"response":{"status":"404 Not Found"}`), ErrFailed},
		{"an error", from(`"entry":[`, `"entry":[{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"error"}]}},`), ErrFailed},
		{"an error alone", `{"resourceType":"OperationOutcome","issue":[{"severity":"fatal"}]}`, ErrFailed},
		{"an unknown mode", from(`"match"`, `"matched"`), ErrType},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, skip := range []bool{false, true} {
				_, _, err := read(t, test.text, skip)
				if !errors.Is(err, test.want) || kind.Of(err) != kind.Input {
					t.Errorf("%v, want %v", err, test.want)
				} else if text := err.Error(); digitsInRow.MatchString(text) || len(text) > 120 {
					t.Errorf("a message that holds too much: %s", text)
				}
			}
		})
	}
}

func indentOf(text string) string { return strings.Replace(text, "{", "{\n", 1) }

// TestMessages: what a server says beside its answer is counted, as are resources that a search adds.
func TestMessages(t *testing.T) {
	c := stu3(one, "active", "2020-01-01T00:00:00Z")
	text := strings.Replace(searchset(c), `"entry":[`, `"entry":[{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning"}]},"search":{"mode":"outcome"}},{"search":{"mode":"include"},"resource":{"resourceType":"Patient"}},`, 1)
	_, tally, err := read(t, text, false)
	if want := (Tally{Consents: 1, Messages: 1, Included: 1}); err != nil || tally != want {
		t.Errorf("%+v, %v", tally, err)
	}
	if _, tally, err := read(t, `{"resourceType":"Bundle","type":"searchset","total":0}`, false); err != nil || tally.Consents != 0 {
		t.Errorf("an empty result: %+v, %v", tally, err)
	}
}

// TestFirstError: of many things that are wrong, the first in the file is told.
func TestFirstError(t *testing.T) {
	c := stu3(one, "active", "2020-01-01T00:00:00Z") + "\n"
	bad := stu3(one, "draft", "2020-01-01T00:00:00Z") + "\n"
	text := strings.Repeat(c, 20_000) + bad + strings.Repeat(c, 3000) + strings.Repeat(bad, 20_000) + "{"
	for range 20 {
		if _, _, err := read(t, text, false); err == nil || !strings.Contains(err.Error(), "line 20001:") {
			t.Fatal(err)
		}
	}
	r := NewRegister()
	skipped, err := r.Read(t.Context(), strings.NewReader(text[:len(text)-1]), "file", Options{SkipInvalid: true, Now: now})
	if err != nil || skipped.Resources != 20_001 || !strings.Contains(skipped.First.Error(), "line 20001:") {
		t.Errorf("%+v, %v", skipped, err)
	}
}

// TestReaderFails: an error of the disk is no error of the file.
func TestReaderFails(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{"", "{", "[", "<Bundle", stu3(one, "active", "2020") + "\n"} {
		_, err := NewRegister().Read(t.Context(), io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), "file", Options{Now: now})
		if !errors.Is(err, broken) || kind.Of(err) != kind.IO {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// endless is a Bundle of so many bytes of entries.
type endless struct {
	head, entry, tail string
	left              int
	rest              string
}

func (e *endless) Read(p []byte) (int, error) {
	for e.rest == "" {
		switch {
		case e.head != "":
			e.rest, e.head = e.head, ""
		case e.left > 0:
			e.rest = e.entry
			e.left -= len(e.entry)
		case e.tail != "":
			e.rest, e.tail = e.tail, ""
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestMemory: memory does not grow with a document.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	c := stu3(one, "active", "2020-01-01T00:00:00Z", `"text":"`+strings.Repeat("x", 2000)+`"`)
	xml := asXML(t, c)
	for name, document := range map[string]*endless{
		"Bundle": {head: `{"type":"collection","entry":[{"resource":` + c + `}`, entry: `,{"resource":` + c + `}`, tail: `],"resourceType":"Bundle"}`, left: 400 << 20},
		"array":  {head: "[" + c, entry: "," + c, tail: "]", left: 400 << 20},
		"NDJSON": {head: c, entry: "\n" + c, left: 400 << 20},
		"XML":    {head: `<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/>`, entry: "<entry><resource>" + xml + "</resource></entry>", tail: "</Bundle>", left: 60 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			r := NewRegister()
			if _, err := r.Read(t.Context(), document, "file", Options{Now: now}); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if grown := int64(after.Sys) - int64(before.Sys); grown > 100<<20 {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
			if r.OptedOut().Len() != 1 {
				t.Error("nobody opted out")
			}
		})
	}
}

func TestIsFHIR(t *testing.T) {
	for text, want := range map[string]bool{
		"{": true, " \n[": true, "\ufeff<": true, "\xff\xfe<\x00": true, "": false, one: false, "# x": false, "\ufeff" + one: false, "\xff\xfe9\x00": false,
	} {
		if IsFHIR([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
