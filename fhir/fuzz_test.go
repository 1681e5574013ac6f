package fhir

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzRead: any bytes are read without a panic, and the same however they come. What is accepted is
// valid for the standard library too, and a page of a search is read as the Bundle is.
func FuzzRead(f *testing.F) {
	c := stu3(one, "active", "2020-01-01T00:00:00Z")
	for _, text := range []string{
		c, c + "\n" + r4(two, "inactive", "2020-05", denied), searchset(c, r4(two, "inactive", "2021", denied)), "[" + c + "]",
		asXML(f, searchset(c)), asXML(f, r4(two, "active", "2020-05-01", denied)), strings.Replace(c, "status", "st\\u0061tus", 1),
		`{"resourceType":"Bundle","type":"batch-response","entry":[{"response":{"status":"200","outcome":{"resourceType":"OperationOutcome"}},"resource":` + searchset(c) + `}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, skip := range []bool{false, true} {
			r := NewRegister()
			_, err := r.Read(t.Context(), bytes.NewReader(text), "file", Options{SkipInvalid: skip, Now: now})
			slow := NewRegister()
			_, slowErr := slow.Read(t.Context(), iotest.OneByteReader(bytes.NewReader(text)), "file", Options{SkipInvalid: skip, Now: now})
			if (err == nil) != (slowErr == nil) || err != nil && err.Error() != slowErr.Error() {
				t.Fatalf("%v, and a byte at a time %v", err, slowErr)
			}
			if err != nil {
				continue
			}
			if !maps.Equal(r.people, slow.people) {
				t.Fatal("a byte at a time, it says something else")
			}
			if !isValid(text) {
				t.Fatal("the standard library refuses it")
			}
		}
		if page, err := ParsePage(text); err == nil {
			for _, c := range page.Consents {
				if !json.Valid(c) {
					t.Fatal("a Consent of a page is not valid")
				}
			}
		}
	})
}

// isValid reports whether a document is valid JSON, NDJSON or XML.
func isValid(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("<")) {
		for d := xml.NewDecoder(bytes.NewReader(text)); ; {
			if _, err := d.Token(); err != nil {
				return err == io.EOF
			}
		}
	}
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var v any
		if err := d.Decode(&v); err != nil {
			return err == io.EOF
		}
	}
}
