// Package hints says what to do about an error, most often which flag to pass. The packages that
// find what is wrong know no flags.
package hints

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"noo/batch"
	"noo/fhir"
	"noo/fhir/download"
	"noo/formats"
	"noo/formats/arrow"
	"noo/formats/csv"
	"noo/formats/parquet"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/lockfile"
	"noo/internal/pseudonym"
	"noo/job"
	"noo/mesh"
	"noo/mesh/api"
	"noo/snapshot"
	"noo/snapshot/sealed"
)

// hints are what to do about errors that say the same in every case.
var hints = []struct {
	err  error
	hint string
}{
	{atomicfile.ErrSomethingElse, "name another file"},
	{atomicfile.ErrExists, "name another file, or pass --force"},
	{batch.ErrNoNumbers, "name the table that has one too, or its column with --column"},
	{batch.ErrStream, "name a file with -o FILE, and no other input"},
	{lockfile.ErrHeld, "let it end, or wait for it with --lock-wait"},
	{snapshot.ErrNoKeys, "or give the file with --trusted-key"},
	{snapshot.ErrUntrusted, "or give the file with --trusted-key"},
	{sealed.ErrEncrypted, "name its file with --identity"},
	{sealed.ErrRecipient, "or give another --identity"},
	{download.ErrToken, "name the file with --token-file"},
	{download.ErrBusy, "or wait longer with --wait"},
	{formats.ErrSnapshot, "name it with --snapshot"},
	{api.ErrNoURL, "name it with --api or in NOO_MESH_API"},
	{api.ErrURL, "give --api the address that NHS England gave you"},
	{api.ErrNoMailbox, "name it with --mailbox or in NOO_MESH_MAILBOX"},
	{api.ErrMailbox, "give --mailbox the id that NHS England gave you"},
	{api.ErrNoPassword, "name its file with --password-file"},
	{api.ErrNoSharedKey, "name its file with --shared-key-file"},
	{api.ErrNoCertificate, "name its file with --client-cert"},
	{api.ErrNoKey, "name its file with --client-key"},
	{api.ErrClientCertificate, "check --client-cert and --client-key"},
	{api.ErrServerCertificate, "name the file of its authority with --ca"},
	{api.ErrClock, "set the clock"},
	{api.ErrRedirect, "check --api"},
	{api.ErrNoAPI, "check --api"},
	{api.ErrLocalID, "make the request again with noo mesh request"},
	{arrow.ErrLimit, "raise the limit with --max-page if you trust the file"},
	{parquet.ErrLimit, "raise the limit with --max-page if you trust the file"},
	{job.ErrReadOnly, "pass --compress gzip, zstd or none"},
	{job.ErrCompressesItself, "leave --compress out"},
	{
		csv.ErrBareQuote,
		"pass --quote lenient, or --quote none if quotes mean nothing in this file",
	},
	{csv.ErrAfterQuote, "or pass --quote lenient"},
	{csv.ErrBackslash, "pass --escape backslash, or quoted for a file of Spark"},
	{csv.ErrEscapeOutside, "for a file of Spark, pass --escape quoted"},
	{csv.ErrEmptyBehind, "pass --ragged trailing"},
	{
		csv.ErrOneMore,
		"for row names of R, pass --header-lines 1 --no-header and --column with a number",
	},
	{csv.ErrNoDelimiter, "pass --delimiter with a character"},
	{csv.ErrApostrophes, "pass --quote single"},
	{csv.ErrLastLine, "pass --footer-lines 1 if it is a footer"},
	{csv.ErrFewLines, "pass a lower --header-lines or --footer-lines"},
	{csv.ErrNumberAbove, "delete the line, or pass a lower --header-lines if it is a record"},
	{csv.ErrNumberBelow, "pass a lower --footer-lines, or delete the line"},
	{csv.ErrSepLine, "pass --header-lines 1, and --delimiter if it is no comma"},
	{csv.ErrHeaderValue, "pass --no-header if the file has no header"},
	{csv.ErrBareFeed, "pass --record-end crlf if it is text, or lf if it ends a record"},
	{csv.ErrFeedInNames, "pass --record-end lf if it ends a record"},
	{csv.ErrNoRecordEnd, "pass --record-end as the file has it"},
	{csv.ErrBareReturn, "or pass --record-end lf, or crlf, if it is text"},
	{
		csv.ErrBlanksBetween,
		"pass --delimiter space, or --dialect r for a file of R's write.table",
	},
	{csv.ErrNotBare, "pass --record-end lf if both end a record"},
	{
		job.ErrNoMatch,
		"check the method and the key, or pass --allow-no-match",
	},
	{pseudonym.ErrSecretFile, "name its file with --pseudonym-key"},
	{mesh.ErrInvalidNumbers, "make the request again with --suspects leave-out"},
	{mesh.ErrUnanswered, "wait for it, or pass --partial to use the other answers"},
	{mesh.ErrTooOld, "send the request again, or raise the limit with --max-age"},
	{mesh.ErrEmpty, "find out which, and pass --all-opted-out if it is right"},
	{mesh.ErrGap, "get the answer again, or pass --all-opted-out if it is right"},
	{mesh.ErrNobody, "pass --none-opted-out if it is right"},
	{csv.ErrHeaderTwice, "pass --header or --no-header, not both"},
}

// choiceHints are what to do about the error of a *columns.ChoiceError.
var choiceHints = map[error]string{
	columns.ErrNotDetected:  "name it with --column, or link tables with --link",
	columns.ErrManyDetected: "name each that holds one with --column, and allow the others with --allow-column",
	columns.ErrNoNames:      "give --column a number, from 1",
	columns.ErrNoHeaderSaid: "pass --no-header if the line is data, or --header if it has the names",
	columns.ErrNoLink:       "name it with --link too; each table must have one",
	columns.ErrManyLinks:    "leave out a --link, so that each table has just one",
	columns.ErrNotAName:     "pass --no-header if the file has no header",
}

// Add returns the text of an error, which is what err says, with what to do about it.
func Add(err error, text string) string {
	if e, ok := errors.AsType[*columns.ChoiceError](err); ok {
		return strings.Replace(text, e.Error(), joined(e.Problem(), choiceHint(e))+e.Choices(), 1)
	}
	if e, ok := errors.AsType[*columns.PreflightError](err); ok {
		return strings.Replace(text, e.Error(), joined(e.Error(), preflightHint(e)), 1)
	}
	if e, ok := errors.AsType[*job.CompressionError](err); ok && e.Promised != nil {
		return fmt.Sprintf("%s, or pass --compress %v", text, e.Promised)
	}
	if _, ok := errors.AsType[*fhir.Error](err); ok && errors.As(err, new(fhir.Unusable)) {
		return joined(text, "pass --skip-invalid to leave it out")
	}
	if e, ok := errors.AsType[*formats.InputError](err); ok && errors.Is(err, csv.ErrBelowTitle) &&
		e.Line > 1 {
		return joined(text, titleHint(e.Line))
	}
	for _, h := range hints {
		if errors.Is(err, h.err) {
			return joined(text, h.hint)
		}
	}
	return text
}

// joined puts a hint, if there is one, behind what is wrong.
func joined(text, hint string) string {
	if hint == "" {
		return text
	}
	return text + "; " + hint
}

// choiceHint is what to do about a wrong choice of columns.
func choiceHint(e *columns.ChoiceError) string {
	switch {
	case e.Err == columns.ErrSaidUnnamed && e.Refused == "":
		return fmt.Sprintf("filter by all with%s, or, where there is no number in it, pass%s",
			flagFor("--column", slices.Concat(e.Named, e.Said)), flagFor("--allow-column", e.Said))
	case e.NamesLine > 1:
		return titleHint(e.NamesLine)
	case e.Delimiter != "":
		return "if the delimiter is another one, pass --delimiter " + e.Delimiter
	}
	return choiceHints[e.Err]
}

// preflightHint is what to do about columns that are not what they were said to be.
func preflightHint(e *columns.PreflightError) string {
	switch {
	case e.Refused != "": // no flag helps
		return ""
	case e.Hashed():
		return "if they are pseudonyms of NHS numbers, say how they were made with --pseudonym"
	case errors.Is(e.Err, columns.ErrFewPseudonyms):
		return "name the column of pseudonyms with --column, or leave --pseudonym out"
	case e.BetweenApostrophes():
		return "if the apostrophes are around the values, pass --quote single"
	case errors.Is(e.Err, columns.ErrFewNumbers):
		another := cmp.Or(flagFor("--column", e.Unnamed), " --column NAME")
		return fmt.Sprintf(
			"name another column with%s, or pass --force-column if there is no mistake",
			another,
		)
	case e.Late() && e.NamesLine > 1:
		return titleHint(e.NamesLine)
	case e.Late():
		return "pass --header-lines N for lines above the names, or --force-column"
	case errors.Is(e.Err, columns.ErrLateNames):
		return "if another table starts there, split the file; else pass" + flagFor(
			"--allow-column",
			[]string{e.Columns[0].Label},
		)
	}
	let := "them"
	if len(e.Columns) == 1 {
		let = "it"
	}
	return fmt.Sprintf(
		"filter by all with%s, or let %s pass with%s",
		flagFor(
			"--column",
			slices.Concat(e.Named, e.Unnamed),
		),
		let,
		flagFor("--allow-column", e.Unnamed),
	)
}

// titleHint is what to do about titles above the names of the columns.
func titleHint(line int64) string {
	return fmt.Sprintf("the names seem to be in line %d: pass --header-lines %d", line, line-1)
}

// mostFlags is how many columns a hint names.
const mostFlags = 10

// flagFor writes a flag for each of the first labels, each after a blank.
func flagFor(flag string, labels []string) string {
	var text strings.Builder
	for i, label := range labels {
		if i == mostFlags {
			text.WriteString(" and so on")
			break
		}
		fmt.Fprintf(&text, " %s %s", flag, columns.Quote(label))
	}
	return text.String()
}
