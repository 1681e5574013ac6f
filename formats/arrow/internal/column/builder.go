package column

// Cutting arrays down. A Builder takes stretches of arrays and puts them together as an array of
// the
// same field. What it does not take is in none of its buffers.

import (
	"encoding/binary"
	"math/bits"

	"noo/formats/arrow/internal/ipc"
)

// Builder puts an array together. It keeps its memory. It is for one goroutine at a time.
type Builder struct {
	field *ipc.Field
	room  *room
	n     int
	nulls int
	// validity has a bit for each value, and is only kept once a value is null.
	validity       []byte
	data           []byte
	offsets, sizes []byte
	end            int // the last offset
	buffers        [][]byte
	copied         map[text]place // texts of shared views that were copied
	children       []*Builder
	pending        []span // of children of a dense union
	// Of run-end encoded values: the array and the run that were taken last.
	lastRuns *Array
	lastRun  int
}

// room bounds what a Builder and those below it take: lists may share values, which then are
// written out for each.
type room struct{ left int64 }

// take counts what is written.
func (r *room) take(n int) { r.left -= int64(n) }

// text is where the text of a view is, place where it was copied to.
type text struct {
	buffer *byte
	n      int
}
type place struct{ buffer, start int }

// span is a stretch of values.
type span struct{ start, end int }

// NewBuilder returns a Builder for arrays of a field.
func NewBuilder(f *ipc.Field) *Builder { return newBuilder(f, new(room)) }

func newBuilder(f *ipc.Field, r *room) *Builder {
	b := &Builder{field: f, room: r}
	for _, child := range f.Children {
		b.children = append(b.children, newBuilder(child, r))
	}
	if f.Layout == ipc.DenseUnion {
		b.pending = make([]span, len(f.Children))
	}
	return b
}

// Reset begins another array, which may take so many bytes.
func (b *Builder) Reset(limit int64) {
	b.room.left = limit
	b.reset()
}

func (b *Builder) reset() {
	b.n, b.nulls, b.end, b.lastRuns = 0, 0, 0, nil
	b.validity, b.data, b.offsets, b.sizes = b.validity[:0], b.data[:0], b.offsets[:0], b.sizes[:0]
	for i := range b.buffers {
		b.buffers[i] = b.buffers[i][:0]
	}
	clear(b.copied)
	for _, child := range b.children {
		child.reset()
	}
}

// Err returns ErrLimit if the array takes more than it may.
func (b *Builder) Err() error {
	if b.room.left < 0 {
		return ipc.Unsupported("lists or views that share so many values")
	}
	return nil
}

// Len returns the number of values.
func (b *Builder) Len() int { return b.n }

// Append appends values from place start to before end of an array.
func (b *Builder) Append(a *Array, start, end int) {
	if start >= end || b.room.left < 0 {
		return
	}
	b.appendValidity(a, start, end)
	switch b.field.Layout {
	case ipc.Fixed:
		b.appendFixed(a, start, end)
	case ipc.Bits:
		b.appendBits(a, start, end)
	case ipc.Binary:
		b.appendTexts(a, start, end)
	case ipc.View:
		b.appendViews(a, start, end)
	case ipc.List:
		b.appendLists(a, start, end)
	case ipc.ListView:
		b.appendListViews(a, start, end)
	case ipc.FixedList, ipc.Struct:
		b.appendChildren(a, start, end)
	case ipc.SparseUnion:
		b.appendSparse(a, start, end)
	case ipc.DenseUnion:
		b.appendDense(a, start, end)
	case ipc.RunEnds:
		b.appendRuns(a, start, end)
	}
	b.n += end - start
}

// AppendEmpty appends n values that are null, or where the field has none, zero or empty.
func (b *Builder) AppendEmpty(n int) {
	if n == 0 || b.room.left < 0 {
		return
	}
	nullable := b.field.Nullable || b.field.Dictionary != nil
	switch b.field.Layout {
	case ipc.Null, ipc.SparseUnion, ipc.DenseUnion, ipc.RunEnds:
	default:
		if nullable {
			b.needValidity()
		}
		if nullable || len(b.validity) > 0 {
			b.validity = extendBits(b.validity, b.n, n, !nullable)
		}
		if nullable {
			b.nulls += n
		}
	}
	width := b.field.Width
	switch b.field.Layout {
	case ipc.Fixed, ipc.View:
		b.data = b.extend(b.data, n*width)
	case ipc.Bits:
		b.data = extendBits(b.data, b.n, n, false)
	case ipc.Binary, ipc.List:
		b.startOffsets()
		for range n {
			b.putOffset(b.end)
		}
	case ipc.ListView:
		b.offsets, b.sizes = b.extend(b.offsets, n*width), b.extend(b.sizes, n*width)
	case ipc.FixedList:
		b.children[0].AppendEmpty(n * b.field.Size)
	case ipc.Struct:
		for _, child := range b.children {
			child.AppendEmpty(n)
		}
	case ipc.SparseUnion:
		b.emptyUnion(n)
		for _, child := range b.children {
			child.AppendEmpty(n)
		}
	case ipc.DenseUnion:
		b.emptyUnion(n)
		for range n {
			b.offsets = binary.LittleEndian.AppendUint32(b.offsets, uint32(b.children[0].n))
			b.children[0].AppendEmpty(1)
		}
	case ipc.RunEnds:
		b.lastRuns = nil
		b.children[1].AppendEmpty(1)
		b.putRunEnd(b.n + n)
	}
	b.n += n
}

// emptyUnion appends the type of the first child.
func (b *Builder) emptyUnion(n int) {
	if len(b.children) == 0 {
		return
	}
	for range n {
		b.data = append(b.data, byte(b.field.Types[0]))
	}
}

// extend appends n zeros.
func (b *Builder) extend(to []byte, n int) []byte {
	b.room.take(n)
	if b.room.left < 0 {
		return to
	}
	return append(to, make([]byte, n)...)
}

// needValidity begins to keep validity: all values so far are not null.
func (b *Builder) needValidity() {
	if len(b.validity) == 0 && b.n > 0 {
		b.validity = extendBits(b.validity, 0, b.n, true)
	}
}

// appendValidity appends which values are null.
func (b *Builder) appendValidity(a *Array, start, end int) {
	n := end - start
	if a.Validity == nil {
		if len(b.validity) > 0 {
			b.validity = extendBits(b.validity, b.n, n, true)
		}
		return
	}
	nulls := n - onesBetween(a.Validity, start, end)
	if nulls > 0 {
		b.needValidity()
	}
	if nulls > 0 || len(b.validity) > 0 {
		b.validity = copyBits(b.validity, b.n, a.Validity, start, n)
	}
	b.nulls += nulls
}

// appendFixed appends values of one width, and zeros for those that are null.
func (b *Builder) appendFixed(a *Array, start, end int) {
	width := b.field.Width
	b.room.take((end - start) * width)
	if b.room.left < 0 {
		return
	}
	from := len(b.data)
	b.data = append(b.data, a.Data[start*width:end*width]...)
	eachNull(a.Validity, start, end, func(i int) {
		at := from + (i-start)*width
		clear(b.data[at : at+width])
	})
}

func (b *Builder) appendBits(a *Array, start, end int) {
	b.data = copyBits(b.data, b.n, a.Data, start, end-start)
	eachNull(a.Validity, start, end, func(i int) {
		at := b.n + i - start
		b.data[at>>3] &^= 1 << (at & 7)
	})
}

// startOffsets writes the first offset.
func (b *Builder) startOffsets() {
	if len(b.offsets) == 0 {
		b.putOffset(0)
	}
}

func (b *Builder) putOffset(offset int) {
	if b.field.Width == 8 {
		b.offsets = binary.LittleEndian.AppendUint64(b.offsets, uint64(offset))
	} else {
		b.offsets = binary.LittleEndian.AppendUint32(b.offsets, uint32(offset))
	}
}

// mostOffset is the largest offset of four bytes.
const mostOffset = 1<<31 - 1

// advance moves the end of what offsets point at.
func (b *Builder) advance(n int) {
	if b.end += n; b.end > mostOffset && b.field.Width == 4 {
		b.room.left = -1
	}
}

func (b *Builder) appendTexts(a *Array, start, end int) {
	b.startOffsets()
	if a.Validity == nil {
		b.appendPlainTexts(a, start, end)
		return
	}
	for start < end {
		if a.IsNull(start) {
			b.putOffset(b.end)
			start++
			continue
		}
		next := start + 1
		for next < end && !a.IsNull(next) {
			next++
		}
		b.appendPlainTexts(a, start, next)
		start = next
	}
}

// appendPlainTexts appends texts of which none is null.
func (b *Builder) appendPlainTexts(a *Array, start, end int) {
	first, last := a.Offset(start), a.Offset(end)
	b.room.take(last - first)
	if b.room.left < 0 {
		return
	}
	b.data = append(b.data, a.Data[first:last]...)
	shift := b.end - first
	b.advance(last - first)
	if b.field.Width == 8 {
		for i := start + 1; i <= end; i++ {
			offset := int(binary.LittleEndian.Uint64(a.Offsets[8*i:]))
			b.offsets = binary.LittleEndian.AppendUint64(b.offsets, uint64(offset+shift))
		}
		return
	}
	at := len(b.offsets)
	b.offsets = append(b.offsets, a.Offsets[4*(start+1):4*(end+1)]...)
	for p := b.offsets[at:]; len(p) >= 4; p = p[4:] {
		binary.LittleEndian.PutUint32(p, binary.LittleEndian.Uint32(p)+uint32(shift))
	}
}

// mostBuffer is how many bytes a data buffer of views may have.
const mostBuffer = 1 << 30

func (b *Builder) appendViews(a *Array, start, end int) {
	b.room.take(16 * (end - start))
	for i := start; i < end; i++ {
		var view [16]byte
		if !a.IsNull(i) {
			from := a.Data[16*i : 16*i+16]
			if n := int(binary.LittleEndian.Uint32(from)); n <= inlined {
				copy(view[:], from[:4+n])
			} else {
				copy(view[:8], from)
				at := b.copyText(a.Text(i), a.Shared)
				binary.LittleEndian.PutUint32(view[8:], uint32(at.buffer))
				binary.LittleEndian.PutUint32(view[12:], uint32(at.start))
			}
		}
		b.data = append(b.data, view[:]...)
	}
}

// copyText copies a text to a data buffer, one that several views share only once.
func (b *Builder) copyText(t []byte, shared bool) (at place) {
	key := text{&t[0], len(t)}
	if shared {
		if at, ok := b.copied[key]; ok {
			return at
		}
	}
	b.room.take(len(t))
	if b.room.left < 0 {
		return at
	}
	used := 0
	for used < len(b.buffers) && len(b.buffers[used]) > 0 {
		used++
	}
	if used == 0 || len(b.buffers[used-1])+len(t) > mostBuffer {
		if used == len(b.buffers) {
			b.buffers = append(b.buffers, nil)
		}
		used++
	}
	at = place{used - 1, len(b.buffers[used-1])}
	b.buffers[at.buffer] = append(b.buffers[at.buffer], t...)
	if shared {
		if b.copied == nil {
			b.copied = map[text]place{}
		}
		b.copied[key] = at
	}
	return at
}

func (b *Builder) appendLists(a *Array, start, end int) {
	b.startOffsets()
	var wanted span
	for i := start; i < end; i++ {
		from, to := a.List(i)
		wanted = b.want(b.children[0], a.Children[0], wanted, span{from, to})
		b.advance(to - from)
		b.putOffset(b.end)
	}
	b.children[0].Append(a.Children[0], wanted.start, wanted.end)
}

// want adds a stretch of values of a child to one that is wanted already, which is appended first
// where they are no neighbours.
func (b *Builder) want(child *Builder, from *Array, wanted, more span) span {
	switch {
	case more.start == more.end:
		return wanted
	case wanted.end == more.start && wanted.start < wanted.end:
		return span{wanted.start, more.end}
	}
	child.Append(from, wanted.start, wanted.end)
	return more
}

func (b *Builder) appendListViews(a *Array, start, end int) {
	var wanted span
	width, at := b.field.Width, len(b.offsets)/b.field.Width
	b.offsets, b.sizes = b.extend(
		b.offsets,
		(end-start)*width,
	), b.extend(
		b.sizes,
		(end-start)*width,
	)
	for i := start; i < end && b.room.left >= 0; i++ {
		from, to := a.List(i)
		b.room.take(to - from)
		if from < to {
			putInteger(b.offsets, width, at+i-start, int64(b.end))
			putInteger(b.sizes, width, at+i-start, int64(to-from))
		}
		wanted = b.want(b.children[0], a.Children[0], wanted, span{from, to})
		b.advance(to - from)
	}
	b.children[0].Append(a.Children[0], wanted.start, wanted.end)
}

// appendChildren appends to the children of structs and lists of fixed size: nothing of those below
// a null.
func (b *Builder) appendChildren(a *Array, start, end int) {
	for start < end {
		next, null := start+1, a.IsNull(start)
		if a.Validity == nil {
			next = end
		}
		for next < end && a.IsNull(next) == null {
			next++
		}
		for i, child := range b.children {
			times := 1
			if b.field.Layout == ipc.FixedList {
				times = b.field.Size
			}
			if null {
				child.AppendEmpty((next - start) * times)
			} else {
				child.Append(a.Children[i], start*times, next*times)
			}
		}
		start = next
	}
}

func (b *Builder) appendSparse(a *Array, start, end int) {
	b.room.take(end - start)
	b.data = append(b.data, a.Data[start:end]...)
	for i, child := range b.children {
		id := byte(b.field.Types[i])
		for at := start; at < end; {
			next, other := at+1, a.Data[at] != id
			for next < end && (a.Data[next] != id) == other {
				next++
			}
			if other {
				child.AppendEmpty(next - at)
			} else {
				child.Append(a.Children[i], at, next)
			}
			at = next
		}
	}
}

func (b *Builder) appendDense(a *Array, start, end int) {
	b.room.take(5 * (end - start))
	b.data = append(b.data, a.Data[start:end]...)
	clear(b.pending)
	for i := start; i < end; i++ {
		c, at := a.Child(i)
		b.pending[c] = b.want(b.children[c], a.Children[c], b.pending[c], span{at, at + 1})
		last := b.children[c].n + b.pending[c].end - b.pending[c].start - 1
		b.offsets = binary.LittleEndian.AppendUint32(b.offsets, uint32(last))
	}
	for c, wanted := range b.pending {
		b.children[c].Append(a.Children[c], wanted.start, wanted.end)
	}
}

func (b *Builder) appendRuns(a *Array, start, end int) {
	n := b.n
	for run := a.Run(start); start < end; run++ {
		next := min(a.RunEnd(run), end)
		n += next - start
		if b.lastRuns == a && b.lastRun == run {
			b.moveRunEnd(n)
		} else {
			b.children[1].Append(a.Children[1], run, run+1)
			b.putRunEnd(n)
		}
		b.lastRuns, b.lastRun = a, run
		start = next
	}
}

// putRunEnd ends another run.
func (b *Builder) putRunEnd(end int) {
	ends := b.children[0]
	width := ends.field.Width
	if width < 8 && end >= 1<<(8*width-1) {
		b.room.left = -1
		return
	}
	ends.data = append(ends.data, make([]byte, width)...)
	ends.n++
	b.moveRunEnd(end)
}

// moveRunEnd has the last run end elsewhere.
func (b *Builder) moveRunEnd(end int) {
	ends := b.children[0]
	width := ends.field.Width
	if width < 8 && end >= 1<<(8*width-1) || ends.n == 0 {
		b.room.left = -1
		return
	}
	putInteger(ends.data, width, ends.n-1, int64(end))
}

// Part appends the array, with all below it, to a part of a message. The buffers are those of the
// Builder.
func (b *Builder) Part(p *ipc.Part) {
	node := ipc.Node{Length: int64(b.n), Nulls: int64(b.nulls)}
	var validity []byte
	if b.nulls > 0 {
		validity = b.validity
	}
	switch b.field.Layout {
	case ipc.Null:
		node.Nulls = node.Length
	case ipc.Fixed, ipc.Bits:
		p.Buffers = append(p.Buffers, validity, b.data)
	case ipc.Binary:
		b.startOffsets()
		p.Buffers = append(p.Buffers, validity, b.offsets, b.data)
	case ipc.View:
		p.Buffers = append(p.Buffers, validity, b.data)
		used := 0
		for used < len(b.buffers) && len(b.buffers[used]) > 0 {
			p.Buffers = append(p.Buffers, b.buffers[used])
			used++
		}
		p.Variadic = append(p.Variadic, int64(used))
	case ipc.List:
		b.startOffsets()
		p.Buffers = append(p.Buffers, validity, b.offsets)
	case ipc.ListView:
		p.Buffers = append(p.Buffers, validity, b.offsets, b.sizes)
	case ipc.FixedList, ipc.Struct:
		p.Buffers = append(p.Buffers, validity)
	case ipc.SparseUnion:
		p.Buffers = append(p.Buffers, b.data)
	case ipc.DenseUnion:
		p.Buffers = append(p.Buffers, b.data, b.offsets)
	}
	p.Nodes = append(p.Nodes, node)
	for _, child := range b.children {
		child.Part(p)
	}
}

// eachNull calls f for the values from start to before end that are null.
func eachNull(validity []byte, start, end int, f func(i int)) {
	if validity == nil {
		return
	}
	for i := start; i < end; {
		if i&7 == 0 && i+8 <= end && validity[i>>3] == 0xFF {
			i += 8
			continue
		}
		if validity[i>>3]>>(i&7)&1 == 0 {
			f(i)
		}
		i++
	}
}

// onesBetween counts the bits that are set from start to before end.
func onesBetween(b []byte, start, end int) (ones int) {
	for ; start < end && start&7 != 0; start++ {
		ones += int(b[start>>3] >> (start & 7) & 1)
	}
	for ; start+64 <= end; start += 64 {
		ones += bits.OnesCount64(binary.LittleEndian.Uint64(b[start>>3:]))
	}
	for ; start < end; start++ {
		ones += int(b[start>>3] >> (start & 7) & 1)
	}
	return ones
}

// extendBits appends n equal bits to the first at bits of dst. Bits behind the last are zero.
func extendBits(dst []byte, at, n int, set bool) []byte {
	size := (at + n + 7) / 8
	for len(dst) < size {
		dst = append(dst, 0)
	}
	if !set {
		return dst
	}
	for ; n > 0 && at&7 != 0; n-- {
		dst[at>>3] |= 1 << (at & 7)
		at++
	}
	for ; n >= 8; n -= 8 {
		dst[at>>3] = 0xFF
		at += 8
	}
	for ; n > 0; n-- {
		dst[at>>3] |= 1 << (at & 7)
		at++
	}
	return dst
}

// copyBits appends n bits of src from start to the first at bits of dst. Bits behind the last are
// zero.
func copyBits(dst []byte, at int, src []byte, start, n int) []byte {
	dst = extendBits(dst, at, n, false)
	for n > 0 {
		// Up to eight bits, as far as neither byte ends.
		step := min(n, 8-at&7, 8-start&7)
		bits := src[start>>3] >> (start & 7) & (1<<step - 1)
		dst[at>>3] |= bits << (at & 7)
		at, start, n = at+step, start+step, n-step
	}
	return dst
}
