package control

// The answers of the national check. One request can be answered by several messages, in any order:
// they are told apart by type, subject, status and content.

import (
	"bytes"
	"strings"
)

// ServiceError is what the national check answers, and all that it answers, if a number in a
// request is malformed.
const ServiceError = "The file contains one or more invalid NHS Numbers."

// HeadSize is how many bytes from the start of the data Classify wants to see, or all of them where
// there are fewer.
const HeadSize = 512

// Kind is what a message in the mailbox is.
type Kind uint8

// The kinds.
const (
	// Unknown is none of the others: a person must look at it.
	Unknown Kind = iota
	// Progress is a report that the request was sent, transferred or collected: Status.Event says
	// which. The answer is still to come.
	Progress
	// Failure is a report that a message did not reach its mailbox, or data that says the same in
	// its status.
	Failure
	// Receipt is a receipt in JSON. It holds no list.
	Receipt
	// List is the list of numbers. It may be empty: then either all opted out, or something failed.
	List
	// Refused is the ServiceError in place of a list.
	Refused
)

// String returns the kind in words.
func (k Kind) String() string {
	return [...]string{
		"unknown", "progress report", "failure report", "receipt", "list", "service error",
	}[k]
}

// Classify says what a message is, from its control file and the start of its data, up to HeadSize
// bytes. Data that is compressed must be decompressed before.
func Classify(c *Control, head []byte) Kind {
	if c.Status != nil && !c.Status.Succeeded() {
		return Failure
	}
	if c.Type == Report {
		if c.Status == nil {
			return Unknown
		}
		return Progress
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\ufeff")))
	receipt := strings.EqualFold(c.Subject, "SUCCESS")
	line, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case string(text) == ServiceError:
		return Refused
	case len(text) > 0 && text[0] == '{' && receipt:
		return Receipt
	case len(text) == 0 && !receipt, isListLine(line):
		return List
	}
	return Unknown
}

// isListLine reports whether a line is one of a list: ten digits and a comma, which some leave out.
func isListLine(line []byte) bool {
	digits := bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(line), []byte(",")))
	odd := func(r rune) bool { return r < '0' || r > '9' }
	return len(digits) == 10 && !bytes.ContainsFunc(digits, odd)
}
