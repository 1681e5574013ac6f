package parquet

// What a footer may say beside the data, and bounds on what small files can make of themselves.

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"noo/formats"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"
)

// keyValue adds one entry of key-value metadata to a forged footer.
func keyValue(key, value string) func(*thrift.Writer) {
	return func(w *thrift.Writer) {
		w.List(5, thrift.Struct, 1)
		w.Open()
		w.Bytes(1, []byte(key))
		w.Bytes(2, []byte(value))
		w.Close()
	}
}

func TestFooterThatTells(t *testing.T) {
	page := forgedPage(dataHeader(1, 4, 4), []byte{1, 0, 0, 0})
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, c := range map[string]struct {
		file   forged
		telled bool
	}{
		"a number":                  {forged{footer: keyValue("made for", `{"ids": ["9434765919"]}`)}, true},
		"a grouped number":          {forged{footer: keyValue("made for", "943 476 5919")}, true},
		"a key":                     {forged{footer: keyValue("9434765919", "x")}, true},
		"in base64":                 {forged{footer: keyValue("ARROW:schema", encoded("\x00\x01categories\x009434765919\x00"))}, true},
		"an Enum of Polars":         {forged{footer: keyValue("ARROW:schema", encoded("\x10_PL_ENUM_VALUES2\x00\x055;SMITH"))}, true},
		"a column":                  {forged{name: "9434765919"}, true},
		"a column, grouped oddly":   {forged{name: "x\u00a0943\x01476–5919"}, true},
		"nothing":                   {forged{footer: keyValue("pandas", `{"columns": [{"name": "nhs_number"}]}`)}, false},
		"decimals":                  {forged{footer: keyValue("geo", `{"bbox": [-1.9434765919, 53.5]}`)}, false},
		"after a full stop":         {forged{footer: keyValue("note", "made for no.9434765919")}, true},
		"a time in seconds":         {forged{footer: keyValue("created", "1700000005")}, false},
		"what has no check digit":   {forged{footer: keyValue("x", "9434765918")}, false},
		"a column named by an hour": {forged{name: "h2026112500"}, false},
	} {
		c.file.pages, c.file.rows, c.file.values = page, 1, 1
		_, err := openBytes(Format{}, "a.parquet", c.file.bytes())
		var input *formats.InputError
		switch {
		case !c.telled && err != nil:
			t.Errorf("%s: refused: %v", name, err)
		case c.telled && (!errors.As(err, &input) || !errors.Is(err, spec.ErrUnsupported)):
			t.Errorf("%s: %v", name, err)
		case err != nil && strings.Contains(err.Error(), "5919"):
			t.Errorf("%s: the number is printed: %v", name, err)
		}
	}
}

// TestNumberInAnError: a column may be called by what is no number to noo, but one to a person.
func TestNumberInAnError(t *testing.T) {
	for _, name := range []string{"9434765919", "\u00a0943\u00a0476\u00a05919", "\x019434765919"} {
		if text := spec.Part(0, name); strings.Contains(text, "5919") {
			t.Errorf("%q: %s", name, text)
		}
	}
}
