package arrow

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"noo/formats/arrow/arrowtest"
)

// TestDamaged changes single bytes of datasets drawn at random: what comes of that is refused, or
// read as something else.
func TestDamaged(t *testing.T) {
	for round := range *rounds {
		r := rand.New(rand.NewPCG(*seed, uint64(round)))
		stream := r.IntN(2) == 0
		data := arrowtest.Draw(r, stream).Write(stream, ipc.WithDictionaryDeltas(true))
		if data == nil || len(data) > 50_000 {
			continue
		}
		for change := range 40 {
			damaged := slices.Clone(data)
			for range 1 + r.IntN(3) {
				damaged[r.IntN(len(damaged))] = byte(r.IntN(256))
			}
			if r.IntN(4) == 0 {
				damaged = damaged[:r.IntN(len(damaged))]
			}
			t.Run(fmt.Sprintf("%d-%d", round, change), func(t *testing.T) {
				checkHostile(t, Format{Stream: stream}, damaged)
			})
		}
	}
}
