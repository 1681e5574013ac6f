package formats

// What formats do around calls of code that may panic: a panic in a goroutine would end the process.

import (
	"fmt"
	"runtime"
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
// went wrong without telling of values.
func PanicReason(reason string, panicked any) string {
	if cause, ok := panicked.(runtime.Error); ok {
		return reason + ": " + cause.Error()
	}
	return reason
}
