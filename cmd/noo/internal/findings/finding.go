package findings

// What check says of one dataset.

import (
	"fmt"
	"strings"

	"noo/cmd/noo/internal/ui"
	"noo/filter"
)

// Describe is what check says of one dataset under a policy.
func Describe(n filter.Tally, policy filter.Policy) string {
	if n.MustNotBeDisclosed() == 0 {
		return fmt.Sprintf("may be disclosed: %s, and none must be left out", ui.Records(n.Read))
	}
	classes := []struct {
		count  int64
		action filter.Action
		words  string
	}{
		{n.OptedOut, filter.Withhold, "opted out"},
		{n.Missing, policy.Missing, "without an NHS number"},
		{n.Invalid, policy.Invalid, "with an invalid one"},
		{n.Unchecked, policy.Unchecked, "not looked up"},
		{n.Unlinked, policy.Unlinked, "unlinked"},
	}
	if policy.Invalid == filter.Keep { // else they are among those with an invalid one
		classes = append(classes, classes[0])
		classes[len(classes)-1].count, classes[len(classes)-1].words = n.Disguised, "with the number of somebody who opted out, or was not looked up, in another form"
	}
	var found []string
	for _, class := range classes {
		if class.count > 0 && class.action != filter.Keep {
			found = append(found, ui.Grouped(class.count)+" "+class.words)
		}
	}
	return fmt.Sprintf(
		"must not be disclosed: of its %s %s",
		ui.Records(n.Read),
		strings.Join(found, ", "),
	)
}
