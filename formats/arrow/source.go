package arrow

// The messages of an input, one after the other, and whether they are those that the footer of a
// file names.

import (
	"context"

	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/ipc"
)

// source gives the record batches of an input, and keeps its dictionaries.
type source struct {
	*dataset
	reader  *ipc.Reader
	decoder *column.Decoder
	ahead   []held // of a stream, to be given first
	keep    bool   // a sample: what is read of a stream must be given again
	zip     ipc.Compressor
	// Of a file: how many messages have come.
	dictionaries, batches int
}

// newSource starts behind the schema.
func (d *dataset) newSource() (*source, error) {
	s := &source{dataset: d, reader: d.stream, ahead: d.ahead}
	if d.footer != nil {
		s.reader = d.fileReader(d.schema.Start + d.schema.Prefixed)
	}
	var err error
	s.decoder, err = d.newDecoder()
	return s, err
}

// next returns the header of the next record batch, and takes the dictionaries before it. At the
// end it returns nil. The body is good until the next call where it is read into memory.
func (s *source) next(ctx context.Context, memory []byte) (*ipc.Message, []byte, error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, nil, err
		}
		m, body, err := s.message(memory)
		if err != nil || m.Kind == ipc.End {
			return nil, nil, err
		}
		switch m.Kind {
		case ipc.BatchMessage:
			return m, body, metadataTells(m.Metadata)
		case ipc.DictionaryMessage:
			if err := metadataTells(m.Metadata); err != nil {
				return nil, nil, err
			}
			if err := s.decoder.Dictionary(m, body, &s.zip, s.footer != nil); err != nil {
				return nil, nil, err
			}
		default:
			return nil, nil, ipc.Corrupt("it has a second schema")
		}
	}
}

// message returns the next message with its body: that of a batch in memory where it is enough.
func (s *source) message(memory []byte) (*ipc.Message, []byte, error) {
	if len(s.ahead) > 0 {
		first := s.ahead[0]
		s.ahead = s.ahead[1:]
		return first.message, first.body, nil
	}
	if s.footer != nil && s.reader.At() == s.footer.Start {
		return &ipc.Message{}, nil, s.expectAll() // files of some writers have no mark at the end
	}
	m, err := s.reader.Next()
	if err != nil {
		if s.footer == nil && err == ipc.ErrTruncated && m == nil {
			err = ErrNoEnd
		}
		return nil, nil, err
	}
	if m.Kind == ipc.End {
		s.hold(m, nil)
		return m, nil, s.end()
	}
	if m.BodyLength > s.format.batchLimit() {
		return nil, nil, ipc.OverLimit("a batch", m.BodyLength, s.format.batchLimit())
	}
	if s.footer != nil {
		if err := s.expect(m); err != nil {
			return nil, nil, err
		}
	}
	if m.Kind != ipc.BatchMessage || s.keep {
		memory = nil
	}
	body, err := s.reader.Body(memory, m.BodyLength)
	if err == nil {
		s.hold(m, body)
	}
	return m, body, err
}

// hold keeps a message of a stream that a sample has read.
func (s *source) hold(m *ipc.Message, body []byte) {
	if s.keep && s.footer == nil {
		s.dataset.ahead = append(s.dataset.ahead, held{m, body})
	}
}

// end makes sure that nothing follows the mark at the end.
func (s *source) end() error {
	if s.footer == nil {
		return s.reader.ExpectEnd()
	}
	if s.reader.At() != s.footer.Start {
		return ErrFooter
	}
	return s.expectAll()
}

// expect makes sure that a message is the next one that the footer names.
func (s *source) expect(m *ipc.Message) error {
	blocks, n := s.footer.Batches, &s.batches
	if m.Kind == ipc.DictionaryMessage {
		blocks, n = s.footer.Dictionaries, &s.dictionaries
	}
	if *n >= len(blocks) || blocks[*n] != (ipc.Block{Offset: m.Start, Header: m.Prefixed, Body: m.BodyLength}) {
		return ErrFooter
	}
	*n++
	return nil
}

// expectAll makes sure that all messages came that the footer names.
func (s *source) expectAll() error {
	if s.batches != len(s.footer.Batches) || s.dictionaries != len(s.footer.Dictionaries) {
		return ErrFooter
	}
	return nil
}
