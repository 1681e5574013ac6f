package formats

// Files that look like an extract to the person who has one, and are in a format that is not read:
// they are called by what they are.

import "bytes"

// foreign are such formats by a text at a place near the start, with what to do instead.
var foreign = []struct {
	at            int
	magic, advice string
}{
	{0, "PK\x05\x06", "it is an empty ZIP file"},
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

// foreignAdvice says what a file in another format is and what to do, or returns "".
func foreignAdvice(head []byte) string {
	for _, f := range foreign {
		if len(head) > f.at && bytes.HasPrefix(head[f.at:], []byte(f.magic)) {
			return f.advice
		}
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return zipAdvice(head)
	}
	if bytes.HasPrefix(head, []byte("ORC")) && bytes.IndexByte(head, 0) >= 0 { // it is no text
		return "it is an ORC file: export it as CSV or Parquet"
	}
	return textAdvice(head)
}

// zipAdvice tells workbooks, which are ZIP files, from others by the names of their parts.
func zipAdvice(head []byte) string {
	for _, part := range []string{"[Content_Types].xml", "xl/", "_rels/", "docProps/"} {
		if bytes.Contains(head, []byte(part)) {
			return "it is an Excel workbook: save the sheet as CSV"
		}
	}
	return "it is a ZIP file: extract the files first, or save the sheet of a workbook as CSV"
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
