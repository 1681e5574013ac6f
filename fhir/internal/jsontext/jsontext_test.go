package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// texts are values, and texts that are none.
var texts = []string{
	`{}`, `[]`, `""`, `0`, `-0`, `-1.5e+10`, `1E5`, `true`, `false`, `null`, `{"a":[1,{"b":"c\n\u00e9\ud83d\ude00"}],"d":{}}`, ` [ 1 , 2 ] `,
	`"\"\\\/\b\f\n\r\t"`, `"\u12"`, `"\x"`, `"\ud800"`, `"\ud800\u0041"`, `"\udc00\ud800"`, `"`, `"\`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `[1,]`, `[,]`, `01`,
	`-`, `1.`, `.5`, `1e`, `+1`, `tru`, `nul`, `{1:2}`, `[1 2]`, `{"a":1 "b":2}`, `1 2`, "\"\t\"", "\x00", "[1]\x00", `}`, `]`, ``, ` `, `,`, "\"\u00e9\"",
}

func TestSkipIsValid(t *testing.T) {
	for _, text := range texts {
		checkSkip(t, []byte(text))
		checkText(t, []byte(text))
		checkStream(t, []byte(text))
	}
}

// FuzzDecoder compares with encoding/json, which shares nothing with this package.
func FuzzDecoder(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		checkSkip(t, text)
		checkText(t, text)
		checkStream(t, text)
	})
}

// checkSkip: what is consumed as a value is what encoding/json calls valid.
func checkSkip(t *testing.T, text []byte) {
	t.Helper()
	d := Decoder{Input: text}
	d.Skip()
	d.End()
	if errors.Is(d.Err, ErrTooDeep) {
		return
	}
	if got, want := d.Err == nil, json.Valid(text); got != want {
		t.Errorf("%q: valid %v, want %v (%v)", text, got, want, d.Err)
	}
}

// checkText: a string means what it means to encoding/json, which puts a replacement character in the
// place of half a surrogate pair.
func checkText(t *testing.T, text []byte) {
	t.Helper()
	d := Decoder{Input: text}
	got := d.Text()
	d.End()
	var want string
	if err := json.Unmarshal(text, &want); err != nil || bytes.TrimSpace(text)[0] != '"' {
		if d.Err == nil {
			t.Errorf("%q is read as a string", text)
		}
		return
	}
	halves := strings.Contains(want, string(utf8.RuneError))
	if d.Err != nil && !halves || d.Err == nil && string(got) != want && utf8.Valid(text) {
		t.Errorf("%q: %q, %v, want %q", text, got, d.Err, want)
	}
}

// checkStream: a value ends where encoding/json says that it does, however its bytes come.
func checkStream(t *testing.T, text []byte) {
	t.Helper()
	var want json.RawMessage
	if json.NewDecoder(bytes.NewReader(text)).Decode(&want) != nil {
		return
	}
	for _, in := range []io.Reader{bytes.NewReader(text), iotest.OneByteReader(bytes.NewReader(text))} {
		got, err := NewStream(in).Value(nil)
		// A number or a word at the end of the document ends with it.
		if err != nil && !(errors.Is(err, ErrTruncated) && len(bytes.Trim(want, `{}[]"`)) == len(want)) || !bytes.HasPrefix(got, want) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestObject(t *testing.T) {
	names := Names{Numbers: map[string]uint8{"a": 0, "b": 1}, Foreign: errors.New("unknown")}
	for _, c := range []struct {
		text         string
		read         string
		err, refused bool
	}{
		{`{"a":1,"b":2}`, "a b ", false, false},
		{`{"b":2,"\u0061":1}`, "b a ", false, false},
		{`{"a":1,"a":2}`, "a ", true, false},
		{`{"a":1,"\u0061":2}`, "a ", true, false},
		{`{"a":1,"A":2}`, "a ", false, true},
		{`{"_a":1,"_a":2,"a":3}`, "a ", false, false},
		{`{"_c":1}`, "", false, true},
		{`{"":1}`, "", false, true},
		{`[]`, "", true, false},
	} {
		d, read := Decoder{Input: []byte(c.text)}, ""
		d.Object(names, func(name uint8) {
			read += fmt.Sprintf("%c ", 'a'+name)
			d.Skip()
		})
		d.End()
		if read != c.read || (d.Err != nil) != c.err || (d.Refused != nil) != c.refused {
			t.Errorf("%s: %q, %v, refused: %v", c.text, read, d.Err, d.Refused)
		}
	}
	d := Decoder{Input: []byte(`{"c":1}`)}
	d.Object(Names{Foreign: ErrType}, func(uint8) {})
	if !errors.Is(d.Err, ErrType) {
		t.Errorf("a Fault does not fail: %v", d.Err)
	}
}

func TestCount(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "7": 7, " 123": 123, "999999999999999": 999999999999999, "01": -1, "-1": -1, "1.0": -1, `"1"`: -1, "1000000000000000": -1, "": -1, "1e3": -1} {
		d := Decoder{Input: []byte(text)}
		got := int64(d.Count())
		if d.End(); d.Err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string]string{"": "", "a": "a|", "a\n": "a|", "a\n\nb": "a||b|", "\n": "|"} {
		s, got := NewStream(iotest.DataErrReader(strings.NewReader(text))), ""
		for {
			line, err := s.Line(nil)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got += string(line) + "|"
		}
		if got != want || s.Lines != strings.Count(text, "\n") {
			t.Errorf("%q: %q, %d lines", text, got, s.Lines)
		}
	}
}
