package control

import "testing"

func TestClassify(t *testing.T) {
	report := func(event, status, code string) Control {
		return Control{Type: Report, Status: &Status{Event: event, Status: status, Code: code}}
	}
	data := Control{Type: Data, Subject: "request-1"}
	receipt := Control{Type: Data, Subject: "SUCCESS"}
	arrived := data
	arrived.Status = &Status{Event: "TRANSFER", Status: "SUCCESS", Code: "00"}
	broken := data
	broken.Status = &Status{Event: "TRANSFER", Status: "ERROR", Code: "14"}
	for _, test := range []struct {
		name    string
		control Control
		head    string
		want    Kind
	}{
		{"collected", report("COLLECT", "SUCCESS", "00"), "", Progress},
		{"transferred, without a code", report("TRANSFER", "SUCCESS", ""), "", Progress},
		{"a report with a list", report("COLLECT", "SUCCESS", "00"), "9434765919,\n", Progress},
		{"an error", report("SEND", "ERROR", "14"), "", Failure},
		{"a success with the code of an error", report("SEND", "SUCCESS", "14"), "", Failure},
		{"a report without a status", Control{Type: Report}, "", Unknown},
		{"data with an error", broken, "9434765919,\n", Failure},
		{"a list", arrived, "9434765919,\n9836044507,\n", List},
		{"a list with CRLF", data, "9434765919,\r\n", List},
		{"a list without commas", data, "9434765919\n", List},
		{"a list with a byte order mark", data, "\ufeff9434765919,", List},
		{"a list with the subject of a receipt", receipt, "9434765919,\n", List},
		{"an empty list", data, "", List},
		{"a list of a blank line", data, "\r\n", List},
		{"nothing with the subject of a receipt", receipt, "", Unknown},
		{"a receipt", receipt, "{\"records\": 3}\n", Receipt},
		{"JSON with another subject", data, "{\"records\": 3}\n", Unknown},
		{"the error of the service", data, ServiceError + "\r\n", Refused},
		{"the error of the service without a line end", receipt, ServiceError, Refused},
		{"the error with more behind it", data, ServiceError + "\n9434765919,\n", Unknown},
		{"a table", data, "nhs_number,name\n9434765919,A\n", Unknown},
		{"a row of a table", data, "9434765919,A\n", Unknown},
		{"a number of nine digits", data, "943476591,\n", Unknown},
		{"gzip", data, "\x1f\x8b\x08\x00", Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Classify(&test.control, []byte(test.head)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
