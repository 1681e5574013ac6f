// Package jobs works with the jobs of a config file: it finds, lists and shows them, and keeps
// their outputs apart.
package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/suggest"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/internal/nearest"
	"noo/internal/nhsnumber"
)

// CheckMetrics refuses jobs that write their metrics to the same file, even if they never run
// together: monitoring would see those of the last job only.
func CheckMetrics(jobs []*settings.Job) error {
	var written []iopaths.Place
	var writers []*settings.Job
	for _, j := range jobs {
		value, ok := j.Values[runflags.MetricsFlag]
		if !ok {
			continue
		}
		place := iopaths.PlaceOf(value.Texts[0])
		for i, other := range writers {
			if written[i].Same(place) {
				return &settings.Error{Source: value.Source, Err: fmt.Errorf(
					"%s: %s: the jobs %s and %s would write their metrics to the same file: give each job its own",
					value.Source.Place,
					runflags.MetricsFlag,
					other.Name,
					j.Name,
				)}
			}
		}
		written, writers = append(written, place), append(writers, j)
	}
	return nil
}

// List prints the jobs.
func List(t *ui.Terminal, c *settings.File) error {
	longest := 0
	for _, j := range c.Jobs {
		longest = max(longest, len(j.Name))
	}
	for _, j := range c.Jobs {
		line := fmt.Sprintf("%-*s  %s %s", longest, j.Name, j.Command, strings.Join(j.Inputs, " "))
		if output := j.Values["output"]; len(output.Texts) > 0 {
			line += " -> " + output.Texts[0]
		}
		if err := ui.Printed(fmt.Fprintln(t.Out, nhsnumber.Mask(line))); err != nil {
			return err
		}
	}
	return nil
}

// Find returns the jobs of the names, in their order.
func Find(c *settings.File, names []string) ([]*settings.Job, error) {
	var jobs []*settings.Job
	for at, name := range names {
		i := slices.IndexFunc(c.Jobs, func(j *settings.Job) bool { return j.Name == name })
		if i < 0 {
			return nil, unknownJob(c, name)
		}
		if slices.Contains(names[:at], name) {
			return nil, outcome.Usage(fmt.Errorf("the job %s is named twice: name it once", name))
		}
		jobs = append(jobs, c.Jobs[i])
	}
	return jobs, nil
}

// mostJobs is how many names of jobs an error lists.
const mostJobs = 20

// unknownJob is the error for a job that does not exist.
func unknownJob(c *settings.File, name string) error {
	all := make([]string, len(c.Jobs))
	for i, j := range c.Jobs {
		all[i] = j.Name
	}
	text := fmt.Sprintf("%s has no such job", c.Path)
	if !suggest.HasDigit(name) {
		text = fmt.Sprintf("%s has no job %q", c.Path, name)
	}
	switch near := nearest.Name(name, all); {
	case near != "":
		text += fmt.Sprintf("; did you mean %q?", near)
	case len(all) <= mostJobs:
		text += "; the jobs are: " + strings.Join(all, ", ")
	default:
		text += "; noo run lists the jobs"
	}
	return outcome.Usage(errors.New(text))
}

// Written are the flags for files that a job writes and no other job may replace.
var written = []string{"output", "withheld", "report", "junit", "sarif", runflags.MetricsFlag}

// CheckOutputs refuses jobs of one run that write the same file: only the last would be left. A
// variable in the environment can cause that.
func CheckOutputs(jobs []*settings.Job, prepared []*cobra.Command) error {
	type place struct {
		job *settings.Job
		at  iopaths.Place
	}
	var places []place
	for i, j := range jobs {
		for _, name := range written {
			flag := prepared[i].Flags().Lookup(name)
			if flag == nil || flag.Value.String() == "" || flag.Value.String() == "-" {
				continue
			}
			at := iopaths.PlaceOf(flag.Value.String())
			for _, other := range places {
				if other.job != j && other.at.Same(at) {
					return outcome.Usage(
						fmt.Errorf(
							"the jobs %s and %s would both write %s: run one of them, or give each its own --%s",
							other.job.Name,
							j.Name,
							flag.Value,
							name,
						),
					)

				}
			}
			places = append(places, place{j, at})
		}
	}
	return nil
}
