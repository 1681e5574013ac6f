package batch

// What the tests of this package share: a folder of made-up files, a register that says who was
// looked up, and a run over them.

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"noo/filter"
	"noo/filter/filtertest"
	"noo/formats"
	"noo/formats/csv"
	"noo/internal/filetest"
	"noo/internal/inputs"
	"noo/internal/nhsnumber"
	"noo/job"
	"noo/snapshot"
)

// Numbers of the range that is never issued: one of somebody who opted out, and of two who did not.
const (
	out   = "9434765919"
	stays = "9995609649"
	other = "9926702066"
)

// counting is a register that counts how often each number is looked up: of a file that is taken
// over, none is.
type counting struct {
	filtertest.Register
	mutex  sync.Mutex
	counts map[nhsnumber.Key]int
}

func (c *counting) LookUp(keys []nhsnumber.Key, out []snapshot.Standing) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, key := range keys {
		c.counts[key]++
	}
	c.Register.LookUp(keys, out)
}

// forget returns the numbers that were looked up since the last time, sorted.
func (c *counting) forget() []nhsnumber.Key {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	keys := slices.Sorted(maps.Keys(c.counts))
	clear(c.counts)
	return keys
}

func newRegister() *counting {
	return &counting{counts: map[nhsnumber.Key]int{}, Register: filtertest.Register{
		keyOf(out): snapshot.OptedOut, keyOf(stays): snapshot.Clear, keyOf(other): snapshot.Clear,
	}}
}

func keyOf(number string) nhsnumber.Key {
	key, status := nhsnumber.Parse([]byte(number))
	if status != nhsnumber.Valid {
		panic("not a number")
	}
	return key
}

// write makes files with these texts below a folder, by their paths with slashes.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// over prepares a run over some sources, or the files in dir/in where there are none, into dir/out.
func over(t *testing.T, dir string, register filter.Register, some ...inputs.Source) *Run {
	t.Helper()
	sources := &inputs.Sources{Files: some}
	if len(some) == 0 {
		var err error
		if sources, err = inputs.Expand([]string{filepath.Join(dir, "in")}); err != nil {
			t.Fatal(err)
		}
	}
	return &Run{
		Outputs: job.Outputs{Output: filepath.Join(dir, "out")},
		Rules:   job.Rules{Formats: []formats.Format{csv.Format{}}, Register: register},
		Sources: sources, StateDir: filepath.Join(dir, "state"),
	}
}

// inFolder prepares a run over files in a temporary folder, which it returns.
func inFolder(t *testing.T, files map[string]string) (dir string, run *Run) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "in"), files)
	return dir, over(t, dir, newRegister())
}

// isEmptyBut holds the names in a folder, hidden ones too: what a run leaves behind is among them.
func isEmptyBut(t *testing.T, dir string, names ...string) {
	t.Helper()
	if got := filetest.Names(t, dir); !slices.Equal(got, names) {
		t.Errorf("%s holds %q, want %q", filepath.Base(dir), got, names)
	}
}
