package job

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/formats/csv"
)

// TestEndedBeforeWriting: a run whose context ends before it tells that it makes outputs makes
// none, and does not even try: whoever heard nothing may be ending the process. Here trying would
// be an error.
func TestEndedBeforeWriting(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(input, []byte("nhs_number\n9995609649\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(t.Context())
	reason := errors.New("somebody wants it to end")
	run := Run{
		Input: input, Outputs: Outputs{Output: filepath.Join(dir, "nowhere", "out.csv")},
		Rules: Rules{Register: filtertest.Register{}, Formats: []formats.Format{csv.Format{}}}, Host: Host{OnFirstWrite: func() { end(reason) }},
	}
	if _, err := run.Do(ctx); !errors.Is(err, reason) {
		t.Errorf("a file: %v", err)
	}
}
