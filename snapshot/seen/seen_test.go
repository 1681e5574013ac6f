// What the memory against rollback survives.

package seen

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const series = "0101010101010101"

func TestPrunes(t *testing.T) {
	memory := Open(t.TempDir())
	record := func(sequence uint64) {
		t.Helper()
		if highest, err := memory.Record(series, sequence); err != nil || highest != sequence {
			t.Fatalf("Record(%d) = %d, %v", sequence, highest, err)
		}
	}
	count := func() int {
		entries, err := os.ReadDir(memory.seriesFolder(series))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	record(1)
	record(2)
	record(3)
	if n := count(); n != 3 {
		t.Errorf("%d markers: a fresh one replaces none", n)
	}
	if err := os.WriteFile(filepath.Join(memory.seriesFolder(series), ".DS_Store"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-2 * pruneAfter)
	for _, sequence := range []uint64{1, 2} {
		if err := os.Chtimes(memory.marker(series, sequence), past, past); err != nil {
			t.Fatal(err)
		}
	}
	record(4)
	if n := count(); n != 4 { // 2, 3, 4 and what is no marker
		t.Errorf("%d files, want 4", n)
	}
	if highest, err := memory.Highest(series); highest != 4 || err != nil {
		t.Errorf("Highest = %d, %v", highest, err)
	}
}

// TestFromManyProcesses lets several writers and readers race; nobody may ever see a highest
// sequence fall.
func TestFromManyProcesses(t *testing.T) {
	dir := t.TempDir()
	var wait sync.WaitGroup
	for worker := range uint64(8) {
		wait.Go(func() {
			memory := Open(dir)
			var before uint64
			for i := range uint64(50) {
				highest, err := memory.Record(series, i*8+worker+1)
				if err != nil {
					t.Error(err)
				}
				if highest < before {
					t.Errorf("fell from %d to %d", before, highest)
				}
				before = highest
			}
		})
	}
	wait.Wait()
	if highest, err := Open(dir).Highest(series); highest != 400 || err != nil {
		t.Errorf("Highest = %d, %v", highest, err)
	}
}

// TestSurvivesKills kills processes that record as fast as they can, and then reads what they
// left.
func TestSurvivesKills(t *testing.T) {
	if dir := os.Getenv("NOO_TEST_RECORD"); dir != "" {
		memory := Open(dir)
		for sequence := uint64(1); ; sequence++ {
			if _, err := memory.Record(series, sequence); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Println(sequence)
		}
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	for i := range 5 {
		dir := t.TempDir()
		command := exec.Command(os.Args[0], "-test.run=^TestSurvivesKills$")
		command.Env = append(os.Environ(), "NOO_TEST_RECORD="+dir)
		var out strings.Builder
		command.Stdout = &out
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+17*i) * time.Millisecond)
		command.Process.Kill()
		command.Wait()
		lines := strings.Split(out.String(), "\n")
		var last uint64
		if len(lines) > 1 {
			fmt.Sscan(lines[len(lines)-2], &last) // the line after it may be cut
		}
		if highest, err := Open(dir).Highest(series); err != nil || highest < last {
			t.Errorf("%d was recorded, %d is remembered (%v)", last, highest, err)
		}
	}
}

// TestSeriesAreApart: no series knows of another, also where one name begins as the other does.
func TestSeriesAreApart(t *testing.T) {
	memory := Open(t.TempDir())
	for name, sequence := range map[string]uint64{series: 9, series + "-local": 4, "other": 1} {
		if highest, err := memory.Record(name, sequence); err != nil || highest != sequence {
			t.Errorf("%s: %d, %v", name, highest, err)
		}
	}
	if highest, err := memory.Record(series+"-local", 3); err != nil || highest != 4 {
		t.Errorf("a step back: %d, %v", highest, err)
	}
}

func TestThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file).Record(series, 1); err == nil {
		t.Error("no error")
	}
}
