package arrow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"noo/formats/arrow/arrowtest"
	messages "noo/formats/arrow/internal/ipc"
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

// TestCutShort cuts files and streams at every place: that is refused.
func TestCutShort(t *testing.T) {
	for _, stream := range []bool{false, true} {
		data := numbersEverywhere(t, stream, "other")
		for cut := range data {
			if _, _, err := filterAll(Format{Stream: stream}, data[:cut]); err == nil {
				t.Fatalf("stream %v: good although cut at %d of %d", stream, cut, len(data))
			}
		}
		longer := append(slices.Clone(data), 0)
		if _, _, err := filterAll(Format{Stream: stream}, longer); err == nil {
			t.Errorf("stream %v: good although something follows", stream)
		}
	}
}

// TestFooterDisagrees changes what the footer of a file says of its messages.
func TestFooterDisagrees(t *testing.T) {
	data := numbersEverywhere(t, false, "other")
	footer, err := messages.ReadFooter(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(footer.Batches) != 2 || len(footer.Dictionaries) == 0 {
		t.Fatalf("%d batches and %d dictionaries", len(footer.Batches), len(footer.Dictionaries))
	}
	first, second := footer.Batches[0].Offset, footer.Batches[1].Offset
	place := func(offset int64) int {
		word := binary.LittleEndian.AppendUint64(nil, uint64(offset))
		at := bytes.Index(data[footer.Start:], word)
		if at < 0 {
			t.Fatal("the footer does not have the block")
		}
		return int(footer.Start) + at
	}
	at := [2]int{place(first), place(second)}
	for name, change := range map[string]func(b []byte){
		"the same batch twice": func(b []byte) { copy(b[at[1]:at[1]+24], b[at[0]:at[0]+24]) },
		"batches in another order": func(b []byte) {
			copy(b[at[0]:at[0]+24], data[at[1]:at[1]+24])
			copy(b[at[1]:at[1]+24], data[at[0]:at[0]+24])
		},
		"a body that is shorter":  func(b []byte) { b[at[1]+16] -= 8 },
		"a header that is longer": func(b []byte) { b[at[1]+8] += 8 },
	} {
		changed := slices.Clone(data)
		change(changed)
		if _, _, err := filterAll(Format{}, changed); !errors.Is(err, ErrFooter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBombs: what a small input claims to hold is not allocated.
func TestBombs(t *testing.T) {
	data := numbersEverywhere(t, true, "other")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for at := 0; at+8 <= len(data); at += 8 {
		for _, claim := range []uint64{1 << 30, 1 << 33, 1 << 60} {
			changed := slices.Clone(data)
			binary.LittleEndian.PutUint64(changed[at:], claim)
			checkHostile(t, Format{Stream: true}, changed)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / uint64(3*len(data)/8); each > 4<<20 {
		t.Errorf("%d bytes for each input of %d", each, len(data))
	}
}
