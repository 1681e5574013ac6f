package meshcommands

// How long a message in a folder must not change before it counts as complete.

import (
	"time"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/mesh/control"
)

// settling is the flag of commands that take messages from a folder.
type settling struct{ settle flagvalue.Wait }

func (s *settling) add(flags *pflag.FlagSet) {
	s.settle = flagvalue.Wait(control.DefaultTiming.Settle)
	flagvalue.Add(flags, &s.settle, "settle", "take files that did not change for this long")
}

// dataLast is how many times as long as other files data must not change that was written after
// its control file: half a minute where --settle is not given.
const dataLast = 15

// timing is what the flag says.
func (s *settling) timing() control.Timing {
	timing := control.DefaultTiming
	timing.Settle = time.Duration(s.settle)
	timing.DataLast = dataLast * timing.Settle
	return timing
}
