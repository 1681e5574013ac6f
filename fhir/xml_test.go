package fhir

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// asXML is the FHIR XML of a resource in JSON, by code that shares nothing with the reader.
func asXML(t testing.TB, text string) string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	writeXML(&out, "", v)
	return out.String()
}

func writeXML(out *strings.Builder, name string, v any) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			writeXML(out, name, one)
		}
	case map[string]any:
		tag := name
		kind, isResource := v["resourceType"].(string)
		if isResource {
			tag = kind
			if name != "" {
				out.WriteString("<" + name + ">")
			}
		}
		out.WriteString("<" + tag)
		if isResource {
			out.WriteString(` xmlns="http://hl7.org/fhir"`)
		}
		out.WriteString(">")
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != "resourceType" {
				writeXML(out, key, v[key])
			}
		}
		out.WriteString("</" + tag + ">")
		if isResource && name != "" {
			out.WriteString("</" + name + ">")
		}
	default:
		text, _ := json.Marshal(v)
		value := strings.Trim(string(text), `"`)
		if s, ok := v.(string); ok {
			value = s
		}
		if name == "div" {
			out.WriteString(`<div xmlns="http://www.w3.org/1999/xhtml">text &amp; <b>more</b></div>`)
			return
		}
		out.WriteString("<" + name + ` value="`)
		_ = xml.EscapeText(out, []byte(value))
		out.WriteString(`"/>`)
	}
}

// TestXML: what FHIR XML may have, and what is refused.
func TestXML(t *testing.T) {
	c := asXML(t, stu3(one, "active", "2020-01-01T00:00:00Z"))
	bundle := asXML(t, searchset(stu3(one, "active", "2020-01-01T00:00:00Z")))
	from := func(text, old, by string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("there is no %s", old)
		}
		return strings.Replace(text, old, by, 1)
	}
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"a resource", c, nil},
		{"a Bundle", bundle, nil},
		{"a declaration", "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + c + "\n<!-- end -->\n", nil},
		{"a prefix", strings.NewReplacer("</", "</f:", "<", "<f:", "xmlns", "xmlns:f").Replace(c), nil},
		{"a character", from(c, `"active"`, `"&#97;ctive"`), nil},
		{"a comment", from(c, "<status", "<!-- x --><status"), nil},
		{"a schema", from(c, "<Consent", `<Consent xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x"`), nil},
		{"extensions", from(c, `<status value="active"/>`, `<extension url="x"><valueCode value="y"/></extension><status id="1" value="active"><extension url="y"/></status>`), nil},

		{"a DTD", `<!DOCTYPE x [<!ENTITY a "active">]>` + from(c, `"active"`, `"&a;"`), ErrDTD},
		{"an entity", from(c, `"active"`, `"&a;"`), ErrXML},
		{"an instruction", "<?php x?>" + c, ErrDTD},
		{"no namespace", from(c, ` xmlns="http://hl7.org/fhir"`, ""), ErrNotFHIR},
		{"another namespace", from(c, `<status`, `<status xmlns="http://hl7.org/other"`), ErrNotFHIR},
		{"truncated", c[:len(c)-5], ErrTruncated},
		{"a truncated Bundle", bundle[:len(bundle)-9], ErrTruncated},
		{"two resources", c + c, ErrFollows},
		{"text", from(c, "<status", "x<status"), ErrXML},
		{"an element twice", from(c, "<status", `<status value="inactive"/><status`), ErrDuplicate},
		{"a value twice", from(c, `value="active"`, `value="active" value="inactive"`), ErrElement},
		{"a url twice", from(c, "<status", `<extension url="x" url="y"/><status`), ErrDuplicate},
		{"an attribute", from(c, `value="active"`, `value="active" x="y"`), ErrElement},
		{"two resources in an entry", from(bundle, "</resource>", c+"</resource>"), ErrDuplicate},
		{"no resource", from(bundle, "<resource>", "<resource></resource><resource>"), ErrXML},
		{"another encoding", `<?xml version="1.0" encoding="ISO-8859-1"?>` + c, ErrUTF8},
		{"UTF-16", "\xff\xfe<\x00", ErrUTF16},
		{"a next page", from(bundle, `"self"`, `"next"`), ErrPages},
		{"a wrong total", from(bundle, `<total value="1"/>`, `<total value="2"/>`), ErrTotal},
		{"a total that is more", from(bundle, `<total value="1"/>`, `<total value='1,"type":"searchset"'/>`), ErrType},
		{"deep", from(c, "<status", strings.Repeat("<text>", 100)+strings.Repeat("</text>", 100)+"<status"), ErrTooDeep},
		{"large", from(c, "<status", `<language value="`+strings.Repeat("x", 17<<20)+`"/><status`), ErrTooLarge},
		{"another status", from(c, `"active"`, `"draft"`), ErrStatus},
		{"no value", from(c, ` value="active"`, ``), ErrType},
		{"a modifier extension", from(c, "<status", `<modifierExtension url="x"/><status`), ErrModified},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := read(t, test.text, false)
			if !errors.Is(err, test.want) || test.want == nil && !got[keyIn(one)] {
				t.Errorf("%v, want %v", err, test.want)
			}
			if err != nil && digitsInRow.MatchString(err.Error()) {
				t.Errorf("a message that holds too much: %v", err)
			}
		})
	}
}
