// Package control reads and writes the control files of the MESH client. The client exchanges
// messages through folders: each message is a pair with one base name, the data in NAME.dat and a
// control file in NAME.ctl, which says who sent what to whom (an XML document, DTSControl).
//
// Read reads one control file and Write writes one. Pairs finds the complete pairs of a folder, and
// Put adds one. Classify tells the answers of the national check apart.
//
// No error of this package holds a value of a control file: a subject may name a person.
package control

import (
	"time"

	"noo/internal/kind"
)

// MaxBytes is the most that a control file may have.
const MaxBytes = 64 << 10

// Errors that wrap what is wrong with a control file or a pair.
var (
	// ErrMalformed is a control file that cannot be read in one way only.
	ErrMalformed = kind.New(kind.Input, "is no MESH control file")
	// ErrUnwritable is a Control that the MESH service would not answer, or not accept.
	ErrUnwritable = kind.New(kind.Usage, "cannot be sent over MESH")
)

// MessageType says whether a message holds data or reports on another message.
type MessageType string

// The message types.
const (
	Data   MessageType = "Data"
	Report MessageType = "Report"
)

// Control is one control file. The names in comments are those of the elements.
type Control struct {
	// Version is "1.0", the only one.
	Version string
	// AddressType is DTS or ALL, or "".
	AddressType string
	// Type is the MessageType.
	Type MessageType
	// From and To are mailboxes (From_DTS, To_DTS). From may be "" in a report.
	From, To string
	// Subject and LocalID (LocalId) are the sender's own words. Read takes any text; Write takes
	// only letters, digits, - and _, because no reply ever comes to others.
	Subject, LocalID string
	// MessageID is the service's name of the message (DTSId), "" in one that is to be sent.
	MessageID string
	// Compress asks the client to compress the data on its way.
	Compress bool
	// Encrypted says that the sender encrypted the data.
	Encrypted bool
	// WorkflowID says what the message is for (WorkflowId).
	WorkflowID string
	// ProcessID (ProcessId) and DataChecksum are the sender's. noo does not read them: nothing says
	// with which algorithm a sum was made.
	ProcessID, DataChecksum string
	// IsCompressed says that the data is compressed as it is in the folder.
	IsCompressed bool
	// AllowChunking lets the client send the data in pieces.
	AllowChunking bool
	// Status is the last StatusRecord, nil where there is none.
	Status *Status
}

// Status says what became of a message (StatusRecord).
type Status struct {
	// Time is in UTC, which is how the service writes it; zero where it is not given (DateTime).
	Time time.Time
	// Event is SEND, TRANSFER or COLLECT.
	Event string
	// Status is SUCCESS or ERROR.
	Status string
	// Code is 00 after a success (StatusCode).
	Code string
	// Description is the service's text.
	Description string
}

// Succeeded reports whether the status tells of a success, in each of its fields.
func (s *Status) Succeeded() bool {
	return s.Status == "SUCCESS" && (s.Code == "" || s.Code == "00")
}

// timeLayout is how a control file writes a time: 20250227140401.
const timeLayout = "20060102150405"

// field is an element that holds text, and where its text goes.
type field struct {
	element string
	text    *string
}

// fields lists the elements of a control file in the order in which they are written. The texts of
// those that are no text in a Control are in raw.
func (c *Control) fields(raw *rawFields) []field {
	return []field{
		{"Version", &c.Version},
		{"AddressType", &c.AddressType},
		{"MessageType", &raw.messageType},
		{"From_DTS", &c.From},
		{"To_DTS", &c.To},
		{"Subject", &c.Subject},
		{"LocalId", &c.LocalID},
		{"DTSId", &c.MessageID},
		{"Compress", &raw.compress},
		{"Encrypted", &raw.encrypted},
		{"WorkflowId", &c.WorkflowID},
		{"ProcessId", &c.ProcessID},
		{"DataChecksum", &c.DataChecksum},
		{"IsCompressed", &raw.isCompressed},
		{"AllowChunking", &raw.allowChunking},
	}
}

// fields lists the elements of a StatusRecord in the order in which they are written.
func (s *Status) fields(time *string) []field {
	return []field{
		{"DateTime", time},
		{"Event", &s.Event},
		{"Status", &s.Status},
		{"StatusCode", &s.Code},
		{"Description", &s.Description},
	}
}

// rawFields are elements as they are written, before they are understood.
type rawFields struct {
	messageType, compress, encrypted, isCompressed, allowChunking string
}

const (
	rootElement   = "DTSControl"
	statusElement = "StatusRecord"
)
