package filter_test

import (
	"fmt"
	"log"

	"noo/filter"
	"noo/filter/filtertest"
	"noo/formats"
	"noo/snapshot"
)

// The same five records under three policies. Only one of somebody who opted out is dropped
// whatever the policy.
func ExamplePolicy() {
	register := filtertest.Register{
		943476591: snapshot.OptedOut,
		999560964: snapshot.Clear,
		992670206: snapshot.Unchecked,
	}
	batch := formats.Batch{Records: 5, Columns: []formats.Values{{Text: [][]byte{
		[]byte("9434765919"), []byte("9995609649"), []byte("9926702066"), []byte(""), []byte("unknown"),
	}}}}
	names := map[formats.Fate]string{formats.Drop: "drop", formats.Keep: "keep", formats.Withhold: "withhold"}

	for _, policy := range []filter.Policy{{}, {Missing: filter.Keep}, {Invalid: filter.Fail}} {
		if err := policy.Validate(); err != nil {
			log.Fatal(err)
		}
		judge := filter.NewJudge(register, policy)
		fates := make([]formats.Fate, batch.Records)
		if err := judge.Decide(&batch, fates); err != nil {
			offender, _ := judge.StoppedAt(err)
			fmt.Printf("stopped at record %d: %v\n", offender.Record, offender.Verdict)
			continue
		}
		for _, fate := range fates {
			fmt.Print(names[fate], " ")
		}
		tally := judge.Tally()
		fmt.Printf("- %d of %d are written\n", tally.Written, tally.Read)
	}
	fmt.Println(filter.Policy{Unchecked: filter.Keep}.Validate() != nil)
	// Output:
	// drop keep withhold withhold withhold - 1 of 5 are written
	// drop keep withhold keep withhold - 2 of 5 are written
	// stopped at record 5: invalid
	// true
}
