package formats

// What formats do around calls of code that may panic: a panic in a goroutine would end the process.

import (
	"fmt"
	"runtime"
	"strings"
)

// Decide asks decide about a batch. A panic of it is a fault of the program and not of the input
// with this name.
func Decide(decide Decider, name string, batch *Batch, fates []Fate) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf(
				"deciding on the records of %s failed in a way that it should not; please report it",
				name,
			)
		}
	}()
	return decide.Decide(batch, fates)
}

// PanicReason returns reason with what is known of a panic. Only an error of the runtime says what
// went wrong, and its digits may be of a value: an index comes from the data.
func PanicReason(reason string, panicked any) string {
	cause, ok := panicked.(runtime.Error)
	if !ok {
		return reason
	}
	return reason + ": " + strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return 'n'
		}
		return r
	}, cause.Error())
}
