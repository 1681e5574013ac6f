package batch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"noo/internal/steadyfile"
)

// TestLinkedChanged: a table with NHS numbers that is not what it was ends the run, however it
// changed.
func TestLinkedChanged(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"longer": func(path string) error { return os.WriteFile(path, []byte("id,nhs_number\n1,9995609649\n2,\n"), 0o600) },
		"another time": func(path string) error {
			return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))
		},
		"another file": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path+".new", []byte("id,nhs_number\n1,9926702066\n"), 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(path+".new", time.Time{}, info.ModTime()); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
		"gone": os.Remove,
		"same": nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir, run := inFolder(t, map[string]string{
				"events.csv": "id\n1\n", "patients.csv": "id,nhs_number\n1,9995609649\n",
			})
			run.Columns.Link = []string{"id"}
			changed := error(nil)
			run.OnFirstWrite = func() { // between the two readings
				if change != nil {
					changed = change(filepath.Join(dir, "in", "patients.csv"))
				}
			}
			_, err := run.Do(t.Context())
			switch {
			case changed != nil:
				t.Fatal(changed)
			case change == nil && err != nil:
				t.Fatal(err)
			case change != nil && err == nil:
				t.Error("it went on")
			case change != nil && name != "gone" && !errors.Is(err, steadyfile.ErrChanged):
				t.Errorf("another error: %v", err)
			}
			if change != nil {
				isEmptyBut(t, dir, "in", "state")
			}
		})
	}
}
