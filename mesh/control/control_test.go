package control

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// example is the control file that the project's facts about MESH show.
const example = `<DTSControl>
  <Version>1.0</Version>
  <AddressType>DTS</AddressType>
  <MessageType>Data</MessageType>
  <From_DTS>0ARHC002</From_DTS>
  <To_DTS>X26HC065</To_DTS>
  <Subject>0ARHC002-27022025-0047</Subject>
  <LocalId>0ARHC002-27022025-0047-TEST</LocalId>
  <DTSId>20250227121034456686_DD8A76</DTSId>
  <Compress>Y</Compress>
  <Encrypted>N</Encrypted>
  <WorkflowId>SPINE_NTT_UPHOLDING</WorkflowId>
  <ProcessId></ProcessId>
  <DataChecksum></DataChecksum>
  <IsCompressed>N</IsCompressed>
  <AllowChunking>Y</AllowChunking>
  <StatusRecord>
    <DateTime>20250227140401</DateTime>
    <Event>TRANSFER</Event>
    <Status>SUCCESS</Status>
    <StatusCode>00</StatusCode>
    <Description>Transferred to recipient mailbox</Description>
  </StatusRecord>
</DTSControl>
`

// exampleControl is what example says.
func exampleControl() *Control {
	return &Control{
		Version: "1.0", AddressType: "DTS", Type: Data, From: "0ARHC002", To: "X26HC065",
		Subject: "0ARHC002-27022025-0047", LocalID: "0ARHC002-27022025-0047-TEST",
		MessageID: "20250227121034456686_DD8A76", Compress: true,
		WorkflowID: "SPINE_NTT_UPHOLDING", AllowChunking: true,
		Status: &Status{
			Time:  time.Date(2025, 2, 27, 14, 4, 1, 0, time.UTC),
			Event: "TRANSFER", Status: "SUCCESS", Code: "00",
			Description: "Transferred to recipient mailbox",
		},
	}
}

func TestReadAndWriteTheExample(t *testing.T) {
	c, err := Read(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	if want := exampleControl(); !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
	var out strings.Builder
	if err := Write(&out, c); err != nil {
		t.Fatal(err)
	}
	if out.String() != example {
		t.Errorf("wrote\n%s, want\n%s", &out, example)
	}
}

func TestReadAccepts(t *testing.T) {
	for _, test := range []struct {
		name, old, changed string
		want               func(c *Control)
	}{
		{"a declaration", "<DTSControl>", `<?xml version="1.0" encoding="UTF-8"?><DTSControl>`, nil},
		{"a byte order mark", "<DTSControl>", "\ufeff<DTSControl>", nil},
		{"CRLF", "\n", "\r\n", nil},
		{"blanks around values", "X26HC065", "\n\tX26HC065 ", nil},
		{"another case of the type", ">Data<", ">DATA<", nil},
		{"an unknown element", "<To_DTS>", "<To_ESMTP><Subject>x</Subject></To_ESMTP><To_DTS>", nil},
		{"an unknown element twice", "<To_DTS>", "<PartnerId/><PartnerId/><To_DTS>", nil},
		{"comments between elements", "<To_DTS>", "<!-- to --><To_DTS>", nil},
		{"a report", ">Data<", ">REPORT<", func(c *Control) { c.Type = Report }},
		{"no chunks", "<AllowChunking>Y", "<AllowChunking>", func(c *Control) {
			c.AllowChunking = false
		}},
		{"a subject with escapes", ">0ARHC002-27022025-0047<", ">a&amp;b: c<", func(c *Control) {
			c.Subject = "a&b: c"
		}},
		{"no time", ">20250227140401<", "><", func(c *Control) { c.Status.Time = time.Time{} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.ReplaceAll(example, test.old, test.changed)
			if text == example {
				t.Fatal("nothing was changed")
			}
			c, err := Read(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			want := exampleControl()
			if test.want != nil {
				test.want(want)
			}
			if !reflect.DeepEqual(c, want) {
				t.Errorf("got %+v, want %+v", c, want)
			}
		})
	}
}

// secret is a value that no error may hold.
const secret = "9434765919"

func TestReadRefuses(t *testing.T) {
	for _, test := range []struct{ name, old, changed string }{
		{"nothing", example, ""},
		{"another root", "DTSControl", "Control"},
		{"no XML", example, "hello"},
		{"two roots", "</DTSControl>", "</DTSControl><DTSControl></DTSControl>"},
		{"text behind", "</DTSControl>", "</DTSControl>" + secret},
		{"text between", "<To_DTS>", secret + "<To_DTS>"},
		{"a document type", "<DTSControl>", "<!DOCTYPE DTSControl><DTSControl>"},
		{"an entity", ">X26HC065<", ">&mailbox;<"},
		{"a processing instruction", "<To_DTS>", "<?php x?><To_DTS>"},
		{"another encoding", "<DTSControl>", `<?xml version="1.0" encoding="ISO-8859-1"?><DTSControl>`},
		{"bytes that are not UTF-8", "Transferred", "Transf\xe9red"},
		{"UTF-16", "<", "<\x00"},
		{"an element twice", "<To_DTS>", "<Subject>" + secret + "</Subject><To_DTS>"},
		{"an element in another case", "<ProcessId></ProcessId>", "<processid>1</processid>"},
		{"a status twice", "<To_DTS>", "<StatusRecord></StatusRecord><To_DTS>"},
		{"an element in a value", ">X26HC065<", "><b>X26HC065</b><"},
		{"a comment in a value", ">X26HC065<", ">X26HC<!-- -->065<"},
		{"a control character", ">X26HC065<", ">X26&#10;HC065<"},
		{"a long value", ">X26HC065<", ">" + strings.Repeat("X", 3000) + "<"},
		{"a long file", "<To_DTS>", "<!--" + strings.Repeat("X", MaxBytes) + "--><To_DTS>"},
		{"deep nesting", "<To_DTS>", strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)},
		{"another version", ">1.0<", ">2.0<"},
		{"no version", "<Version>1.0</Version>", ""},
		{"no recipient", "<To_DTS>X26HC065</To_DTS>", ""},
		{"another type", ">Data<", ">" + secret + "<"},
		{"another flag", "<Compress>Y", "<Compress>" + secret},
		{"another time", ">20250227140401<", ">" + secret + "<"},
		{"a day that is none", ">20250227140401<", ">20250231140401<"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.ReplaceAll(example, test.old, test.changed)
			if text == example {
				t.Fatal("nothing was changed")
			}
			_, err := Read(strings.NewReader(text))
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("got %v, want ErrMalformed", err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("a value is in %q", err)
			}
		})
	}
}

// TestReadCutShort: a file that somebody is still writing is never taken for a whole one.
func TestReadCutShort(t *testing.T) {
	for n := range len(strings.TrimSpace(example)) {
		if _, err := Read(strings.NewReader(example[:n])); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes: got %v, want ErrMalformed", n, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(c *Control)
	}{
		{"a subject with a colon", func(c *Control) { c.Subject = "a:b" }},
		{"no subject", func(c *Control) { c.Subject = "" }},
		{"a long subject", func(c *Control) { c.Subject = strings.Repeat("a", 256) }},
		{"a local id with a blank", func(c *Control) { c.LocalID = "a b" }},
		{"no local id", func(c *Control) { c.LocalID = "" }},
		{"a mailbox with a slash", func(c *Control) { c.To = "X26/.." }},
		{"no sender", func(c *Control) { c.From = "" }},
		{"no workflow", func(c *Control) { c.WorkflowID = "" }},
		{"a workflow in two lines", func(c *Control) { c.WorkflowID = "A\nB" }},
		{"no version", func(c *Control) { c.Version = "" }},
		{"no type", func(c *Control) { c.Type = "" }},
		{"a control character", func(c *Control) { c.ProcessID = "a\x00" }},
		{"a status that is not UTF-8", func(c *Control) { c.Status.Description = "\xff" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := exampleControl()
			test.change(c)
			var out bytes.Buffer
			if err := Write(&out, c); !errors.Is(err, ErrUnwritable) {
				t.Errorf("got %v, want ErrUnwritable", err)
			}
			if out.Len() > 0 {
				t.Errorf("wrote %q", &out)
			}
		})
	}
}

// FuzzRead: no file breaks the reader, and what can be sent again is read as it was.
func FuzzRead(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("\ufeff" + strings.ReplaceAll(example, "\n", "\r\n")))
	f.Add([]byte(strings.ReplaceAll(example, "Data", "Report")))
	f.Add([]byte("<!DOCTYPE a [<!ENTITY b \"c\">]>" + example))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Read(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		var out bytes.Buffer
		if Write(&out, c) != nil {
			return
		}
		again, err := Read(&out)
		if err != nil {
			t.Fatalf("%v of what was written of %+v", err, c)
		}
		if !reflect.DeepEqual(c, again) {
			t.Errorf("%+v became %+v", c, again)
		}
	})
}
