package batch

// How many files are worked on at a time, and by how many goroutines each. Small files go side by
// side; a large one gets all processors.

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"

	"noo/internal/inputs"
)

// sideBySide is for how many bytes of a file one goroutine is enough: with more than one, another
// file gains more.
const sideBySide = 8 << 20

// Load is the work for one file.
type Load struct {
	// Bytes is its size.
	Bytes int64
	// Serial tells that one goroutine is enough whatever the size, as for a compressed file: it
	// comes no faster than it is decompressed.
	Serial bool
}

// Loads returns the work for each of the sources, as far as their sizes tell.
func Loads(files []inputs.Source) []Load {
	loads := make([]Load, len(files))
	for i, file := range files {
		loads[i].Bytes = file.Bytes
	}
	return loads
}

// Each calls do for every file, several at a time, with the number of goroutines that may work on
// it. The first error ends the others; of several, the one of the first file is returned.
func Each(
	ctx context.Context,
	files []Load,
	do func(ctx context.Context, i, workers int) error,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	processors := int64(runtime.GOMAXPROCS(0))
	free := semaphore.NewWeighted(processors)
	failed := make([]error, len(files))
	var running sync.WaitGroup
	for i, file := range files {
		share := min(max(file.Bytes/sideBySide, 1), processors)
		if file.Serial {
			share = 1
		}
		if err := free.Acquire(ctx, share); err != nil {
			break
		}
		running.Go(func() {
			defer free.Release(share)
			if failed[i] = do(ctx, i, int(share)); failed[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	for _, err := range failed {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// Progress joins the progress of all files to one: of the function that it returns, i is the place
// of a file and done how many bytes of it were read. tell may be nil.
func Progress(files []inputs.Source, tell func(done, total int64)) func(i int, done int64) {
	if tell == nil {
		return func(int, int64) {}
	}
	var mutex sync.Mutex
	of := make([]int64, len(files))
	var done, total int64
	for _, file := range files {
		total += file.Bytes
		if file.Path == "-" {
			total = -1 // nobody knows; it is alone
		}
	}
	return func(i int, now int64) {
		mutex.Lock()
		defer mutex.Unlock()
		done += now - of[i]
		of[i] = now
		tell(done, total)
	}
}
