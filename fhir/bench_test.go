package fhir

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"noo/internal/nhsnumber"
)

// BenchmarkRead measures the forms of a document with the same Consents.
func BenchmarkRead(b *testing.B) {
	r := rand.New(rand.NewPCG(uint64(b.N), 1))
	var consents []string
	for len(consents) < 20_000 {
		key := 900_000_000 + r.Uint32N(99_000_000)
		if check, ok := nhsnumber.CheckDigit(key); ok {
			consents = append(consents, stu3(fmt.Sprintf("%d%d", key, check), "active", "2020-01-01T10:00:00Z",
				`"meta":{"versionId":"1","lastUpdated":"2020-01-01T10:00:00.123+00:00"}`))
		}
	}
	for name, text := range map[string]string{
		"NDJSON": strings.Join(consents, "\n"), "Bundle": searchset(consents...), "XML": asXML(b, searchset(consents...)),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NewRegister().Read(b.Context(), strings.NewReader(text), "file", Options{Now: now}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
