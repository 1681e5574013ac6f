package jobs

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/ui"
	"noo/internal/kind"
)

// file is a config file with jobs of these names.
func file(names ...string) *settings.File {
	f := &settings.File{Path: "noo.yaml"}
	for _, name := range names {
		f.Jobs = append(f.Jobs, &settings.Job{
			Name: name, Command: "filter", Inputs: []string{name + ".csv"}, Values: settings.Values{},
		})
	}
	return f
}

func TestFind(t *testing.T) {
	c := file("births", "deaths", "births-check")
	for _, test := range []struct {
		name  string
		names []string
		want  string // the names found, or what the error says
	}{
		{"in the order asked for", []string{"deaths", "births"}, "deaths births"},
		{"mistyped", []string{"birth"}, `has no job "birth"; did you mean "births"?`},
		{"unknown", []string{"marriages"}, "the jobs are: births, deaths, births-check"},
		{"a number", []string{"9434765919"}, "noo.yaml has no such job"},
		{"twice", []string{"births", "births"}, "named twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := Find(c, test.names)
			var names []string
			for _, j := range found {
				names = append(names, j.Name)
			}
			got := strings.Join(names, " ")
			if err != nil {
				got = err.Error()
				if kind.Of(err) != kind.Usage || strings.Contains(got, "9434765919") {
					t.Errorf("%v", err)
				}
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("%q does not say %q", got, test.want)
			}
		})
	}
}

func TestList(t *testing.T) {
	c := file("births", "x")
	c.Jobs[0].Values["output"] = settings.Value{Texts: []string{"9434765919.csv"}}
	var out strings.Builder
	if err := List(&ui.Terminal{Out: &out}, c); err != nil {
		t.Fatal(err)
	}
	want := "births  filter births.csv -> xxxxxxxxxx.csv\nx       filter x.csv\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestOneFileOfTwoJobs: jobs that write the same file are refused, whatever they call it.
func TestOneFileOfTwoJobs(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		name, first, second string
		refused             bool
	}{
		{"the same", filepath.Join(dir, "a"), filepath.Join(dir, "a"), true},
		{"by another way", filepath.Join(dir, "a"), filepath.Join(dir, "b", "..", "a"), true},
		{"another", filepath.Join(dir, "a"), filepath.Join(dir, "b"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := file("births", "deaths")
			var commands []*cobra.Command
			for i, path := range []string{test.first, test.second} {
				c.Jobs[i].Values[runflags.MetricsFlag] = settings.Value{Texts: []string{path}}
				cmd := &cobra.Command{}
				cmd.Flags().String("output", path, "")
				commands = append(commands, cmd)
			}
			if err := CheckMetrics(c.Jobs); (err != nil) != test.refused {
				t.Errorf("metrics: %v", err)
			}
			if err := CheckOutputs(c.Jobs, commands); (err != nil) != test.refused {
				t.Errorf("outputs: %v", err)
			}
		})
	}
}
