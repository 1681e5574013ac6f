package main

// The national check, as the scripts of noo mesh need it: what it answers to a request, in the
// folder of a MESH client.

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"noo/internal/nhsnumber"
	"noo/mesh"
	"noo/mesh/api/apitest"
	meshcontrol "noo/mesh/control"
)

// nationalCheck is the mailbox of the check in scripts.
const nationalCheck = "X26HC065"

// answer puts answers of the national check to a request into a folder, or, where FOLDER is api, into
// the mailbox X26ABC1 of the server: answer REQUEST FOLDER KIND [NUMBER...]. The kinds list, crlf, gzip, cut, unsent, other, receipt, collected, error, failure,
// encrypted, stranger, garbage and soon (a list that was made before the request) are those of
// answerTo. KIND:2 answers the second part alone. NUMBERs have opted out; unsent adds them instead.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: answer REQUEST FOLDER KIND [NUMBER...]")
	}
	request, err := mesh.ReadRequest(ts.MkAbs(args[0]))
	ts.Check(err)
	kind, only, _ := strings.Cut(args[2], ":")
	for i, part := range request.Parts {
		if only != "" && only != strconv.Itoa(i+1) {
			continue
		}
		list, err := os.ReadFile(filepath.Join(ts.MkAbs(args[0]), part.File))
		ts.Check(err)
		ctl, data := answerTo(part, kind, list, args[3:])
		if args[1] == "api" {
			(*ts.Value(meshServerKey{}).(**apitest.Server)).Add("X26ABC1", ctl.message(data))
			continue
		}
		ts.Check(os.MkdirAll(ts.MkAbs(args[1]), 0o700))
		base := filepath.Join(ts.MkAbs(args[1]), fmt.Sprintf("%s_%d", kind, i+1))
		if data != nil {
			ts.Check(os.WriteFile(base+".dat", data, 0o600))
		}
		ts.Check(os.WriteFile(base+".ctl", []byte(ctl.String()), 0o600))
	}
}

// answerTo is the control file and the data of an answer to a part.
func answerTo(part mesh.Part, kind string, list []byte, numbers []string) (controlText, []byte) {
	ctl := controlText{
		messageType: "Data", from: nationalCheck, subject: part.Subject, localID: part.LocalID,
		status: "SUCCESS", code: "00", event: "TRANSFER", encrypted: "N", at: time.Now(),
		id: "ID_" + kind + "_" + part.Subject,
	}
	back := withoutNumbers(list, numbers)
	switch kind {
	case "list":
	case "soon":
		ctl.at = time.Now().Add(-24 * time.Hour)
	case "other":
		ctl.localID = "another"
	case "stranger":
		ctl.from = "X26XX999"
	case "encrypted":
		ctl.encrypted = "Y"
	case "crlf":
		back = bytes.ReplaceAll(back, []byte("\n"), []byte("\r\n"))
	case "gzip":
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(back) // a bytes.Buffer takes everything
		_ = w.Close()
		back = packed.Bytes()
	case "cut":
		back = back[:len(back)-5]
	case "garbage":
		back = []byte("<html>not found</html>\n")
	case "unsent":
		back = append(bytes.Clone(list), []byte(strings.Join(numbers, ",\n")+",\n")...)
	case "receipt":
		ctl.subject, back = "SUCCESS", []byte(`{"status": "received"}`)
	case "error":
		back = []byte(meshcontrol.ServiceError + "\n")
	case "collected":
		ctl.messageType, ctl.event, back = "Report", "COLLECT", nil
	case "failure":
		ctl.messageType, ctl.event, back = "Report", "TRANSFER", nil
		ctl.status, ctl.code = "ERROR", "14"
	default:
		panic("unknown kind of answer: " + kind)
	}
	return ctl, back
}

// withoutNumbers is a list without some numbers.
func withoutNumbers(list []byte, numbers []string) []byte {
	back := []byte{}
	for line := range bytes.Lines(list) {
		if !slices.Contains(numbers, strings.TrimRight(string(line), ",\n")) {
			back = append(back, line...)
		}
	}
	return back
}

// controlText is a control file that the MESH client wrote.
type controlText struct {
	messageType, from, subject, localID, status, code, event, encrypted, id string
	at                                                                      time.Time
}

func (c controlText) String() string {
	return fmt.Sprintf(`<DTSControl>
<Version>1.0</Version>
<AddressType>DTS</AddressType>
<MessageType>%s</MessageType>
<From_DTS>%s</From_DTS>
<To_DTS>X26ABC1</To_DTS>
<Subject>%s</Subject>
<LocalId>%s</LocalId>
<DTSId>%s</DTSId>
<Compress>Y</Compress>
<Encrypted>%s</Encrypted>
<WorkflowId>SPINE_NTT_UPHOLDING</WorkflowId>
<ProcessId></ProcessId>
<DataChecksum></DataChecksum>
<IsCompressed>N</IsCompressed>
<StatusRecord>
<DateTime>%s</DateTime>
<Event>%s</Event>
<Status>%s</Status>
<StatusCode>%s</StatusCode>
<Description>in words</Description>
</StatusRecord>
</DTSControl>
`, c.messageType, c.from, c.subject, c.localID, c.id, c.encrypted,
		c.at.UTC().Format("20060102150405"), c.event, c.status, c.code)
}

// message is the message with this control file in the MESH API.
func (c controlText) message(data []byte) *apitest.Message {
	header := http.Header{}
	for name, value := range map[string]string{
		"Mex-From": c.from, "Mex-To": "X26ABC1", "Mex-WorkflowID": mesh.Workflow, "Mex-Subject": c.subject,
		"Mex-LocalID": c.localID, "Mex-StatusSuccess": c.status, "Mex-StatusCode": c.code,
		"Mex-StatusEvent": c.event, "Mex-StatusDescription": "in words",
		"Mex-StatusTimestamp": c.at.UTC().Format("20060102150405"),
	} {
		header.Set(name, value)
	}
	message := &apitest.Message{Type: strings.ToUpper(c.messageType), Header: header, Chunks: [][]byte{data}}
	if data == nil {
		message.Chunks = nil
	}
	return message
}

// inbox compares how many messages are in the mailbox X26ABC1 of the server: inbox COUNT.
func inbox(ts *testscript.TestScript, _ bool, args []string) {
	got := len((*ts.Value(meshServerKey{}).(**apitest.Server)).InboxOf("X26ABC1"))
	if args[0] != strconv.Itoa(got) {
		ts.Fatalf("%d messages are in the mailbox, want %s", got, args[0])
	}
}

// people writes an extract with so many people, all different: people FILE COUNT [KEY]. Their
// numbers are of the range that is never issued, or follow the key.
func people(ts *testscript.TestScript, _ bool, args []string) {
	count, err := strconv.Atoi(args[1])
	ts.Check(err)
	first := neverIssued
	if len(args) > 2 {
		first, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	text := []byte("id,nhs_number\n")
	for _, number := range numbersFrom(nhsnumber.Key(first), count) {
		text = fmt.Appendf(text, "%d,%s\n", len(text), number)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

// neverIssued is the key of a number of the range that is never issued.
const neverIssued = 910_000_000

// numbersFrom are so many numbers from a key on, in ascending order.
func numbersFrom(key nhsnumber.Key, count int) (numbers []string) {
	for ; len(numbers) < count; key += 7 {
		if digit, ok := nhsnumber.CheckDigit(key); ok {
			numbers = append(numbers, fmt.Sprintf("%09d%d", key, digit))
		}
	}
	return numbers
}

// makeOld makes a file as old as a duration: old FILE 48h.
func makeOld(ts *testscript.TestScript, _ bool, args []string) {
	old, err := time.ParseDuration(args[1])
	ts.Check(err)
	at := time.Now().Add(-old)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), at, at))
}

// backdate makes a request as old as a duration: backdate REQUEST 48h.
func backdate(ts *testscript.TestScript, _ bool, args []string) {
	old, err := time.ParseDuration(args[1])
	ts.Check(err)
	request, err := mesh.ReadRequest(ts.MkAbs(args[0]))
	ts.Check(err)
	path := filepath.Join(ts.MkAbs(args[0]), mesh.RequestFile)
	text, err := os.ReadFile(path)
	ts.Check(err)
	made := request.Created.Format(time.RFC3339)
	text = bytes.Replace(text, []byte(made),
		[]byte(request.Created.Add(-old).Format(time.RFC3339)), 1)
	ts.Check(os.WriteFile(path, text, 0o600))
}
