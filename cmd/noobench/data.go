package main

// The data: 13 columns as in a hospital extract, about 108 bytes a record, 1 in 20 records with
// quoted fields that hold commas and doubled quotes, and a list of 3.6 million people who opted
// out, of whom about 1 in 18 is in the extract.

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"noo/internal/nhsnumber"
)

const (
	optedOut = 3_600_000
	seed     = 20180525
)

// prepare makes what is not there yet.
func prepare(dir, noo string, records int) error {
	steps := []struct {
		name string
		make func(path string) error
	}{
		{"extract.csv", func(path string) error { return writeExtract(path, records) }},
		{"small.csv", func(path string) error { return writeExtract(path, 1000) }},
		{"optouts.txt", writeOptOuts},
		{
			"bench.pub",
			func(string) error { return inDir(dir, noo, "key", "generate", "--name", "bench", "--no-password") },
		},
		{"optouts.noo", func(string) error {
			return inDir(
				dir,
				noo,
				"snapshot",
				"build",
				"optouts.txt",
				"-o",
				"optouts.noo",
				"--key",
				"bench.key",
			)
		}},
	}
	for _, step := range steps {
		path := filepath.Join(dir, step.name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := step.make(path); err != nil {
			return fmt.Errorf("making %s: %w", step.name, err)
		}
	}
	return nil
}

func inDir(dir string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// person draws a number from the issued ranges of England, Wales and the Isle of Man.
func person(r *rand.Rand) (text string) {
	for {
		key := 400_000_000 + r.Uint32N(300_000_000)
		if key >= 500_000_000 {
			key += 100_000_000
		}
		if digit, ok := nhsnumber.CheckDigit(key); ok {
			return strconv.FormatUint(uint64(key)*10+uint64(digit), 10)
		}
	}
}

// population is how many people the extract draws from: with it, 1 in 18 of its records is of
// someone who opted out.
const population = 18 * optedOut

// writeOptOuts lists the first people of the population.
func writeOptOuts(path string) error {
	return writeFile(path, func(w *bufio.Writer) {
		for i := range optedOut {
			w.WriteString(member(i))
			w.WriteByte('\n')
		}
	})
}

// member is one person of the population, always the same.
func member(i int) string { return person(rand.New(rand.NewPCG(seed, uint64(i)))) }

func writeExtract(path string, records int) error {
	r := rand.New(rand.NewPCG(seed, 1<<40))
	return writeFile(path, func(w *bufio.Writer) {
		w.WriteString(
			"record_id,nhs_number,sex,birth_date,postcode,site,admitted,discharged,diagnosis,procedure,cost,consultant,note\n",
		)
		for i := range records {
			writeRecord(w, r, i)
		}
	})
}

var (
	sites     = []string{"RGT01", "RGT02", "RXH09", "RJ122", "RA701", "RTH08"}
	diagnoses = []string{"I10X", "E119", "J459", "M545", "Z038", "N390", "R074", "K219", "F329"}
	notes     = []string{"routine", "follow-up", "did not attend", "seen", "day case", "emergency"}
)

func writeRecord(w *bufio.Writer, r *rand.Rand, i int) {
	number := member(r.IntN(population))
	note := notes[r.IntN(len(notes))]
	if i%20 == 7 {
		note = `"fever, cough; said ""better"" since Monday"`
	}
	fmt.Fprintf(
		w,
		"%d,%s,%c,%04d-%02d-%02d,AB%d %dCD,%s,2026-%02d-%02d,2026-%02d-%02d,%s,X%03d,%d.%02d,C%07d,%s\n",
		1_000_000_000+i,
		number,
		"FM"[r.IntN(2)],
		1930+r.IntN(90),
		1+r.IntN(12),
		1+r.IntN(28),
		1+r.IntN(20),
		1+r.IntN(9),
		sites[r.IntN(len(sites))],
		1+r.IntN(6),
		1+r.IntN(28),
		7+r.IntN(6),
		1+r.IntN(28),
		diagnoses[r.IntN(len(diagnoses))],
		r.IntN(1000),
		r.IntN(9000),
		r.IntN(100),
		1_000_000+r.IntN(9_000_000),
		note,
	)
}

func writeFile(path string, write func(*bufio.Writer)) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	write(w)
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Close()
}
