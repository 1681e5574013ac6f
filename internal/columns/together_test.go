package columns

import (
	"errors"
	"strings"
	"testing"
)

// TestFilesLeakTogether: a column may hold too few numbers in each of many files to be told from
// chance, and enough in all.
func TestFilesLeakTogether(t *testing.T) {
	file := Seen{Named: []string{"nhs"}, Watched: []Watched{{Label: "Ref", Numbers: [10]int64{4: 40}, Valid: 4, Values: 1, Records: 1}}}
	if err := Together([]Seen{file}, national); err != nil {
		t.Errorf("one file: %v", err)
	}
	var files []Seen
	for range 30 {
		files = append(files, file)
	}
	err := Together(files, national)
	if !errors.Is(err, ErrOptedOutElsewhere) || !strings.Contains(err.Error(), "column Ref of 30 records") {
		t.Errorf("30 files: %v", err)
	}
}
