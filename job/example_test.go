package job_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/formats/csv"
	"noo/job"
	"noo/snapshot"
)

// A run reads a file, and writes the records that may be disclosed to another. Records without a
// number go to a third, and those of people who opted out nowhere.
func ExampleRun() {
	folder, err := os.MkdirTemp("", "job")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	input := filepath.Join(folder, "extract.csv")
	text := "nhs_number,ward\n9434765919,A\n9995609649,B\n,C\n"
	if err := os.WriteFile(input, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}

	run := job.Run{
		Input: input,
		Outputs: job.Outputs{
			Output:   filepath.Join(folder, "clean.csv"),
			Withheld: filepath.Join(folder, "withheld.csv"),
		},
		Rules: job.Rules{
			Register: filtertest.Register{943476591: snapshot.OptedOut, 999560964: snapshot.Clear},
			Formats:  []formats.Format{csv.Format{}},
		},
	}
	report, err := run.Do(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("read %d, opted out %d, written %d, withheld %d\n",
		report.Totals.Read, report.Totals.OptedOut, report.Totals.Written, report.Totals.Withheld())
	for _, path := range []string{run.Output, run.Withheld} {
		text, err := os.ReadFile(path)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s:\n%s", filepath.Base(path), text)
	}
	// Output:
	// read 3, opted out 1, written 1, withheld 1
	// clean.csv:
	// nhs_number,ward
	// 9995609649,B
	// withheld.csv:
	// nhs_number,ward
	// ,C
}
