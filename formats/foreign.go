package formats

// Files that look like an extract to the person who has one, and are in a format that is not read:
// they are called by what they are.

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrZIP is a ZIP file where none can be read: inside other data, or in a stream.
var ErrZIP = errors.New("it is a ZIP file: extract the files first")

// foreign are such formats by a text at a place near the start, with what to do instead.
var foreign = []struct {
	at            int
	magic, advice string
}{
	{0, "\xd0\xcf\x11\xe0", "it is an old Excel workbook: save the sheet as CSV"},
	{0, "\xfd7zXZ\x00", "it is compressed with xz: decompress it first"},
	{0, "7z\xbc\xaf\x27\x1c", "it is a 7z archive: extract the files first"},
	{0, "\x04\x22\x4d\x18", "it is compressed with lz4: decompress it first"},
	{0, "Rar!\x1a\x07", "it is a RAR archive: extract the files first"},
	{257, "ustar", "it is a tar archive, as tar and .tar.gz are: extract the files first"},
	{0, "FEA1", "it is a Feather file of version 1: save it as version 2"},
	{0, "\x89HDF\r\n\x1a\n", "it is an HDF5 file: export the table as CSV or Parquet"},
	{0, "Obj\x01", "it is an Avro file: export it as CSV or Parquet"},
	{0, "SQLite format 3\x00", "it is a SQLite database: export the table as CSV or Parquet"},
	{12, "\xc2\xea\x81\x60\xb3\x14\x11\xcf", "it is a SAS dataset: export it as CSV or Parquet"},
	{0, "HEADER RECORD*******LIB", "it is a SAS transport file: export it as CSV or Parquet"},
	{0, "$FL2@(#)", "it is an SPSS file: export it as CSV or Parquet"},
	{0, "$FL3@(#)", "it is an SPSS file: export it as CSV or Parquet"},
	{0, "<stata_dta>", "it is a Stata dataset: export it as CSV or Parquet"},
	{0, "RDX2\n", "it is an R workspace: export the data as CSV or Parquet"},
	{0, "RDX3\n", "it is an R workspace: export the data as CSV or Parquet"},
	{0, "X\n\x00\x00\x00", "it is an R data file: export the data as CSV or Parquet"},
	{0, "%PDF-", "it is a PDF document: ask for the data as CSV or Parquet"},
	{0, "-----BEGIN PGP", "it is encrypted with PGP: decrypt it first"},
	{0, "\xff\xfe\x00\x00", "it is UTF-32: save it as UTF-8"},
	{0, "\x00\x00\xfe\xff", "it is UTF-32: save it as UTF-8"},
}

// foreignError says what a file in another format is and what to do, or returns nil.
func foreignError(head []byte) error {
	for _, f := range foreign {
		if len(head) > f.at && bytes.HasPrefix(head[f.at:], []byte(f.magic)) {
			return unknown(f.advice)
		}
	}
	if IsZIP(head) {
		if advice := zipAdvice(head); advice != "" {
			return unknown(advice)
		}
		return fmt.Errorf("%w: %w", ErrUnknownFormat, ErrZIP)
	}
	if bytes.HasPrefix(head, []byte("ORC")) && bytes.IndexByte(head, 0) >= 0 { // it is no text
		return unknown("it is an ORC file: export it as CSV or Parquet")
	}
	return unknown(textAdvice(head))
}

// unknown is the error for a file in another format, nil where nothing is known about it.
func unknown(advice string) error {
	if advice == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnknownFormat, advice)
}

// splitMagic starts a ZIP file that a program which can split them did not split.
const splitMagic = "PK00PK\x03\x04"

// IsZIP reports whether a file is a ZIP file, by its first bytes: with an entry, empty, or a part
// of one in several parts.
func IsZIP(head []byte) bool {
	for _, magic := range []string{"PK\x03\x04", "PK\x05\x06", "PK\x07\x08", splitMagic} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// documents are the files of office programs that are ZIP files, by what tells them: the names of
// parts, or a text that follows the header of the first entry.
var documents = []struct{ kind, part, advice string }{
	{"[Content_Types].xml", "xl/", isWorkbook},
	{"[Content_Types].xml", "word/", "it is a Word document: ask for the data as CSV or Parquet"},
	{"[Content_Types].xml", "ppt/", "it is a presentation: ask for the data as CSV or Parquet"},
	{"[Content_Types].xml", "", isWorkbook},
	{"Index/", "Index/Document.iwa", "it is a Numbers document: save the sheet as CSV"},
}

const isWorkbook = "it is an Excel workbook: save the sheet as CSV"

// openDocument is how the content of the first entry of an OpenDocument file starts, with the name
// of the entry before it.
const openDocument = "mimetypeapplication/vnd.oasis.opendocument."

// DocumentError says of a ZIP file what it is and what to do if an office program wrote it, or
// returns nil. head is its start; has reports whether it has an entry of a name, or below a folder
// whose name ends with a slash.
func DocumentError(head []byte, has func(name string) bool) error {
	return unknown(documentAdvice(head, has))
}

func documentAdvice(head []byte, has func(name string) bool) string {
	if at := bytes.Index(head[:min(len(head), 128)], []byte(openDocument)); at >= 0 {
		if bytes.HasPrefix(head[at+len(openDocument):], []byte("spreadsheet")) {
			return "it is an OpenDocument spreadsheet: save the sheet as CSV"
		}
		return "it is an OpenDocument file: ask for the data as CSV or Parquet"
	}
	for _, d := range documents {
		if has(d.kind) && (d.part == "" || has(d.part)) {
			return d.advice
		}
	}
	return ""
}

// zipAdvice tells the documents of office programs from other ZIP files where only the start of the
// file is there: by names of parts.
func zipAdvice(head []byte) string {
	has := func(name string) bool { return bytes.Contains(head, []byte(name)) }
	advice := documentAdvice(head, has)
	for _, part := range []string{"xl/", "_rels/", "docProps/"} {
		if advice == "" && has(part) {
			advice = isWorkbook
		}
	}
	return advice
}

// textAdvice tells texts that are no delimited text by how they begin.
func textAdvice(head []byte) string {
	head = bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))
	head = bytes.TrimLeft(head, " \t\r\n")
	begins := func(first byte, then string) bool {
		if len(head) == 0 || head[0] != first {
			return false
		}
		rest := bytes.TrimLeft(head[1:], " \t\r\n")
		return len(rest) > 0 && bytes.IndexByte([]byte(then), rest[0]) >= 0
	}
	lower := bytes.ToLower(head[:min(len(head), 64)])
	switch {
	case begins('{', `"`) || begins('[', "{"):
		return "it is JSON: export the data as CSV or Parquet"
	case bytes.HasPrefix(lower, []byte("<?xml")):
		return "it is XML: save the sheet or the data as CSV"
	case bytes.HasPrefix(lower, []byte("<html")) || bytes.HasPrefix(lower, []byte("<!doctype html")):
		return "it is HTML: save the table as CSV"
	}
	return ""
}
