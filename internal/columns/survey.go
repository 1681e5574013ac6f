package columns

// A survey tells what a run would find in the columns of an input, for people who are about to
// write a command line for it.

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// SurveySchema names the form of a Survey.
const SurveySchema = "noo/columns/v1"

// Survey says what the first records of an input hold, column by column. It has no value of a
// field.
type Survey struct {
	Schema string      `json:"schema"`
	Input  SurveyInput `json:"input"`
	// Undecided says why a run without Columns could not tell which identify people; "" where it
	// could.
	Undecided string `json:"undecided,omitempty"`
	// Nameless tells that no column has a name that may be shown: there are none, or the first line
	// may be data.
	Nameless bool       `json:"nameless,omitempty"`
	Columns  []Surveyed `json:"columns"`
}

// SurveyInput describes the input of a survey: its base name and its format.
type SurveyInput struct {
	Name   string `json:"name"`
	Format string `json:"format"`
}

// SurveyedColumn is a column in a survey.
type Surveyed struct {
	// Number counts the columns from 1.
	Number int `json:"number"`
	// Name is its name, "" where that might be data.
	Name string `json:"name,omitempty"`
	// Type is its type in the words of the format, "" where there is only text.
	Type string `json:"type,omitempty"`
	Sample
	// Part says what a run that names no columns does with it.
	Part Part `json:"filter,omitempty"`
	// Refused says why for StopsRefused, and is "" otherwise.
	Refused string `json:"refused,omitempty"`
}

// Part is what a column is in a run for which no columns are named.
type Part string

const (
	// OtherColumn is a column that a run does not look at again.
	OtherColumn Part = ""
	// Identifies is the column that identifies people, by its name.
	Identifies Part = "identifies"
	// StopsUnnamed is a column of NHS numbers that stops the run, unless it is named or allowed.
	StopsUnnamed Part = "stops_unnamed"
	// StopsFew is the column that identifies people by its name, and stops the run since it holds
	// few NHS numbers.
	StopsFew Part = "stops_few"
	// StopsRefused is a column that stops the run since the format does not filter by it, though it
	// identifies people by its name or holds NHS numbers.
	StopsRefused Part = "stops_refused"
)

// SurveyOf looks at the first records of every column of a dataset. name is the input's, as the
// user gave it; missing are texts as in Rules.Missing. The error is an *formats.InputError for a
// bad input, or the context's cause when it ended.
func SurveyOf(
	ctx context.Context,
	name, format string,
	dataset formats.Dataset,
	missing []string,
) (*Survey, error) {
	samples, err := sampleAll(ctx, dataset, missing, nil)
	if err != nil {
		return nil, err
	}
	survey := &Survey{
		Schema: SurveySchema,
		Input:  SurveyInput{Name: nhsnumber.Mask(filepath.Base(name)), Format: format},
	}
	survey.describe(name, dataset.Columns(), samples)
	return survey, nil
}

// describe fills in what there is to say of columns of which samples were taken.
func (s *Survey) describe(name string, columns []formats.Column, samples []Sample) {
	choice, err := Choose(name, columns, Rules{})
	if cause, ok := errors.AsType[*ChoiceError](err); ok {
		s.Undecided = cause.Err.Error()
	}
	identifying, said := choice.Identifying, saidColumns(columns, choice.Identifying)
	shown := shownNames(columns)
	s.Nameless = !slices.ContainsFunc(shown, func(name string) bool { return name != "" })
	for i, sample := range samples {
		column := Surveyed{Number: i + 1, Name: shown[i], Type: columns[i].Type, Sample: sample}
		identifies := slices.Contains(identifying, i)
		switch {
		case columns[i].Refused != nil && (identifies || sample.HoldsNumbers()):
			column.Part, column.Refused = StopsRefused, columns[i].Refused.Error()
		case !identifies:
			if sample.HoldsNumbers() || slices.Contains(said, i) {
				column.Part = StopsUnnamed
			}
		case sample.LacksNumbers():
			column.Part = StopsFew
		default:
			column.Part = Identifies
		}
		s.Columns = append(s.Columns, column)
	}
}
