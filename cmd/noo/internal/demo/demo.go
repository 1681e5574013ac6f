// Package demo has the made-up data and the steps of noo demo.
package demo

import (
	"embed"
	"fmt"

	"noo/cmd/noo/internal/outcome"
)

// Files are an extract, as CSV and as Parquet, and a list of opt-outs. The NHS numbers are of the
// range that is never issued.
//
//go:embed extract.csv extract.parquet optouts.txt
var Files embed.FS

// Step is one command of the demonstration.
type Step struct {
	Why  string
	Line string
	Exit int // the exit code that it has when all is well
}

// Steps are the commands of the demonstration, in their order.
var Steps = []Step{
	{"A publisher makes a key, and signs the list of who has opted out as a snapshot:",
		"key generate --name publisher --no-password", outcome.ExitDone},
	{"", "snapshot build optouts.txt -o optouts.noo --key publisher.key", outcome.ExitDone},
	{
		"You remove from an extract everyone who has opted out. Records without a\nreadable NHS number are withheld, here into a file of their own:",
		"filter extract.csv -o clean.csv --snapshot optouts.noo --trusted-key publisher.pub --withheld followup.csv --report report.json",
		outcome.ExitDone,
	},
	{
		"The same for Parquet, of which no page, dictionary or statistic keeps anything of\na removed record:",
		"filter extract.parquet -o clean.parquet --snapshot optouts.noo --trusted-key publisher.pub",
		outcome.ExitDone,
	},
	{"Somebody else makes sure, before the files leave the building:",
		"check clean.csv clean.parquet --snapshot optouts.noo --trusted-key publisher.pub", outcome.ExitDone},
	{"The extract itself does not pass, and the exit code says so to a script:",
		"check extract.csv --snapshot optouts.noo --trusted-key publisher.pub", outcome.ExitDisclosure},
}

// End returns what to type next, for the folder of the demonstration.
func End(dir string) string {
	return fmt.Sprintf(`
What to type next:

  cd "%s"
  diff extract.csv clean.csv     what was left out; the rest is the same to the byte
  cat report.json                what was done, in numbers, for your records
  cat followup.csv               records that somebody should look at
  noo filter --help              for your own extract: the same command with your own files
`, dir)
}
