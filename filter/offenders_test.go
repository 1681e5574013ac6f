package filter

import (
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/snapshot"
)

// TestOffenders decides on random batches in random order from several goroutines, and compares the
// offenders that were remembered with those that a loop over the records finds.
func TestOffenders(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 29))
	texts, register := filtertest.People(r, 60)
	texts = append(texts, "", "x", "NULL")
	register[943476591] = snapshot.Clear
	for range 300 {
		policy := Policy{Missing: Action(r.IntN(2)), Invalid: Action(r.IntN(2))}
		limit, share := r.IntN(25), r.IntN(100)
		var batches []*formats.Batch
		var want []Offender
		record := int64(0)
		for seq := range r.IntN(30) {
			batch := &formats.Batch{Seq: seq, Records: r.IntN(60)}
			var values formats.Values
			for range batch.Records {
				text := texts[r.IntN(len(texts))]
				if r.IntN(100) >= share {
					text = "9434765919"
				}
				values.Text = append(values.Text, []byte(text))
				record++
				verdict := plainVerdict([]string{text}, register, policy)
				if (verdict == OptedOut || policy.action(verdict) != Keep) && len(want) < limit {
					want = append(want, Offender{record, verdict})
				}
			}
			batch.Columns = []formats.Values{values}
			batches = append(batches, batch)
		}
		judge := NewJudge(register, policy)
		judge.offenders.limit = limit
		decideAll(t, judge, r, batches)
		if got := judge.FirstOffenders(); !reflect.DeepEqual(got, want) {
			t.Fatalf("limit %d: %v, want %v", limit, got, want)
		}
		if limit > 0 && len(judge.offenders.first) > limit {
			t.Fatalf("%d are remembered, more than %d", len(judge.offenders.first), limit)
		}
	}
}

// decideAll has batches decided on in random order by three goroutines.
func decideAll(t *testing.T, judge *Judge, r *rand.Rand, batches []*formats.Batch) {
	t.Helper()
	r.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	next := make(chan *formats.Batch, len(batches))
	for _, batch := range batches {
		next <- batch
	}
	close(next)
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for batch := range next {
				if err := judge.Decide(batch, make([]formats.Fate, batch.Records)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
}

// BenchmarkDecideWithOffenders is batches of 10,000 offending records, of which the first hold the
// 20 that are named: remembering them must not show.
func BenchmarkDecideWithOffenders(b *testing.B) {
	for _, limit := range []int{0, 20} {
		b.Run(map[int]string{0: "none", 20: "first 20"}[limit], func(b *testing.B) {
			judge := NewJudge(filtertest.Register{}, Policy{Unchecked: Withhold})
			judge.offenders.limit = limit
			batch := &formats.Batch{Records: 10_000}
			batch.Columns = []formats.Values{{Text: make([][]byte, batch.Records)}}
			for i := range batch.Columns[0].Text {
				batch.Columns[0].Text[i] = []byte("x")
			}
			fates := make([]formats.Fate, batch.Records)
			for b.Loop() {
				if err := judge.Decide(batch, fates); err != nil {
					b.Fatal(err)
				}
				batch.Seq++
			}
		})
	}
}
