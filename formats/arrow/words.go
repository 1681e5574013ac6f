package arrow

import (
	"bufio"
	"encoding/binary"
	"io"

	"noo/formats/arrow/internal/ipc"
)

// Words writes an Arrow IPC stream of one column, whose values are words of a dictionary. Nobody
// has to wait for a batch that was written. It is for one goroutine at a time.
type Words struct {
	ahead *bufio.Writer
	out   *ipc.Writer
	words []string
	sent  bool // the dictionary is
}

// KeyValue is an entry of the metadata of a schema.
type KeyValue = ipc.KeyValue

// NewWords starts a stream with a column of a name, which is never null. Its schema has these
// metadata.
func NewWords(
	to io.Writer,
	column string,
	words []string,
	metadata ...KeyValue,
) (*Words, error) {
	schema, err := ipc.WordsSchema(column, metadata...)
	if err != nil {
		return nil, err
	}
	w := &Words{ahead: bufio.NewWriterSize(to, 256<<10), words: words}
	if w.out, err = ipc.NewWriter(w.ahead, false, schema); err != nil {
		return nil, err
	}
	return w, w.ahead.Flush()
}

// Write writes a batch with a value for each index, which is the place of its word.
func (w *Words) Write(indices []byte) error {
	if !w.sent {
		if err := w.dictionary(); err != nil {
			return err
		}
	}
	rows := int64(len(indices))
	part := ipc.Part{Nodes: []ipc.Node{{Length: rows}}, Buffers: [][]byte{nil, indices}}
	if err := w.out.Batch(rows, ipc.Uncompressed, nil, []ipc.Part{part}); err != nil {
		return err
	}
	return w.ahead.Flush()
}

// dictionary writes the words, once.
func (w *Words) dictionary() error {
	w.sent = true
	rows := int64(len(w.words))
	offsets := make([]byte, 4)
	var text []byte
	for _, word := range w.words {
		text = append(text, word...)
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(text)))
	}
	part := ipc.Part{Nodes: []ipc.Node{{Length: rows}}, Buffers: [][]byte{nil, offsets, text}}
	return w.out.Dictionary(0, rows, ipc.Uncompressed, part)
}

// End ends the stream with the mark that it is complete. A stream that is not ended cannot be taken
// for a complete one.
func (w *Words) End() error {
	if err := w.out.End(nil); err != nil {
		return err
	}
	return w.ahead.Flush()
}
