package control

// Writing a control file, in the order of elements that the MESH client writes them in.

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of what Write takes, in characters.
const (
	maxMailbox = 40
	maxWord    = 255
)

// Write writes a control file: XML in UTF-8, with LF line ends. It returns an error that wraps
// ErrUnwritable, and writes nothing, if Validate does.
func Write(w io.Writer, c *Control) error {
	if err := c.Validate(); err != nil {
		return err
	}
	_, err := w.Write(c.text())
	return err
}

// text returns the file. It reads the Control through a copy, since fields gives pointers.
func (c *Control) text() []byte {
	control := *c
	raw := &rawFields{
		messageType: string(c.Type), compress: letter(c.Compress), encrypted: letter(c.Encrypted),
		isCompressed: letter(c.IsCompressed), allowChunking: letter(c.AllowChunking),
	}
	var out bytes.Buffer
	out.WriteString("<" + rootElement + ">\n")
	for _, f := range control.fields(raw) {
		writeElement(&out, "  ", f)
	}
	if c.Status != nil {
		status, at := *c.Status, ""
		if !status.Time.IsZero() {
			at = status.Time.UTC().Format(timeLayout)
		}
		out.WriteString("  <" + statusElement + ">\n")
		for _, f := range status.fields(&at) {
			writeElement(&out, "    ", f)
		}
		out.WriteString("  </" + statusElement + ">\n")
	}
	out.WriteString("</" + rootElement + ">\n")
	return out.Bytes()
}

func writeElement(out *bytes.Buffer, indent string, f field) {
	out.WriteString(indent + "<" + f.element + ">")
	_ = xml.EscapeText(out, []byte(*f.text)) // a bytes.Buffer takes everything
	out.WriteString("</" + f.element + ">\n")
}

func letter(flag bool) string {
	if flag {
		return "Y"
	}
	return "N"
}

// Validate returns an error that wraps ErrUnwritable if the service would not accept or never
// answer a message with this control file. The error names the element, and not its value.
func (c *Control) Validate() error {
	if c.Version != "1.0" {
		return unwritable("Version", "want 1.0")
	}
	if c.Type != Data && c.Type != Report {
		return unwritable("MessageType", "want Data or Report")
	}
	for _, mailbox := range []field{{"From_DTS", &c.From}, {"To_DTS", &c.To}} {
		if !IsMailbox(*mailbox.text) {
			return unwritable(mailbox.element, "want a mailbox: letters and digits")
		}
	}
	for _, word := range []field{{"Subject", &c.Subject}, {"LocalId", &c.LocalID}} {
		if !IsWord(*word.text) {
			return unwritable(word.element, "want letters, digits, - and _, at most 255")
		}
	}
	if !IsWorkflow(c.WorkflowID) {
		return unwritable("WorkflowId", "want letters, digits, and . _ -, at most 255")
	}
	rest := []field{
		{"AddressType", &c.AddressType}, {"DTSId", &c.MessageID}, {"ProcessId", &c.ProcessID},
		{"DataChecksum", &c.DataChecksum},
	}
	if c.Status != nil {
		rest = append(rest, c.Status.fields(new(string))...)
	}
	for _, f := range rest {
		if !utf8.ValidString(*f.text) {
			return unwritable(f.element, "want UTF-8")
		}
		if _, err := checked(f.element, *f.text); err != nil {
			return unwritable(f.element, "want a shorter text without control characters")
		}
	}
	return nil
}

func unwritable(element, want string) error {
	return fmt.Errorf("<%s> %w: %s", element, ErrUnwritable, want)
}

// IsMailbox reports whether a text can be the name of a mailbox: letters and digits, such as
// X26HC036, at most 40.
func IsMailbox(text string) bool { return isMadeOf(text, "", maxMailbox) }

// IsWord reports whether a text can be a subject or a local id: letters, digits, - and _, at most
// 255. The service never answers messages with others.
func IsWord(text string) bool { return isMadeOf(text, "-_", maxWord) }

// IsWorkflow reports whether a text can be a workflow id: letters, digits, and . - _, at most 255.
func IsWorkflow(text string) bool { return isMadeOf(text, ".-_", maxWord) }

// isMadeOf reports whether a text is not empty, has at most so many characters, and none but ASCII
// letters, digits and the others given.
func isMadeOf(text, others string, most int) bool {
	odd := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune(others, r)
	}
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, odd)
}
