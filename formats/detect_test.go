package formats_test

import (
	"errors"
	"strings"
	"testing"

	"noo/formats"
	"noo/formats/csv"
)

func TestDetect(t *testing.T) {
	known := []formats.Format{csv.Format{}}
	for _, c := range []struct {
		name, head string
		format     string
		err        error
	}{
		{"a.csv", "id,x\n", "csv", nil},
		{"a", "id,x\n", "csv", nil},
		{"a.CSV", "id\x00", "csv", nil}, // refused later, with its place
		{"a.dat", "9434765919,\n", "csv", nil},
		{"a", "\xff\xfei\x00d\x00", "csv", nil},
		{"a.csv", "", "", formats.ErrEmpty},
		{"a.csv", "PK\x03\x04", "", formats.ErrUnknownFormat},
		{"a.csv", "{\n \"id\": 1}", "", formats.ErrUnknownFormat},
		{"a.csv", "\ufeff[{\"id\":1}]", "", formats.ErrUnknownFormat},
		{"a.csv", "<?XML version", "", formats.ErrUnknownFormat},
		{"a.csv", "{id},x\n", "csv", nil},
		{"a.csv", "[id],[x]\n", "csv", nil},
		{"a.csv", "ORIGIN,x\n", "csv", nil},
		{"a.csv", "<18,x\n", "csv", nil},
		{"a.dat", strings.Repeat("x", 257) + "ustar", "", formats.ErrUnknownFormat},
		{"a.csv", "FEA1\x00", "", formats.ErrUnknownFormat},
		{"a.orc", "ORC\x0a\x00", "", formats.ErrUnknownFormat},
		{"a.csv", "ORCHARD,nhs\n", "csv", nil},
		{"a.json", "{\"nhs\": 1}\n", "", formats.ErrUnknownFormat},
		{"a.json", " [\n {\n \"nhs\": 1}]\n", "", formats.ErrUnknownFormat},
		{"a.json", "\xef\xbb\xbf[{\"nhs\": 1}]\n", "", formats.ErrUnknownFormat},
		{"a.csv", "{guid},nhs\n", "csv", nil},
		{"a.csv", "[nhs],x\n", "csv", nil},
		{"a", "\x89HDF\r\n\x1a\n", "", formats.ErrUnknownFormat},
		{"a.csv", "\x1f\x8b\x08", "", formats.ErrUnknownFormat},
		{"a.csv", "NOOSNAP1\x00\x00", "", formats.ErrSnapshot},
		{"a.bin", "\x00\x01\x02", "", formats.ErrUnknownFormat},
		{"a.csv", "BZh,is,a,header\n", "csv", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			format, err := formats.Detect(known, []byte(c.head), c.name)
			switch {
			case !errors.Is(err, c.err):
				t.Errorf("%s, %q: %v, want %v", c.name, c.head, err, c.err)
			case err == nil && format.Name() != c.format:
				t.Errorf("%s, %q: %s, want %s", c.name, c.head, format.Name(), c.format)
			}
		})
	}
}
